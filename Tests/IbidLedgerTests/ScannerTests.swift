import Foundation
import IbidCrypto
import IbidModel
import IbidTestSupport
import Testing

@testable import IbidLedger

/// The scanner that verification uses, held against the plain way of reading a statement.
@Suite struct ScannerTests {
    private func scan(_ bytes: [UInt8]) -> StatementFacts? { StatementFacts(scanning: bytes) }

    /// The plain way: build the value, and write it again.
    private func plain(_ bytes: [UInt8]) -> StatementFacts? {
        guard let json = try? CanonicalJSON.parse(bytes), Statement(json: json)?.canonicalBytes == bytes else {
            return nil
        }
        return StatementFacts(payload: json)
    }

    private let statements = [
        Fixture.intent(1), Fixture.outcome(2), Fixture.imageBuild(), Fixture.replay(3),
        Statement(
            subjects: [.init(name: "a\"\\\n\u{1}\u{7f}ä\u{1F600}", digest: Fixture.image)],
            predicateType: "https://example.org/other",
            predicate: [
                "ä": 1, "\u{1F600}": [-1, 0, 9_007_199_254_740_991, .null, true, false, [:], []], "\u{ffee}": 2,
                "": "\t",
            ]),
        Statement(
            subjects: [.init(name: "a", digest: Fixture.image)],
            predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(BuildType.run), "externalParameters": ["job": "iris"],
                    "internalParameters": ["snapshot": ["commit": "0123456789"]], "resolvedDependencies": [],
                ],
                "runDetails": [
                    "byproducts": [
                        ["annotations": ["status": "failed"], "name": "x"],
                        ["annotations": ["status": "no"], "digest": ["sha256": "00"]],
                    ], "metadata": ["invocationId": .string(Fixture.runID(4).text)],
                ],
            ]),
        Statement(
            subjects: [.init(name: "a", digest: Fixture.image)], predicateType: BuildType.note,
            predicate: ["at": "t", "run": .string(Fixture.runID(5).text), "tag": "good \"one\"", "untag": "bad"]),
    ]

    @Test func statementsAreReadAsTheyAre() {
        for statement in statements {
            let bytes = statement.canonicalBytes
            #expect(scan(bytes) != nil && scan(bytes) == plain(bytes))
        }
        #expect(scan(Fixture.outcome(2).canonicalBytes)?.run == Fixture.runID(2))
        #expect(scan(Fixture.replay(3).canonicalBytes)?.kind == .replay)
        #expect(scan(Fixture.imageBuild().canonicalBytes)?.image == Fixture.image)
        #expect(scan(statements[5].canonicalBytes)?.words.map(\.text) == ["iris", "0123456789", "failed"])
        #expect(scan(statements[6].canonicalBytes)?.words.map(\.role) == ["tag", "untag"])
    }

    @Test func changedBytesAreReadAsThePlainWayReadsThem() {
        var accepted = 0
        for statement in statements {
            let original = statement.canonicalBytes
            for _ in 0..<1_500 {
                var bytes = original
                let position = Int.random(in: 0..<bytes.count)
                switch Int.random(in: 0..<4) {
                case 0: bytes[position] ^= 1 << UInt8.random(in: 0..<8)
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(Array("{}[]\",:\\u0 -1ea\u{0}".utf8).randomElement() ?? 0, at: position)
                default: bytes.insert(contentsOf: bytes[position...].prefix(Int.random(in: 1..<40)), at: position)
                }
                let (found, expected) = (scan(bytes), plain(bytes))
                #expect(found == expected, "\(String(decoding: bytes, as: UTF8.self))")
                if found != nil { accepted += 1 }
            }
        }
        #expect(accepted > 100, "a changed digit is still canonical")
    }

    @Test func hostileBytesAreRefused() {
        for text in [
            "", "{", "{}", "[]", "null", "{\"_type\":", "{\"a\":1,}", "{\"a\":01}", "{\"a\":-0}",
            "{\"a\":9007199254740992}",
        ] {
            #expect(scan(Array(text.utf8)) == nil)
        }
        #expect(scan([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)) == nil)
        #expect(scan([UInt8](repeating: 0xff, count: 100)) == nil)
    }
}
