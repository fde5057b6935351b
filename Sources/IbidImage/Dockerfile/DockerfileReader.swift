import IbidModel

/// Cuts a Dockerfile's text into logical lines as BuildKit's `parser.go` does: parser directives first, then
/// instructions with continuation lines, comments and here-documents.
struct DockerfileReader {
    /// The escape character: a backslash, or the back-tick that `# escape=` chose.
    private(set) var escape: Unicode.Scalar = "\\"
    /// Parser directives by lower-case name (`syntax`, `escape`, `check`).
    private(set) var directives: [String: String] = [:]
    private static let longestInstruction = 256 << 10
    private let file: String
    private let lines: [String]
    /// The lines that ended with a carriage return, which belongs to a here-document's content.
    private var returns: Set<Int> = []
    private var next = 0

    /// Splits the text into lines and reads the parser directives.
    ///
    /// - Throws: `IbidError` for text that is not UTF-8, a NUL byte, a directive given twice or with a bad value.
    init(_ bytes: [UInt8], file: String) throws {
        self.file = file
        var bytes = bytes[...]
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { bytes = bytes.dropFirst(3) }
        var lines: [String] = []
        for (index, line) in bytes.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
            let place = SourcePlace(file: file, line: index + 1)
            var content = line
            while content.last == 0x0d { content = content.dropLast() }
            if content.count < line.count { returns.insert(index) }
            guard !content.contains(0) else {
                throw IbidError.dockerfile(
                    place, "a NUL byte", text: "", hint: "a Dockerfile is UTF-8 text; is this the right file?")
            }
            guard let text = String(validating: content, as: UTF8.self) else {
                throw IbidError.dockerfile(place, "bytes that are not UTF-8", text: "", hint: "save the file as UTF-8")
            }
            lines.append(text)
        }
        self.lines = lines
        try readDirectives()
    }

    /// The next instruction; nil at the end.
    mutating func nextLine() throws -> LogicalLine? {
        while next < lines.count, Self.isBlankOrComment(lines[next]) { next += 1 }
        guard next < lines.count else { return nil }
        let place = SourcePlace(file: file, line: next + 1)
        var text = ""
        var first = true
        while next < lines.count {
            let line = lines[next]
            next += 1
            // Comments and empty lines inside a continued instruction are skipped; the continuation goes on.
            if !first, Self.isBlankOrComment(line) { continue }
            let piece = first ? Self.dropLeadingBlanks(line) : line
            first = false
            if let head = continued(piece) {
                text += head
            } else {
                text += piece
                break
            }
        }
        text = Self.trimmed(text)
        guard text.utf8.count <= Self.longestInstruction else {
            throw IbidError.dockerfile(
                place, "the instruction is longer than 256 KiB", text: text,
                hint: "put it into a script, or into a here-document")
        }
        return LogicalLine(place: place, text: text, hereDocuments: try readHereDocuments(of: text, at: place))
    }

    /// The part before the escape character when the line goes on in the next; nil when it ends here.
    private func continued(_ line: String) -> String? {
        var scalars = line.unicodeScalars[...]
        while let last = scalars.last, last == " " || last == "\t" { scalars = scalars.dropLast() }
        guard scalars.last == escape else { return nil }
        scalars = scalars.dropLast()
        // An escaped escape character at the end is itself, not a continuation.
        return scalars.last == escape ? nil : String(scalars)
    }

    private mutating func readHereDocuments(of text: String, at place: SourcePlace) throws -> [HereDocument] {
        guard text.contains("<<"), Self.takesHereDocuments(text) else { return [] }
        var documents = HereDocument.announced(in: text)
        for index in documents.indices {
            let name = documents[index].name
            var ended = false
            var content = ""
            while next < lines.count {
                let line = lines[next]
                next += 1
                let candidate = documents[index].stripsTabs ? String(line.drop { $0 == "\t" }) : line
                if candidate == name {
                    ended = true
                    break
                }
                content += line + (returns.contains(next - 1) ? "\r\n" : "\n")
            }
            guard ended else {
                throw IbidError.dockerfile(
                    place, "the here-document '\(name)' does not end", text: text,
                    hint: "put \(name) alone on the line after its last line")
            }
            documents[index].content = content
        }
        return documents
    }

    private static func takesHereDocuments(_ text: String) -> Bool {
        var words = text.split(maxSplits: 2, whereSeparator: { $0 == " " || $0 == "\t" })[...]
        if words.first?.uppercased() == "ONBUILD" { words = words.dropFirst() }
        return ["RUN", "COPY", "ADD"].contains(words.first?.uppercased() ?? "")
    }

    /// `# name=value` lines at the very top; the first other line ends them.
    private mutating func readDirectives() throws {
        for (index, line) in lines.enumerated() {
            guard let (name, value) = Self.directive(line) else { return }
            guard ["syntax", "escape", "check"].contains(name) else { continue }
            let place = SourcePlace(file: file, line: index + 1)
            guard directives[name] == nil else {
                throw IbidError.dockerfile(place, "the parser directive '\(name)' is given twice", text: line)
            }
            directives[name] = value
            if name == "escape" {
                guard value == "\\" || value == "`" else {
                    throw IbidError.dockerfile(
                        place, "the escape character must be \\ or `, not '\(value)'", text: line)
                }
                escape = value == "`" ? "`" : "\\"
            }
        }
    }

    private static func directive(_ line: String) -> (name: String, value: String)? {
        guard line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { return nil }
        let name = trimmed(String(line[line.index(after: line.startIndex)..<equals]))
        let value = trimmed(String(line[line.index(after: equals)...]))
        guard let first = name.unicodeScalars.first, isLetter(first), !value.isEmpty,
            name.unicodeScalars.allSatisfy({ isLetter($0) || ("0"..."9").contains($0) })
        else { return nil }
        return (name.lowercased(), value)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
    }

    private static func isBlankOrComment(_ line: String) -> Bool {
        let rest = dropLeadingBlanks(line)
        return rest.isEmpty || rest.hasPrefix("#")
    }

    private static func dropLeadingBlanks(_ line: String) -> String {
        String(line.unicodeScalars.drop { $0.properties.isWhitespace })
    }

    /// The text without surrounding white space.
    static func trimmed(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, first.properties.isWhitespace { scalars = scalars.dropFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars = scalars.dropLast() }
        return String(scalars)
    }
}
