@testable import IbidImage
import Testing

@Suite("words and variables")
struct ShellLexerTests {
    static let values = ["v": "value", "empty": "", "path": "/a/b/c.tar.gz", "n": "a.b.c"]

    /// Word, what it becomes.
    static let words: [(String, String)] = [
        ("plain", "plain"), ("$v", "value"), ("${v}", "value"), ("a${v}b", "avalueb"), ("$missing", ""),
        ("'$v'", "$v"), ("\"$v\"", "value"), ("\"'$v'\"", "'value'"), (#"\$v"#, "$v"), (#""\$v""#, "$v"),
        (#""\n""#, #"\n"#), (#"a\ b"#, "a b"), ("${missing:-d}", "d"), ("${empty:-d}", "d"), ("${empty-d}", ""),
        ("${v:-d}", "value"), ("${v:+d}", "d"), ("${empty:+d}", ""), ("${empty+d}", "d"), ("${missing+d}", ""),
        ("${missing:-${v}}", "value"), ("${missing:-\"a b\"}", "a b"), ("${v:?no}", "value"),
        ("${path#*/}", "a/b/c.tar.gz"), ("${path##*/}", "c.tar.gz"), ("${path%.*}", "/a/b/c.tar"),
        ("${path%%.*}", "/a/b/c"), ("${path#x}", "/a/b/c.tar.gz"), ("${n/./-}", "a-b.c"), ("${n//./-}", "a-b-c"),
        ("${n/?b/}", "a.c"), ("${n//*/x}", "x"), ("$", "$"), ("a$", "a$"), ("$$", ""), ("${v}${v}", "valuevalue"),
        ("$v-$v", "value-value"), ("$1x", "x"), ("\"\"", ""), ("a''b", "ab"), (#"C:\dir"#, "C:dir"),
    ]

    @Test(arguments: words.indices)
    func expansion(_ index: Int) throws {
        let (word, expected) = Self.words[index]
        #expect(try ShellLexer(escape: "\\") { Self.values[$0] }.word(word) == expected)
    }

    static let broken = [
        "${", "${v", "${}", "${:x}", "${v:}", "${v:=x}", "${v^x}", "${v/a}", "${v/a/b", "\"open", "'open",
        "${missing:?must be given}", "${missing?}", String(repeating: "${a:-", count: 5_000),
    ]

    @Test(arguments: broken)
    func brokenWords(_ word: String) {
        #expect(throws: ShellSyntaxError.self) { try ShellLexer(escape: "\\") { Self.values[$0] }.word(word) }
    }

    @Test func wordsSplitAtUnquotedSpace() throws {
        let lexer = ShellLexer(escape: "\\") { ["two": "a b"][$0] }
        #expect(try lexer.words("x 'y z' $two \"$two\" \\ q") == ["x", "y z", "a", "b", "a b", " q"])
    }
}
