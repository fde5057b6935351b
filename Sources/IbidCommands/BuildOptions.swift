import ArgumentParser
import FoundationEssentials
import IbidEngine
import IbidModel

/// How an image is built.
struct BuildOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: "The Dockerfile, as a path inside the job's directory (default: Dockerfile).")
    var file: String?
    @Option(help: "Build this stage of the Dockerfile (default: the last).")
    var target: String?
    @Option(
        name: .customLong("build-arg"), parsing: .singleValue,
        help: "Set an ARG of the Dockerfile: NAME=VALUE, or NAME to take it from the environment.")
    var arguments: [String] = []
    @Option(help: "The platform to build for, as docker names it; it has to be this machine's.")
    var platform: String?
    @Option(
        name: .customLong("secret"), parsing: .singleValue,
        help: "Give a secret to RUN --mount=type=secret: id=NAME[,src=FILE|,env=VARIABLE].")
    var secrets: [String] = []
    @Flag(name: .customLong("no-cache"), help: "Run every step, even those that ran before.")
    var ignoresCache = false
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressOptions

    func options() throws -> SubmitRequest.BuildChanges {
        var changes = SubmitRequest.BuildChanges()
        changes.dockerfile = file
        changes.target = target
        changes.platform = platform
        let environment = ProcessInfo.processInfo.environment
        let named = try arguments.compactMap { text -> NamedValue? in
            if text.contains("=") || text.isEmpty { return try NamedValue(text) }
            return try environment[text].map { try NamedValue("\(text)=\($0)") }
        }
        changes.arguments = try NamedValue.dictionary(named, "build argument")
        for text in secrets {
            let secret = try SecretOption(text, environment: environment)
            guard changes.secrets.updateValue(secret.bytes, forKey: secret.id) == nil else {
                throw ValidationError("the secret '\(secret.id)' is given twice")
            }
        }
        changes.usesCache = !ignoresCache
        changes.registry = registry.access
        return changes
    }
}

/// `id=NAME[,src=FILE|,env=VARIABLE]`, as docker takes it: without either, the variable or file of that name.
struct SecretOption {
    let id: String
    let bytes: [UInt8]

    /// The largest secret, as in BuildKit.
    private static let sizeLimit = 500 << 10

    init(_ text: String, environment: [String: String]) throws {
        var fields: [String: String] = [:]
        for field in text.split(separator: ",") {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, ["id", "src", "source", "env", "type"].contains(parts[0]) else {
                throw ValidationError("'\(field)' is no part of --secret id=NAME[,src=FILE|,env=VARIABLE]")
            }
            fields[parts[0] == "source" ? "src" : parts[0]] = parts[1]
        }
        guard let id = fields["id"], !id.isEmpty else { throw ValidationError("--secret needs id=NAME") }
        self.id = id
        let kind = fields["type"]
        guard kind == nil || kind == "file" || kind == "env" else {
            throw ValidationError("the type of --secret is file or env, not '\(kind ?? "")'")
        }
        guard fields["src"] == nil || fields["env"] == nil else {
            throw ValidationError("--secret has src or env, not both")
        }
        // docker reads "type=env,src=NAME" too.
        var variable = fields["env"] ?? (kind == "env" ? fields["src"] ?? id : nil)
        if fields["src"] == nil, kind == nil, variable == nil, environment[id] != nil { variable = id }
        if let variable {
            guard let value = environment[variable] else {
                throw ValidationError("the secret '\(id)' is to come from the variable \(variable), which is not set")
            }
            bytes = Array(value.utf8)
        } else {
            let path = fields["src"] ?? id
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ValidationError("the secret '\(id)' is to come from '\(path)', which cannot be read")
            }
            bytes = Array(data)
        }
        guard bytes.count <= Self.sizeLimit else { throw ValidationError("the secret '\(id)' is longer than 500 KiB") }
    }
}
