/// JSON as files have it: numbers keep their text, members their order.
public indirect enum JSONNode {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, as it is written.
    case number(String)
    /// A string.
    case string(String)
    /// An array.
    case array([JSONNode])
    /// An object; a name can stand there twice.
    case object([(key: String, value: JSONNode)])

    /// What to call it in a sentence.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The first value under a key; nil when there is none.
    public subscript(key: String) -> JSONNode? {
        if case .object(let members) = self { return members.first { $0.key == key }?.value }
        return nil
    }

    /// The elements, when this is an array.
    public var array: [JSONNode]? { if case .array(let items) = self { items } else { nil } }
    /// The text, when this is a string.
    public var string: String? { if case .string(let text) = self { text } else { nil } }

    /// Reads a document; nil for what is no JSON, or nested deeper than anything sensible. `NaN` and `Infinity`, which
    /// Python writes, are numbers.
    public static func parse(_ bytes: [UInt8]) -> JSONNode? {
        var parser = JSONNodeParser(bytes: bytes)
        guard let node = parser.value(depth: 0) else { return nil }
        parser.skipBlank()
        return parser.isAtEnd ? node : nil
    }
}

private struct JSONNodeParser {
    let bytes: [UInt8]
    var index = 0

    private static let deepest = 200

    var isAtEnd: Bool { index == bytes.count }
    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skipBlank() {
        while let byte = peek, byte == 32 || (9...13).contains(byte) { index += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let matches = text.withUTF8Buffer { bytes[index...].starts(with: $0) }
        if matches { index += text.utf8CodeUnitCount }
        return matches
    }

    mutating func value(depth: Int) -> JSONNode? {
        skipBlank()
        guard depth < Self.deepest, let byte = peek else { return nil }
        switch byte {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return text().map { .string($0) }
        case UInt8(ascii: "t"): return take("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take("false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take("null") ? .null : nil
        default:
            let start = index
            while let byte = peek, !",]} \n\r\t".utf8.contains(byte) { index += 1 }
            let text = String(decoding: bytes[start..<index], as: UTF8.self)
            return NumberText.parse(text) == nil ? nil : .number(text)
        }
    }

    private mutating func array(depth: Int) -> JSONNode? {
        index += 1
        var items: [JSONNode] = []
        skipBlank()
        if take("]") { return .array([]) }
        while let item = value(depth: depth + 1) {
            items.append(item)
            skipBlank()
            if take("]") { return .array(items) }
            guard take(",") else { return nil }
        }
        return nil
    }

    private mutating func object(depth: Int) -> JSONNode? {
        index += 1
        var members: [(key: String, value: JSONNode)] = []
        skipBlank()
        if take("}") { return .object([]) }
        while true {
            skipBlank()
            guard peek == UInt8(ascii: "\""), let key = text() else { return nil }
            skipBlank()
            guard take(":"), let value = value(depth: depth + 1) else { return nil }
            members.append((key, value))
            skipBlank()
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func text() -> String? {
        index += 1
        var units: [UInt8] = []
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: units, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = peek else { return nil }
                index += 1
                let plain: [UInt8: UInt8] = [0x62: 8, 0x74: 9, 0x6E: 10, 0x66: 12, 0x72: 13]
                if escaped != UInt8(ascii: "u") {
                    units.append(plain[escaped] ?? escaped)
                    continue
                }
                guard var value = hex() else { return nil }
                if (0xD800..<0xDC00).contains(value), take("\\u"), let low = hex(), (0xDC00..<0xE000).contains(low) {
                    value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                }
                units += String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8
            default: units.append(byte)
            }
        }
        return nil
    }

    private mutating func hex() -> UInt32? {
        guard index + 4 <= bytes.count else { return nil }
        defer { index += 4 }
        return UInt32(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
    }
}

extension Tally {
    /// Compares two documents path by path.
    mutating func nodes(_ old: JSONNode, _ new: JSONNode, at path: String = "$") {
        // Elements of an array are one group: `$.rows[].price`.
        switch (old, new) {
        case (.object(let before), .object(let after)):
            let left = Dictionary(before.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
            let right = Dictionary(after.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
            for key in Set(left.keys).union(right.keys).sorted() {
                let place = "\(path).\(Self.clip(key, 40))"
                switch (left[key], right[key]) {
                case (let old?, let new?): nodes(old, new, at: place)
                case (nil, _): structure("\(place) is new")
                case (_, nil): structure("\(place) is gone")
                }
            }
        case (.array(let before), .array(let after)):
            if before.count != after.count {
                structure("\(path) has \(before.count) elements, now \(after.count)")
            }
            for (index, (old, new)) in zip(before, after).enumerated() { nodes(old, new, at: "\(path)[\(index)]") }
        case (.number(let old), .number(let new)), (.string(let old), .string(let new)):
            texts(old, new, group: Self.group(path), at: path)
        case (.bool(let old), .bool(let new)): texts("\(old)", "\(new)", group: Self.group(path), at: path)
        case (.null, .null): break
        default: structure("\(path) was \(old.kind), is \(new.kind)")
        }
    }

    private static func group(_ path: String) -> String {
        guard path.utf8.contains(UInt8(ascii: "[")) else { return path }
        var text = ""
        var isIndex = false
        for character in path {
            if character == "]" { isIndex = false }
            if !isIndex { text.append(character) }
            if character == "[" { isIndex = true }
        }
        return text
    }
}
