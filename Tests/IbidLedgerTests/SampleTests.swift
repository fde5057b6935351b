import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// The sample under audit/: what a reader tries first has to work.
@Suite(.enabled(if: IndependentVerifier.isAvailable, "python3 with the package cryptography is not installed"))
struct SampleTests {
    private static let audit = FilePath(IndependentVerifier.script).removingLastComponent()
    private static let sample = audit.appending("sample")

    private static func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: sample.appending(name).string)))
    }

    /// A record made now has the sample's form; `IBID_WRITE_SAMPLE=1` keeps it as the new sample, after a change of it.
    @Test func aFreshRecordHasTheSamplesForm() throws {
        try withScratch { scratch in
            let keeps = ProcessInfo.processInfo.environment["IBID_WRITE_SAMPLE"] != nil
            let place = keeps ? Self.sample : scratch.appending("sample")
            let (ledger, record) = try RecordTests.make(scratch.appending("home"))
            let keys = try ledger.publicKeys()
            func write(_ name: String, _ bytes: [UInt8]) throws {
                let path = place.appending(name)
                try FileManager.default.createDirectory(
                    atPath: path.removingLastComponent().string, withIntermediateDirectories: true)
                try Data(bytes).write(to: URL(fileURLWithPath: path.string))
            }
            try write("record.json", record.encoded)
            try write("keys.txt", Array((keys.attestors[0].pem + keys.ledgers[0].vkey + "\n").utf8))
            try write("outputs/results/head.csv", Array("sepal,petal\n".utf8))
            try write("outputs/results/größe \u{1F600}.txt", Array("42 3\n".utf8))
            let written = Array(try Data(contentsOf: URL(fileURLWithPath: place.appending("record.json").string)))
            #expect(AuditRecord.verify(written, outputs: place.appending("outputs")).problems == [])
            let (fresh, kept) = (try CanonicalJSON.parse(written), try CanonicalJSON.parse(Self.read("record.json")))
            #expect(fresh.object?.keys.sorted() == kept.object?.keys.sorted())
            #expect(fresh["entries"]?.array?.count == kept["entries"]?.array?.count)
        }
    }

    @Test func theSampleIsAccepted() throws {
        let pinned = try PinnedKeys(parsing: String(decoding: Self.read("keys.txt"), as: UTF8.self))
        let report = try AuditRecord.verify(
            Self.read("record.json"), pinned: pinned, outputs: Self.sample.appending("outputs"))
        #expect(report.problems == [])
        let arguments = [
            Self.sample.appending("record.json").string, "--key", Self.sample.appending("keys.txt").string, "--outputs",
            Self.sample.appending("outputs").string,
        ]
        let theirs = try shell(["python3", IndependentVerifier.script] + arguments)
        #expect(theirs.status == 0, "\(theirs.stdout)\(theirs.stderr)")
        #expect(theirs.stdout.hasSuffix("verified\n"))
    }

    @Test(
        .enabled(
            if: (try? shell(["python3", "-c", "import jsonschema"]).status) == 0, "python3-jsonschema is not installed")
    )
    func theSampleHasTheShapeOfTheSchema() throws {
        let program = """
            import json, sys, jsonschema
            schema, record = (json.load(open(path)) for path in sys.argv[1:])
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            validator.validate(record)
            for member in list(record):
                assert not validator.is_valid({k: v for k, v in record.items() if k != member}), member
            assert not validator.is_valid({**record, "more": 1})
            """
        let result = try shell([
            "python3", "-c", program, Self.audit.appending("record.schema.json").string,
            Self.sample.appending("record.json").string,
        ])
        #expect(result.status == 0, "\(result.stderr)")
    }

    @Test func whatIsClaimedIsTamperEvidence() throws {
        for name in ["LEDGER.md", "verify.py", "record.schema.json"] {
            let text = try String(contentsOfFile: Self.audit.appending(name).string, encoding: .utf8).lowercased()
            for word in ["immutable", "tamper-proof", "tamperproof", "unforgeable"] {
                #expect(!text.contains(word), "\(name)")
            }
        }
    }
}
