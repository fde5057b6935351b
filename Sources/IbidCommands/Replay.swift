import ArgumentParser
import IbidEngine
import IbidModel

/// `ibid replay`.
struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a recorded run again and compare every output.",
        discussion: """
            Everything comes from the record and the store: the repository may be gone. Outputs, stdout, stderr and
            exit status are compared byte by byte, and the verdict is entered in the ledger. Exit status 0: identical;
            4: it differs; 5: something that the run needs is missing or was altered.
            """)

    @OptionGroup var target: RunArgument
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try isolation.engine(common)
        let sink = common.json ? Self.silence : quiet(progressPrinter(json: true))
        let report = try engine.replay(try engine.resolve(target.run), events: sink)
        if common.json { Terminal.out(ReportJSON.replay(report).text) } else { show(report) }
        switch report.verdict {
        case .identical, .equivalent: return
        case .different, .failed: throw ExitCode(4)
        case .unverifiable: throw ExitCode(IbidError.Exit.verificationFailed.rawValue)
        }
    }

    private static let silence: EventSink = { _ in }

    // The analysis' own words were shown when it was submitted; here they are compared, not read.
    private func quiet(_ sink: @escaping EventSink) -> EventSink {
        { event in
            switch event {
            case .stdout, .stderr: break
            default: sink(event)
            }
        }
    }

    private func show(_ report: ReplayReport) {
        if !report.outputs.isEmpty {
            var table = Table("OUTPUT", "VERDICT", "EXPECTED", "ACTUAL", "DETAIL")
            for output in report.outputs {
                table.add(
                    output.path, output.verdict.rawValue, short(output.expected), short(output.actual),
                    output.detail ?? "")
            }
            Terminal.out(table.text)
        }
        let good = report.verdict == .identical || report.verdict == .equivalent
        Terminal.out("verdict: \(report.verdict.rawValue)\n")
        if let reason = report.reason { Terminal.note(Terminal.styled(reason, good ? .dim : .red)) }
        if let ledger = report.ledger {
            Terminal.note(
                "replay \(report.run) of \(report.replayOf); ledger entry \(ledger.leafIndex) of \(ledger.treeSize)")
        }
    }

    private func short(_ text: String?) -> String {
        guard let text else { return "-" }
        return Digest(text).map { Formatting.short($0) } ?? text
    }
}
