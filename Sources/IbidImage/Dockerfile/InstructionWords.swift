/// The words of `ENV`, `LABEL` and `ARG`: split at unquoted white space, quotes and escapes kept for the expansion.
enum InstructionWords {
    static func split(_ text: String, escape: Unicode.Scalar) -> [String] {
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var inWord = false
        var quote: Unicode.Scalar?
        let scalars = Array(text.unicodeScalars)
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            index += 1
            if quote == nil, scalar.properties.isWhitespace {
                if inWord { words.append(String(word)) }
                (word, inWord) = (String.UnicodeScalarView(), false)
                continue
            }
            inWord = true
            if scalar == escape, quote != "'" {
                // An escape character at the very end escapes nothing and is dropped, as BuildKit does.
                guard index < scalars.count else { break }
                word.append(scalar)
                word.append(scalars[index])
                index += 1
                continue
            }
            if quote == scalar {
                quote = nil
            } else if quote == nil, scalar == "\"" || scalar == "'" {
                quote = scalar
            }
            word.append(scalar)
        }
        if inWord, !word.isEmpty { words.append(String(word)) }
        return words
    }
}
