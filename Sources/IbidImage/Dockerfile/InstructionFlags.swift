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
            let word = Self.firstWord(of: text, escape: escape)
            text = DockerfileReader.trimmed(String(text.unicodeScalars.dropFirst(word.unicodeScalars.count)))
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
            let lexer = ShellLexer(escape: escape) { "${" + $0 + "}" }
            let raw = parts.count == 2 ? String(parts[1]) : "true"
            // Quotes around a flag's value go here; its variables stay for the expansion of the step.
            values[name, default: []].append(
                raw.contains("\"") || raw.contains("'") ? (try? lexer.word(raw)) ?? raw : raw)
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
        case "true", "1": return true
        case "false", "0": return false
        default:
            throw IbidError.dockerfile(
                line.place, "the flag '--\(name)' is true or false, not '\(value)'", text: line.text)
        }
    }

    private static func firstWord(of text: String, escape: Unicode.Scalar) -> String {
        var word = String.UnicodeScalarView()
        var quote: Unicode.Scalar?
        var escaped = false
        for scalar in text.unicodeScalars {
            if !escaped, quote == nil, scalar.properties.isWhitespace { break }
            if escaped {
                escaped = false
            } else if scalar == escape {
                escaped = true
            } else if scalar == quote {
                quote = nil
            } else if quote == nil, scalar == "\"" || scalar == "'" {
                quote = scalar
            }
            word.append(scalar)
        }
        return String(word)
    }
}
