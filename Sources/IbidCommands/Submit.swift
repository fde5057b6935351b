import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid submit`.
struct Submit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit", abstract: "Snapshot, build, run and record a job.",
        discussion: """
            The analysis' stdout and stderr stream to this terminal and are kept. Its outputs are what it writes below
            its working directory and /outputs. The words after -- replace the image's CMD (or the command of
            job.toml), as in 'docker run'. An equal run of the same commit that succeeded before answers at once;
            --fresh runs again.

            Examples:
              ibid submit jobs/iris
              ibid submit . --rev v1.2 -p rows=10
              ibid submit . --allow-dirty -- python explore.py
              ibid submit . --sweep seed=1..100 --jobs 4
              ibid submit . -p 8501 -- streamlit run app.py

            With --sweep or --rows the image is built once, each run is recorded by itself, and one table (with --json,
            one array) tells of all; the exit status is that of the worst.
            """)

    @OptionGroup var job: JobOptions
    @Option(
        name: [.short, .customLong("param")], parsing: .singleValue,
        help: "Set a parameter of job.toml (NAME=VALUE), or publish a port as docker does (see --publish).",
        transform: ParameterOrPort.init)
    var params: [ParameterOrPort] = []
    @Option(
        parsing: .singleValue,
        help: "Publish a port of the run on this machine: [ADDRESS:][HOST:]CONTAINER, ADDRESS being 127.0.0.1.",
        transform: PublishedPort.init)
    var publish: [PublishedPort] = []
    @Option(
        parsing: .singleValue, help: "Give an input: the run reads it at /inputs/NAME.", transform: NamedValue.init)
    var input: [NamedValue] = []
    @Flag(help: "Run even if an equal run is recorded.")
    var fresh = false
    @OptionGroup var sweep: SweepOptions
    @OptionGroup var build: BuildOptions
    @OptionGroup var limits: LimitOptions
    @OptionGroup var isolation: IsolationOptions
    @Option(
        help: "The determinism profile: default, or strict, which also fixes clock, randomness and addresses; or none.",
        transform: Submit.profile)
    var determinism: DeterminismProfile?
    @Option(
        help: "The processor level whose kernels are used: native, or one such as x86-64-v3, for older machines too.",
        transform: Submit.level)
    var cpuLevel: CPUWish?
    @Option(help: "The OCI runtime: crun, runc, or a path.")
    var runtime = "crun"
    @Option(help: "Devices that the machine describes in /etc/cdi: all, a number of GPUs, or names, such as 0,1.")
    var gpus: String?
    @OptionGroup var common: CommonOptions
    @Argument(parsing: .postTerminator, help: "Words that replace the image's CMD.")
    var command: [String] = []

    private static func profile(_ text: String) throws -> DeterminismProfile {
        guard let profile = DeterminismProfile(rawValue: text) else {
            throw ValidationError("'\(text)' is no determinism profile, expected \(DeterminismProfile.known)")
        }
        return profile
    }

    private static func level(_ text: String) throws -> CPUWish {
        guard let wish = CPUWish(text) else {
            throw ValidationError("'\(text)' is no processor level, expected \(CPUWish.known)")
        }
        return wish
    }

    func run() throws {
        let request = try request()
        if sweep.isWanted, !request.ports.isEmpty {
            throw ValidationError("a port leads to one run: publish it without --sweep and --rows")
        }
        let engine = try isolation.engine(common)
        if sweep.isWanted { return try runSweep(request, engine: engine) }
        let report = try withProgress(json: common.json, build.progress.progress) {
            try engine.submit(request, events: $0)
        }
        if common.json {
            Terminal.out(ReportJSON.run(report).text)
        } else {
            RunSummary.note(report)
        }
        let status = Self.exitStatus(of: report)
        if status != 0 { throw ExitCode(status) }
    }

    /// What the options ask for.
    func request() throws -> SubmitRequest {
        var request = job.request()
        request.params = try NamedValue.dictionary(params.compactMap(\.parameter), "parameter")
        request.ports = publish + params.compactMap(\.port)
        request.inputs = try NamedValue.dictionary(input, "input").mapValues { FilePath($0) }
        request.fresh = fresh
        request.command = command
        request.build = try build.options()
        request.limits = try limits.changes()
        request.runtime = runtime
        request.determinism = determinism
        request.cpu = cpuLevel
        request.gpus = gpus
        return request
    }
}

/// A job and the revision to take.
struct JobOptions: ParsableArguments {
    @Argument(
        help: "The job's directory inside a git repository, or an address: URL[#REV[:DIR]].", completion: .directory)
    var directory = "."
    @Option(name: [.customLong("rev"), .customLong("revision")], help: "A branch, tag or commit (default: HEAD).")
    var revision: String?
    @Flag(help: "Take the working tree as it is, with uncommitted changes; the record says so.")
    var allowDirty = false

    func request() -> SubmitRequest {
        var request = SubmitRequest(place: directory)
        request.revision = revision
        request.allowDirty = allowDirty
        return request
    }
}

/// Limits on the command line; they replace those of job.toml.
struct LimitOptions: ParsableArguments {
    @Option(name: [.customShort("m"), .long], help: "Memory limit, such as 2GiB.")
    var memory: String?
    @Option(help: "Processor cores, such as 1.5.")
    var cpus: Double?
    @Option(name: .customLong("pids-limit"), help: "Most processes and threads at one time.")
    var pids: Int64?
    @Option(name: .customLong("wall"), help: "Wall time limit, such as 10m.")
    var wall: String?

    @Option(name: .customLong("output-limit"), help: "Most bytes that it may write, such as 10GiB.")
    var output: String?
    @Option(name: .customLong("files-limit"), help: "Most files that it may write.")
    var files: Int64?
    @Option(name: .customLong("open-files"), help: "Most open files of one process.")
    var openFiles: Int64?

    func changes() throws -> SubmitRequest.LimitChanges {
        var changes = SubmitRequest.LimitChanges()
        changes.memoryBytes = try memory.map { try SubmitRequest.LimitChanges.parseSize($0) }
        changes.cpuMillis = try cpus.map {
            guard $0.isFinite, $0 >= 0.01, $0 <= 1_024 else { throw ValidationError("--cpus is from 0.01 to 1024") }
            return Int64(($0 * 1_000).rounded())
        }
        changes.pids = try Self.count(pids, "--pids-limit")
        changes.outputBytes = try output.map { try SubmitRequest.LimitChanges.parseSize($0) }
        changes.outputFiles = try Self.count(files, "--files-limit")
        changes.openFiles = try Self.count(openFiles, "--open-files")
        changes.wallSeconds = try wall.map { try SubmitRequest.LimitChanges.parseDuration($0) }
        return changes
    }

    private static func count(_ value: Int64?, _ option: String) throws -> Int64? {
        if let value, value < 1 { throw ValidationError("\(option) is at least 1") }
        return value
    }
}

/// What `-p` takes: a parameter, or a port, which has no `=`.
struct ParameterOrPort: Sendable {
    let parameter: NamedValue?
    let port: PublishedPort?

    init(_ text: String) throws {
        let isPort = !text.contains("=") && (text.contains(":") || text.first?.isNumber ?? false)
        port = isPort ? try PublishedPort(text) : nil
        parameter = port == nil ? try NamedValue(text) : nil
    }
}

/// `NAME=VALUE`.
struct NamedValue: Sendable {
    let name: String
    let value: String

    init(_ text: String) throws {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw ValidationError("'\(text)' is not of the form NAME=VALUE")
        }
        name = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }

    static func dictionary(_ values: [NamedValue], _ what: String) throws -> [String: String] {
        try values.reduce(into: [:]) { result, pair in
            guard result.updateValue(pair.value, forKey: pair.name) == nil else {
                throw ValidationError("the \(what) '\(pair.name)' is given twice")
            }
        }
    }
}
