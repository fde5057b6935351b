import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    private static let quick = """
        import pathlib
        print(open("/inputs/data.txt").read())
        pathlib.Path("result.txt").write_text("result\\n")
        """
    private static let files = [
        "data.txt": "the data\n", "job.toml": "[inputs.\"data.txt\"]\npath = \"data.txt\"\n",
    ]

    @Test func replayNeedsNoRepository() throws {
        try Bench.with { bench in
            try bench.job(Self.quick, files: Self.files)
            let run = try bench.json("submit", ".")
            try Bench.run(["mv", "repository", "gone"], in: bench.root.string)
            try Bench.run(["mkdir", "repository"], in: bench.root.string)
            let replay = try bench.json("replay", "@last")
            #expect(replay["verdict"].string == "identical")
            #expect(replay["replayOf"].string == run["run"].string)
            #expect(replay["outputs"].array.allSatisfy { $0["verdict"].string == "identical" })
            #expect(replay["outputs"].array.contains { $0["path"].string == "result.txt" })
            try bench.requireSoundLedger()
        }
    }

    @Test func differenceIsAVerdict() throws {
        try Bench.with { bench in
            try bench.job("import os; open('same', 'w').write('x'); open('other', 'wb').write(os.urandom(8))")
            _ = try bench.json("submit", ".")
            let replay = try bench.json("replay", "@last", status: 4)
            #expect(replay["verdict"].string == "different")
            let verdicts = Dictionary(
                replay["outputs"].array.compactMap { output in
                    output["path"].string.map { ($0, output["verdict"].string) }
                },
                uniquingKeysWith: { first, _ in first })
            #expect(verdicts["same"] == "identical")
            #expect(verdicts["other"] == "different")
        }
    }

    /// Every blob that the run stands on is checked before it is used.
    @Test func oneByteInAnyNeededBlobIsNamed() throws {
        try Bench.with { bench in
            try bench.job(Self.quick, files: Self.files)
            let run = try bench.json("submit", ".")
            let manifest = try JSONReader(
                String(contentsOfFile: try bench.blob(run["image"].string).string, encoding: .utf8))
            var needed = [run["image"].string, run["spec"].string, manifest["config"]["digest"].string]
            needed += manifest["layers"].array.map { $0["digest"].string }
            needed += run["inputs"].array.map { $0["digest"].string }
            #expect(needed.count >= 7)
            for digest in needed.compactMap({ $0 }) {
                let path = try bench.blob(digest).string
                // A copy: the file may be a link to the template's.
                try Bench.run(["cp", path, path + ".good"], in: "/")
                try Bench.run(
                    [
                        "python3", "-c",
                        """
                        import os, sys
                        path = sys.argv[1]
                        data = bytearray(open(path, "rb").read()); data[len(data) // 2] ^= 1
                        os.unlink(path); open(path, "wb").write(data)
                        """, path,
                    ], in: "/")
                let replay = try bench.call("replay", "@last")
                #expect(replay.status == 5, "\(digest): \(replay.stderr)")
                #expect(replay.stderr.contains(digest), "\(digest): \(replay.stderr)")
                let verify = try bench.call("verify", "--store")
                #expect(verify.status == 5)
                #expect(verify.stdout.contains(digest), "\(digest): \(verify.stdout)")
                try Bench.run(["mv", "-f", path + ".good", path], in: "/")
            }
            #expect(try bench.call("verify", "--store").status == 0)
            #expect(try bench.json("replay", "@last")["verdict"].string == "identical")
        }
    }

    @Test(.enabled(if: has("sqlite3"), "sqlite3 is not installed"))
    func ledgerResistsAndTells() throws {
        try Bench.with { bench in
            try bench.job(Self.quick, files: Self.files)
            let run = try bench.json("submit", ".")
            let tables = try Bench.run(
                [
                    "sqlite3", bench.ledger.string,
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%leaf%'",
                ],
                in: "/")
            #expect(tables.split(separator: "\n").contains("entries"))
            for statement in [
                "UPDATE entries SET leaf = x'00' WHERE leaf_index = 0", "DELETE FROM entries",
                "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE leaf_index = 0",
            ] {
                let refused = try shell(["sqlite3", bench.ledger.string, statement])
                #expect(refused.status != 0, "\(statement) was not refused")
            }
            try bench.requireSoundLedger()
            // Past SQL: one bit in the file, in each place where an entry's leaf lies.
            try Bench.run(["sqlite3", bench.ledger.string, "PRAGMA wal_checkpoint(TRUNCATE)"], in: "/")
            let good = try Data(contentsOf: URL(fileURLWithPath: bench.ledger.string))
            let leaf = try Bench.run(
                ["sqlite3", bench.ledger.string, "SELECT hex(leaf) FROM entries WHERE leaf_index = 1"], in: "/")
            let bytes = try #require(Self.decode(leaf.trimmingCharacters(in: .newlines)))
            let place = try #require(good.range(of: bytes))
            var bad = good
            bad[place.lowerBound + bytes.count / 2] ^= 1
            try bad.write(to: URL(fileURLWithPath: bench.ledger.string))
            let verify = try bench.call("verify", "--ledger")
            #expect(verify.status == 5)
            #expect(verify.stdout.contains("entry 1"), "\(verify.stdout)")
            try good.write(to: URL(fileURLWithPath: bench.ledger.string))
            try bench.requireSoundLedger()
            #expect(run["ledger"]["treeSize"].int == 3)
        }
    }

    private static func decode(_ hex: String) -> Data? {
        var data = Data()
        var rest = Array(hex.utf8)[...]
        while rest.count >= 2 {
            guard let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            data.append(byte)
            rest = rest.dropFirst(2)
        }
        return rest.isEmpty && !data.isEmpty ? data : nil
    }

    @Test func recordIsCheckedByTwoVerifiers() throws {
        try Bench.with { bench in
            try bench.job(Self.quick, files: Self.files)
            _ = try bench.json("submit", ".")
            let record = bench.root.appending("record.json").string
            #expect(try bench.call("export", "@last", "-o", record).status == 0)
            // In another home, where nothing of it is known.
            let stranger = ["IBID_HOME": bench.root.appending("stranger").string]
            let verified = try bench.json("verify", record, environment: stranger)
            #expect(verified["ok"].bool == true)
            #expect(!verified["proved"].array.isEmpty && !verified["notProved"].array.isEmpty)
            let python = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("audit/verify.py").path
            #expect(try shell(["python3", python, record]).status == 0)
            let good = try String(contentsOfFile: record, encoding: .utf8)
            let commit = try bench.sh("git rev-parse HEAD").trimmingCharacters(in: .newlines)
            // The statement is in base64, so any change of a character in a long run of them is one of its content.
            let run = try #require(good.firstMatch(of: /[A-Za-z0-9+\/]{400}/))
            var bad = good
            let place = good.index(run.range.lowerBound, offsetBy: 200)
            bad.replaceSubrange(place...place, with: good[place] == "A" ? "B" : "A")
            try bad.write(toFile: record, atomically: true, encoding: .utf8)
            #expect(try bench.call(["verify", record], environment: stranger).status == 5)
            #expect(try shell(["python3", python, record]).status != 0)
            #expect(commit.count == 40)
        }
    }

    @Test(.enabled(if: has("umoci"), "umoci is not installed"))
    func otherToolsReadTheStore() throws {
        try Bench.with { bench in
            try bench.job(Self.quick, files: Self.files)
            let run = try bench.json("submit", ".")
            let image = try #require(
                try bench.json("image", "ls").array.first { $0["image"].string == run["image"].string })
            let ref = try #require(image["ref"].string)
            let inspected = try JSONReader(try Bench.run(["skopeo", "inspect", "oci:\(bench.store):\(ref)"], in: "/"))
            #expect(inspected["Digest"].string == run["image"].string)
            #expect(inspected["Layers"].array.count == image["layers"].int)
            let bundle = bench.root.appending("bundle").string
            try Bench.run(["umoci", "unpack", "--image", "\(bench.store):\(ref)", bundle], in: "/")
            let unpacked = try String(contentsOfFile: bundle + "/rootfs/job/main.py", encoding: .utf8)
            #expect(unpacked == Self.quick)
            #expect(!FileManager.default.fileExists(atPath: bundle + "/rootfs/job/data.txt"))
        }
    }
}
