import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct LedgerTests {
    @Test func appendedStatementsAreFoundAgain() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            #expect(try ledger.size() == 0)
            #expect(try ledger.checkpoint() == nil)
            #expect(ledger.verify().ok, "an empty ledger is in order")
            #expect(throws: IbidError.runNotFound("@last")) { try ledger.resolve("@last") }

            let image = try ledger.append(Fixture.imageBuild())
            #expect(image.leafIndex == 0 && image.treeSize == 1)
            let positions = try ledger.append([Fixture.intent(1), Fixture.intent(2), Fixture.outcome(1)])
            #expect(positions.map(\.leafIndex) == [1, 2, 3])
            #expect(positions.allSatisfy { $0.treeSize == 4 })
            let replay = try ledger.append(Fixture.replay(1))

            #expect(try ledger.runs().map(\.run) == [Fixture.runID(2), Fixture.runID(1)])
            #expect(try ledger.runs(limit: 1).map(\.run) == [Fixture.runID(2)])
            let run = try #require(try ledger.run(Fixture.runID(1)))
            #expect(run.intentIndex == 1 && run.outcomeIndex == 3 && run.image == Fixture.image)
            #expect(run.startedAt == Timestamp("2026-01-02T03:04:05Z"))
            #expect(run.finishedAt == Timestamp("2026-01-02T03:04:06.5Z"))
            #expect(try ledger.intentsWithoutOutcome().map(\.run) == [Fixture.runID(2)])
            #expect(
                try ledger.statements(for: Fixture.runID(1)) == [
                    Fixture.imageBuild(), Fixture.intent(1), Fixture.outcome(1), Fixture.replay(1),
                ])
            #expect(try ledger.imageStatement(for: Fixture.image) == Fixture.imageBuild())
            let kinds = try (0..<5).map { try ledger.entry(at: $0).kind }
            #expect(
                kinds == [
                    .image(Fixture.image), .intent(Fixture.runID(1)), .intent(Fixture.runID(2)), .run(Fixture.runID(1)),
                    .replay(of: Fixture.runID(1)),
                ])
            let named = try ledger.entries(naming: Fixture.digest("iris"))
            #expect(named.map(\.leafIndex) == [1, 2, 3] && named.allSatisfy { $0.role == "dependency" })

            let checkpoint = try Checkpoint(text: #require(try ledger.checkpoint()).text)
            #expect(checkpoint.size == 5 && checkpoint.root.digest == replay.rootHash)
            let report = ledger.verify()
            #expect(report.problems == [])
            #expect(report.proved.contains { $0.contains("5 entries are dense") })
            try #expect(Ledger.verify(file: ledger.path, pinned: ledger.publicKeys()).problems == [])
        }
    }

    @Test func runsAreNamedByPrefixAndByLast() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            for number in 1...3 { try ledger.append(Fixture.intent(number)) }
            let (first, last) = (Fixture.runID(1), Fixture.runID(3))
            #expect(try ledger.resolve("@last") == last)
            #expect(try ledger.resolve(first.text) == first)
            #expect(try ledger.resolve(first.text.uppercased()) == first)
            let common = zip(first.text, last.text).prefix { $0 == $1 }.count
            #expect(try ledger.resolve(String(last.text.prefix(common + 1))) == last)
            let ambiguous = try #require(throws: IbidError.self) {
                try ledger.resolve(String(first.text.prefix(common)))
            }
            #expect(ambiguous.code == "run-ambiguous" && ambiguous.exit == .notFound)
            for text in ["zzzz", "", "@first", "%", first.text + "0"] {
                #expect(throws: IbidError.runNotFound(text)) { try ledger.resolve(text) }
            }
        }
    }

    @Test func everyEntryIsProvedAndTheProofIsThatOfTheRecursion() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<600).map { Fixture.intent($0) })
            let key = try ledger.publicKeys().ledgers[0]
            let old = try #require(try ledger.checkpoint())
            try ledger.append(Fixture.outcome(1))
            for index: Int64 in [0, 1, 255, 256, 511, 512, 599, 600] {
                let proof = try ledger.inclusionProof(of: index)
                #expect(proof.isValid(leafHash: .leaf(try ledger.entry(at: index).leaf), key: key))
                #expect(!proof.isValid(leafHash: .leaf([1]), key: key))
            }
            let (oldTree, newTree) = try (
                Checkpoint(text: old.text), Checkpoint(text: #require(try ledger.checkpoint()).text)
            )
            let consistency = try ledger.consistencyProof(since: old)
            #expect(consistency.isValid(oldRoot: oldTree.root, newRoot: newTree.root))
            #expect(throws: IbidError.self) { try ledger.inclusionProof(of: 601) }
            #expect(throws: IbidError.self) { try ledger.inclusionProof(of: -1) }
        }
    }

    @Test func statementsAreSignedAndLeavesAreThoseOfRekor() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append(Fixture.outcome(1))
            let entry = try ledger.entry(at: 0)
            let key = try ledger.publicKeys().attestors[0]
            #expect(entry.envelope.isSigned(by: key))
            #expect(Envelope(json: entry.envelope.json) == entry.envelope)
            #expect(entry.envelope.payload == Fixture.outcome(1).canonicalBytes)
            let leaf = try CanonicalJSON.parse(entry.leaf)
            #expect(CanonicalJSON.bytes(leaf) == entry.leaf, "the leaf is canonical")
            let body = leaf["spec"]?["hashedRekordV002"]
            #expect(leaf["kind"] == "hashedrekord" && leaf["apiVersion"] == "0.0.2")
            #expect(
                body?["data"]?["digest"]?.string
                    == Base64.encode(Digest.sha256(of: entry.envelope.preAuthentication).bytes))
            #expect(!String(decoding: entry.leaf, as: UTF8.self).contains("iris"), "the log leaks no names")
        }
    }

    @Test func theIndexIsMadeAgainFromTheStatements() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<300).map { Fixture.intent($0) } + [Fixture.outcome(1), Fixture.replay(1)])
            let before = try ledger.runs()
            try shell([
                "sqlite3", ledger.path.string,
                "DELETE FROM events; DELETE FROM part_terms; DELETE FROM term_parts; DELETE FROM nodes; DELETE FROM frontier;",
            ])
            #expect(!ledger.verify().ok)
            #expect(throws: IbidError.self) { try ledger.append(Fixture.intent(1000)) }
            try ledger.rebuildIndex()
            #expect(try ledger.runs() == before)
            #expect(ledger.verify().problems == [])
            try ledger.append(Fixture.intent(1000))
        }
    }

    /// Terms are written behind the entries: whoever asks finds all, a part at a time, and plain SQL sees how far they go.
    @Test func termsFollowTheEntries() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            func covered() throws -> String {
                try shell(["sqlite3", ledger.path.string, "SELECT max(upto) FROM term_parts"]).stdout
            }
            try ledger.append((0..<10).map { Fixture.intent($0) })
            try ledger.append(Fixture.outcome(3))
            #expect(try covered() == "\n")
            let behind = ledger.verify()
            #expect(behind.ok && behind.notProved.contains { $0.contains("newest 11 entries") }, "\(behind)")
            let asked = try #require(throws: IbidError.self) {
                try Ledger.openReadOnly(at: ledger.path).entries(naming: Fixture.image)
            }
            #expect(asked.code == "index-behind")
            #expect(try ledger.entries(naming: Fixture.image).map(\.leafIndex) == Array(0...10))
            #expect(try covered() == "11\n")
            // In plain SQL too, in a file that SQLite is told not to trust.
            let query = "PRAGMA trusted_schema = OFF; SELECT leaf_index, role, name FROM artifacts WHERE digest = "
            let found = try shell(["sqlite3", ledger.path.string, query + "'\(Fixture.result(3).hex)'"])
            #expect(found.stdout == "10|subject|result.json\n", "\(found.stderr)")
            // Over the end of a part: one entry many times over, then others.
            let one = try ledger.envelopes(from: 0, count: 1)
            try ledger.append(envelopes: Array(repeating: one[0], count: 16_380 - 11))
            try ledger.append((0..<10).map { Fixture.intent(100 + $0) })
            #expect(try ledger.entries(naming: Fixture.image).map(\.leafIndex) == Array(0..<16_390))
            #expect(try ledger.entries(naming: Fixture.spec(103)).map(\.leafIndex) == [16_383, 16_383])
            #expect(try ledger.entries(naming: Fixture.spec(104)).map(\.leafIndex) == [16_384, 16_384])
            #expect(try covered() == "16390\n")
            var options = VerifyOptions()
            options.statementSignatures = false
            let whole = ledger.verify(options: options)
            #expect(whole.ok && !whole.notProved.contains { $0.contains("not written yet") }, "\(whole)")
        }
    }

    @Test func anOlderCopyIsRefused() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append(Fixture.intent(1))
            let copy = home.appending("copy.sqlite").string
            try shell(["sqlite3", ledger.path.string, "VACUUM INTO '\(copy)'"])
            try ledger.append(Fixture.outcome(1))
            let outside = try #require(try ledger.checkpoint())

            // The copy in another home with the same keys: only the checkpoint from outside can tell.
            let other = home.appending("other")
            try FileManager.default.createDirectory(atPath: other.string, withIntermediateDirectories: false)
            try FileManager.default.copyItem(atPath: copy, toPath: other.appending("ledger.sqlite").string)
            try FileManager.default.copyItem(
                atPath: home.appending("keys").string, toPath: other.appending("keys").string)
            let rolledBack = try Ledger.scratch(other)
            let here = try #require(throws: IbidError.self) { try rolledBack.append(Fixture.outcome(2)) }
            #expect(here.code == "ledger-rolled-back")
            #expect(!rolledBack.verify().ok)
            try FileManager.default.removeItem(atPath: other.appending("keys/ledger.checkpoint").string)
            let there = try #require(throws: IbidError.self) {
                try rolledBack.append([Fixture.outcome(2)], outside: [outside])
            }
            #expect(there.code == "ledger-rolled-back")
            var options = VerifyOptions()
            options.since = [outside]
            #expect(!rolledBack.verify(options: options).ok)
            #expect(ledger.verify(options: options).problems == [])

            // It goes on where nobody looks: a fork, which the checkpoint that was kept proves.
            try rolledBack.append([Fixture.outcome(2), Fixture.outcome(3)])
            #expect(rolledBack.verify().ok, "a fork is in order with itself")
            #expect(!rolledBack.verify(options: options).ok)
            #expect(throws: IbidError.self) { try rolledBack.consistencyProof(since: outside) }
        }
    }
}
