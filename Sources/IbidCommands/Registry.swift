import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// How a registry is reached.
struct RegistryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file with registry passwords.",
            discussion: "Default: $REGISTRY_AUTH_FILE, then those of podman and docker."), completion: .file())
    var authfile: String?
    @Option(
        help: ArgumentHelp(
            "A directory with a registry's certificates.",
            discussion: "Beside /etc/docker/certs.d/HOST and /etc/containers/certs.d/HOST."), completion: .directory)
    var certDir: String?
    @Option(help: ArgumentHelp("Whether a registry has to prove who it is.", valueName: "true|false"))
    var tlsVerify = true

    var access: RegistryAccess {
        var access = RegistryAccess()
        access.authFile = authfile.map { FilePath($0) }
        access.certificates = certDir.map { FilePath($0) }
        access.verifiesTLS = tlsVerify
        return access
    }
}

/// `ibid image push`.
struct ImagePush: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Send an image to a registry; it has the same digest there.",
        discussion: "Example: ibid image push iris:59239a3ce6bd docker://registry.example.org/lab/iris:1")

    @Argument(help: "A name, a digest or the start of one.")
    var image: String
    @Argument(help: "docker://HOST/REPO:TAG.")
    var destination: String
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let report = try withProgress(json: common.json) {
            try common.engine().pushImage(image, to: destination, registry: registry.access, events: $0)
        }
        common.print(report, text: "\(report.remote)\n")
    }
}

/// `ibid image pull`.
struct ImagePull: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Take an image from a registry, to build on or to run.",
        discussion: """
            The name is resolved to a digest, which the store keeps beside the image. FROM of that name uses what was
            pulled, until it is pulled again.
            """)

    @Argument(help: "docker://HOST/REPO:TAG, or a name as after FROM.")
    var image: String
    @Option(name: .customLong("as"), help: "The name it gets here (default: its own).")
    var name: String?
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        let report = try withProgress(json: common.json) {
            try common.engine().pullImage(image, as: name, registry: registry.access, events: $0)
        }
        common.print(report, text: "\(report.image)\n")
    }
}

/// `ibid image export`.
struct ImageExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write an image to a file or a directory for other programs.",
        discussion: """
            oci             an OCI image layout as the store has it, with the same digest
            oci-gzip        the same with packed layers: smaller, another digest, the same image ID
            docker-archive  for 'docker load' and 'podman load'

            A layout goes into a directory, or into an archive when the name ends with .tar. Copy one with
            'skopeo copy --preserve-digests oci:DIR:REF …', or the copy is packed anew and has another digest.
            """)

    @Argument(help: "A name, a digest or the start of one.")
    var image: String
    @Option(name: [.short, .long], help: "The file or directory (default: NAME.tar).", completion: .file())
    var output: String?
    @Option(
        help: "oci, oci-gzip or docker-archive.",
        transform: { text in
            guard let format = ImageFormat(rawValue: text) else {
                throw ValidationError("'\(text)' is no form of an image: oci, oci-gzip or docker-archive")
            }
            return format
        })
    var format = ImageFormat.oci
    @OptionGroup var common: CommonOptions

    func run() throws {
        let report = try common.engine().exportImage(image, format: format, to: output.map { FilePath($0) })
        if common.json {
            return Terminal.out(
                JSONDocument.object([
                    ("image", .text(report.image)), ("ref", .string(report.ref)),
                    ("path", .string(report.path.string)), ("format", .string(report.format.rawValue)),
                    ("digest", .text(report.digest)), ("sizeBytes", .int(report.sizeBytes)),
                ]).text)
        }
        Terminal.out("\(report.path)\n")
        Terminal.note("\(report.format.rawValue), \(Formatting.size(report.sizeBytes)), manifest \(report.digest)")
    }
}

/// `ibid image rm`.
struct ImageRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Take names away from images; 'ibid gc' then frees what nothing names.")

    @Argument(help: "Names as 'ibid image ls' lists them.")
    var names: [String]
    @OptionGroup var common: CommonOptions

    func run() throws { common.print(try common.engine().removeImageNames(names)) }
}

extension CommonOptions {
    fileprivate func print(_ report: ImageTransferReport, text: String) {
        guard json else { return Terminal.out(text) }
        Terminal.out(
            JSONDocument.object([
                ("image", .text(report.image)), ("ref", .string(report.ref)), ("remote", .string(report.remote)),
            ]).text)
    }

    /// Names that were taken away.
    func print(_ removed: [(ref: String, image: Digest)]) {
        guard json else { return removed.forEach { Terminal.out("\($0.ref)\n") } }
        Terminal.out(
            JSONDocument.object([
                (
                    "removed",
                    .array(removed.map { .object([("ref", .string($0.ref)), ("image", .text($0.image))]) })
                )
            ]).text)
    }
}
