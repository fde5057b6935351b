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

/// Every call by which an append changes a file, as the place where the process dies or the disk fails.
///
/// `IBID_SWEEP=all` tries every single call; otherwise a sample of them.
@Suite(
    .enabled(if: has("strace"), "strace is not installed"),
    .enabled(if: LedgerTool.canTrace, "this machine lets nobody trace"))
struct CrashTests {
    private static let calls = [
        "openat", "pwrite64", "write", "fdatasync", "fsync", "ftruncate", "unlink", "link", "rename", "mkdir", "fchmod",
        "flock",
    ]

    private static func numbers(_ last: Int) -> [Int] {
        if ProcessInfo.processInfo.environment["IBID_SWEEP"] == "all" { return Array(1...max(1, last)) }
        return last < 3 ? Array(1...max(1, last)) : Array(Set((0..<2).map { _ in Int.random(in: 1...last) })).sorted()
    }

    @Test(arguments: ["signal=KILL", "error=EIO", "error=ENOSPC"])
    func nothingAcknowledgedIsLostWhereverItStops(how: String) throws {
        // A failing write to an event descriptor would stop the thread pool for ever, and strace cannot tell files apart.
        for call in Self.calls where call != "write" || how == "signal=KILL" {
            let last = try withScratch { home in
                let trace = home.appending("trace").string
                let result = try shell([
                    "strace", "-f", "-qq", "-e", "trace=\(call)", "-o", trace, LedgerTool.path, "append", home.string,
                    "0",
                    "3",
                ])
                #expect(result.status == 0, "\(result.stderr)")
                return try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n").count {
                    $0.contains("\(call)(")
                }
            }
            for number in Self.numbers(last) { try stop(call, number, how) }
        }
    }

    private func stop(_ call: String, _ number: Int, _ how: String) throws {
        try withScratch { home in
            let point = "\(how) at \(call) \(number)"
            let stopped = try shell([
                "timeout", "-s", "KILL", "60", "strace", "-f", "-qq", "-e", "trace=\(call)", "-e",
                "inject=\(call):\(how):when=\(number)", "-o",
                "/dev/null",
                LedgerTool.path, "append", home.string, "0", "3",
            ])
            #expect(stopped.status != 124 && stopped.status != 137 || how == "signal=KILL", "\(point) hangs")
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
