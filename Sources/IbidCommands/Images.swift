import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid image`.
struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Build, look at and move images.",
        subcommands: [
            ImageBuildCommand.self, ImageList.self, ImageInspect.self, ImageExportCommand.self, ImagePush.self,
            ImagePull.self, ImageRemove.self,
        ])
}

/// `ibid image build`.
struct ImageBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build a job's image without running it.",
        discussion: """
            --verify builds twice from nothing, the second time with another host name, umask, time zone, file system
            and number of processors, and says of each step: reproduced, reproduced after normalisation (what differed
            is left out of layers or made the same in them), or irreproducible, with the files and the likely cause. It
            exits with 4 when a step is irreproducible. The verdicts are entered in the ledger.

            Examples:
              ibid image build . --target test --build-arg VERSION=2
              ibid image build . -f docker/Dockerfile --secret id=pip,src=$HOME/.config/pip/pip.conf
            """)

    @OptionGroup var job: JobOptions
    @OptionGroup var options: BuildOptions
    @Flag(help: "Print the Dockerfile that the image is built from, and build nothing.")
    var printDockerfile = false
    @Flag(help: "Build twice from nothing and compare, step by step.")
    var verify = false
    @OptionGroup var isolation: IsolationOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let engine = try isolation.engine(common)
        var request = job.request()
        request.build = try options.options()
        if printDockerfile {
            let recipe = try engine.recipe(request)
            guard common.json else { return Terminal.out(recipe.dockerfile) }
            return Terminal.out(
                JSONDocument.object([
                    ("dockerfile", .string(recipe.dockerfile)), ("derived", .bool(recipe.isDerived)),
                ]).text)
        }
        let build = try withProgress(json: common.json, options.progress.progress) { events in
            try verify ? engine.verifyImage(request, events: events) : engine.buildImage(request, events: events)
        }
        Terminal.out(common.json ? ReportJSON.build(build).text : "\(build.image)\n")
        if build.steps.contains(where: { $0.verdict == .irreproducible }) { throw ExitCode(4) }
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
