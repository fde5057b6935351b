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
    public static func parse(_ bytes: [UInt8]) -> JSONNode? { try? JSONNode(bytes) }

    /// The same, saying where it stops to be JSON.
    init(_ bytes: [UInt8]) throws(Unreadable) {
        var parser = JSONNodeParser(bytes: bytes)
        let node = parser.value(depth: 0)
        parser.skipBlank()
        guard let node, parser.isAtEnd else { throw Unreadable(reason: "it is no JSON from byte \(parser.index) on") }
        self = node
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
                // Half a character has no bytes: two different halves must not become the same.
                guard let scalar = Unicode.Scalar(value) else { return nil }
                units += String(scalar).utf8
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
            // By bytes, since accents can be written in two ways; a key that stands twice has two values.
            let left = Dictionary(grouping: before) { Array($0.key.utf8) }
            let right = Dictionary(grouping: after) { Array($0.key.utf8) }
            let keys = Set(left.keys).union(right.keys).sorted { $0.lexicographicallyPrecedes($1) }
            for key in keys {
                let place = "\(path).\(Self.clip(String(decoding: key, as: UTF8.self), 40))"
                let (olds, news) = (left[key] ?? [], right[key] ?? [])
                if olds.count != news.count {
                    let words =
                        olds.isEmpty ? "new" : news.isEmpty ? "gone" : "there \(olds.count) times, now \(news.count)"
                    structure("\(place) is \(words)")
                }
                for (old, new) in zip(olds, news) { nodes(old.value, new.value, at: place) }
            }
        case (.array(let before), .array(let after)):
            if before.count != after.count {
                structure("\(path) has \(before.count) elements, now \(after.count)")
            }
            for (index, (old, new)) in zip(before, after).enumerated() { nodes(old, new, at: "\(path)[\(index)]") }
        case (.number(let old), .number(let new)): texts(old, new, group: Self.group(path), at: path)
        // A text of digits is a name or a version: 1.10 is not 1.1.
        case (.string(let old), .string(let new)): exact(old, new, group: Self.group(path), at: path)
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
