import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid ledger`.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Give checkpoints of the ledger to others, and go on after a loss.",
        subcommands: [Anchor.self, CheckpointCommand.self, Renew.self, Tiles.self])

    /// `ibid ledger checkpoint`.
    struct CheckpointCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "checkpoint", abstract: "Print the newest signed checkpoint: size and root, no names.")

        func run() throws {
            Terminal.out(try Engine.open(try CommonOptions.home()).checkpoint())
        }
    }

    /// `ibid ledger renew`.
    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "renew",
            abstract: "Go on from a ledger that was restored from an older copy, in a log of another name.",
            discussion: """
                The entries that the older copy has are taken over with their signatures; the old file stays beside. Nothing
                is done unless a checkpoint tells of entries that the ledger has not.
                """)

        @OptionGroup var common: CommonOptions

        func run() throws {
            let (old, new) = try Engine.renewLedger(of: try CommonOptions.home())
            if common.json {
                Terminal.out(JSONDocument.object([("old", .string(old)), ("new", .string(new))]).text)
            } else {
                Terminal.note("the ledger goes on as \(new); \(old) ends where the older copy ended")
            }
        }
    }

    /// `ibid ledger tiles`.
    struct Tiles: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Write the log as C2SP tlog-tiles, for others to mirror and audit: digests and signatures, no names.")

        @Argument(help: "The directory, which any web server can serve as it is.", completion: .directory)
        var directory: String
        @OptionGroup var common: CommonOptions

        func run() throws {
            let (files, report) = try common.engine().writeTiles(to: FilePath(directory))
            if common.json {
                Terminal.out(
                    JSONDocument.object([
                        ("origin", .string(report.origin)), ("size", .int(report.size)), ("root", .text(report.root)),
                        ("place", .string(report.place)), ("files", .int(Int64(files))),
                    ]).text)
            } else {
                Terminal.note("wrote \(files) files over \(report.size) entries; the checkpoint is \(report.place)")
            }
        }
    }

    /// `ibid ledger anchor`.
    struct Anchor: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "anchor", abstract: "Give the newest checkpoint to somebody else to hold.",
            discussion: """
                Whoever has the ledger's key can write another history; a checkpoint that somebody else holds shows it. It
                tells the number of entries and a root hash, and no names. What is kept in --git or --file is looked at
                before each append: while it tells of more entries than the ledger has, nothing is appended.
                """)

        @Option(help: "Commit it in this git repository; push that to where others keep it.", completion: .directory)
        var git: String?
        @Flag(help: "Sign the commit.")
        var sign = false
        @Option(help: "Write it to this file, on a disk that is kept elsewhere.", completion: .file())
        var file: String?
        @Option(help: "Write a request for a time stamp (RFC 3161) to this file.", completion: .file())
        var request: String?
        @Option(help: "Take in the answer of a time stamp authority.", completion: .file())
        var response: String?
        @Option(help: "The authority's certificate (PEM), for --response.", completion: .file())
        var ca: String?
        @Option(help: "Write the request to a witness (C2SP tlog-witness) to this file.", completion: .file())
        var witnessRequest: String?
        @Option(help: "The number of entries that the witness has seen, for --witness-request.")
        var known: Int64 = 0
        @Option(help: "Take in a witness' answer.", completion: .file())
        var cosigned: String?
        @Option(help: "The witness' key (name+hash+base64), for --cosigned.")
        var witness: String?
        @OptionGroup var common: CommonOptions

        func validate() throws {
            let ways = [git, file, request, response, witnessRequest, cosigned].compactMap { $0 }.count
            guard ways == 1 else {
                throw ValidationError(
                    "give one of --git, --file, --request, --response, --witness-request and --cosigned")
            }
            if (response == nil) != (ca == nil) { throw ValidationError("--response and --ca go together") }
            if (cosigned == nil) != (witness == nil) { throw ValidationError("--cosigned and --witness go together") }
        }

        func run() throws {
            let engine = try common.engine()
            let report: AnchorReport
            if let git {
                report = try engine.anchor(inRepository: FilePath(git), sign: sign)
            } else if let file {
                report = try engine.anchor(toFile: FilePath(file))
            } else if let request {
                report = try engine.writeTimestampRequest(FilePath(request))
            } else if let response, let ca {
                report = try engine.addTimestamp(FilePath(response), authority: FilePath(ca))
            } else if let cosigned, let witness {
                report = try engine.addCosignature(FilePath(cosigned), witness: witness)
            } else {
                let body = Array(try engine.witnessRequest(since: known).utf8)
                let path = witnessRequest ?? ""
                _ = try WholeFile.write(FilePath(path)) { sink in try body.withUnsafeBytes { try sink($0) } }
                return Terminal.note("wrote \(path); POST it to the witness' /add-checkpoint")
            }
            if common.json {
                Terminal.out(
                    JSONDocument.object([
                        ("origin", .string(report.origin)), ("size", .int(report.size)), ("root", .text(report.root)),
                        ("place", .string(report.place)),
                    ]).text)
            } else {
                Terminal.note("the checkpoint over \(report.size) entries is in \(report.place)")
            }
        }
    }
}
