import ArgumentParser
import IbidEngine
import IbidModel
import Synchronization

extension Submit {
    /// Runs the job once for each row: a line on stderr as each ends, and one table or JSON array.
    func runSweep(_ request: SubmitRequest, engine: Engine) throws {
        let rows = try sweep.parameters()
        let count = Mutex(0)
        let results = try withProgress(json: true, build.progress.progress) {
            try engine.submit(request, rows: rows, jobs: sweep.width, events: $0) { row in
                let number = count.withLock { count in
                    count += 1
                    return count
                }
                Terminal.note("[\(number)/\(rows.count)] \(Self.text(row.params)): \(Self.status(row))")
            }
        }
        if common.json {
            Terminal.out(JSONDocument.array(results.map(Self.json)).text)
        } else {
            var table = Table("RUN", "PARAMETERS", "STATUS", "WALL", "OUTPUTS")
            for row in results {
                guard case .success(let report) = row.outcome else {
                    table.add("-", Self.text(row.params), Self.status(row), "-", "-")
                    continue
                }
                table.add(
                    report.run.text, Self.text(row.params), RunSummary.plain(report),
                    Formatting.duration(microseconds: report.wallMicroseconds), String(report.outputs.count))
            }
            Terminal.out(table.text)
        }
        let worst = results.map(Self.exitStatus).max { Self.severity($0) < Self.severity($1) } ?? 0
        if worst != 0 { throw ExitCode(worst) }
    }

    private static func text(_ params: [String: String]) -> String {
        params.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    private static func status(_ row: SweepRow) -> String {
        switch row.outcome {
        case .success(let report): RunSummary.status(report) + (report.cached ? " (recorded before)" : "")
        case .failure(let error): Terminal.styled("error:", .red) + " " + error.message
        }
    }

    private static func json(_ row: SweepRow) -> JSONDocument {
        switch row.outcome {
        case .success(let report): ReportJSON.run(report)
        case .failure(let error): ReportJSON.error(error, params: row.params)
        }
    }

    private static func exitStatus(_ row: SweepRow) -> Int32 {
        switch row.outcome {
        case .success(let report): exitStatus(of: report)
        case .failure(let error): error.exit.rawValue
        }
    }

    /// What `submit` ends with after a run.
    static func exitStatus(of report: RunReport) -> Int32 {
        if report.status == .killed && report.reason == "interrupted" { return IbidError.Exit.interrupted.rawValue }
        return report.status == .succeeded ? 0 : 3
    }

    // An interruption says that the rest is missing; that Ibid failed is worse than that an analysis did.
    private static func severity(_ status: Int32) -> Int {
        switch status {
        case 0: 0
        case 3: 1
        case IbidError.Exit.interrupted.rawValue: 3
        default: 2
        }
    }
}
