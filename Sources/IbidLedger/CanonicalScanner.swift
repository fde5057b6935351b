import Glibc

/// Walks over JSON in canonical form (RFC 8785) without building it, and stops at the first byte that is not canonical.
///
/// A ledger is verified by reading every statement in it; as `JSONValue`s that takes ten times as long.
struct CanonicalScanner {
    /// The bytes are not canonical JSON, or nested deeper than any statement is.
    struct NotCanonical: Error {}

    /// A string's content between its quotes, escapes as they are.
    typealias Text = Range<Int>

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    private var seen: UInt64 = 0
    private var hasEscapes = false

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// Whether everything was read.
    var isAtEnd: Bool { position == bytes.count }

    /// Whether no byte so far was outside of ASCII; otherwise the caller sees to it that the whole is UTF-8.
    var isASCII: Bool { seen & Self.each(0x80) == 0 }

    /// Whether the next value is a string.
    var isAtString: Bool { peek == UInt8(ascii: "\"") }
    /// Whether the next value is an object.
    var isAtObject: Bool { peek == UInt8(ascii: "{") }
    /// Whether the next value is an array.
    var isAtArray: Bool { peek == UInt8(ascii: "[") }

    /// Reads an object; the closure reads each member's value.
    mutating func object(_ member: (inout CanonicalScanner, Text) throws(NotCanonical) -> Void) throws(NotCanonical) {
        try enter(UInt8(ascii: "{"))
        defer { depth -= 1 }
        if take(UInt8(ascii: "}")) { return }
        var previous: Text?
        repeat {
            let key = try string()
            // Section 3.2.3: ascending, so no key is there twice.
            if let previous, !precedes(previous, key) { throw NotCanonical() }
            previous = key
            guard take(UInt8(ascii: ":")) else { throw NotCanonical() }
            try member(&self, key)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw NotCanonical() }
    }

    /// Reads an array; the closure reads each element.
    mutating func array(_ element: (inout CanonicalScanner) throws(NotCanonical) -> Void) throws(NotCanonical) {
        try enter(UInt8(ascii: "["))
        defer { depth -= 1 }
        if take(UInt8(ascii: "]")) { return }
        repeat { try element(&self) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw NotCanonical() }
    }

    /// Reads a string.
    mutating func string() throws(NotCanonical) -> Text {
        guard take(UInt8(ascii: "\"")) else { throw NotCanonical() }
        let start = position
        while true {
            skipPlain()
            guard position < bytes.count else { throw NotCanonical() }
            let byte = bytes[position]
            position += 1
            seen |= UInt64(byte)
            if byte == UInt8(ascii: "\"") { return start..<position - 1 }
            if byte < 0x20 { throw NotCanonical() }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try escape()
            }
        }
    }

    /// Reads any value and forgets it.
    mutating func skip() throws(NotCanonical) {
        switch peek {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try object { (scanner, _) throws(NotCanonical) in try scanner.skip() }
        case UInt8(ascii: "["): try array { scanner throws(NotCanonical) in try scanner.skip() }
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        default: try integer()
        }
    }

    /// Whether a text is this, which holds nothing that is escaped.
    func matches(_ text: Text, _ expected: StaticString) -> Bool {
        guard text.count == expected.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
        return memcmp(base + text.lowerBound, expected.utf8Start, text.count) == 0
    }

    /// Whether a text is so many lower-case hexadecimal digits.
    func isHex(_ text: Text, count: Int) -> Bool {
        guard text.count == count, let base = bytes.baseAddress.map({ UnsafeRawPointer($0) }) else { return false }
        var place = text.lowerBound
        // Eight at a time: adding sets a byte's highest bit where the byte is at least, or more than, a bound.
        while place + 8 <= text.upperBound {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            let digits = (word &+ Self.each(0x80 - 0x30)) & ~(word &+ Self.each(0x7f - 0x39))
            let letters = (word &+ Self.each(0x80 - 0x61)) & ~(word &+ Self.each(0x7f - 0x66))
            guard (digits | letters) & ~word & Self.each(0x80) == Self.each(0x80) else { return false }
            place += 8
        }
        return bytes[place..<text.upperBound].allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66)
        }
    }

    /// A text's bytes when nothing in it is escaped, so that they are what it stands for.
    func plain(_ text: Text) -> UnsafeRawBufferPointer? {
        guard let base = bytes.baseAddress else { return nil }
        let raw = UnsafeRawBufferPointer(start: base + text.lowerBound, count: text.count)
        return hasEscapes && raw.contains(UInt8(ascii: "\\")) ? nil : raw
    }

    /// The string that a text stands for.
    func value(of text: Text) -> String {
        let raw = UnsafeBufferPointer(rebasing: bytes[text])
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var unescaped: [UInt8] = []
        var index = text.lowerBound
        while index < text.upperBound {
            if bytes[index] != UInt8(ascii: "\\") {
                unescaped.append(bytes[index])
                index += 1
            } else if bytes[index + 1] == UInt8(ascii: "u") {
                // Only \u00xx is canonical, and `escape` has let nothing else pass.
                unescaped.append(Self.digit(bytes[index + 4]) << 4 | Self.digit(bytes[index + 5]))
                index += 6
            } else {
                let short: [UInt8: UInt8] = [0x62: 8, 0x74: 9, 0x6e: 10, 0x66: 12, 0x72: 13]
                unescaped.append(short[bytes[index + 1]] ?? bytes[index + 1])
                index += 2
            }
        }
        return String(decoding: unescaped, as: UTF8.self)
    }

    // MARK: Bytes

    // Eight bytes at a time as long as none of them is a quote, a backslash or a control character.
    private mutating func skipPlain() {
        guard let base = bytes.baseAddress.map({ UnsafeRawPointer($0) }) else { return }
        while position + 8 <= bytes.count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let (quote, backslash) = (word ^ Self.each(UInt8(ascii: "\"")), word ^ Self.each(UInt8(ascii: "\\")))
            let stops =
                ((word &- Self.each(0x20)) & ~word | (quote &- Self.each(1)) & ~quote
                    | (backslash &- Self.each(1)) & ~backslash) & Self.each(0x80)
            seen |= word
            if stops != 0 {
                // The lowest mark is right; those above it may be a borrow.
                position += stops.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
    }

    @inline(__always) private static func each(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    private var peek: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte, position < bytes.count else { return false }
        position += 1
        return true
    }

    private mutating func enter(_ byte: UInt8) throws(NotCanonical) {
        guard take(byte), depth < 100 else { throw NotCanonical() }
        depth += 1
    }

    private mutating func literal(_ text: StaticString) throws(NotCanonical) {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count, matches(position..<end, text) else { throw NotCanonical() }
        position = end
    }

    // Section 3.2.2.3, of integers: no plus, no leading zero, no minus zero, at most 2^53 - 1.
    private mutating func integer() throws(NotCanonical) {
        let negative = take(UInt8(ascii: "-"))
        let first = position
        var value: Int64 = 0
        while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39, position - first < 16 {
            value = value * 10 + Int64(bytes[position] - 0x30)
            position += 1
        }
        let zero = position > first && bytes[first] == 0x30
        guard position > first, value < 1 << 53, !(zero && (negative || position - first > 1)) else {
            throw NotCanonical()
        }
    }

    // Section 3.2.2.2: the short forms where they exist, \u00xx for the other control characters, no other escape.
    private mutating func escape() throws(NotCanonical) {
        guard position < bytes.count else { throw NotCanonical() }
        let letter = bytes[position]
        position += 1
        switch letter {
        case 0x22, 0x5c, 0x62, 0x66, 0x6e, 0x72, 0x74: return
        case 0x75:
            guard position + 4 <= bytes.count, bytes[position] == 0x30, bytes[position + 1] == 0x30,
                bytes[position + 2] == 0x30 || bytes[position + 2] == 0x31
            else { throw NotCanonical() }
            let low = bytes[position + 3]
            guard (0x30...0x39).contains(low) || (0x61...0x66).contains(low) else { throw NotCanonical() }
            let value = Self.digit(bytes[position + 2]) << 4 | Self.digit(low)
            guard ![8, 9, 10, 12, 13].contains(value) else { throw NotCanonical() }
            position += 4
        default: throw NotCanonical()
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8 { byte <= 0x39 ? byte - 0x30 : byte - 0x61 + 10 }

    // By UTF-16 code units; for plain ASCII that is the order of the bytes.
    private func precedes(_ left: Text, _ right: Text) -> Bool {
        let (a, b) = (UnsafeBufferPointer(rebasing: bytes[left]), UnsafeBufferPointer(rebasing: bytes[right]))
        for (x, y) in zip(a, b) {
            if x >= 0x80 || y >= 0x80 || x == 0x5c || y == 0x5c {
                return value(of: left).utf16.lexicographicallyPrecedes(value(of: right).utf16)
            }
            if x != y { return x < y }
        }
        return a.count < b.count
    }
}
