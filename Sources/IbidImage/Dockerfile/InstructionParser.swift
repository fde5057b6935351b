import IbidModel

/// Reads one logical line into an `Instruction`.
struct InstructionParser {
    let line: LogicalLine
    let escape: Unicode.Scalar
    /// The instruction's name in capitals.
    let keyword: String
    /// What is left to read.
    var rest: String

    init(line: LogicalLine, escape: Unicode.Scalar) {
        self.line = line
        self.escape = escape
        let scalars = line.text.unicodeScalars
        let word = scalars.prefix { !$0.properties.isWhitespace }
        keyword = String(word).uppercased()
        rest = DockerfileReader.trimmed(String(scalars.dropFirst(word.count)))
    }

    /// The instruction with its keyword in capitals and one space after it: what the image's history says.
    var normalisedText: String { rest.isEmpty ? keyword : keyword + " " + rest }

    func failure(_ problem: String, hint: String? = nil) -> IbidError {
        IbidError.dockerfile(line.place, problem, text: line.text, hint: hint)
    }

    mutating func flags(_ known: [String: Bool] = [:], switches: Set<String> = []) throws -> InstructionFlags {
        try InstructionFlags(takenFrom: &rest, known: known, switches: switches, line: line, escape: escape)
    }

    /// Reads the instruction (not `FROM`, which the file's parser handles).
    mutating func instruction() throws -> Instruction {
        switch keyword {
        case "ADD": return .add(try copy(isAdd: true))
        case "COPY": return .copy(try copy(isAdd: false))
        case "RUN": return .run(try run())
        case "HEALTHCHECK": return .healthcheck(try healthcheck())
        case "CMD": return .cmd(try noFlags { try $0.command(allowsEmpty: true) })
        case "ENTRYPOINT": return .entrypoint(try noFlags { try $0.command(allowsEmpty: true) })
        case "ENV": return .env(try noFlags { try $0.nameValues() })
        case "LABEL": return .label(try noFlags { try $0.nameValues() })
        case "ARG": return .arg(try noFlags { try $0.arguments() })
        case "EXPOSE": return .expose(try noFlags { try $0.someWords("a port") })
        case "VOLUME": return .volume(try noFlags { try $0.volumes() })
        case "SHELL": return .shell(try noFlags { try $0.shell() })
        case "MAINTAINER": return .maintainer(try noFlags { try $0.wholeArgument("a name") })
        case "STOPSIGNAL": return .stopSignal(try noFlags { try $0.singleWord("a signal") })
        case "USER": return .user(try noFlags { try $0.wholeArgument("a user") })
        case "WORKDIR": return .workdir(try noFlags { try $0.wholeArgument("a directory") })
        case "ONBUILD": return .onBuild(try noFlags { try $0.onBuild() })
        case "FROM": throw failure("FROM cannot stand here")
        default: throw unknown()
        }
    }

    private mutating func noFlags<T>(_ body: (inout InstructionParser) throws -> T) throws -> T {
        if rest.hasPrefix("--") { _ = try flags() }
        return try body(&self)
    }

    private static let keywords = [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]

    private func unknown() -> IbidError {
        let nearest = Self.keywords.map { ($0, EditDistance.between($0, keyword)) }.min { $0.1 < $1.1 }
        var hint = "instructions are \(Self.keywords.joined(separator: ", "))"
        if let nearest, nearest.1 <= 2 { hint = "did you mean \(nearest.0)?" }
        return failure("unknown instruction '\(line.text.prefix { $0 != " " && $0 != "\t" }.prefix(40))'", hint: hint)
    }

    // MARK: arguments in their several forms

    /// The JSON array of strings, when the rest is one.
    ///
    /// - Throws: for a JSON array of anything else: nobody means that as a shell's text.
    func jsonWords() throws -> [String]? {
        switch JSONForm(rest) {
        case nil: return nil
        case .words(let words): return words
        case .otherValues:
            throw failure("the JSON form holds something other than strings", hint: "put every word in double quotes")
        }
    }

    func command(allowsEmpty: Bool) throws -> CommandForm {
        if let words = try jsonWords() {
            guard allowsEmpty || !words.isEmpty else { throw failure("\(keyword) needs a command") }
            return .exec(words)
        }
        guard !rest.isEmpty else { throw failure("\(keyword) needs a command") }
        return .shell(rest)
    }

    func wholeArgument(_ what: String) throws -> String {
        guard !rest.isEmpty else { throw failure("\(keyword) needs \(what)") }
        return rest
    }

    func singleWord(_ what: String) throws -> String {
        let words = someWordsOrNone()
        guard words.count == 1 else { throw failure("\(keyword) takes \(what), and only one") }
        return words[0]
    }

    func someWordsOrNone() -> [String] {
        // Other white space, such as a no-break space, is part of a word.
        rest.unicodeScalars.split { "\t\u{0b}\u{0c}\r ".unicodeScalars.contains($0) }.map { String($0) }
    }

    func someWords(_ what: String) throws -> [String] {
        let words = someWordsOrNone()
        guard !words.isEmpty else { throw failure("\(keyword) needs \(what)") }
        return words
    }

    private func volumes() throws -> [String] {
        let words = (try jsonWords() ?? someWordsOrNone()).map(DockerfileReader.trimmed)
        guard !words.isEmpty, words.allSatisfy({ !$0.isEmpty }) else { throw failure("VOLUME needs a path") }
        return words
    }

    private func shell() throws -> [String] {
        guard let words = try jsonWords(), !words.isEmpty else {
            throw failure("SHELL needs the JSON form", hint: "for example SHELL [\"/bin/bash\", \"-c\"]")
        }
        return words
    }

    private func arguments() throws -> [ArgumentDeclaration] {
        let words = InstructionWords.split(rest, escape: escape)
        guard !words.isEmpty else { throw failure("ARG needs a name") }
        return try words.map { word in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard !name.isEmpty else { throw failure("ARG has a value without a name") }
            return ArgumentDeclaration(name: name, value: parts.count == 2 ? String(parts[1]) : nil)
        }
    }

    /// `NAME=value NAME=value…`, or the old form `NAME value with spaces`.
    private func nameValues() throws -> [NameValue] {
        let words = InstructionWords.split(rest, escape: escape)
        guard let first = words.first else { throw failure("\(keyword) needs a name and a value") }
        guard first.contains("=") else {
            let name = rest.unicodeScalars.prefix { !$0.properties.isWhitespace }
            let value = DockerfileReader.trimmed(String(rest.unicodeScalars.dropFirst(name.count)))
            guard !value.isEmpty else {
                throw failure("\(keyword) \(String(name)) has no value", hint: "write \(keyword) \(String(name))=VALUE")
            }
            return [NameValue(name: String(name), value: value)]
        }
        return try words.map { word in
            guard let equals = word.firstIndex(of: "=") else {
                throw failure(
                    "'\(word)' has no '='", hint: "write NAME=value; quote a value that has spaces: NAME=\"a b\"")
            }
            guard equals != word.startIndex else { throw failure("a value has no name") }
            return NameValue(
                name: String(word[..<equals]), value: String(word[word.index(after: equals)...]))
        }
    }

    private func onBuild() throws -> String {
        guard !rest.isEmpty else { throw failure("ONBUILD needs an instruction") }
        var trigger = InstructionParser(
            line: LogicalLine(place: line.place, text: rest, hereDocuments: line.hereDocuments), escape: escape)
        try trigger.refuseInOnBuild()
        // The trigger is read again from its text when an image is built on this one.
        let text = line.hereDocuments.reduce(rest) { $0 + "\n" + $1.content + $1.name }
        // Parsed now, so that a mistake is found where it stands and not in the image built on this one.
        _ = try trigger.instruction()
        return text
    }

    /// `ONBUILD ONBUILD`, `ONBUILD FROM` and `ONBUILD MAINTAINER` do not exist.
    func refuseInOnBuild() throws {
        if ["ONBUILD", "FROM", "MAINTAINER"].contains(keyword) {
            throw failure("\(keyword) cannot be an ONBUILD trigger")
        }
    }
}
