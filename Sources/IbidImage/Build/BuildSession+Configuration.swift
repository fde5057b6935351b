import IbidModel

extension BuildSession {
    /// Instructions that only change the image's configuration.
    func configure(_ step: Dockerfile.Step, _ state: inout StageState) throws {
        let current = state
        func word(_ text: String) throws -> String { try expand(text, step) { current.lookup($0) } }
        switch step.instruction {
        case .env(let pairs):
            // All values are expanded before any of them is set.
            for (name, value) in try pairs.map({ (try word($0.name), try word($0.value)) }) {
                guard !name.isEmpty, !name.contains("=") else {
                    throw IbidError.dockerfile(step.place, "'\(name)' cannot name a variable", text: step.text)
                }
                warnOfSecret(name, step)
                state.set(name, value)
            }
        case .label(let pairs):
            var labels = state.execution.labels ?? [:]
            for pair in pairs { labels[try word(pair.name)] = try word(pair.value) }
            state.execution.labels = labels
        case .user(let user): state.execution.user = try word(user)
        case .shell(let words): state.execution.shell = words
        case .cmd(let command):
            state.execution.cmd = words(command, state)
            state.hasOwnCommand = true
        case .entrypoint(let command):
            state.execution.entrypoint = words(command, state)
            // The base's arguments were for the base's entry point.
            if !state.hasOwnCommand { state.execution.cmd = nil }
        case .stopSignal(let signal):
            let name = try word(signal)
            guard StopSignal.isKnown(name) else {
                throw IbidError.dockerfile(
                    step.place, "'\(name)' is no signal", text: step.text, hint: "for example SIGTERM, INT or 9")
            }
            state.execution.stopSignal = name
        case .expose(let ports):
            var exposed = state.execution.exposedPorts ?? [:]
            for text in ports {
                for port in try expandWords(text, step, current) {
                    for name in try Self.ports(port, step) { exposed[name] = OCI.Empty() }
                }
            }
            state.execution.exposedPorts = exposed
        case .volume(let paths):
            var volumes = state.execution.volumes ?? [:]
            for path in paths {
                let path = try word(path)
                guard !path.isEmpty else { throw IbidError.dockerfile(step.place, "an empty volume", text: step.text) }
                volumes[path] = OCI.Empty()
            }
            state.execution.volumes = volumes
        case .healthcheck(let check): state.execution.healthcheck = Self.healthcheck(check)
        case .onBuild(let trigger): state.execution.onBuild = (state.execution.onBuild ?? []) + [trigger]
        case .maintainer(let name):
            state.author = name
            progress(.warning("\(step.place): MAINTAINER is deprecated; write LABEL org.opencontainers.image.authors="))
        case .add, .arg, .copy, .run, .workdir: preconditionFailure("not an instruction of the configuration")
        }
    }

    private func words(_ command: CommandForm, _ state: StageState) -> [String] {
        switch command {
        case .exec(let words): words
        case .shell(let text): state.shell + [text]
        }
    }

    private func expandWords(_ text: String, _ step: Dockerfile.Step, _ state: StageState) throws -> [String] {
        do {
            return try ShellLexer(escape: dockerfile.escape) { state.lookup($0) }.words(text)
        } catch let error as ShellSyntaxError {
            throw IbidError.dockerfile(step.place, error.problem, text: step.text)
        }
    }

    /// `80`, `80/udp`, `8000-8003/tcp`; a host address or port before it is passed over, as Docker does.
    private static func ports(_ text: String, _ step: Dockerfile.Step) throws -> [String] {
        let own = text.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        let parts = own.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let kind = parts.count == 2 ? parts[1].lowercased() : "tcp"
        let ends = (parts.first ?? "").split(separator: "-", omittingEmptySubsequences: false)
        let bounds = ends.compactMap { UInt16($0) }
        guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(kind), bounds.count == ends.count,
            (1...2).contains(ends.count), let first = bounds.first, let last = bounds.last, first <= last
        else {
            throw IbidError.dockerfile(
                step.place, "'\(text)' is no port", text: step.text, hint: "for example 8080, 8080/udp or 8000-8003")
        }
        return (first...last).map { "\($0)/\(kind)" }
    }

    /// A password in `ENV` or `ARG` is in the image for everybody: worth a word.
    func warnOfSecret(_ name: String, _ step: Dockerfile.Step) {
        let words = name.lowercased().split(separator: "_")
        let telling: Set<Substring> = [
            "apikey", "auth", "credential", "credentials", "passwd", "password", "secret", "token",
        ]
        guard words.contains(where: { telling.contains($0) }), !words.contains("public") else { return }
        progress(
            .warning(
                "\(step.place): \(name) would be in the image for everybody to read if it is a secret; "
                    + "use RUN --mount=type=secret"))
    }

    private static func healthcheck(_ check: HealthcheckInstruction) -> OCI.Healthcheck {
        var result = OCI.Healthcheck()
        switch check.command {
        case nil: result.test = ["NONE"]
        case .exec(let words): result.test = ["CMD"] + words
        case .shell(let text): result.test = ["CMD-SHELL", text]
        }
        result.interval = check.interval
        result.timeout = check.timeout
        result.startPeriod = check.startPeriod
        result.startInterval = check.startInterval
        result.retries = check.retries
        return result
    }
}
