import IbidEngine
import IbidModel
import Synchronization

/// What a person reads of replays.
enum ReplaySummary {
    /// One replay: a row for each output, then what is known of the differences.
    static func show(_ report: ReplayReport) {
        if !report.outputs.isEmpty {
            var table = Table("OUTPUT", "VERDICT", "EXPECTED", "ACTUAL", "DETAIL")
            for output in report.outputs {
                table.add(
                    output.path, output.verdict.rawValue, short(output.expected), short(output.actual),
                    output.detail ?? "")
            }
            Terminal.out(table.text)
        }
        for output in report.outputs where output.cause != nil {
            guard let cause = output.cause else { continue }
            Terminal.out("\n\(Terminal.safe(output.path)): \(Terminal.safe(cause.summary))\n")
            for line in output.differences.prefix(6) { Terminal.out("  \(Terminal.safe(line))\n") }
            Terminal.out("  to do: \(Terminal.safe(cause.advice))\n")
        }
        Terminal.out("verdict: \(report.verdict.rawValue)\n")
        if let reason = report.reason {
            let good = report.verdict == .identical || report.verdict == .equivalent
            Terminal.note(Terminal.styled(reason, good ? .dim : .red))
        }
        if let ledger = report.ledger {
            Terminal.note(
                "replay \(report.run) of \(report.replayOf); ledger entry \(ledger.leafIndex) of \(ledger.treeSize)")
        }
    }

    /// Several replays: a row for each, and how many of each verdict.
    static func show(_ reports: [ReplayReport]) {
        var table = Table("RUN", "JOB", "VERDICT", "IDENTICAL", "DIFFERENT", "DETAIL")
        for report in reports {
            let same = report.outputs.count { $0.verdict == .identical }
            let other = report.outputs.filter { $0.verdict == .different }
            let detail = report.reason ?? other.first.map { "\($0.path): \($0.detail ?? "")" } ?? ""
            table.add(
                report.replayOf.text, report.job, report.verdict.rawValue, "\(same) of \(report.outputs.count)",
                String(other.count), detail.count > 80 ? detail.prefix(79) + "…" : detail)
        }
        Terminal.out(table.text)
        let counts = Verdict.allCases.compactMap { verdict -> String? in
            let count = reports.count { $0.verdict == verdict }
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        Terminal.out("\(reports.count) run\(reports.count == 1 ? "" : "s"): \(counts.joined(separator: ", "))\n")
    }

    private static func short(_ text: String?) -> String {
        guard let text else { return "-" }
        return Digest(text).map { Formatting.short($0) } ?? text
    }
}

/// One line that counts while replays run, on a terminal; a line for each that is not as it was, elsewhere.
final class ReplayProgress: Sendable {
    private let total: Int
    private let isQuiet: Bool
    private let bad = Mutex(0)

    init(total: Int, isQuiet: Bool) {
        self.total = total
        self.isQuiet = isQuiet
    }

    /// A replay ended; called one at a time.
    func note(_ report: ReplayReport, _ done: Int) {
        if isQuiet { return }
        let isGood = report.verdict == .identical || report.verdict == .equivalent
        let count = bad.withLock { bad -> Int in
            if !isGood { bad += 1 }
            return bad
        }
        if Terminal.isInteractive {
            Terminal.raw("\r\u{1b}[Kreplay \(done) of \(total), \(count) not as recorded")
        } else if !isGood || done == total || done.isMultiple(of: 20) {
            Terminal.note("replay \(done) of \(total): \(report.replayOf) \(report.verdict.rawValue)")
        }
    }

    /// All have ended.
    func end() {
        if Terminal.isInteractive && !isQuiet && total > 0 { Terminal.raw("\r\u{1b}[K") }
    }
}
