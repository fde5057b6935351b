/// A here-document of a `RUN`, `COPY` or `ADD` instruction.
public struct HereDocument: Hashable, Sendable {
    /// The delimiter, without its quotes: the file's name in `COPY <<name`.
    public var name: String
    /// The lines between the delimiters, each with its newline.
    public var content: String
    /// Whether variables in it are expanded: no part of the delimiter was quoted.
    public var expands: Bool
    /// Whether leading tabs are removed (`<<-`).
    public var stripsTabs: Bool

    /// The content as the instruction uses it: without leading tabs when `<<-` asked for that.
    public var text: String {
        guard stripsTabs else { return content }
        return content.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == "\t" } }.joined(separator: "\n")
    }

    /// Reads a word such as `<<EOF`, `<<-"EOF"` or `3<<EOF`; nil when it is no here-document.
    init?(word: String) {
        var rest = word[...]
        rest = rest.drop { ("0"..."9").contains($0) }
        guard rest.hasPrefix("<<") else { return nil }
        rest = rest.dropFirst(2)
        stripsTabs = rest.hasPrefix("-")
        if stripsTabs { rest = rest.dropFirst() }
        let isSpaced = rest.first.map { " \t\n\r\u{0c}".contains($0) } ?? false
        rest = rest.drop { " \t\n\r\u{0c}".contains($0) }
        guard !rest.isEmpty, !rest.contains("<") else { return nil }
        var lexer = ShellLexer(escape: "\\")
        lexer.keepsUnset = true
        guard let plain = try? lexer.words(String(rest)), plain.count == 1 else { return nil }
        lexer.keepsQuotes = true
        guard let quoted = try? lexer.words(String(rest)), quoted.count == 1 else { return nil }
        // In `$((1 << 2))` nothing is announced.
        if isSpaced, plain[0].first.map({ !$0.isLetter && $0 != "_" }) ?? true || plain[0].contains(")") { return nil }
        name = plain[0]
        // A delimiter that is quoted in part asks for the text as it is.
        expands = plain[0] == quoted[0]
        content = ""
    }

    /// The here-documents that a line announces, in order, without their content.
    static func announced(in line: String) -> [HereDocument] {
        guard line.contains("<<") else { return [] }
        var lexer = ShellLexer(escape: "\\")
        lexer.keepsQuotes = true
        lexer.keepsEscapes = true
        lexer.keepsUnset = true
        // A line that the lexer cannot read announces nothing; the instruction's own parser reports what is wrong.
        guard let words = try? lexer.words(line) else { return [] }
        return words.compactMap { HereDocument(word: $0) }
    }
}
