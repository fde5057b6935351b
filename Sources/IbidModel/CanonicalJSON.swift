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
        writeObject(object.keys + [key], into: &output) { name, output in
            if name != key { return write(object[name] ?? .null, into: &output) }
            writeArray(elements, into: &output)
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
            writeObject(Array(members.keys), into: &output) { write(members[$0] ?? .null, into: &$1) }
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

    private static func writeObject(
        _ keys: [String], into output: inout [UInt8], value: (String, inout [UInt8]) -> Void
    ) {
        output.append(UInt8(ascii: "{"))
        // Section 3.2.3: sort by UTF-16 code units, not by scalars or by locale.
        let sorted = keys.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
        for (index, key) in sorted.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            write(key, into: &output)
            output.append(UInt8(ascii: ":"))
            value(key, &output)
        }
        output.append(UInt8(ascii: "}"))
    }

    // Section 3.2.2.2: the short escapes where they exist, \u00xx for the other controls, everything else as it is.
    private static func write(_ text: String, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case 0x22: output += "\\\"".utf8
            case 0x5c: output += "\\\\".utf8
            case 0x08: output += "\\b".utf8
            case 0x09: output += "\\t".utf8
            case 0x0a: output += "\\n".utf8
            case 0x0c: output += "\\f".utf8
            case 0x0d: output += "\\r".utf8
            case 0..<0x20: output += ("\\u00" + Hex.encode([byte])).utf8
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
