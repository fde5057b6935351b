@testable import IbidImage
import Testing

@Suite("path patterns and .dockerignore")
struct PatternTests {
    static let samples: [(String, String, Bool)] = [
        ("*.py", "a.py", true), ("*.py", "d/a.py", false), ("**/*.py", "d/e/a.py", true), ("**/*.py", "a.py", true),
        ("a/**", "a/b/c", true), ("a/**", "b/a", false), ("a?c", "abc", true), ("a?c", "a/c", false),
        ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false), ("[^a-c]x", "dx", true), ("\\*", "*", true),
        ("**/b", "ab", false), ("**/b", "a/b", true), ("a/**/z", "a/z", true), ("a/**/z", "a/b/c/z", true),
        ("a/**/z", "a/bz", false), ("**", "a/b", true), ("a**z", "axz", false), ("a**z", "ax/z", true),
        ("a**z", "az", true), ("**.pyc", "d/x.pyc", true), ("**.py?", "d/x.pyc", false), ("**.py?", "d/.pyc", true),
        ("**/x/**", "a/x/b", true), ("a***", "ab/c", true), ("**a/b", "xa/b", true),
    ]

    @Test(arguments: samples.indices)
    func matching(_ index: Int) throws {
        let (pattern, path, expected) = Self.samples[index]
        #expect(try #require(PathPattern(pattern)).matches(path) == expected)
    }

    @Test(arguments: ["[", "[]", "[a", "a\\", "[b-a]"])
    func noPattern(_ text: String) { #expect(PathPattern(text) == nil) }

    @Test func aHostilePatternTakesItsTime() throws {
        let pattern = try #require(PathPattern(String(repeating: "*a", count: 40)))
        #expect(!pattern.matches(String(repeating: "a", count: 2_000) + "b"))
    }

    @Test func ignoreRules() throws {
        let rules = try IgnoreRules(
            text: "# comment\n*.log\n!keep.log\n/build/\nnode_modules\n\n**/*.tmp\ndocs/*\n!docs/a.md\n")
        for path in ["x.log", "build", "build/a/b", "node_modules/x", "a/b.tmp", "docs/b.md"] {
            #expect(rules.excludes(path), "\(path)")
        }
        for path in ["keep.log", "d/x.log", "src/build", "docs", "docs/a.md", "a"] {
            #expect(!rules.excludes(path), "\(path)")
        }
    }

    /// What moby's `MatchesUsingParentResults` says when it is given each directory's answer for what is in it.
    static let takenBack: [(rules: String, excluded: [String], kept: [String])] = [
        ("**\n!src/**/*.py\n!README.md", ["src/pkg/mod.pyc", "a"], ["src/pkg/mod.py", "src/t.py", "README.md"]),
        ("**/*.pyc\n!src", ["src/x.pyc", "a/b.pyc"], ["src/x.py"]),
        ("a/b\n!a", ["a/b", "a/b/c"], ["a", "a/c"]),
        ("*\n!src\n**/__pycache__", ["src/__pycache__", "src/__pycache__/x", "b"], ["src", "src/a/b"]),
        ("**/__pycache__\n*\n!src", ["b"], ["src/__pycache__/x", "src/a"]),
        ("a\n!a/b\na/b/c", ["a/x", "a/b/c/d"], ["a/b/x"]),
    ]

    @Test(arguments: takenBack.indices)
    func whatIsTakenBack(_ index: Int) throws {
        let (text, excluded, kept) = Self.takenBack[index]
        let rules = try IgnoreRules(text: text)
        for path in excluded { #expect(rules.excludes(path), "\(path)") }
        for path in kept { #expect(!rules.excludes(path), "\(path)") }
    }

    @Test func aBadLineIsNamed() {
        #expect(throws: PatternError(line: 2, text: "a[")) { try IgnoreRules(text: "ok\na[\n") }
    }
}
