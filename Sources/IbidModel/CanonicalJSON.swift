import FoundationEssentials

/// RFC 8785 (JSON Canonicalization Scheme): one sequence of bytes for one value, so that a digest of a record is a
/// digest of what it says.
public enum CanonicalJSON {
    /// The largest integer that RFC 8785 can carry without loss: 2^53 - 1.
    public static let largestInteger: Int64 = 9_007_199_254_740_991

    /// The canonical bytes of a value.
    public static func bytes(_ value: JSONValue) -> [UInt8] {
        var output: [UInt8] = []
        write(value, into: &output)
        return output
    }

    /// The canonical bytes of an object of which one member is a list too long to be held as values at one time.
    ///
    /// - Parameters:
    ///   - object: the other members.
    ///   - key: the name of that member; it is none of the others'.
    ///   - elements: its elements, each made when it is written.
    static func bytes(
        _ object: [String: JSONValue], with key: String, of elements: some Sequence<JSONValue>
    ) -> [UInt8] {
        var output: [UInt8] = []
        let members = object.map { (key: $0.key, value: JSONValue?.some($0.value)) } + [(key: key, value: nil)]
        writeObject(members, into: &output) { value, output in
            if let value { write(value, into: &output) } else { writeArray(elements, into: &output) }
        }
        return output
    }

    /// The canonical bytes of anything that encodes to JSON without fractions.
    ///
    /// - Throws: `EncodingError` or `DecodingError` when the value does not encode, or holds a fraction.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        bytes(try parse(Array(try JSONEncoder().encode(value))))
    }

    /// Reads JSON text into a value.
    ///
    /// - Throws: `DecodingError` for anything that is not JSON with integer numbers.
    public static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        try JSONParser.parse(bytes)
    }

    /// Decodes a type from JSON text.
    ///
    /// - Throws: `DecodingError`.
    public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
        try JSONDecoder().decode(type, from: Data(bytes))
    }

    private static func write(_ value: JSONValue, into output: inout [UInt8]) {
        switch value {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .int(let value):
            precondition(
                (-largestInteger...largestInteger).contains(value), "integers beyond 2^53 - 1 are recorded as text")
            output += String(value).utf8
        case .string(let text): write(text, into: &output)
        case .array(let elements): writeArray(elements, into: &output)
        case .object(let members):
            writeObject(members, into: &output) { write($0, into: &$1) }
        }
    }

    private static func writeArray(_ elements: some Sequence<JSONValue>, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(element, into: &output)
        }
        output.append(UInt8(ascii: "]"))
    }

    private static func writeObject<Value>(
        _ members: some Sequence<(key: String, value: Value)>, into output: inout [UInt8],
        value: (Value, inout [UInt8]) -> Void
    ) {
        output.append(UInt8(ascii: "{"))
        for (index, member) in members.sorted(by: { precedes($0.key, $1.key) }).enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(member.key, into: &output)
            output.append(UInt8(ascii: ":"))
            value(member.value, &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    // Section 3.2.3: sort by UTF-16 code units, not by scalars or by locale.
    private static func precedes(_ one: String, _ other: String) -> Bool {
        let difference = one.utf8.withContiguousStorageIfAvailable { one in
            other.utf8.withContiguousStorageIfAvailable { other -> Bool? in
                let common = min(one.count, other.count)
                guard let place = (0..<common).first(where: { one[$0] != other[$0] }) else {
                    return one.count < other.count
                }
                // Bytes are in the same order up to U+D7FF; above it surrogates come in between.
                return max(one[place], other[place]) < 0xee ? one[place] < other[place] : nil
            }
        }
        return difference.flatMap { $0 }.flatMap { $0 } ?? one.utf16.lexicographicallyPrecedes(other.utf16)
    }

    // Section 3.2.2.2: the short escapes where they exist, \u00xx for the other controls, everything else as it is.
    private static func write(_ text: String, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var rest = bytes[...]
            while let place = rest.firstIndex(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c }) {
                output += rest[..<place]
                output += escape(rest[place]).utf8
                rest = rest[(place + 1)...]
            }
            output += rest
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8) -> String {
        switch byte {
        case 0x22: "\\\""
        case 0x5c: "\\\\"
        case 0x08: "\\b"
        case 0x09: "\\t"
        case 0x0a: "\\n"
        case 0x0c: "\\f"
        case 0x0d: "\\r"
        default: "\\u00" + Hex.encode([byte])
        }
    }
}
