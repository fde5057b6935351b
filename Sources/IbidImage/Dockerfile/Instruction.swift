/// One Dockerfile instruction, parsed and not yet expanded: words keep their quotes, escapes and variables.
public enum Instruction: Hashable, Sendable {
    /// `ADD`.
    case add(CopyInstruction)
    /// `ARG`: names with their default values.
    case arg([ArgumentDeclaration])
    /// `CMD`.
    case cmd(CommandForm)
    /// `COPY`.
    case copy(CopyInstruction)
    /// `ENTRYPOINT`.
    case entrypoint(CommandForm)
    /// `ENV`: names and values, in order.
    case env([NameValue])
    /// `EXPOSE`.
    case expose([String])
    /// `HEALTHCHECK`.
    case healthcheck(HealthcheckInstruction)
    /// `LABEL`: names and values, in order.
    case label([NameValue])
    /// `MAINTAINER`.
    case maintainer(String)
    /// `ONBUILD`: the trigger's text.
    case onBuild(String)
    /// `RUN`.
    case run(RunInstruction)
    /// `SHELL`.
    case shell([String])
    /// `STOPSIGNAL`.
    case stopSignal(String)
    /// `USER`.
    case user(String)
    /// `VOLUME`.
    case volume([String])
    /// `WORKDIR`.
    case workdir(String)
}

/// A name with its value, as `ENV` and `LABEL` have them.
public struct NameValue: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The value, unexpanded.
    public var value: String
}

/// One name of an `ARG` instruction.
public struct ArgumentDeclaration: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The default value, unexpanded; nil when there is none.
    public var value: String?
}

/// A command as a shell's text, or as the argument vector itself.
public enum CommandForm: Hashable, Sendable {
    /// Text for the shell in force.
    case shell(String)
    /// The JSON form: the words as they are.
    case exec([String])
}

/// `RUN`.
public struct RunInstruction: Hashable, Sendable {
    /// The command.
    public var command: CommandForm
    /// Here-documents, in order.
    public var hereDocuments: [HereDocument]
    /// `--mount`, in order.
    public var mounts: [RunMount]
    /// `--network`: `default`, `none` or `host`; nil when not given.
    public var network: String?
    /// `--security`: `sandbox` or `insecure`; nil when not given.
    public var security: String?
    /// `--device`, in order.
    public var devices: [String]
}

/// `COPY` and `ADD`.
public struct CopyInstruction: Hashable, Sendable {
    /// Sources, unexpanded; here-documents are in `hereDocuments`.
    public var sources: [String]
    /// Files whose content stands in the Dockerfile.
    public var hereDocuments: [HereDocument]
    /// The destination, unexpanded.
    public var destination: String
    /// `--from`: a stage's name or index, or an image.
    public var from: String?
    /// `--chown`, unexpanded.
    public var owner: String?
    /// `--chmod`, unexpanded.
    public var mode: String?
    /// `--exclude`, in order.
    public var excludes: [String]
    /// `--parents`.
    public var keepsParents: Bool
    /// `--link`: nothing of the image below is looked at, so that no link of it is followed.
    public var link: Bool
    /// `ADD --checksum`.
    public var checksum: String?
    /// `ADD --keep-git-dir`.
    public var keepsGitDirectory: Bool
    /// `ADD --unpack`; nil when not given.
    public var unpack: Bool?
}

/// `HEALTHCHECK`.
public struct HealthcheckInstruction: Hashable, Sendable {
    /// The check; nil for `HEALTHCHECK NONE`.
    public var command: CommandForm?
    /// `--interval` in nanoseconds.
    public var interval: Int64?
    /// `--timeout` in nanoseconds.
    public var timeout: Int64?
    /// `--start-period` in nanoseconds.
    public var startPeriod: Int64?
    /// `--start-interval` in nanoseconds.
    public var startInterval: Int64?
    /// `--retries`.
    public var retries: Int64?
}
