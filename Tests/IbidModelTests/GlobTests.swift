import IbidModel
import Testing

@Suite struct GlobTests {
    @Test(arguments: [
        ("results/**", "results/head.csv", true),
        ("results/**", "results/a/b/c.png", true),
        ("results/**", "results", false),
        ("results/**", "resultsx/a", false),
        ("results", "results/head.csv", true),
        ("results/", "results/a/b", true),
        ("results", "results", true),
        ("*.csv", "head.csv", true),
        ("*.csv", "results/head.csv", false),
        ("**/*.csv", "head.csv", true),
        ("**/*.csv", "a/b/head.csv", true),
        ("**/*.csv", "a/b/head.csvx", false),
        ("a/**/z", "a/z", true),
        ("a/**/z", "a/b/c/z", true),
        ("a/**/z", "a/b/c/zz", false),
        ("a/**/m/**/z", "a/m/x/m/y/z", true),
        ("a/**/m/**/z", "a/x/y/z", false),
        ("?.txt", "a.txt", true),
        ("?.txt", "é.txt", true),
        ("?.txt", "ab.txt", false),
        ("[a-c]?[!0-9]", "bxq", true),
        ("[a-c]?[!0-9]", "bx5", false),
        ("[]]x", "]x", true),
        ("[a-]", "-", true),
        ("[*]", "*", true),
        ("[*]", "x", false),
        ("a*b*c", "a-b-b-c", true),
        ("a*b*c", "a-c-b", false),
        ("*", "", false),
        ("/outputs/**", "/outputs/x/y", true),
        ("/outputs/**", "outputs/x/y", false),
        ("outputs/**", "/outputs/x", false),
        (#"a\x0a"#, #"a\x0a"#, true),
        ("*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
    ])
    func matching(pattern: String, path: String, expected: Bool) throws {
        #expect(try Glob(pattern).matches(path) == expected)
    }

    @Test(arguments: ["", "/", "a//b", "../x", "a/../b", "./a", "/etc/passwd", "a**b", "{a,b}", "[abc", "[z-a]", "[]"])
    func refused(pattern: String) {
        #expect(throws: Glob.Malformed.self) { try Glob(pattern) }
    }

    @Test func manyStarsDoNotTakeForever() throws {
        let pattern = Array(repeating: "**", count: 20).joined(separator: "/x/") + "/y"
        let path = Array(repeating: "x", count: 400).joined(separator: "/")
        #expect(try !Glob(pattern).matches(path))
    }
}
