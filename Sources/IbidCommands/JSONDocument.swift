/// A JSON document for people's programs: keys in the order of the contract, numbers may have fractions.
///
/// What is signed or hashed never goes through here (see `CanonicalJSON`).
indirect enum JSONDocument {
    case null
    case bool(Bool)
    case int(Int64)
    case number(Double)
    case string(String)
    case array([JSONDocument])
    case object([(String, JSONDocument)])

    /// A string, or null.
    static func text(_ value: (some CustomStringConvertible)?) -> JSONDocument {
        value.map { .string($0.description) } ?? .null
    }

    /// An object of strings, sorted by key.
    static func strings(_ members: [String: String]) -> JSONDocument {
        .object(members.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
    }

    /// The document as indented text with a final newline.
    var text: String {
        var output = ""
        write(into: &output, indent: 0)
        return output + "\n"
    }

    private func write(into output: inout String, indent: Int) {
        let inner = String(repeating: "  ", count: indent + 1)
        let outer = String(repeating: "  ", count: indent)
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .int(let value): output += String(value)
        case .number(let value): output += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.write(value, into: &output)
        case .array(let elements):
            if elements.isEmpty { return output += "[]" }
            output += "[\n"
            for (index, element) in elements.enumerated() {
                output += inner
                element.write(into: &output, indent: indent + 1)
                output += index + 1 < elements.count ? ",\n" : "\n"
            }
            output += outer + "]"
        case .object(let members):
            if members.isEmpty { return output += "{}" }
            output += "{\n"
            for (index, member) in members.enumerated() {
                output += inner
                Self.write(member.0, into: &output)
                output += ": "
                member.1.write(into: &output, indent: indent + 1)
                output += index + 1 < members.count ? ",\n" : "\n"
            }
            output += outer + "}"
        }
    }

    private static func write(_ text: String, into output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}
