import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid trace`.
struct Trace: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Say which runs made a file, and which used it.",
        discussion: "The file is known by its bytes, whatever it is called. Exit status 10: no run knows it.")

    @Argument(help: "A file, or a digest (sha256:…).", completion: .file())
    var file: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        let (digest, finds) = try common.engine().trace(file)
        if common.json {
            Terminal.out(
                JSONDocument.object([
                    ("digest", .text(digest)),
                    (
                        "finds",
                        .array(
                            finds.map {
                                .object([
                                    ("relation", .string($0.relation)), ("run", .text($0.run)),
                                    ("name", .string($0.name)), ("leafIndex", .int($0.leafIndex)),
                                ])
                            })
                    ),
                ]).text)
        } else {
            var table = Table("RUN", "RELATION", "NAME", "ENTRY")
            for find in finds {
                table.add(find.run?.text ?? "an image", find.relation, find.name, String(find.leafIndex))
            }
            if finds.isEmpty {
                Terminal.note("no run made or used \(digest)")
            } else {
                Terminal.out(table.text)
            }
        }
        if finds.isEmpty { throw ExitCode(IbidError.Exit.notFound.rawValue) }
    }
}

/// `ibid tag`.
struct Tag: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Tag a run, or take tags from it.",
        discussion: "A tag is an entry of the ledger like any other: taking it away is another entry.")

    @OptionGroup var target: RunArgument
    @Argument(help: "Tags; none lists those that it has.")
    var tags: [String] = []
    @Flag(help: "Take the tags away.")
    var remove = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let run = try engine.resolve(target.run)
        if !tags.isEmpty { try engine.enter(tags.map { remove ? .untag($0) : .tag($0) }, of: run) }
        let standing = try engine.notes(of: run).tags
        if common.json {
            Terminal.out(
                JSONDocument.object([("run", .text(run)), ("tags", .array(standing.map { .string($0) }))]).text)
        } else {
            for tag in standing { Terminal.out(Terminal.safe(tag) + "\n") }
        }
    }
}

/// `ibid note`.
struct Note: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "note", abstract: "Write a comment on a run into the ledger, or list the comments on it.")

    @OptionGroup var target: RunArgument
    @Argument(help: "The comment; none lists those that there are.")
    var text: String?
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        let run = try engine.resolve(target.run)
        if let text { try engine.enter([.text(text)], of: run) }
        let comments = try engine.notes(of: run).comments
        if common.json {
            let list = comments.map { JSONDocument.object([("at", .string($0.at)), ("text", .string($0.text))]) }
            Terminal.out(JSONDocument.object([("run", .text(run)), ("comments", .array(list))]).text)
        } else {
            for comment in comments { Terminal.out("\(comment.at)  \(Terminal.safe(comment.text))\n") }
        }
    }
}

/// `ibid import`.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take in an archive that 'ibid export' wrote elsewhere.",
        discussion: """
            The archive is verified first; of one that does not verify nothing is taken. The run keeps its id and can be
            shown, traced and, if the archive has its image (export --with-image), replayed. The ledger gets one entry that
            says what was taken in, and whose word it is.
            """)

    @Argument(help: "The archive.", completion: .file())
    var file: String
    @Option(
        help: "A public key (PEM) or vkey that you know from elsewhere; other keys are refused.", completion: .file())
    var key: [String] = []
    @OptionGroup var common: CommonOptions

    func run() throws {
        let report = try common.engine().importArchive(FilePath(file), keys: key.map { FilePath($0) })
        if common.json {
            Terminal.out(
                JSONDocument.object([
                    ("run", .text(report.run)), ("log", .string(report.origin)),
                    ("newBlobs", .int(Int64(report.newBlobs))), ("canReplay", .bool(report.canReplay)),
                    ("known", .bool(report.known)),
                ]).text)
            return
        }
        Terminal.note(
            report.known
                ? "run \(report.run) was here already; \(report.newBlobs) missing blobs were taken in"
                : "took in run \(report.run) of log \(report.origin), \(report.newBlobs) new blobs")
        if key.isEmpty {
            Terminal.note("whose keys these are is not proved: give those that you know with --key")
        }
        Terminal.note(
            report.canReplay
                ? "replay it with 'ibid replay \(report.run)'"
                : "it cannot be replayed here: the archive has no image (export it with --with-image)")
    }
}
