import Foundation
import IbidCrypto
@testable import IbidEngine
import IbidLedger
import IbidModel
import IbidTestSupport
import Synchronization
import SystemPackage
import Testing

extension EndToEndTests {
    /// Runs of one sweep share transactions of the ledger; each is recorded by itself all the same.
    @Test func sweepRecordsEachRun() throws {
        try Bench.withoutBase { bench in
            try bench.shellJob(
                "echo $IBID_PARAM_N > /work/n; exit $IBID_PARAM_N", files: ["job.toml": "[params]\nn = 0\n"])
            let call = try bench.call("submit", ".", "--sweep", "n=0,3,0,1,2", "--jobs", "1", "--json")
            #expect(call.status == 3)
            let rows = try JSONReader(call.stdout).array
            #expect(rows.map { $0["status"].string } == ["succeeded", "failed", "succeeded", "failed", "failed"])
            #expect(rows.map { $0["exitCode"].int } == [0, 3, 0, 1, 2])
            // The same parameters again: the first run answers, though its outcome had only just come.
            #expect(rows.map { $0["cached"].bool } == [false, false, true, false, false])
            #expect(rows[2]["run"].string == rows[0]["run"].string)

            let places = rows.filter { $0["cached"].bool == false }.compactMap { $0["ledger"]["leafIndex"].int }
            #expect(Set(places).count == 4)
            for row in rows {
                let shown = try bench.json("show", try #require(row["run"].string))
                #expect(shown["ledger"]["leafIndex"].int == row["ledger"]["leafIndex"].int)
                #expect(shown["exitCode"].int == row["exitCode"].int)
                #expect(shown["outputs"].array.count == 1)
            }
            let side = try bench.json("submit", ".", "--sweep", "n=0..3", "--jobs", "3", "--fresh", status: 3)
            #expect(Set(side.array.compactMap { $0["run"].string }).count == 4)
            #expect(try bench.json("runs").array.count == 8)
            #expect(try bench.json("verify", "--ledger")["ok"].bool == true)
            let left = try FileManager.default.contentsOfDirectory(atPath: bench.home.appending("runs").string)
            #expect(left.allSatisfy { $0.hasPrefix(".") && !$0.hasSuffix(".lock") })
        }
    }

    private struct Refused: Error {}

    private static func statement(_ number: Int64) -> IbidModel.Statement {
        Statement(
            subjects: [.init(name: "subject", digest: .sha256(of: []))], predicateType: "test",
            predicate: ["number": .int(number)])
    }

    /// What comes while the ledger is busy goes into it together, and everybody hears of their own.
    @Test func queueEntersTogether() throws {
        let (began, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let batches = Mutex<[[Int64]]>([])
        let queue = try LedgerQueue { statements in
            let numbers = statements.compactMap { $0.predicate["number"]?.int }
            let isFirst = batches.withLock {
                $0.append(numbers)
                return $0.count == 1
            }
            if isFirst {
                began.signal()
                goesOn.wait()
            }
            if numbers.contains(13) { throw Refused() }
            return numbers.map { LedgerPosition(leafIndex: $0, treeSize: 99, rootHash: .sha256(of: [])) }
        }
        let answers = Mutex<[Int64: Int64]>([:])
        func add(_ number: Int64) {
            let spec = Digest.sha256(of: [UInt8(number)])
            queue.add(Self.statement(number), spec: spec) { answer in
                answers.withLock { $0[number] = (try? answer.get().leafIndex) ?? -1 }
            }
        }
        add(1)
        began.wait()
        add(2)
        add(3)
        goesOn.signal()
        queue.settle(.sha256(of: [3]))
        #expect(answers.withLock { $0 } == [1: 1, 2: 2, 3: 3])
        #expect(try queue.enter(Self.statement(4)).leafIndex == 4)
        #expect(throws: Refused.self) { try queue.enter(Self.statement(13)) }
        add(5)
        queue.end()
        #expect(answers.withLock { $0 } == [1: 1, 2: 2, 3: 3, 5: 5])
        #expect(batches.withLock { $0 } == [[1], [2, 3], [4], [13], [5]])
    }
}
