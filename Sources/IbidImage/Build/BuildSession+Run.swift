import CLinux
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

extension BuildSession {
    /// Another version of what steps see is another key.
    private static let version: JSONValue = 5

    /// `RUN`.
    func perform(_ run: RunInstruction, _ step: Dockerfile.Step, _ state: inout StageState) throws -> StepOutcome {
        try refuse(run, step)
        let current = state
        let mounts = try self.mounts(run, step, current)
        let command = try command(run, step, current)
        let environment = self.environment(current, of: command.joined(separator: " "))
        let locked = lockedAnswers(step)
        let description: JSONValue = [
            "kind": "run", "version": Self.version, "normaliser": .int(Int64(Normaliser.version)),
            "layers": .array(state.layers.map { .string("\($0.digest)") }), "epoch": .int(state.epoch.seconds),
            "command": .array(command.map { .string($0) }), "environment": .strings(environment),
            "directory": .string(state.workingDirectory), "user": .string(state.execution.user ?? ""),
            "network": .string(run.network ?? "default"), "apt": .string(Self.aptConfiguration),
            "bytecode": .int(BytecodeScript.version), "mounts": try key(of: mounts, step),
            "script": command == [Self.scriptPath] ? .optional(run.hereDocuments.first?.text) : .null,
        ]
        let key = StepCache.key(description)
        let record = try cache.alone(key) { () -> (StepCache.Record, Bool) in
            if options.usesCache, let record = try self.cached(key, locked) { return (record, true) }
            let record = try execute(
                run, mounts, command: command, environment: environment, step, current, locked: locked)
            try keep(record, key)
            return (record, false)
        }
        let requests = lock.map { _ in locked?.requests ?? [] } ?? record.0.requests
        if !requests.isEmpty { self.requests.append((lockName(of: step), requests)) }
        return .layer(record.0.layer, cached: record.1)
    }

    // MARK: cache

    /// What the step may ask for; nil when there is no lock.
    ///
    /// A step that the lock does not know by its text (the Dockerfile has changed) sees everything in the lock.
    func lockedAnswers(_ step: Dockerfile.Step) -> GatewayAnswers? {
        guard let lock else { return nil }
        let name = lockName(of: step)
        if let own = lock.steps.first(where: { ImageLock.stepName($0.step) == name }) {
            return GatewayAnswers(own.requests)
        }
        return GatewayAnswers(lock.steps.flatMap(\.requests))
    }

    /// With a lock, only a record of the very same answers will do.
    private func cached(_ key: Digest, _ locked: GatewayAnswers?) throws -> StepCache.Record? {
        guard let locked else { return try cache.record(key) }
        if let record = try cache.record(key), GatewayAnswers(record.requests) == locked { return record }
        return try cache.record(Self.key(key, answers: locked.requests))
    }

    private func keep(_ record: StepCache.Record, _ key: Digest) throws {
        // The layer, and what the gateway fetched, may be on their way to the disk; a record must not name what a crash
        // can take back.
        try sources.flush()
        try cache.keep(record, as: Self.key(key, answers: record.requests))
        if lock == nil { try cache.keep(record, as: key) }
    }

    private static func key(_ key: Digest, answers: [ImageLock.Request]) -> Digest {
        StepCache.key([
            "step": .string("\(key)"),
            "answers": .array(
                answers.map { [.string($0.request), .optional($0.sha256.map { "\($0)" })] }),
        ])
    }

    // MARK: what the step sees

    private static let aptConfiguration = """
        Acquire::http::Proxy "http://127.0.0.1:\(GatewayPath.port)";
        Acquire::https::Proxy "http://127.0.0.1:\(GatewayPath.port)";
        Acquire::https::CaInfo "\(GatewayPath.authority)";
        Acquire::http::Timeout "900";
        Acquire::Check-Valid-Until "false";
        Acquire::Languages "none";
        Acquire::Queue-Mode "access";
        DPkg::Use-Pty "0";
        DPkg::Options { "--force-unsafe-io"; };

        """

    /// Later ones win: what keeps chance out, what the build was given, what the image says, how to reach the gateway.
    private func environment(_ state: StageState, of text: String) -> [String: String] {
        var environment = StepEnvironment.determinism(epoch: state.epoch)
        if StepEnvironment.buildsPythonPackages(text) { environment.merge(StepEnvironment.compilers) { $1 } }
        environment.merge(state.variables) { $1 }
        environment.merge(StepEnvironment.gateway(port: GatewayPath.port)) { $1 }
        return environment
    }

    /// Where a here-document that names its own interpreter is, inside the step.
    private static let scriptPath = "/run/ibid/script"

    private func command(_ run: RunInstruction, _ step: Dockerfile.Step, _ state: StageState) throws -> [String] {
        switch run.command {
        case .exec(let words):
            guard let first = words.first, !first.isEmpty else {
                throw IbidError.dockerfile(step.place, "RUN has no command", text: step.text)
            }
            return words
        case .shell(let text):
            guard let document = run.hereDocuments.first else { return state.shell + [text] }
            if run.hereDocuments.count == 1, HereDocument(word: text) != nil {
                return document.text.hasPrefix("#!") ? [Self.scriptPath] : state.shell + [document.text]
            }
            // The shell reads its here-documents itself.
            let full = run.hereDocuments.reduce(text) { $0 + "\n" + $1.content + $1.name }
            return state.shell + [full]
        }
    }

    private func refuse(_ run: RunInstruction, _ step: Dockerfile.Step) throws {
        if run.network == "host" {
            throw IbidError.unsupported(
                step.place, "--network=host", text: step.text,
                hint: "a step reaches package indexes through ibid; anything else would not be the same tomorrow")
        }
        if run.security == "insecure" {
            throw IbidError.unsupported(
                step.place, "--security=insecure", text: step.text,
                hint: "a step never has more rights than its user namespace gives: leave it out")
        }
        if let device = run.devices.first {
            throw IbidError.unsupported(
                step.place, "--device=\(device)", text: step.text,
                hint: "what a device of this machine does is not the same on another: leave it out")
        }
    }

    // MARK: running it

    private func execute(
        _ run: RunInstruction, _ mounts: [StepMount], command: [String], environment: [String: String],
        _ step: Dockerfile.Step, _ state: StageState, locked: GatewayAnswers?
    ) throws -> StepCache.Record {
        let workspace = try host.makeWorkspace("build")
        do {
            let record = try execute(
                run, mounts, command: command, environment: environment, step, state, locked: locked,
                workspace: workspace)
            try removeTree(workspace)
            return record
        } catch {
            // The step's own failure is what matters; the next sweep removes what is left.
            try? removeTree(workspace)
            throw error
        }
    }

    private func execute(
        _ run: RunInstruction, _ mounts: [StepMount], command: [String], environment: [String: String],
        _ step: Dockerfile.Step, _ state: StageState, locked: GatewayAnswers?, workspace: FilePath
    ) throws -> StepCache.Record {
        let layers = try state.layers.map { try layerCache.directory(for: $0.digest) }
        let apt = workspace.appending("apt.conf")
        try writeAtomically(Array(Self.aptConfiguration.utf8), to: apt, durable: false)
        var environment = environment
        let root = StageRoot(layers: layers)
        if environment["HOME"] == nil {
            environment["HOME"] = try UserLookup(root: root).home(of: state.execution.user ?? "")
        }
        let container = workspace.appending("container")
        try makeDirectories(container, mode: 0o700)
        let installation = self.installation(command.joined(separator: " "), environment, root: root, state)
        let ahead = try installation.flatMap { _ in
            try BytecodeAhead(
                host: host, layers: layers, environment: environment, limits: options.limits, runtime: options.runtime,
                stop: stop, workspace: workspace)
        }
        defer { ahead?.abandon() }
        let gateway = try Gateway(
            sources: sources, locked: locked, expectation: installation.map { PipExpectation($0) },
            onWheel: { [store] digest, size in ahead?.offer(digest, size: size, at: store.path(of: digest)) })
        defer { gateway.expectation?.end() }
        if let locked {
            for (name, answer) in locked.answers { gateway.tell(of: name, answer) }
        } else if let expectation = gateway.expectation {
            sources.expect(expectation)
        }
        let authority = workspace.appending("ca.pem")
        try writeAtomically(gateway.authority.certificate, to: authority, mode: 0o644, durable: false)
        var binds = [
            ContainerBind(source: apt, target: GatewayPath.aptConfiguration),
            ContainerBind(source: authority, target: GatewayPath.authority),
        ]
        if command == [Self.scriptPath] {
            let script = workspace.appending("script")
            try writeAtomically(
                Array((run.hereDocuments.first?.text ?? "").utf8), to: script, mode: 0o755, durable: false)
            binds.append(ContainerBind(source: script, target: Self.scriptPath))
        }
        let mounted = try prepare(mounts, step, state, workspace: workspace)
        binds += mounted.binds
        var spec = ContainerSpec(
            workspace: container, layers: layers, command: command, environment: environment,
            workingDirectory: state.workingDirectory, user: state.execution.user ?? "",
            binds: binds, limits: options.limits,
            privileges: .build, gatewayPort: run.network == "none" ? nil : GatewayPath.port, runtime: options.runtime)
        spec.sortsDirectories = true
        (spec.memoryMounts, spec.files) = (mounted.memory, mounted.secrets)
        spec.secretEnvironment = mounted.variables
        let output = OutputTail()
        let forward = ProgressSink(progress)
        let sink: @Sendable (UnsafeRawBufferPointer) -> Void = { bytes in
            output.add(bytes)
            forward.send(.output(Array(bytes)))
        }
        let masks = (SecretMask(mounted.given.map(\.bytes)), SecretMask(mounted.given.map(\.bytes)))
        let serve: @Sendable (Int32) -> Void = { listener in
            gateway.serve(listener)
            gateway.stop()
        }
        sources.traffic.listen { forward.send(.fetching(name: $0, totalBytes: $1)) }
        defer { sources.traffic.listen(nil) }
        let outcome = try placing(step) {
            try host.run(
                spec, stdout: { masks.0.add($0, sink) }, stderr: { masks.1.add($0, sink) },
                gateway: run.network == "none" ? nil : serve, stops: stop.map { [$0] } ?? [])
        }
        sources.traffic.listen(nil)
        if let reason = outcome.unsortedReason {
            progress(.warning("the step found directories in the order of this machine's file system: \(reason)"))
        }
        masks.0.finish(sink)
        masks.1.finish(sink)
        switch outcome.ending {
        case .exited(0):
            // What a tool made of less than it asked for is not a function of the source, the base and the lock.
            guard !gateway.problems.contains(where: { $0.kind == .failed }) else {
                throw IbidError.stepFailed(
                    step.place, "it went on without what it could not get", text: step.text,
                    problems: gateway.problems.filter { $0.kind == .failed }, output: nil, origins: origins)
            }
            for problem in gateway.problems where problem.kind == .refused { progress(.warning(problem.text)) }
        case .exited(let status):
            let reached = outcome.limitsReached.map { ", \($0)" }.joined()
            throw IbidError.stepFailed(
                step.place, "exit status \(status)\(reached)", text: step.text, problems: gateway.problems,
                output: output, origins: origins)
        case .killed(let reason):
            if stop?.isThrown ?? false { throw IbidError.interrupted }
            throw IbidError.stepFailed(
                step.place, "killed (\(reason))", text: step.text, problems: gateway.problems, output: output,
                origins: origins)
        }
        try watch?.look(at: container.appending("upper"))
        if !Bytecode.isUnwanted(command.joined(separator: " ")) {
            progress(.afterwards("compiling what was installed"))
            let bytecode = Bytecode(host: host, limits: options.limits, runtime: options.runtime, stop: stop)
            try bytecode.add(
                to: container.appending("upper"), layers: layers, environment: environment, workspace: workspace,
                ahead: ahead?.results())
            ahead?.abandon()
        }
        try JavaKeystore.normalise(in: container.appending("upper"), epoch: state.epoch)
        let (upper, normaliser) = (container.appending("upper"), Normaliser(epoch: state.epoch))
        if let leak = try SecretSearch(mounted.given).find(in: upper, drops: normaliser.drops) {
            throw IbidError.dockerfile(
                step.place,
                "the step wrote the secret '\(leak.secret)' to '/\(String(decoding: leak.path, as: UTF8.self))', "
                    + "where everybody with the image could read it", text: step.text,
                hint: "remove the file in the same step, or have it written below /tmp or /run")
        }
        progress(.afterwards("writing the layer"))
        let layer = try placing(step) {
            // What was captured is adopted below, so that nothing has to be unpacked from the blob.
            try captureLayer(upper: upper, normaliser: normaliser, into: store, forLater: true)
        }
        if let layer {
            sources.flush(layer.digest)
            try layerCache.adopt(upper, as: layer.digest, normaliser: normaliser)
        }
        return StepCache.Record(layer: layer, requests: gateway.answers.requests)
    }

    /// What a step's text says that it will install; nil when it installs nothing or wants no bytecode.
    private func installation(
        _ text: String, _ environment: [String: String], root: StageRoot, _ state: StageState
    ) -> PipInstallation? {
        guard !Bytecode.isUnwanted(text), var installation = PipInstallation(text, environment: environment) else {
            return nil
        }
        for file in installation.files {
            // A file that is not there is the step's own error.
            guard let bytes = try? root.readFile(Array(state.absolute(file).utf8)), bytes.count < 1 << 20 else {
                continue
            }
            installation.add(file: String(decoding: bytes, as: UTF8.self))
        }
        return installation
    }
}

/// The end of what a step wrote.
final class OutputTail: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func add(_ piece: UnsafeRawBufferPointer) {
        bytes.withLock { bytes in
            bytes.append(contentsOf: piece)
            if bytes.count > 32 << 10 { bytes.removeFirst(bytes.count - (16 << 10)) }
        }
    }

    /// Its last lines.
    var text: String {
        let lines = bytes.withLock { String(decoding: $0, as: UTF8.self) }
            .split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" })
        return lines.suffix(20).map(Self.cut).joined(separator: "\n")
    }

    // pip lists hundreds of versions in one line.
    private static func cut(_ line: Substring) -> String {
        line.count <= 400 ? String(line) : line.prefix(300) + " … " + line.suffix(80)
    }

    /// All that is kept, as it came.
    var whole: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// Lets the threads that read a step's output, and those that fetch for it, tell of it one at a time.
private final class ProgressSink: @unchecked Sendable {
    // The closure is called under the lock only, while the building thread waits for the step.
    private let lock = Mutex(())
    private let progress: (ImageBuildEvent) -> Void

    init(_ progress: @escaping (ImageBuildEvent) -> Void) { self.progress = progress }

    func send(_ event: ImageBuildEvent) { lock.withLock { _ in progress(event) } }
}
