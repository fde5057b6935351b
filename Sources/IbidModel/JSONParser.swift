/// Reads JSON text (RFC 8259) into a value, byte by byte.
///
/// Foundation's decoder gives the same values, but its generic containers cost more than everything else that a short
/// command does. Of equal keys the first counts, as there; a comma before an end is refused, as the RFC has it.
struct JSONParser {
    /// Deeper than anything that is written: recursion ends here, and not with the stack.
    static let deepest = 512

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    /// The value that the bytes are.
    ///
    /// - Throws: `DecodingError.dataCorrupted`, saying what is wrong and where.
    static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        try bytes.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(bytes: buffer)
            // Section 8.1: a byte order mark may be passed over.
            if buffer.starts(with: [0xef, 0xbb, 0xbf]) { parser.position = 3 }
            let value = try parser.value()
            parser.skipSpace()
            guard parser.position == buffer.count else { throw parser.error("there is more after its end") }
            return value
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private func error(_ reason: String) -> DecodingError {
        DecodingError.dataCorrupted(
            DecodingError.Context(codingPath: [], debugDescription: "\(reason), at byte \(position)"))
    }

    // MARK: Values

    private mutating func value() throws -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try nested { try $0.object() }
        case UInt8(ascii: "["): return try nested { try $0.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw error("it ends too early")
        case let byte? where byte == UInt8(ascii: "-") || Self.isDigit(byte): return .int(try number())
        default: throw error("no value begins like this")
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws -> JSONValue) throws -> JSONValue {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw error("it is nested too deep") }
        position += 1
        return try body(&self)
    }

    private mutating func object() throws -> JSONValue {
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a key is missing") }
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon is missing") }
            let value = try value()
            if members[key] == nil { members[key] = value }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("an object does not end") }
        return .object(members)
    }

    private mutating func array() throws -> JSONValue {
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        repeat {
            elements.append(try value())
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("an array does not end") }
        return .array(elements)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) {
            throw error("no value begins like this")
        }
        return value
    }

    // Section 6. A larger number would be written differently by different readers, so it is refused where it is read;
    // a fraction that is none (1.0, 1e3) is the integer that it is.
    private mutating func number() throws -> Int64 {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        let isInteger = peek != UInt8(ascii: ".") && (peek ?? 0) | 0x20 != UInt8(ascii: "e")
        if take(UInt8(ascii: ".")) { try digits() }
        if (peek ?? 0) | 0x20 == UInt8(ascii: "e") {
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let value = isInteger ? Int64(text) : Double(text).flatMap { Int64(exactly: $0) }
        guard let value else {
            throw error(isInteger ? Self.tooLarge : "a number with a fraction has no place in a record")
        }
        guard (-CanonicalJSON.largestInteger...CanonicalJSON.largestInteger).contains(value) else {
            throw error(Self.tooLarge)
        }
        return value
    }

    private static let tooLarge = "an integer beyond 2^53 - 1 has no place in a record"

    private mutating func digits() throws {
        let start = position
        while let byte = peek, Self.isDigit(byte) { position += 1 }
        guard position > start else { throw error("a digit is missing") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // MARK: Strings

    private mutating func string() throws -> String {
        position += 1
        let start = position
        while let byte = peek {
            guard byte >= 0x20 else { throw error("a control character stands in a string") }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            position += 1
            if byte == UInt8(ascii: "\"") { return try text(bytes[start..<position - 1]) }
        }
        throw error("a string does not end")
    }

    private mutating func escapedString(from start: Int) throws -> String {
        var unescaped = Array(bytes[start..<position])
        while let byte = peek {
            guard byte >= 0x20 else { throw error("a control character stands in a string") }
            position += 1
            if byte == UInt8(ascii: "\"") { return try text(unescaped) }
            if byte == UInt8(ascii: "\\") { try escape(into: &unescaped) } else { unescaped.append(byte) }
        }
        throw error("a string does not end")
    }

    private func text(_ bytes: some Collection<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return text
    }

    private mutating func escape(into output: inout [UInt8]) throws {
        guard let byte = peek else { throw error("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0c)
        case UInt8(ascii: "n"): output.append(0x0a)
        case UInt8(ascii: "r"): output.append(0x0d)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"):
            guard let scalar = try scalar() else { throw error("half of a surrogate pair stands alone") }
            output.append(contentsOf: String(Character(scalar)).utf8)
        default: throw error("there is no such escape")
        }
    }

    private mutating func scalar() throws -> Unicode.Scalar? {
        let first = try codeUnit()
        guard (0xd800..<0xdc00).contains(first) else { return Unicode.Scalar(first) }
        guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { return nil }
        let second = try codeUnit()
        guard (0xdc00..<0xe000).contains(second) else { return nil }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    }

    private mutating func codeUnit() throws -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error("an escape lacks digits")
            }
            position += 1
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    // MARK: Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }
}
