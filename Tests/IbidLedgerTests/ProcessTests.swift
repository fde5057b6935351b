import Foundation
import Glibc
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// Several processes, and processes that die: the children are exit tests of Swift Testing.
@Suite(.serialized) struct ProcessTests {
    @Test func manyProcessesAppendAtOnce() async throws {
        let home = try Scratch()
        let (processes, each) = (8, 25)
        await withTaskGroup(of: Void.self) { group in
            for process in 0..<processes {
                let directory = home.path.string
                group.addTask {
                    // Also the first opening of all is a race: nobody has made the ledger yet.
                    await #expect(processExitsWith: .success) {
                        [directory = directory as String, process = process as Int, each = each as Int] in
                        let ledger = try Ledger.scratch(FilePath(directory))
                        for number in 0..<each { try ledger.append(Fixture.intent(process * 1000 + number)) }
                    }
                }
            }
        }
        let ledger = try Ledger.scratch(home.path)
        #expect(try ledger.size() == Int64(processes * each))
        #expect(ledger.verify().problems == [])
        #expect(try Set(ledger.runs().map(\.run)).count == processes * each)
        let key = try ledger.publicKeys().ledgers[0]
        for index in 0..<Int64(processes * each) {
            let proof = try ledger.inclusionProof(of: index)
            #expect(proof.isValid(leafHash: .leaf(try ledger.entry(at: index).leaf), key: key))
        }
    }

    @Test func threadsAppendThroughOneAndThroughSeveralLedgers() throws {
        try withScratch { home in
            let shared = try Ledger.scratch(home)
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                do {
                    let ledger = thread.isMultiple(of: 2) ? shared : try Ledger.scratch(home)
                    for number in 0..<10 { try ledger.append(Fixture.intent(thread * 1000 + number)) }
                } catch {
                    Issue.record(error)
                }
            }
            #expect(try shared.size() == 80)
            #expect(shared.verify().problems == [])
        }
    }

    @Test(arguments: 0..<6)
    func whatWasAcknowledgedSurvivesAKill(round: Int) async throws {
        let home = try Scratch()
        let directory = home.path.string
        let acknowledged = home.path.appending("acknowledged").string
        try Data().write(to: URL(fileURLWithPath: acknowledged))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = directory as String, acknowledged = acknowledged as String, round = round as Int] in
            Thread.detachNewThread {
                usleep(UInt32(60_000 + round * 37_000 + Int.random(in: 0..<20_000)))
                kill(getpid(), SIGKILL)
            }
            let ledger = try Ledger.scratch(FilePath(directory))
            let log = open(acknowledged, O_WRONLY | O_APPEND)
            for number in 0... {
                let position = try ledger.append([Fixture.intent(number), Fixture.outcome(number)])[1]
                let line = Array("\(position.leafIndex) \(position.rootHash)\n".utf8)
                write(log, line, line.count)
            }
        }
        let lines = try String(contentsOfFile: acknowledged, encoding: .utf8).split(separator: "\n")
        let ledger = try Ledger.scratch(home.path)
        #expect(ledger.verify().problems == [])
        let size = try ledger.size()
        #expect(size.isMultiple(of: 2), "both statements of an append, or none")
        #expect(size >= Int64(lines.count * 2) && size <= Int64(lines.count * 2 + 2))
        if let last = lines.last?.split(separator: " ") {
            let proof = try ledger.inclusionProof(of: #require(Int64(last[0])))
            #expect(proof.path.count > 0)
        }
        try ledger.append(Fixture.intent(100_000))
        #expect(ledger.verify().problems == [])
    }
}

/// A directory that lives as long as the test.
final class Scratch: Sendable {
    let path: FilePath

    init() throws {
        path = FilePath(NSTemporaryDirectory()).appending("ibid-ledger-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }
}
