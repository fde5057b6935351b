import IbidEngine
import IbidModel

/// What a person reads of a run after it ended; on stderr, because stdout is the analysis'.
enum RunSummary {
    static func note(_ report: RunReport) {
        let origin = report.cached ? " (recorded before; --fresh runs again)" : ""
        Terminal.note("\(status(report)) \(report.run)\(origin)")
        if !report.outputs.isEmpty {
            var table = Table("OUTPUT", "SIZE", "SHA-256")
            for output in report.outputs.prefix(20) {
                table.add(output.path, Formatting.size(output.size), Formatting.short(output.digest))
            }
            Terminal.note(String(table.text.dropLast()))
            if report.outputs.count > 20 { Terminal.note("… and \(report.outputs.count - 20) more") }
        }
        for (path, reason) in report.refusedOutputs.sorted(by: { $0.key < $1.key }).prefix(20) {
            Terminal.note(Terminal.styled("left out:", .yellow) + " \(Terminal.safe(path)) (\(reason))")
        }
        for limit in report.limitsReached {
            Terminal.note(Terminal.styled("warning:", .yellow) + " it ran against the \(limit)")
        }
        var facts = "wall \(Formatting.duration(microseconds: report.wallMicroseconds))"
        facts += ", cpu \(Formatting.duration(microseconds: report.cpuMicroseconds))"
        if let peak = report.peakMemoryBytes { facts += ", memory \(Formatting.size(peak))" }
        Terminal.note("\(facts); ledger entry \(report.ledger.leafIndex) of \(report.ledger.treeSize)")
    }

    static func status(_ report: RunReport) -> String {
        switch report.status {
        case .succeeded: Terminal.styled("succeeded", .green)
        case .failed: Terminal.styled("failed", .red) + " with exit status \(report.exitCode.map(String.init) ?? "?")"
        case .killed: Terminal.styled("killed:", .red) + " \(report.reason ?? "no reason given")"
        case .refused: Terminal.styled("refused:", .red) + " \(report.reason ?? "no outcome is recorded")"
        }
    }

    static func plain(_ report: RunReport) -> String {
        switch report.status {
        case .succeeded: "succeeded"
        case .failed: "failed (\(report.exitCode.map(String.init) ?? "?"))"
        case .killed: "killed"
        case .refused: "refused"
        }
    }
}
