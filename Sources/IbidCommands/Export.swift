import ArgumentParser
import Glibc
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid export`.
struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write one file that a stranger can check, or do the run again from, without Ibid.",
        discussion: """
            The default is an archive (tar) of one BagIt bag that is an RO-Crate: outputs, logs, source, the signed
            statements with their proofs, keys, a bill of materials, a page to read (data/index.html) and a script that
            does the run again with podman or docker (data/rerun/run.sh). --with-image encloses image and inputs too:
            'ibid import FILE' and 'ibid replay RUN' then work on another machine without a network.

            Check it with 'ibid verify FILE', or with audit/verify.py, which needs only Python.
            """)

    /// What is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case archive
        case record
        case statement
        case prov
        case csv
    }

    @Argument(help: ArgumentHelp("A run's id, a unique prefix of it, or @last; not for csv.", valueName: "run"))
    var target: String?
    @Option(
        name: .shortAndLong, help: "The file to write; - for stdout. A name that ends in .json asks for the record.",
        completion: .file())
    var output: String?
    @Option(help: "archive, record (one JSON document), statement (DSSE), prov (PROV-JSON), csv (the whole ledger).")
    var format: Format?
    @Flag(help: "Enclose the image and the inputs.")
    var withImage = false
    @Flag(help: "Export although something looks like a secret.")
    var allowSecrets = false
    @OptionGroup var common: CommonOptions

    private var chosen: Format { format ?? (output?.hasSuffix(".json") == true ? .record : .archive) }

    func validate() throws {
        if target == nil && chosen != .csv { throw ValidationError("name a run, or give --format csv for the ledger") }
        if target != nil && chosen == .csv { throw ValidationError("csv is of the whole ledger: name no run") }
        if withImage && chosen != .archive { throw ValidationError("--with-image belongs to an archive") }
    }

    func run() throws {
        let engine = try common.engine()
        let id = try target.map { try engine.resolve($0) }
        let path = output ?? id.map { "ibid-\($0)\(chosen.suffix)" } ?? "ibid-ledger.csv"
        var secrets: [String] = []
        func write(_ sink: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
            guard let id else { return try Array(engine.exportTable().utf8).withUnsafeBytes { try sink($0) } }
            switch chosen {
            case .archive:
                var options = ExportOptions()
                options.withImage = withImage
                options.allowSecrets = allowSecrets
                let report = try engine.exportArchive(id, options: options, to: sink)
                secrets = report.secrets
            case .record: try engine.export(id).withUnsafeBytes { try sink($0) }
            case .statement: try engine.exportStatement(id).withUnsafeBytes { try sink($0) }
            case .prov, .csv: try engine.exportProvenance(id).withUnsafeBytes { try sink($0) }
            }
        }
        if path == "-" {
            try write { bytes in try Terminal.writeAll(bytes, to: STDOUT_FILENO) }
            return
        }
        let (_, size) = try WholeFile.write(FilePath(path), write)
        for secret in secrets { Terminal.note(Terminal.styled("warning:", .yellow) + " " + Terminal.safe(secret)) }
        if common.json {
            Terminal.out(
                JSONDocument.object([
                    ("run", .text(id)), ("file", .string(path)), ("format", .string(chosen.rawValue)),
                    ("sizeBytes", .int(size)),
                ]).text)
        } else {
            let check = chosen == .archive || chosen == .record ? "; check it with 'ibid verify \(path)'" : ""
            Terminal.note("wrote \(path) (\(Formatting.size(size)))\(check)")
        }
    }
}

extension Export.Format {
    fileprivate var suffix: String {
        switch self {
        case .archive: ".tar"
        case .record: ".json"
        case .statement: ".intoto.json"
        case .prov: ".prov.json"
        case .csv: ".csv"
        }
    }
}
