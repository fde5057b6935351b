import ArgumentParser
import FoundationEssentials
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid replay`.
struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run recorded runs again and compare every output.",
        discussion: """
            Everything comes from the record and the store: the repository may be gone. Outputs, stdout, stderr and
            exit status are compared byte by byte, or by the rules of [compare] in job.toml that were sealed with the
            run, and the verdict is entered in the ledger. Exit status 0: identical or equivalent; 4: something
            differs; 5: something that the run needs is missing or was altered.

            Examples:
              ibid replay @last --explain --report why.html
              ibid replay --all --jobs 4
              ibid replay --job iris --since 2026-01-01
            """)

    @Argument(help: "Runs: an id, a unique prefix of it, or @last.")
    var runs: [String] = []
    @Flag(help: "All runs that ended, or those that the filters leave.")
    var all = false
    @Option(name: [.customShort("n"), .long], help: "The newest, so many at most.")
    var limit: Int?
    @OptionGroup var filter: RunFilterOptions
    @Flag(help: "Build the image again from its source and lock, and compare its digest.")
    var rebuild = false
    @Flag(help: "First prove that everything the record names is there and unaltered.")
    var deep = false
    @Flag(help: "Find what makes an output differ: some ten more runs that hold one thing after another still.")
    var explain = false
    @Flag(
        name: .customLong("any-cpu"),
        help: "On a machine below the run's processor level, try with the kernels that it has: bits may differ.")
    var anyCPU = false
    @Option(help: "Write a page with every difference, pictures side by side.", completion: .file())
    var report: String?
    @Option(name: .shortAndLong, help: "How many run at one time (default: one for each processor).")
    var jobs: Int?
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        let selects = try all || limit != nil || !filter.query().isEmpty
        if runs.isEmpty && !selects { throw ValidationError("name a run, or use --all") }
        if !runs.isEmpty && selects { throw ValidationError("name runs, or select them by options, not both") }
        if let limit, limit < 1 { throw ValidationError("--limit is 1 or more") }
        if let jobs, jobs < 1 { throw ValidationError("--jobs is 1 or more") }
    }

    func run() throws {
        let engine = try isolation.engine(common)
        var options = ReplayOptions()
        (options.rebuild, options.deep, options.explain) = (rebuild, deep, explain)
        options.anyCPU = anyCPU
        if runs.count == 1 {
            let found = try withProgress(json: true) {
                try engine.replay(
                    try engine.resolve(runs[0]), options: options, events: common.json ? Self.silence : quiet($0))
            }
            if common.json { Terminal.out(ReportJSON.replay(found).text) } else { ReplaySummary.show(found) }
            return try finish([found])
        }
        let named =
            runs.isEmpty
            ? try engine.replayableRuns(matching: try filter.query(), limit: limit)
            : try runs.map { try engine.resolve($0) }
        let progress = ReplayProgress(total: named.count, isQuiet: common.json)
        let found = try engine.replay(
            named, jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount, options: options,
            events: Self.silence, finished: { progress.note($0, $1) })
        progress.end()
        if common.json {
            Terminal.out(JSONDocument.array(found.map(ReportJSON.replay)).text)
        } else {
            ReplaySummary.show(found)
        }
        if found.count < named.count { throw ExitCode(IbidError.Exit.interrupted.rawValue) }
        try finish(found)
    }

    private func finish(_ reports: [ReplayReport]) throws {
        if let report { try ReplayPage(reports: reports).write(to: report) }
        let verdicts = Set(reports.map(\.verdict))
        if verdicts.contains(.different) || verdicts.contains(.failed) { throw ExitCode(4) }
        if verdicts.contains(.unverifiable) { throw ExitCode(IbidError.Exit.verificationFailed.rawValue) }
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
}
