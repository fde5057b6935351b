import IbidModel

/// The `--name=value` words between an instruction's keyword and its arguments.
struct InstructionFlags {
    private var values: [String: [String]] = [:]

    /// Takes the flags off the front of the text.
    ///
    /// - Parameters:
    ///   - known: the instruction's flags; true when the flag may be given more than once.
    ///   - switches: those of them that may stand without a value.
    init(
        takenFrom text: inout String, known: [String: Bool], switches: Set<String>, line: LogicalLine,
        escape: Unicode.Scalar
    ) throws {
        while text.hasPrefix("--") {
            guard values.values.reduce(0, { $0 + $1.count }) < 500 else {
                throw IbidError.dockerfile(line.place, "the instruction has more than 500 flags", text: line.text)
            }
            let (word, rest) = Self.firstWord(of: text, escape: escape)
            text = rest
            if word == "--" { return }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts.first ?? "")
            guard let repeats = known[name] else {
                let list = known.keys.sorted().map { "--" + $0 }.joined(separator: ", ")
                throw IbidError.dockerfile(
                    line.place, "unknown flag '--\(name)'", text: line.text,
                    hint: list.isEmpty ? "this instruction takes no flags" : "known flags: \(list)")
            }
            if values[name] != nil, !repeats {
                throw IbidError.dockerfile(line.place, "the flag '--\(name)' is given twice", text: line.text)
            }
            guard parts.count == 2 || switches.contains(name) else {
                throw IbidError.dockerfile(
                    line.place, "the flag '--\(name)' needs a value", text: line.text, hint: "write --\(name)=VALUE")
            }
            values[name, default: []].append(parts.count == 2 ? String(parts[1]) : "true")
        }
    }

    /// The flag's value; nil when it was not given.
    func value(_ name: String) -> String? { values[name]?.last }

    /// All values of a flag that may be repeated.
    func all(_ name: String) -> [String] { values[name] ?? [] }

    /// A switch: `--link`, `--link=true`, `--link=false`; nil when it was not given.
    func isOn(_ name: String, line: LogicalLine) throws -> Bool? {
        guard let value = value(name) else { return nil }
        switch value.lowercased() {
        case "true": return true
        case "false": return false
        default:
            throw IbidError.dockerfile(
                line.place, "the flag '--\(name)' is true or false, not '\(value)'", text: line.text)
        }
    }

    /// The first word without its quotes and escapes, as BuildKit's `split_command.go` reads it (its variables stay for
    /// the expansion of the step), and what follows it.
    private static func firstWord(of text: String, escape: Unicode.Scalar) -> (word: String, rest: String) {
        var word = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        var quote: Unicode.Scalar?
        while let scalar = rest.first {
            if quote == nil, scalar.properties.isWhitespace { break }
            rest = rest.dropFirst()
            if scalar == escape {
                if let escaped = rest.popFirst() { word.append(escaped) }
            } else if scalar == quote {
                quote = nil
            } else if quote == nil, scalar == "\"" || scalar == "'" {
                quote = scalar
            } else {
                word.append(scalar)
            }
        }
        return (String(word), DockerfileReader.trimmed(String(rest)))
    }
}
