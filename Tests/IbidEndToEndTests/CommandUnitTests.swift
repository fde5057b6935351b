import ArgumentParser
import Foundation
import IbidCrypto
import IbidLedger
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidCommands
@testable import IbidEngine

@Suite struct CommandUnitTests {
    /// Oracle: the parser of all commands, for what the named command's own understands.
    @Test(arguments: [
        ["submit"], ["submit", "job"], ["submit", "--fresh", "job", "--json"], ["submit", "a/b", "--allow-dirty"],
        ["submit", "https://host/project.git#v1:dir"], ["submit", "--", "python", "--fresh", "--", "-p"],
        ["submit", ".", "--fresh", "--"],
    ])
    func understandsSubmitsAsTheWholeParserDoes(_ words: [String]) throws {
        let submit = try #require(try IbidCommand.parse(words) as? Submit)
        let parsed = try #require(try IbidCommand.parseAsRoot(words) as? Submit)
        #expect("\(try submit.request())" == "\(try parsed.request())")
        #expect(submit.common.json == parsed.common.json)
    }

    /// What the named command makes nothing of is said as the parser of all commands says it.
    @Test(arguments: [
        ["submit", "a", "b"], ["submit", "-p"], ["submit", "--help"], ["submit", "--nothing"], ["sumbit"],
        ["--version"],
    ])
    func leavesMistakesToTheWholeParser(_ words: [String]) {
        func message(_ parse: ([String]) throws -> any ParsableCommand) -> String {
            do { return "\(try parse(words))" } catch { return IbidCommand.fullMessage(for: error) }
        }
        #expect(message(IbidCommand.parse) == message { try IbidCommand.parseAsRoot($0) })
    }

    @Test func whatIsSettledIsNotLookedAtAgain() throws {
        try withScratch { scratch in
            let ledger = try Engine.open(Home(scratch.appending("home"))).ledger
            let statement = Statement(
                subjects: [.init(name: "a", digest: .sha256(of: "a"))], predicateType: "urn:test", predicate: [:])
            func settled(of ledger: Ledger) throws -> SettledEntries {
                try SettledEntries(ledger: ledger, directory: scratch)
            }
            #expect(try settled(of: ledger).count == 0)
            _ = try ledger.append([Statement](repeating: statement, count: 100))
            try settled(of: ledger).keep(70)
            #expect(try settled(of: ledger).count == 70)
            // Not worth a file.
            try settled(of: ledger).keep(nil)
            #expect(try settled(of: ledger).count == 70)
            try settled(of: ledger).keep(3)
            #expect(try settled(of: ledger).count == 3)
            // Another ledger, and one that has fewer entries than are said to be settled.
            #expect(try settled(of: Engine.open(Home(scratch.appending("other"))).ledger).count == 0)
            let text = "\(try ledger.origin())\n101\n"
            try text.write(toFile: scratch.appending(".settled").string, atomically: true, encoding: .utf8)
            #expect(try settled(of: ledger).count == 0)
        }
    }

    /// Oracle: Foundation's parser, which shares nothing with our writer.
    @Test func writesJSONThatOthersRead() throws {
        let document = JSONDocument.object([
            ("text", .string("a\"b\\c\n\u{1}é🙂")), ("number", .number(0.25)), ("int", .int(-3)), ("none", .null),
            ("yes", .bool(true)), ("list", .array([.int(1), .object([])])), ("empty", .array([])),
        ])
        let parsed = try #require(
            try JSONSerialization.jsonObject(with: Data(document.text.utf8)) as? [String: Any])
        #expect(parsed["text"] as? String == "a\"b\\c\n\u{1}é🙂")
        #expect(parsed["number"] as? Double == 0.25)
        #expect(parsed["int"] as? Int == -3)
        #expect(parsed["none"] is NSNull)
        #expect((parsed["list"] as? [Any])?.count == 2)
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (1_023, "1023 B"), (1_024, "1 KiB"), (1_536, "1.5 KiB"), (2 << 30, "2 GiB"),
        (260_000_000, "248 MiB"),
    ])
    func showsSizes(bytes: Int64, text: String) { #expect(Formatting.size(bytes) == text) }

    @Test(arguments: [(Int64(400), "0 ms"), (12_345, "12 ms"), (3_440_000, "3.4 s"), (306_000_000, "5 min 6 s")])
    func showsDurations(microseconds: Int64, text: String) {
        #expect(Formatting.duration(microseconds: microseconds) == text)
    }

    @Test func aFileNameCannotMoveTheCursor() {
        #expect(Terminal.safe("a\u{1b}[2Jb\nc") == "a\\x1b[2Jb\\x0ac")
        #expect(Terminal.safe("naïve 🙂") == "naïve 🙂")
    }

    @Test func findsTheCommandAsDockerDoes() throws {
        var image = OCI.Execution()
        image.entrypoint = ["python", "a.py"]
        image.cmd = ["--rows", "5"]
        #expect(try JobCommand.resolve(image: image, job: nil, override: []) == ["python", "a.py", "--rows", "5"])
        #expect(try JobCommand.resolve(image: image, job: nil, override: ["-h"]) == ["python", "a.py", "-h"])
        #expect(try JobCommand.resolve(image: image, job: ["sh"], override: []) == ["sh"])
        #expect(try JobCommand.resolve(image: image, job: ["sh"], override: ["ls"]) == ["ls"])
        let error = #expect(throws: IbidError.self) {
            try JobCommand.resolve(image: OCI.Execution(), job: nil, override: [])
        }
        #expect(error?.code == "no-command")
    }

    @Test func theLaterSettingOfTheEnvironmentCounts() {
        let environment = RunEnvironment.make(
            image: ["PYTHONHASHSEED=7", "A=image", "B=image=x"], job: ["A": "job"], params: ["learning-rate": "0.1"],
            epoch: Timestamp(seconds: 1_700_000_000), profile: .default)
        #expect(environment["PYTHONHASHSEED"] == "7")
        #expect(environment["A"] == "job")
        #expect(environment["B"] == "image=x")
        #expect(environment["IBID_PARAM_LEARNING_RATE"] == "0.1")
        #expect(environment["SOURCE_DATE_EPOCH"] == "1700000000")
        #expect(environment["USER"] == nil && environment["HOME"] == "/tmp")
    }

    @Test func readsAddressesAsDockerDoes() {
        let whole = RemoteRepository("https://host/p.git#v1:jobs/iris")
        #expect(whole?.address == "https://host/p.git")
        #expect(whole?.revision == "v1")
        #expect(whole?.subdirectory == "jobs/iris")
        #expect(RemoteRepository("git@host:p.git")?.revision == nil)
        #expect(RemoteRepository("jobs/iris") == nil)
        #expect(RemoteRepository("/a:b") == nil)
    }

    @Test func comparesEveryThing() throws {
        try withScratch { try compareEveryThing(try Store.open(at: $0)) }
    }

    private func compareEveryThing(_ store: Store) throws {
        func output(_ path: String, _ text: String) -> RunOutput {
            RunOutput(
                path: path, kind: .file, digest: .sha256(of: text), size: Int64(text.utf8.count), executable: false)
        }
        func result(_ outputs: [RunOutput], code: Int = 0, out: String = "") -> RunResult {
            RunResult(
                status: code == 0 ? .succeeded : .failed, exitCode: code, outputs: outputs, stdout: .sha256(of: out),
                stderr: .sha256(of: ""))
        }
        func compare(_ actual: RunResult, rules: [CompareRule] = []) throws -> Comparison {
            try Comparison(
                rules: rules, expected: result([output("a", "1")]), actual: actual, store: store, viewer: nil)
        }
        let same = try compare(result([output("a", "1")]))
        #expect(same.verdict == .identical)
        #expect(same.verdicts.map(\.path) == ["a", "<stdout>", "<stderr>", "<exit status>"])
        let changes: [RunResult] = [
            result([output("a", "2")]), result([]), result([output("a", "1"), output("b", "1")]),
            result([output("b", "1")]), result([output("a", "1")], code: 1), result([output("a", "1")], out: "x"),
        ]
        for changed in changes {
            #expect(try compare(changed).verdict == .different)
        }
        let rules = [CompareRule(pattern: "a", kind: .ignore)]
        let ignored = try compare(changes[0], rules: rules)
        #expect(ignored.verdict == .equivalent)
        #expect(ignored.verdicts.first?.verdict == .equivalent)
        // The recorded bytes are not there: the digests differ, and whether the rule holds nobody can say.
        let numeric = [CompareRule(pattern: "a", kind: .numeric)]
        #expect(try compare(changes[0], rules: numeric).verdict == .unverifiable)
        #expect(try compare(changes[1], rules: numeric).verdict == .different)
    }
}
