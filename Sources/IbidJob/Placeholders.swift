public import IbidModel

/// Parameters: how their values are written, and how they get into a command.
public enum Placeholders {
    /// Fills parameters into a command: `{name}` becomes the parameter's text, `{{` and `}}` become single braces.
    ///
    /// Each argument stays one argument, whatever its text: nothing is split or quoted.
    /// - Throws: for a placeholder that `params` lacks and for a brace that belongs to none.
    public static func substitute(_ command: [String], params: [String: String]) throws -> [String] {
        try command.map { try substitute($0, params: params) }
    }

    /// Fills parameters into one argument.
    static func substitute(_ argument: String, params: [String: String]) throws -> String {
        var result = String.UnicodeScalarView()
        var rest = argument.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                rest.removeFirst()
                result.append(scalar)
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw IbidError.strayBrace(argument, "{") }
                let name = String(rest[..<end])
                guard isName(name) else { throw IbidError.strayBrace(argument, "{") }
                guard let value = params[name] else {
                    throw IbidError.unknownPlaceholder(name, in: argument, known: params.keys.sorted())
                }
                result.append(contentsOf: value.unicodeScalars)
                rest = rest[end...].dropFirst()
            case "}": throw IbidError.strayBrace(argument, "}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// Whether text can name a parameter: a letter or `_`, then letters, digits, `_`, `-`, `.` (ASCII).
    public static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (65...90).contains(byte & 0xDF) || byte == UInt8(ascii: "_") }
        return isLetter(first)
            && text.utf8.allSatisfy {
                isLetter($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
    }

    /// The text of a number with a fraction or an exponent: the shortest that reads back as the same double, with a
    /// point or an exponent so that it stays recognisable as one (`1.5`, `2.0`, `1e-9`).
    static func text(of number: Double) -> String {
        let text = number.description
        guard let e = text.firstIndex(of: "e") else { return text }
        // Swift pads exponents to two digits, people and JSON do not.
        let exponent = text[text.index(after: e)...]
        let digits = exponent.drop { $0 == "-" || $0 == "+" || $0 == "0" }
        return text[...e] + (exponent.first == "-" ? "-" : "") + digits
    }
}

extension JobSpec {
    /// The job with some parameters set by the user.
    ///
    /// - Throws: for a parameter that the job does not have: a slip would otherwise be recorded as an experiment.
    public func setting(params: [String: String]) throws -> JobSpec {
        var copy = self
        for (name, value) in params {
            guard copy.params.updateValue(value, forKey: name) != nil else {
                throw IbidError.unknownParameter(name, known: self.params.keys.sorted())
            }
        }
        return copy
    }
}
