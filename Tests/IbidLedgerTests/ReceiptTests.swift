import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// What a verification of one's own ledger leaves for the next one, and what somebody could do to it.
@Suite(.enabled(if: has("sqlite3"), "sqlite3 is not installed"))
struct ReceiptTests {
    private static func options(_ time: String = "2026-02-03T04:05:06Z", all: Bool = false) -> VerifyOptions {
        var options = VerifyOptions()
        options.receiptAt = Timestamp(time)
        options.allSignatures = all
        return options
    }

    private static func receipt(_ home: FilePath) -> FilePath { home.appending("keys/ledger.verified") }

    private static func text(_ file: FilePath) throws -> String {
        try String(contentsOfFile: file.string, encoding: .utf8)
    }

    @Test func signaturesAreVerifiedOnce() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<30).map { Fixture.intent($0) })
            for number in 30..<33 { try ledger.append(Fixture.intent(number)) }
            let first = ledger.verify(options: Self.options())
            #expect(first.ok && first.proved.contains { $0.hasPrefix("each statement is signed by") })
            // A note of the ledger's key that is no checkpoint.
            let note = try SignedNote(parsing: Self.text(Self.receipt(home)))
            #expect(note.isSigned(by: try ledger.publicKeys().ledgers[0]))
            #expect(throws: IbidError.self) { try Checkpoint(text: note.text) }

            try ledger.append([Fixture.outcome(1), Fixture.outcome(2)])
            let second = ledger.verify(options: Self.options("2026-03-04T05:06:07.5Z"))
            let said = try #require(second.proved.first { $0.contains("byte for byte") })
            #expect(said.contains("of the first 33 by 2026-02-03T04:05:06Z") && said.contains("entries 33 to 34"))
            #expect(second.proved.contains { $0.hasPrefix("each statement after the first 33 entries is signed") })
            #expect(second.ok && second.notProved.contains { $0.contains("--all-signatures") })
            let third = ledger.verify(options: Self.options("2026-04-05T06:07:08Z"))
            #expect(
                third.proved.contains {
                    $0.contains("of the first 33 by 2026-02-03T04:05:06Z, of the first 35 by 2026-03-04T05:06:07Z")
                        && $0.contains("no further entry")
                }, "\(third.proved)")
            let again = ledger.verify(options: Self.options("2026-05-06T07:08:09Z", all: true))
            #expect(again.ok && again.proved.contains { $0.hasPrefix("each statement is signed by") })
            #expect(try Self.text(Self.receipt(home)).contains("\n35 2026-05-06T07:08:09Z\n\n"))
            // A file by itself has no receipt, and who does not ask for one neither reads nor writes it.
            #expect(Ledger.verify(file: ledger.path).proved.contains { $0.hasPrefix("each statement is signed by") })
            #expect(ledger.verify().proved.contains { $0.hasPrefix("each statement is signed by") })
        }
    }

    /// With a receipt, everything shows that a verification of every signature would show, and what that would not: an
    /// older checkpoint that is gone.
    @Test func nothingHidesBehindTheReceipt() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            for number in 0..<12 { try ledger.append(Fixture.intent(number)) }
            _ = try ledger.entries(naming: Fixture.image)
            #expect(ledger.verify(options: Self.options()).ok)
            try ledger.append(Fixture.outcome(1))
            try ledger.close()
            let other = "(SELECT signature FROM statements WHERE leaf_index = 4)"
            let edits = [
                "UPDATE statements SET signature = \(other) WHERE leaf_index = 7",
                "UPDATE statements SET payload = replace(payload, 'main', 'mean') WHERE leaf_index = 7",
                "UPDATE entries SET leaf = (SELECT leaf FROM entries WHERE leaf_index = 4) WHERE leaf_index = 7",
                // In no leaf: the signatures of checkpoints.
                "UPDATE checkpoints SET note = replace(note, substr(note, -9, 4), 'AAAA') WHERE tree_size = 5",
                "DELETE FROM checkpoints WHERE tree_size = 5",
                "UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE tree_size = 6) WHERE tree_size = 5",
                "UPDATE identity SET attestor_key = replace(attestor_key, 'MFkw', 'MFkx')",
                "UPDATE part_terms SET term = 'x' WHERE leaf_index = 8 AND position = 0 AND role = 'subject'",
                "UPDATE events SET started_at = NULL WHERE leaf_index = 8",
                "UPDATE statements SET signature = \(other) WHERE leaf_index = 12",
                """
                DELETE FROM checkpoints WHERE tree_size > 11; DELETE FROM statements WHERE leaf_index > 10;
                DELETE FROM entries WHERE leaf_index > 10; DELETE FROM events WHERE leaf_index > 10;
                DELETE FROM part_terms WHERE leaf_index > 10; UPDATE term_parts SET upto = 11;
                """,
            ]
            for edit in edits {
                let copy = home.appending("copy")
                try? FileManager.default.removeItem(atPath: copy.string)
                try FileManager.default.createDirectory(atPath: copy.string, withIntermediateDirectories: false)
                for name in ["ledger.sqlite", "keys"] {
                    try FileManager.default.copyItem(
                        atPath: home.appending(name).string, toPath: copy.appending(name).string)
                }
                let open = "PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE type = 'trigger';"
                let made = try shell([
                    "sqlite3", copy.appending("ledger.sqlite").string,
                    "PRAGMA writable_schema = 1; CREATE TEMP TABLE guards AS SELECT * FROM sqlite_schema WHERE type = 'trigger';"
                        + open + "PRAGMA writable_schema = RESET;" + edit
                        + "; PRAGMA writable_schema = 1; INSERT INTO sqlite_schema SELECT * FROM guards;",
                ])
                #expect(made.status == 0, "\(edit): \(made.stderr)")
                let report = try Ledger.scratch(copy).verify(options: Self.options())
                #expect(!report.ok, "\(edit)")
                #expect(!report.problems.contains { $0.what.contains("definition") }, "\(report.problems)")
                #expect(!report.proved.contains { $0.contains("byte for byte") }, "\(edit)")
            }
        }
    }

    @Test func aReceiptThatDoesNotFitIsEvidence() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            for number in 0..<5 { try ledger.append(Fixture.intent(number)) }
            let older = home.appending("older.sqlite").string
            try shell(["sqlite3", ledger.path.string, "VACUUM INTO '\(older)'"])
            try ledger.append([Fixture.outcome(1), Fixture.outcome(2)])
            #expect(ledger.verify(options: Self.options()).ok)
            let (file, whole) = (Self.receipt(home), try Self.text(Self.receipt(home)))
            func verify(_ text: String) throws -> VerificationReport {
                try text.write(toFile: file.string, atomically: true, encoding: .utf8)
                return ledger.verify(options: Self.options())
            }
            // Torn, or nothing of the kind: everything is verified, and the receipt written anew.
            for text in ["", String(whole.prefix(90)), "x\n", whole + "x"] {
                let report = try verify(text)
                #expect(report.ok && report.notProved.contains { $0.contains("damaged") }, "\(report)")
                #expect(report.proved.contains { $0.hasPrefix("each statement is signed by") })
                #expect(try Self.text(file) == whole)
            }
            // A word of its own, or somebody else's.
            let forged = try verify(whole.replacing("\n7 2026", with: "\n7 2025"))
            #expect(!forged.ok && forged.problems.contains { $0.what.contains("keys/ledger.verified") })
            let stranger = try Ledger.scratch(home.appending("stranger"))
            try stranger.append(Fixture.intent(1))
            #expect(stranger.verify(options: Self.options()).ok)
            #expect(try !verify(Self.text(Self.receipt(home.appending("stranger")))).ok)
            #expect(try verify(whole).ok)

            // An older copy that went on in another way: its own checks pass, the receipt knows better.
            let fork = home.appending("fork")
            try FileManager.default.createDirectory(atPath: fork.string, withIntermediateDirectories: false)
            try FileManager.default.copyItem(atPath: older, toPath: fork.appending("ledger.sqlite").string)
            try FileManager.default.copyItem(
                atPath: home.appending("keys").string, toPath: fork.appending("keys").string)
            try FileManager.default.removeItem(atPath: fork.appending("keys/ledger.checkpoint").string)
            let forked = try Ledger.scratch(fork)
            let rolledBack = forked.verify(options: Self.options())
            #expect(rolledBack.problems.contains { $0.what == "the entries" && $0.want.hasPrefix("at least 7") })
            try forked.append([Fixture.outcome(3), Fixture.outcome(4), Fixture.outcome(0)])
            #expect(forked.verify().ok)
            let rewritten = forked.verify(options: Self.options())
            #expect(rewritten.problems.contains { $0.what.contains("the first 7 entries") }, "\(rewritten.problems)")
        }
    }
}
