/// Why a word could not be expanded; the instruction's parser adds file and line.
struct ShellSyntaxError: Error, Hashable {
    /// What is wrong, as a phrase.
    var problem: String
}

/// Quotes, escapes and variables of Dockerfile words, as BuildKit's `shell/lex.go` reads them.
struct ShellLexer {
    /// The escape character in force.
    var escape: Unicode.Scalar
    /// The value of a variable; nil when it is not set.
    var lookup: (String) -> String? = { _ in nil }
    /// Leave quotes in the result.
    var keepsQuotes = false
    /// Treat quotes as any other character: in a here-document they are.
    var ignoresQuotes = false
    /// Leave escape characters in the result.
    var keepsEscapes = false
    /// Leave `$name` as it stands when the variable is not set.
    var keepsUnset = false

    /// The longest result: a few lines of `ENV b=$a$a` would fill any memory otherwise.
    static let longest = 1 << 20

    /// Makes a lexer without variables.
    init(escape: Unicode.Scalar) { self.escape = escape }

    /// Makes a lexer with variables.
    init(escape: Unicode.Scalar, lookup: @escaping (String) -> String?) {
        self.escape = escape
        self.lookup = lookup
    }

    /// Expands one word: white space is kept as it is.
    func word(_ text: String) throws -> String {
        var run = ShellLexerRun(lexer: self, text: text)
        return try run.process(until: nil, rawEscapes: keepsEscapes).text
    }

    /// Expands text and splits it at unquoted white space.
    func words(_ text: String) throws -> [String] {
        var run = ShellLexerRun(lexer: self, text: text)
        return try run.process(until: nil, rawEscapes: keepsEscapes).words
    }
}

/// The words found so far: quoted text never splits, values of unquoted variables do.
private struct WordSplitter {
    private(set) var finished: [String] = []
    private var current = ""
    private var inWord = false

    mutating func add(_ scalar: Unicode.Scalar) {
        if scalar.properties.isWhitespace {
            end()
        } else {
            addRaw(String(scalar))
        }
    }

    mutating func addRaw(_ text: String) {
        current += text
        inWord = true
    }

    mutating func end() {
        if inWord { finished.append(current) }
        (current, inWord) = ("", false)
    }
}

private struct ShellLexerRun {
    let lexer: ShellLexer
    let scalars: [Unicode.Scalar]
    var position = 0
    var depth = 0

    init(lexer: ShellLexer, text: String) {
        self.lexer = lexer
        scalars = Array(text.unicodeScalars)
    }

    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    mutating func next() -> Unicode.Scalar? {
        guard let scalar = peek else { return nil }
        position += 1
        return scalar
    }

    mutating func process(until stop: Unicode.Scalar?, rawEscapes: Bool) throws -> (text: String, words: [String]) {
        // Each level of ${a:-${b:-…}} is one call; a hostile file must not overflow the stack.
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw ShellSyntaxError(problem: "substitutions are nested too deeply") }
        var text = ""
        var words = WordSplitter()
        while let scalar = peek {
            if scalar == stop {
                position += 1
                words.end()
                return (text, words.finished)
            }
            switch scalar {
            case "'" where !lexer.ignoresQuotes:
                let piece = try singleQuoted()
                text += piece
                words.addRaw(piece)
            case "\"" where !lexer.ignoresQuotes:
                let piece = try doubleQuoted(rawEscapes: rawEscapes)
                text += piece
                words.addRaw(piece)
            case "$":
                let piece = try dollar()
                text += piece
                try check(text)
                for scalar in piece.unicodeScalars { words.add(scalar) }
            case "<":
                let piece = hereDocumentSign()
                text += piece
                words.addRaw(piece)
            default:
                position += 1
                if scalar == lexer.escape {
                    if rawEscapes {
                        text.unicodeScalars.append(scalar)
                        words.addRaw(String(scalar))
                    }
                    guard let escaped = next() else { break }
                    text.unicodeScalars.append(escaped)
                    words.addRaw(String(escaped))
                } else {
                    text.unicodeScalars.append(scalar)
                    words.add(scalar)
                }
            }
        }
        if let stop { throw ShellSyntaxError(problem: "'\(stop)' is missing") }
        words.end()
        return (text, words.finished)
    }

    private func check(_ text: String) throws {
        guard text.utf8.count <= ShellLexer.longest else {
            throw ShellSyntaxError(problem: "variables expand to more than 1 MiB")
        }
    }

    /// `<`, or `<<` with the blanks after it: they may stand before a here-document's delimiter.
    private mutating func hereDocumentSign() -> String {
        position += 1
        guard peek == "<" else { return "<" }
        position += 1
        var sign = "<<"
        while let scalar = peek, " \t\r".unicodeScalars.contains(scalar) {
            sign.unicodeScalars.append(scalar)
            position += 1
        }
        return sign
    }

    private mutating func singleQuoted() throws -> String {
        var text = ""
        position += 1
        if lexer.keepsQuotes { text += "'" }
        while let scalar = next() {
            if scalar == "'" {
                if lexer.keepsQuotes { text += "'" }
                return text
            }
            text.unicodeScalars.append(scalar)
        }
        throw ShellSyntaxError(problem: "a single quote is not closed")
    }

    private mutating func doubleQuoted(rawEscapes: Bool) throws -> String {
        var text = ""
        position += 1
        if lexer.keepsQuotes { text += "\"" }
        while let scalar = peek {
            switch scalar {
            case "\"":
                position += 1
                if lexer.keepsQuotes { text += "\"" }
                return text
            case "$":
                text += try dollar()
                try check(text)
            case lexer.escape:
                position += 1
                guard let escaped = next() else { break }
                // Only these can be escaped; before anything else the escape character stands for itself.
                let special = escaped == "\"" || escaped == "$" || escaped == lexer.escape
                if rawEscapes || !special { text.unicodeScalars.append(scalar) }
                text.unicodeScalars.append(escaped)
            default:
                position += 1
                text.unicodeScalars.append(scalar)
            }
        }
        throw ShellSyntaxError(problem: "a double quote is not closed")
    }

    private mutating func dollar() throws -> String {
        position += 1
        if peek == "{" {
            position += 1
            return try braced()
        }
        let name = variableName()
        if name.isEmpty { return "$" }
        return lexer.lookup(name) ?? (lexer.keepsUnset ? "$" + name : "")
    }

    /// `${name}` and its modifiers; the opening brace has been read.
    private mutating func braced() throws -> String {
        let start = position - 2
        guard let first = peek else { throw ShellSyntaxError(problem: "'}' is missing") }
        if first == "{" || first == "}" || first == ":" { throw ShellSyntaxError(problem: "bad substitution") }
        let name = variableName()
        guard let operation = next() else { throw ShellSyntaxError(problem: "'}' is missing") }
        if operation == "}" {
            return lexer.lookup(name) ?? (lexer.keepsUnset ? "${" + name + "}" : "")
        }
        if operation == "/" { return try replacement(name, from: start) }
        var modifier = operation
        let emptyIsUnset = operation == ":"
        if emptyIsUnset {
            guard let following = next() else { throw ShellSyntaxError(problem: "'}' is missing") }
            modifier = following
        }
        let allowed: [Unicode.Scalar] = emptyIsUnset ? ["-", "+", "?"] : ["-", "+", "?", "#", "%"]
        guard allowed.contains(modifier) else {
            throw ShellSyntaxError(
                problem: "unsupported modifier '\(emptyIsUnset ? ":" : "")\(modifier)' in a substitution")
        }
        let pattern = modifier == "#" || modifier == "%"
        let word = try process(until: "}", rawEscapes: pattern || lexer.keepsEscapes).text
        let value = lexer.lookup(name)
        if value == nil, lexer.keepsUnset { return original(from: start) }
        let present = value != nil && !(emptyIsUnset && value == "")
        switch modifier {
        case "-": return present ? value ?? "" : word
        case "+": return present ? word : ""
        case "?":
            if present { return value ?? "" }
            let reason = value == nil ? "is not allowed to be unset" : "is not allowed to be empty"
            throw ShellSyntaxError(problem: "\(name): \(word.isEmpty ? reason : word)")
        default:
            let longest = word.unicodeScalars.first == modifier
            let glob = ShellGlob(longest ? String(word.unicodeScalars.dropFirst()) : word)
            guard glob.isCheap(for: value ?? "", repeatedly: false) else {
                throw ShellSyntaxError(problem: "the value of \(name) is too long for a pattern")
            }
            return modifier == "#"
                ? glob.removingPrefix(of: value ?? "", longest: longest)
                : glob.removingSuffix(of: value ?? "", longest: longest)
        }
    }

    /// `${name/pattern/text}` and `${name//pattern/text}`.
    private mutating func replacement(_ name: String, from start: Int) throws -> String {
        let all = peek == "/"
        if all { position += 1 }
        let pattern = try process(until: "/", rawEscapes: true).text
        let text = try process(until: "}", rawEscapes: lexer.keepsEscapes).text
        guard let value = lexer.lookup(name) else { return lexer.keepsUnset ? original(from: start) : "" }
        let glob = ShellGlob(pattern)
        guard glob.isCheap(for: value, repeatedly: true), value.utf8.count * (text.utf8.count + 1) <= ShellLexer.longest
        else { throw ShellSyntaxError(problem: "the value of \(name) is too long for a replacement") }
        return glob.replacing(in: value, with: text, all: all)
    }

    private func original(from start: Int) -> String {
        String(String.UnicodeScalarView(scalars[start..<position]))
    }

    private mutating func variableName() -> String {
        var name = ""
        while let scalar = peek {
            let digit = ("0"..."9").contains(scalar)
            if name.isEmpty, digit {
                while let scalar = peek, ("0"..."9").contains(scalar) {
                    name.unicodeScalars.append(scalar)
                    position += 1
                }
                return name
            }
            if name.isEmpty, "@*#?-$!".unicodeScalars.contains(scalar) {
                position += 1
                return String(scalar)
            }
            guard digit || scalar == "_" || scalar.properties.isAlphabetic else { break }
            name.unicodeScalars.append(scalar)
            position += 1
        }
        return name
    }
}
