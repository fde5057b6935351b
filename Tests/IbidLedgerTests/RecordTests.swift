import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// audit/verify.py, and whether it can run here.
enum IndependentVerifier {
    static let script = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .appending("audit/verify.py").string

    static let isAvailable = (try? shell(["python3", "-c", "import cryptography"]).status) == 0

    static func run(_ record: [UInt8], _ arguments: [String] = []) throws -> ShellResult {
        try withScratch { scratch in
            let file = scratch.appending("record.json").string
            try Data(record).write(to: URL(fileURLWithPath: file))
            return try shell(["python3", script, file] + arguments)
        }
    }
}

@Suite(.enabled(if: IndependentVerifier.isAvailable, "python3 with the package cryptography is not installed"))
struct RecordTests {
    /// A record with all kinds of entries in a log that has others.
    static func make(_ home: FilePath) throws -> (ledger: Ledger, record: AuditRecord) {
        let ledger = try Ledger.scratch(home)
        try ledger.append(Fixture.imageBuild())
        for number in 0..<5 {
            try ledger.append(Fixture.intent(number))
            try ledger.append(Fixture.outcome(number))
        }
        try ledger.append(Fixture.replay(3))
        return (ledger, try ledger.record(for: Fixture.runID(3), documents: Fixture.documents(3)))
    }

    private func bothAccept(
        _ record: [UInt8], pinned: PinnedKeys = .none, outputs: FilePath? = nil, arguments: [String] = []
    ) throws -> Bool {
        let ours = AuditRecord.verify(record, pinned: pinned, outputs: outputs)
        let theirs = try IndependentVerifier.run(record, arguments + (outputs.map { ["--outputs", $0.string] } ?? []))
        #expect(theirs.status == (ours.ok ? 0 : 1), "\(theirs.stdout)\(theirs.stderr)\(ours.problems)")
        return ours.ok
    }

    @Test func aRecordIsAcceptedByBothVerifiers() throws {
        try withScratch { home in
            let (ledger, record) = try Self.make(home)
            #expect(record.entries.map(\.role) == [.image, .intent, .outcome, .replay])
            #expect(try AuditRecord(decoding: record.encoded) == record)
            #expect(try bothAccept(record.encoded))
            let report = record.verify()
            #expect(report.proved.contains { $0.contains("entries 0 (image), 7 (intent), 8 (outcome), 11 (replay)") })
            #expect(report.notProved.contains { $0.contains("whose keys these are") })
            let pinned = try record.verify(pinned: ledger.publicKeys())
            #expect(pinned.ok && pinned.proved.contains("pinned key: the statements' key is the pinned one"))
            #expect(!pinned.notProved.contains { $0.contains("whose keys these are") })
        }
    }

    @Test func pinnedKeysDecide() throws {
        try withScratch { home in
            let (_, record) = try Self.make(home)
            let other = try Self.make(home.appending("other")).record
            let files = [record, other].enumerated().map { number, record in
                home.appending("keys-\(number)")
            }
            for (file, record) in zip(files, [record, other]) {
                let text = "# keys\n" + record.attestorKey.pem + record.ledgerKey.vkey + "\n"
                try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
            }
            let pinned = try files.map { try PinnedKeys(parsing: String(contentsOfFile: $0.string, encoding: .utf8)) }
            #expect(try bothAccept(record.encoded, pinned: pinned[0], arguments: ["--key", files[0].string]))
            #expect(try !bothAccept(record.encoded, pinned: pinned[1], arguments: ["--key", files[1].string]))
            #expect(try PinnedKeys(parsing: record.ledgerKey.key.pem).anonymousLedgers == [record.ledgerKey.key])
            for text in ["", "# nothing\n", "rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n"] {
                #expect(throws: IbidError.self) { try PinnedKeys(parsing: text) }
            }
        }
    }

    @Test func outputsAreHeldAgainstTheOutcome() throws {
        try withScratch { home in
            let (_, record) = try Self.make(home)
            let outputs = home.appending("outputs")
            func write(_ name: String, _ text: String) throws {
                let path = outputs.appending(name)
                try FileManager.default.createDirectory(
                    atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
                try Data(text.utf8).write(to: URL(fileURLWithPath: path.string))
            }
            try write("results/head.csv", "sepal,petal\n")
            #expect(try !bothAccept(record.encoded, outputs: outputs), "one is missing")
            try write("results/größe \u{1F600}.txt", "42 3\n")
            #expect(try bothAccept(record.encoded, outputs: outputs))
            try write("results/more.csv", "")
            #expect(try !bothAccept(record.encoded, outputs: outputs), "one too many")
            try FileManager.default.removeItem(atPath: outputs.appending("results/more.csv").string)
            try write("results/head.csv", "sepal,petaL\n")
            #expect(try !bothAccept(record.encoded, outputs: outputs), "changed")
            try FileManager.default.removeItem(atPath: outputs.appending("results/head.csv").string)
            try FileManager.default.createSymbolicLink(
                atPath: outputs.appending("results/head.csv").string, withDestinationPath: "/etc/passwd")
            #expect(try !bothAccept(record.encoded, outputs: outputs), "a link is not followed")
            #expect(try !bothAccept(record.encoded, outputs: home.appending("keys")))
        }
    }

    @Test func aRunWithoutOutcomeHasARecord() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append(Fixture.intent(1))
            let record = try ledger.record(for: Fixture.runID(1))
            #expect(try bothAccept(record.encoded))
            #expect(record.verify().notProved.contains { $0.contains("how the run ended") })
            #expect(throws: IbidError.runNotFound(Fixture.runID(9).text)) { try ledger.record(for: Fixture.runID(9)) }
        }
    }

    @Test func whatCouldNotBeCheckedIsNotCalledTampered() throws {
        #expect(try shell(["python3", IndependentVerifier.script, "/nonexistent"]).status == 2)
        try withScratch { home in
            let (_, record) = try Self.make(home)
            #expect(try IndependentVerifier.run(record.encoded, ["--key", "/nonexistent"]).status == 2)
            #expect(try IndependentVerifier.run(record.encoded, ["--outputs", "/nonexistent"]).status == 2)
            #expect(try IndependentVerifier.run(record.encoded, ["--key", "/dev/null"]).status == 2)
        }
    }
}
