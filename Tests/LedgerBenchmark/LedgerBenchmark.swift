import Foundation
import IbidLedger
import IbidMerkle
import IbidModel
import SystemPackage

/// Drives a ledger from outside the tests: `ledger-benchmark measure ENTRIES [DIRECTORY]`, built with `-c release`, times
/// what people wait for; `ledger-benchmark append HOME FIRST COUNT` appends and says what was acknowledged, for tests
/// that run many such processes, or kill them; `ledger-benchmark fill HOME ENTRIES` only makes a ledger,
/// `ledger-benchmark proofs HOME` prints each entry's inclusion proof, `ledger-benchmark verify HOME` times a
/// verification.
@main struct LedgerBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "append" where arguments.count == 4:
            let numbers = arguments.suffix(2).compactMap { Int($0) }
            try append(FilePath(arguments[2]), first: numbers[0], count: numbers[1])
        case "measure" where arguments.count >= 2:
            let parent = arguments.count > 2 ? arguments[3] : FileManager.default.currentDirectoryPath
            let home = FilePath(parent).appending("ibid-ledger-\(ProcessInfo.processInfo.processIdentifier)")
            try FileManager.default.createDirectory(atPath: home.string, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: home.string) }
            try run(Int(arguments[2]) ?? 1_000, home)
        case "fill" where arguments.count == 3:
            let home = FilePath(arguments[2])
            let ledger = try Ledger.open(at: home.appending("ledger.sqlite"), keys: home.appending("keys"))
            let count = Int(arguments[3]) ?? 1_000
            report("fill, 1,000 a transaction", rate(count, try cost { try fill(ledger, count) }))
            try ledger.close()
        case "verify" where arguments.count == 2:
            try verify(try Ledger.openReadOnly(at: FilePath(arguments[2]).appending("ledger.sqlite")))
        case "proofs" where arguments.count == 2:
            try proofs(FilePath(arguments[2]))
        default:
            let usage =
                "usage: ledger-benchmark measure ENTRIES [DIRECTORY] | append HOME FIRST COUNT | fill HOME ENTRIES "
                + "| proofs HOME | verify HOME\n"
            FileHandle.standardError.write(Data(usage.utf8))
            exit(64)
        }
    }

    private static func append(_ home: FilePath, first: Int, count: Int) throws {
        let ledger = try Ledger.open(at: home.appending("ledger.sqlite"), keys: home.appending("keys"))
        for number in first..<first + count {
            let position = try ledger.append(Sample.statement(number))
            // Unbuffered: a line that is there was acknowledged.
            FileHandle.standardOutput.write(Data("\(position.leafIndex) \(Sample.runID(number))\n".utf8))
        }
    }

    private static func fill(_ ledger: Ledger, _ entries: Int) throws {
        for start in stride(from: 0, to: entries, by: 1_000) {
            try ledger.append((start..<min(start + 1_000, entries)).map(Sample.statement))
        }
    }

    private static func proofs(_ home: FilePath) throws {
        let ledger = try Ledger.openReadOnly(at: home.appending("ledger.sqlite"))
        for index in 0..<(try ledger.size()) {
            let proof = try ledger.inclusionProof(of: index)
            print(([String(index)] + proof.path.map(\.base64)).joined(separator: " "))
        }
    }

    private static func run(_ entries: Int, _ home: FilePath) throws {
        let ledger = try Ledger.open(at: home.appending("ledger.sqlite"), keys: home.appending("keys"))
        report("entries", "\(entries)")
        report("fill, 1,000 a transaction", rate(entries, try cost { try fill(ledger, entries) }))

        try compareAppends(ledger, entries, home)

        let size = try ledger.size()
        let indices = (0..<500).map { Int64($0) * (size / 500) }
        report("inclusion proof", each(500, try cost { for i in indices { _ = try ledger.inclusionProof(of: i) } }))
        let old = try require(try ledger.checkpoint())
        try ledger.append(Sample.statement(entries + Sample.appended))
        report(
            "consistency proof",
            each(20, try cost { for _ in 0..<20 { _ = try ledger.consistencyProof(since: old) } }))
        report("20 newest runs", each(20, try cost { for _ in 0..<20 { _ = try ledger.runs(limit: 20) } }))
        report("@last", each(20, try cost { for _ in 0..<20 { _ = try ledger.resolve("@last") } }))
        report(
            "one run by prefix",
            each(20, try cost { for _ in 0..<20 { _ = try ledger.resolve(Sample.runID(entries / 2).text) } }))
        var (job, status, output) = (RunFilter(), RunFilter(), RunFilter())
        (job.job, status.status) = ("iris", "failed")
        output.output = Sample.digest(entries / 2, 0)
        for (name, filter) in [
            ("20 runs of a job", job), ("runs by status, of all", status), ("runs by output", output),
        ] {
            report(name, each(3, try cost { for _ in 0..<3 { _ = try ledger.runs(matching: filter, limit: 20) } }))
        }
        report(
            "one run's entries",
            each(20, try cost { for _ in 0..<20 { _ = try ledger.entries(for: Sample.runID(entries / 2)) } }))
        report(
            "which entries name a file",
            each(
                20,
                try cost {
                    for _ in 0..<20 { _ = try ledger.entries(naming: .init(bytes: Array(repeating: 1, count: 32))) }
                }))

        try verify(ledger)
        let bytes = try FileManager.default.attributesOfItem(atPath: ledger.path.string)[.size] as? Int ?? 0
        report("file", "\(bytes / 1_000_000) MB, \(bytes / Int(size)) bytes an entry")
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        report("peak memory", "\(usage.ru_maxrss / 1024) MiB")
    }

    private static func verify(_ ledger: Ledger) throws {
        let size = try ledger.size()
        var options = VerifyOptions()
        options.verified = try ledger.checkpoint()
        // Twice, so that both find the file in memory.
        for (name, options) in [
            ("verify, signatures known", options), ("verify, signatures known", options),
            ("verify, all", VerifyOptions()),
        ] {
            var problems: [VerificationProblem] = []
            let time = cost { problems = ledger.verify(options: options).problems }
            report(name, rate(Int(size), time) + (problems.isEmpty ? "" : " PROBLEMS \(problems)"))
        }
    }

    private static func require<T>(_ value: T?) throws -> T {
        guard let value else { throw IbidError("benchmark", "something is missing") }
        return value
    }

    /// Wall time, and processor time, which other work on the machine changes less.
    struct Cost {
        var wall: Double
        var cpu: Double

        static func + (left: Cost, right: Cost) -> Cost {
            Cost(wall: left.wall + right.wall, cpu: left.cpu + right.cpu)
        }
    }

    static func cost(_ body: () throws -> Void) rethrows -> Cost {
        func used() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let (start, cpu) = (ContinuousClock.now, used())
        try body()
        return Cost(wall: Double((ContinuousClock.now - start) / .microseconds(1)) / 1e6, cpu: used() - cpu)
    }

    static func rate(_ count: Int, _ cost: Cost) -> String {
        String(
            format: "%.0f/s (%.2f s), %.0f/s of CPU", Double(count) / cost.wall, cost.wall, Double(count) / cost.cpu)
    }

    private static func each(_ count: Int, _ cost: Cost) -> String {
        String(format: "%.3f ms, %.3f of CPU", cost.wall / Double(count) * 1000, cost.cpu / Double(count) * 1000)
    }

    static func report(_ name: String, _ value: String) {
        print(name.padding(toLength: 32, withPad: " ", startingAt: 0) + value)
    }
}
