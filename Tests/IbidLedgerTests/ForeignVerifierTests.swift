import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

extension ForeignVerifiers {
    /// What each verifier says: true for accepted.
    fileprivate static func check(_ arguments: [String]) throws -> [String: Bool] {
        let script = FilePath(#filePath).removingLastComponent().appending("Foreign/check.py").string
        let result = try shell([python ?? "", script] + arguments)
        #expect(result.status == 0, "\(result.stderr)")
        let lines = result.stdout.split(separator: "\n").map { $0.split(separator: " ") }
        return Dictionary(lines.map { (String($0[0]), $0[1] == "1") }, uniquingKeysWith: { $0 && $1 })
    }
}

@Suite(.enabled(if: ForeignVerifiers.python != nil, "this machine cannot reach PyPI, and has not the packages"))
struct ForeignVerifierTests {
    private static let all = ["signatures", "statements", "canonical", "inclusion", "growth", "whole_tree"]

    @Test func othersVerifyARecordAndRefuseItsTwins() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<300).map { Fixture.intent($0) })
            let old = try #require(try ledger.checkpoint())
            try ledger.append([Fixture.imageBuild(), Fixture.outcome(3)])
            try ledger.append(Fixture.replay(3))
            let record = try ledger.record(for: Fixture.runID(3), documents: Fixture.documents(3))
            let consistency = try ledger.consistencyProof(since: old).path.map { $0.base64 + "\n" }.joined()
            func file(_ name: String, _ text: String) throws -> String {
                let path = home.appending(name).string
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                return path
            }
            func verdicts(_ record: JSONValue, old: String = old.description) throws -> [String: Bool] {
                try ForeignVerifiers.check([
                    file("record.json", String(decoding: CanonicalJSON.bytes(record) + [0x0a], as: UTF8.self)),
                    ledger.path.string, file("consistency", consistency), file("old", old),
                ])
            }
            #expect(try verdicts(record.json) == Dictionary(Self.all.map { ($0, true) }, uniquingKeysWith: { $1 }))

            func twin(_ refusedBy: String..., change: (inout JSONValue) -> Void) throws {
                var json = record.json
                change(&json)
                let verdicts = try verdicts(json)
                #expect(Self.all.filter { verdicts[$0] == false } == refusedBy)
            }
            try twin("signatures") { $0["entries", 0, "envelope", "payload"] = $0["entries", 1, "envelope", "payload"] }
            try twin("inclusion") { $0["entries", 0, "leafIndex"] = 4 }
            try twin("inclusion") { $0["entries", 1, "inclusionPath", 2] = .string(MerkleHash.leaf([1]).base64) }
            let checkpoint = try Checkpoint(text: record.checkpoint.text)
            let smaller = Checkpoint(origin: checkpoint.origin, size: 302, root: .leaf([1]))
            try twin("inclusion", "growth", "whole_tree") {
                var note = record.checkpoint
                note.text = smaller.text
                $0["checkpoint"] = .string(note.description)
            }
            let fork = Checkpoint(origin: checkpoint.origin, size: 300, root: .leaf([2]))
            #expect(try verdicts(record.json, old: fork.text)["growth"] == false)
        }
    }
}

/// The log as tiles, read by Go's own tile reader.
@Suite(.enabled(if: ForeignVerifiers.tlogcheck != nil, "golang-go and golang-golang-x-mod-dev are not installed"))
struct TileTests {
    @Test(arguments: [1, 256, 700])
    func anotherReaderFindsEachEntryInTheTiles(entries: Int) throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<entries).map { Fixture.intent($0) })
            let directory = home.appending("tiles")
            var paths: [String] = []
            let head = try ledger.forEachTile { path, bytes in
                let file = URL(fileURLWithPath: directory.appending(path).string)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: file)
                paths.append(path)
            }
            #expect(head.size == Int64(entries) && paths.last == "checkpoint")
            #expect(Set(paths).count == paths.count)
            let check = [
                try #require(ForeignVerifiers.tlogcheck), "-tiles", directory.string,
                try ledger.publicKeys().ledgers[0].vkey,
            ]
            let result = try shell(check)
            #expect(
                result.status == 0 && result.stdout == "OK \(entries) entries\n", "\(result.stdout)\(result.stderr)")
            for path in paths {
                let file = URL(fileURLWithPath: directory.appending(path).string)
                let bytes = try Data(contentsOf: file)
                var damaged = bytes
                damaged[Int.random(in: damaged.indices)] ^= 1
                try damaged.write(to: file)
                #expect(try shell(check).status != 0, "a byte of \(path)")
                try bytes.write(to: file)
            }
        }
    }
}
