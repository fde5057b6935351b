import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid lock`.
struct Lock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Write ibid.lock: every byte that the image takes from outside, by digest.",
        discussion: """
            Builds the image from what the indexes and mirrors have today and writes ibid.lock beside the Dockerfile.
            Commit it. From then on a build of the repository gets these bytes and no others: from the store alone
            when it has them, so that no network is needed. What the lock does not have is refused by name. Run it
            again to take newer packages.
            """)

    @Argument(help: "The job's directory inside a git repository; its working tree counts as it is.")
    var directory = "."
    @OptionGroup var build: BuildOptions
    @OptionGroup var isolation: IsolationOptions
    @Flag(help: "Write nothing: check that the image can be built from ibid.lock, and that all of it is still meant.")
    var check = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        var request = SubmitRequest(place: directory)
        request.build = try build.options()
        if check { return try runCheck(request) }
        let report = try withProgress(json: common.json, build.progress.progress) {
            try isolation.engine(common).writeLock(request, events: $0)
        }
        if common.json {
            return Terminal.out(
                JSONDocument.object([
                    ("path", .string(report.path.string)), ("lock", .text(report.lock)), ("image", .text(report.image)),
                    ("bases", .int(Int64(report.bases))), ("requests", .int(Int64(report.requests))),
                    ("unchanged", .bool(report.unchanged)),
                ]).text)
        }
        Terminal.out("\(report.path)\n")
        Terminal.note(
            "\(report.bases) base\(report.bases == 1 ? "" : "s"), \(report.requests) requests"
                + (report.unchanged ? ", as before" : "; commit it with your changes"))
    }

    private func runCheck(_ request: SubmitRequest) throws {
        let found = try withProgress(json: common.json, build.progress.progress) {
            try common.engine().checkLock(request, events: $0)
        }
        if common.json {
            Terminal.out(
                JSONDocument.object([
                    ("ok", .bool(found.stale.isEmpty)), ("path", .string(found.path.string)),
                    ("lock", .text(found.lock)), ("image", .text(found.image)),
                    ("stale", .array(found.stale.map { .string($0) })),
                ]).text)
        } else {
            for step in found.stale { Terminal.note("the recipe has no step '\(step)' any more") }
            if found.stale.isEmpty { Terminal.out("\(found.path) is complete: image \(found.image)\n") }
        }
        guard found.stale.isEmpty else {
            if !common.json { Terminal.note("make the lock again: ibid lock") }
            throw ExitCode(IbidError.Exit.verificationFailed.rawValue)
        }
    }
}
