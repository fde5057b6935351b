import ArgumentParser
import Glibc
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid runs`.
struct Runs: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "runs", abstract: "List recorded runs, newest first.")

    @Option(name: [.customShort("n"), .long], help: "How many at most; 0 for all.")
    var limit = 20
    @OptionGroup var filter: RunFilterOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit is 0 or more") }
        _ = try filter.query()
    }

    func run() throws {
        let reports = try common.engine().runs(matching: try filter.query(), limit: limit == 0 ? nil : limit)
        if common.json { return Terminal.out(JSONDocument.array(reports.map(ReportJSON.run)).text) }
        if reports.isEmpty {
            return Terminal.note(
                try filter.query().isEmpty ? "no runs yet: start one with 'ibid submit DIR'" : "no such runs")
        }
        var table = Table("RUN", "JOB", "COMMIT", "STATUS", "STARTED", "WALL", "OUTPUTS")
        for report in reports {
            table.add(
                report.run.text, report.job, report.source.commit.hex.prefix(10) + (report.source.dirty ? "+" : ""),
                RunSummary.plain(report), Timestamp(seconds: report.startedAt.seconds).description,
                Formatting.duration(microseconds: report.wallMicroseconds), String(report.outputs.count))
        }
        Terminal.out(table.text)
    }
}

/// `ibid show`.
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one run.")

    @OptionGroup var target: RunArgument
    @Flag(help: "Show where it comes from, as a tree.")
    var provenance = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let run = try engine.resolve(target.run)
        if provenance {
            let tree = try engine.provenance(of: run)
            return Terminal.out(common.json ? tree.json.text : tree.text(prefix: "", isLast: nil))
        }
        let report = try engine.report(for: run)
        if common.json { return Terminal.out(ReportJSON.run(report).text) }
        var lines: [(String, String)] = [
            ("run", report.run.text), ("job", report.job), ("status", RunSummary.plain(report)),
        ]
        if let reason = report.reason { lines.append(("reason", reason)) }
        lines += [
            ("commit", report.source.commit.hex + (report.source.dirty ? " with uncommitted changes" : "")),
            ("tree", report.source.tree.hex), ("revision", report.source.revision),
            ("command", report.command.joined(separator: " ")),
        ]
        lines += report.params.sorted { $0.key < $1.key }.map { ("param", "\($0.key) = \($0.value)") }
        lines += report.inputs.sorted { $0.key < $1.key }.map { ("input", "\($0.key) \($0.value.digest)") }
        lines += [
            ("image", report.image.description), ("spec", report.spec.description),
            ("result", report.result?.description ?? "-"), ("started", report.startedAt.description),
            ("finished", report.finishedAt.description),
            ("wall", Formatting.duration(microseconds: report.wallMicroseconds)),
            ("cpu", Formatting.duration(microseconds: report.cpuMicroseconds)),
            ("memory", report.peakMemoryBytes.map(Formatting.size) ?? "-"),
        ]
        if let profile = report.determinism {
            lines.append(("profile", profile + (report.cpuLevel.map { ", processor level \($0)" } ?? "")))
        }
        if let cost = report.strictCost {
            lines.append(
                (
                    "strict",
                    "\(cost.clock) looks at clocks, \(cost.random) at randomness, \(cost.files) at times of files, "
                        + "\(cost.directories) directories: \(Formatting.duration(microseconds: cost.microseconds))"
                ))
        }
        lines += report.host.sorted { $0.key < $1.key }.map { ("host", "\($0.key) = \($0.value)") }
        lines += report.outputs.map { ("output", "\($0.path)  \(Formatting.size($0.size))  \($0.digest)") }
        lines += report.refusedOutputs.sorted { $0.key < $1.key }.map { ("left out", "\($0.key): \($0.value)") }
        let notes = try engine.notes(of: run)
        if !notes.tags.isEmpty { lines.append(("tags", notes.tags.joined(separator: " "))) }
        lines += notes.comments.map { ("note", "\($0.at)  \($0.text)") }
        lines.append(("ledger", "entry \(report.ledger.leafIndex) of \(report.ledger.treeSize)"))
        for (key, value) in lines {
            let label = key + String(repeating: " ", count: max(1, 10 - key.count))
            Terminal.out(label + Terminal.safe(value) + "\n")
        }
    }
}

/// `ibid logs`.
struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print what a run wrote to stdout and stderr, each to its own stream.")

    @OptionGroup var target: RunArgument
    @Flag(help: "Only stdout.")
    var stdout = false
    @Flag(help: "Only stderr.")
    var stderr = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let report = try engine.report(for: try engine.resolve(target.run))
        let out = try report.stdout.map { try engine.bytes(of: $0) } ?? []
        let err = try report.stderr.map { try engine.bytes(of: $0) } ?? []
        if common.json {
            return Terminal.out(
                JSONDocument.object([
                    ("run", .text(report.run)), ("stdout", .string(String(decoding: out, as: UTF8.self))),
                    ("stderr", .string(String(decoding: err, as: UTF8.self))),
                ]).text)
        }
        if stdout || !stderr { Terminal.write(out, to: STDOUT_FILENO) }
        if stderr || !stdout { Terminal.write(err, to: STDERR_FILENO) }
    }
}

/// `ibid outputs`.
struct Outputs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outputs", abstract: "List a run's outputs, or write them to a directory.")

    @OptionGroup var target: RunArgument
    @Option(name: .shortAndLong, help: "Write the outputs below this new directory.", completion: .directory)
    var output: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let report = try engine.report(for: try engine.resolve(target.run))
        if let output {
            let written = try engine.writeOutputs(of: report, to: FilePath(output))
            if !common.json { Terminal.note("wrote \(written.count) file(s) below \(output)") }
        }
        if common.json {
            guard case .object(let members) = ReportJSON.run(report) else { return }
            return Terminal.out(JSONDocument.object(members.filter { ["run", "outputs"].contains($0.0) }).text)
        }
        if output == nil {
            var table = Table("OUTPUT", "SIZE", "SHA-256")
            for output in report.outputs { table.add(output.path, Formatting.size(output.size), output.digest.hex) }
            Terminal.out(table.text)
        }
    }
}
