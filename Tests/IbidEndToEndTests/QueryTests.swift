import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    private static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()

    /// What an auditor asks: each query of audit/LEDGER.md and of the README as it is printed, and the same by commands.
    @Test(.enabled(if: has("sqlite3"), "sqlite3 is not installed"))
    func documentedQueriesAnswer() throws {
        try Bench.with { bench in
            let script = "import sys; print(open('/inputs/data.txt').read()); open('o.txt', 'w').write(sys.argv[1])"
            let job = "name = \"iris\"\n[params]\nrows = 5\n[inputs.\"data.txt\"]\npath = \"data.txt\"\n"
            try bench.job(script, files: ["data.txt": "the data\n", "job.toml": job])
            let run = try #require(try bench.json("submit", "--", "one")["run"].string)
            let other = try #require(try bench.json("submit", "--", "two")["run"].string)
            #expect(try bench.call("tag", run, "paper").status == 0)
            #expect(try bench.call("note", run, "looks 'right'").status == 0)
            let input = try #require(try bench.json("show", run)["inputs"].array.first?["digest"].string).dropFirst(7)

            func sql(_ query: String) throws -> [Substring] {
                let filled = query.replacing("…64 hex digits…", with: input).replacing("'…'", with: "'\(run)'")
                let found = try shell(["sqlite3", "-readonly", bench.ledger.string, filled])
                #expect(found.status == 0, "\(query): \(found.stderr)")
                return found.stdout.split(separator: "\n")
            }
            let text = try String(contentsOfFile: Self.root.appending("audit/LEDGER.md").string, encoding: .utf8)
            let block = try #require(text.firstMatch(of: /```sql\n((?s).*?)```/)?.1)
            // A comment says what each asks.
            let answers = try block.split(separator: "-- ").reduce(into: [String: [Substring]]()) { answers, part in
                let lines = part.split(separator: "\n", maxSplits: 1)
                answers[String(lines[0])] = try sql(String(lines[1]))
            }
            #expect(answers.count >= 5)
            for (question, rows) in answers where !question.contains("never reported") {
                #expect(rows.contains { $0.contains(run) || question.contains("said of a run") }, "\(question)")
            }
            #expect(answers["what was said of a run"]?.contains { $0.contains("looks 'right'") } == true)
            #expect(answers["which runs were announced and never reported?"] == [])
            let readme = try String(contentsOfFile: Self.root.appending("README.md").string, encoding: .utf8)
            for match in readme.matches(of: /sqlite3 \S*ledger.sqlite '([^']+)'/) {
                #expect(try sql(String(match.1)).count == 2)
            }

            func runs(_ filter: String...) throws -> [String] {
                let result = try bench.call(["runs"] + filter + ["--json"])
                return try JSONReader(result.stdout).array.compactMap { $0["run"].string }
            }
            let output = try #require(try bench.json("show", run)["outputs"].array.first?["digest"].string)
            #expect(try runs("--tag", "paper") == [run] && runs("--output", output) == [run])
            #expect(try runs("--input", "sha256:\(input)") == [other, run] && runs("--job", "iris") == [other, run])
            #expect(try runs("--status", "failed") == [] && runs("--job", "else") == [])
            #expect(try runs("--since", "2099-01-01") == [] && runs("--since", "2020-01-01").count == 2)
            let commit = try #require(try bench.json("show", run)["commit"].string)
            #expect(try runs("--commit", String(commit.prefix(10))).count == 2)
            let used = try bench.call("trace", "data.txt")
            #expect(used.status == 0 && used.stdout.contains(run) && used.stdout.contains(other))
            #expect(try bench.call("trace", "sha256:" + String(repeating: "0", count: 64)).status == 10)
            let tree = try bench.call("show", run, "--provenance").stdout
            #expect(tree.contains(commit.prefix(12)) && tree.contains("data.txt"), "\(tree)")
        }
    }
}
