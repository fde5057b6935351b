import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid image`.
struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build and look at images.", subcommands: [ImageBuildCommand.self, ImageList.self, ImageInspect.self])
}

/// `ibid image build`.
struct ImageBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build a job's image without running it.")

    @OptionGroup var job: JobOptions
    @OptionGroup var options: BuildOptions
    @Flag(help: "Print the Dockerfile that the image is built from, and build nothing.")
    var printDockerfile = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try common.engine()
        if printDockerfile { return Terminal.out(try engine.recipe(job.request())) }
        var request = job.request()
        request.build = try options.options()
        let build = try engine.buildImage(request, events: progressPrinter(json: common.json))
        if common.json { return Terminal.out(ReportJSON.build(build).text) }
        Terminal.out("\(build.image)\n")
    }
}

/// How an image is built.
struct BuildOptions: ParsableArguments {
    @Option(help: "Build this stage of the Dockerfile (default: the last).")
    var target: String?
    @Option(
        name: .customLong("build-arg"), parsing: .singleValue, help: "Set an ARG of the Dockerfile.",
        transform: NamedValue.init)
    var arguments: [NamedValue] = []
    @Flag(name: .customLong("no-cache"), help: "Run every step, even those that ran before.")
    var ignoresCache = false

    func options() throws -> SubmitRequest.BuildChanges {
        var changes = SubmitRequest.BuildChanges()
        changes.target = target
        changes.arguments = try NamedValue.dictionary(arguments, "argument")
        changes.usesCache = !ignoresCache
        return changes
    }
}

/// `ibid image ls`.
struct ImageList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the images of the store.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let images = try common.engine().images()
        if common.json {
            return Terminal.out(
                JSONDocument.array(
                    images.map {
                        .object([
                            ("ref", .string($0.ref)), ("image", .text($0.digest)), ("sizeBytes", .int($0.sizeBytes)),
                            ("layers", .int(Int64($0.layers))), ("created", .text($0.created)),
                        ])
                    }
                ).text)
        }
        if images.isEmpty { return Terminal.note("no images yet: build one with 'ibid submit DIR'") }
        var table = Table("REF", "IMAGE", "LAYERS", "SIZE")
        for image in images {
            table.add(
                image.ref, Formatting.short(image.digest), String(image.layers), Formatting.size(image.sizeBytes))
        }
        Terminal.out(table.text)
    }
}

/// `ibid image inspect`.
struct ImageInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show an image's manifest and configuration.")

    @Argument(help: "A name, a digest or the start of one.")
    var image: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        let details = try common.engine().inspectImage(image)
        if common.json {
            return Terminal.out(
                JSONDocument.object([
                    ("image", .text(details.digest)),
                    ("refs", .array(details.refs.map { .string($0) })),
                    ("manifest", JSONDocument(details.manifest)), ("config", JSONDocument(details.config)),
                ]).text)
        }
        Terminal.out("image     \(details.digest)\n")
        for ref in details.refs { Terminal.out("ref       \(Terminal.safe(ref))\n") }
        for layer in details.manifest["layers"]?.array ?? [] {
            Terminal.out(
                "layer     \(layer["digest"]?.string ?? "")  \(Formatting.size(layer["size"]?.int ?? 0))\n")
        }
        for (key, value) in (details.config["config"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            let text = String(decoding: CanonicalJSON.bytes(value), as: UTF8.self)
            Terminal.out("config    \(Terminal.safe("\(key) = \(text)"))\n")
        }
        for entry in details.config["history"]?.array ?? [] {
            Terminal.out("history   \(Terminal.safe(entry["created_by"]?.string ?? ""))\n")
        }
    }
}

extension JSONDocument {
    /// A value of ours, with its keys sorted.
    init(_ value: JSONValue) {
        switch value {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .string(let value): self = .string(value)
        case .array(let value): self = .array(value.map { JSONDocument($0) })
        case .object(let value):
            self = .object(value.sorted { $0.key < $1.key }.map { ($0.key, JSONDocument($0.value)) })
        }
    }
}

/// `ibid base`.
struct Base: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The images that FROM can name.", subcommands: [BaseList.self, BaseAdd.self])
}

/// `ibid base ls`.
struct BaseList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "List the names that FROM can use, built-in ones included.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let bases = try common.engine().baseImages()
        if common.json {
            return Terminal.out(
                JSONDocument.array(
                    bases.map {
                        .object([
                            ("name", .string($0.name)), ("origin", .string($0.origin)), ("image", .text($0.digest)),
                        ])
                    }
                ).text)
        }
        var table = Table("NAME", "ORIGIN", "IMAGE")
        for base in bases { table.add(base.name, base.origin, base.digest.map { Formatting.short($0) } ?? "-") }
        Terminal.out(table.text)
    }
}

/// `ibid base add`.
struct BaseAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add an image that FROM can name.",
        discussion: """
            Examples:
              skopeo copy docker://docker.io/library/python:3.12 oci:python312:3.12
              ibid base add python:3.12 --from oci:python312:3.12
              docker save my-base -o my-base.tar && ibid base add my-base --from docker-archive:my-base.tar
            """)

    @Argument(help: "The name that FROM will use.")
    var name: String
    @Option(help: "oci:DIR[:REF], docker-archive:FILE, or a tar of a root filesystem.", completion: .file())
    var from: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        let digest = try common.engine().addBase(name, from: from)
        if common.json {
            return Terminal.out(JSONDocument.object([("name", .string(name)), ("image", .text(digest))]).text)
        }
        Terminal.out("\(digest)\n")
    }
}
