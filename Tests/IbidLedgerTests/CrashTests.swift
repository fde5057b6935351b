import Foundation
import IbidLedger
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// The program beside the tests that appends to a ledger.
enum LedgerTool {
    static let path: String = {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(tests).removingLastComponent().appending("ledger-benchmark").string
    }()

    static let canTrace = has("strace") && (try? shell(["strace", "-o", "/dev/null", "true"]).status) == 0
}

/// Every call by which an append changes a file, as the place where the process dies or the disk fails: the making of a
/// ledger and three appends, then what the next process finds.
///
/// `IBID_SWEEP=all` tries every single call (some 700, a few minutes); otherwise a share of them.
@Suite(
    .enabled(if: has("strace"), "strace is not installed"),
    .enabled(if: LedgerTool.canTrace, "this machine lets nobody trace"))
struct CrashTests {
    /// A place to stop, and how.
    private struct Point: Sendable, CustomStringConvertible {
        var call: String
        var number: Int
        var how: String
        var description: String { "\(how) at \(call) \(number)" }
    }

    // A kill at a call that only opens a file leaves what a kill at the next write leaves.
    private static let killed = [
        "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "link", "rename", "mkdir", "fchmod", "flock",
    ]
    // A failing write to an event descriptor would stop the thread pool for ever, and strace cannot tell files apart.
    private static let failing = killed.filter { $0 != "write" } + ["openat"]

    private static func points() throws -> [Point] {
        let trace = try withScratch { home in
            let trace = home.appending("trace").string
            let calls = Set(killed + failing).joined(separator: ",")
            let result = try shell([
                "strace", "-f", "-qq", "-e", "trace=\(calls)", "-o", trace, LedgerTool.path, "append", home.string, "0",
                "3",
            ])
            #expect(result.status == 0, "\(result.stderr)")
            return try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
        }
        func count(_ call: String) -> Int { trace.count { $0.contains(" \(call)(") } }
        return [("signal=KILL", killed), ("error=EIO", failing), ("error=ENOSPC", failing)].flatMap { how, calls in
            calls.flatMap { call in
                (0..<count(call)).map { Point(call: call, number: $0 + 1, how: how) }
            }
        }
    }

    @Test func nothingAcknowledgedIsLostWhereverItStops() throws {
        let all = try Self.points()
        #expect(all.count > 300)
        let isFull = ProcessInfo.processInfo.environment["IBID_SWEEP"] == "all"
        let points = isFull ? all : Array(all.shuffled().prefix(60))
        DispatchQueue.concurrentPerform(iterations: points.count) { number in
            do { try stop(points[number]) } catch { Issue.record("\(points[number]): \(error)") }
        }
        if isFull { print("stopped at each of \(points.count) calls") }
    }

    private func stop(_ point: Point) throws {
        try withScratch { home in
            let stopped = try shell([
                "timeout", "-s", "KILL", "60", "strace", "-f", "-qq", "-e", "trace=\(point.call)", "-e",
                "inject=\(point.call):\(point.how):when=\(point.number)", "-o", "/dev/null",
                LedgerTool.path, "append", home.string, "0", "3",
            ])
            #expect(stopped.status != 124 && stopped.status != 137 || point.how == "signal=KILL", "\(point) hangs")
            let acknowledged = stopped.stdout.split(separator: "\n").map { $0.split(separator: " ") }
            // The next process finds a ledger that works and holds what was acknowledged.
            let next = try shell([LedgerTool.path, "append", home.string, "100", "1"])
            #expect(next.status == 0, "\(point): \(next.stderr)")
            let ledger = try Ledger.scratch(home)
            #expect(ledger.verify().problems == [], "\(point)")
            for line in acknowledged {
                let index = try #require(Int64(line[0]))
                #expect(try ledger.entry(at: index).kind.description.contains(line[1]), "\(point)")
            }
            // What was not acknowledged may be there, but only whole.
            let size = try ledger.size()
            #expect((Int64(acknowledged.count) + 1...Int64(acknowledged.count) + 2).contains(size), "\(point): \(size)")
        }
    }
}

extension LedgerEntry.Kind {
    fileprivate var description: String { "\(self)" }
}
