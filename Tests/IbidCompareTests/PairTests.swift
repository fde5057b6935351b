import Foundation
import IbidCompare
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// Rules and explanations, judged by Python: it writes the files, and knows what it wrote.
@Suite(.enabled(if: has("python3"), "python3 is not installed"))
struct PairTests {
    private struct Case: Decodable {
        var name: String
        var path: String
        var rule: CompareRule.Kind
        var settings: [String: String]
        var equal: Bool?
        var nature: String?
        var says: String?
    }

    private typealias Pair = (Case, before: [UInt8], after: [UInt8])

    /// The cases and their files; made once.
    private static let made = Result<[Pair], any Error> { try pairs(["python3", "pairs.py"]) }

    /// The cases that need numpy, pyarrow and Pillow; more of them, and others, with `IBID_TEST_PAIRS="SEED ROUNDS"`.
    private static let foreign = Result<[Pair], any Error> {
        let more = ProcessInfo.processInfo.environment["IBID_TEST_PAIRS"]?.split(separator: " ").map { String($0) }
        return try pairs([try #require(ForeignVerifiers.python), "libraries.py"] + (more ?? ["1", "3"]))
    }

    private static func pairs(_ command: [String]) throws -> [Pair] {
        try withScratch("pairs") { scratch in
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("Oracles/\(command[1])").path
            let result = try shell([command[0], script, scratch.string] + command.dropFirst(2))
            try #require(result.status == 0, "\(result.stderr)")
            let cases = try JSONDecoder().decode([Case].self, from: Data(result.stdout.utf8))
            return try cases.enumerated().map { number, item in
                func read(_ side: String) throws -> [UInt8] {
                    Array(try Data(contentsOf: URL(fileURLWithPath: "\(scratch)/\(number).\(side)")))
                }
                return (item, try read("before"), try read("after"))
            }
        }
    }

    @Test func verdictsAreThoseOfPython() throws {
        let judged = try Self.made.get().filter { $0.0.equal != nil }
        #expect(judged.count > 600)
        try Self.judge(judged)
    }

    /// Parquet, arrays, JPEG and tables: what pyarrow, numpy, Pillow and pandas wrote, and what they say of it.
    @Test(.enabled(if: ForeignVerifiers.python != nil, "the packages of Tests/IbidLedgerTests/Foreign cannot be had"))
    func verdictsAreThoseOfLibraries() throws {
        let pairs = try Self.foreign.get()
        #expect(pairs.count > 250)
        try Self.judge(pairs.filter { $0.0.equal != nil })
        try Self.explain(pairs.filter { $0.0.equal == nil })
        try Self.damage(pairs)
    }

    private static func judge(_ judged: [Pair]) throws {
        for (item, before, after) in judged {
            let rule = CompareRule(pattern: "**", kind: item.rule, settings: item.settings)
            let finding = rule.judge(path: item.path, before: before, after: after)
            #expect(finding.isEqual == item.equal, "\(item.name) \(item.settings): \(finding.detail)")
            if let says = item.says {
                #expect(finding.detail.contains(says), "\(item.name): \(finding.detail)")
            }
        }
    }

    @Test func explanationsNameWhatChanged() throws {
        let explained = try Self.made.get().filter { $0.0.equal == nil }
        #expect(explained.count > 50)
        try Self.explain(explained)
    }

    private static func explain(_ explained: [Pair]) throws {
        for (item, before, after) in explained {
            let explanation = Explanation(path: item.path, before: before, after: after)
            if let nature = item.nature {
                #expect(explanation.nature.rawValue == nature, "\(item.name): \(explanation.summary)")
            }
            if let says = item.says {
                #expect(explanation.summary.contains(says), "\(item.name): \(explanation.summary)")
            }
        }
    }

    /// Outputs are untrusted: whatever is done to a file, reading it ends, and soon.
    @Test func damagedFilesAreDifferentAndNothingElse() throws {
        #expect(try Self.damage(try Self.made.get()) > 20)
    }

    @discardableResult
    private static func damage(_ pairs: [Pair]) throws -> Int {
        var generator = SplitMix(state: 7)
        var seen: Set<String> = []
        for (item, before, _) in pairs where seen.insert(item.name.prefix(14) + item.rule.rawValue).inserted {
            for _ in 0..<60 {
                var bytes = before
                for _ in 0...generator.next() % 4 where !bytes.isEmpty {
                    let place = Int(generator.next() % UInt64(bytes.count))
                    switch generator.next() % 4 {
                    case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                    case 1: bytes.removeSubrange(place...)
                    case 2: bytes.insert(0xFF, at: place)
                    default: bytes[place] = [0, 0x7F, 0x80, 0xFF][Int(generator.next() % 4)]
                    }
                }
                if bytes == before { continue }
                for kind in CompareRule.Kind.allCases where kind != .ignore {
                    let rule = CompareRule(pattern: "**", kind: kind)
                    #expect(!rule.judge(path: item.path, before: before, after: bytes).detail.isEmpty)
                    #expect(!rule.judge(path: item.path, before: bytes, after: before).detail.isEmpty)
                }
                #expect(!Explanation(path: item.path, before: before, after: bytes).summary.isEmpty)
                #expect(!Explanation(path: item.path, before: bytes, after: before).summary.isEmpty)
            }
        }
        return seen.count
    }

    @Test func depthIsBounded() {
        let deep = Array((String(repeating: "[", count: 200_000)).utf8)
        let rule = CompareRule(pattern: "**", kind: .numeric)
        #expect(!rule.judge(path: "a.json", before: deep, after: deep + deep).isEqual)
        let nested = String(repeating: "(", count: 40) + "a" + String(repeating: "){50}", count: 40)
        #expect(throws: TextPattern.Malformed.self) { _ = try TextPattern(nested) }
    }
}

/// A generator that gives the same numbers every time.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
