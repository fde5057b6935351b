import IbidModel

extension BuildSession {
    /// Instructions that only change the image's configuration.
    func configure(_ step: Dockerfile.Step, _ state: inout StageState) throws {
        let current = state
        func word(_ text: String) throws -> String { try expand(text, step) { current.lookup($0) } }
        switch step.instruction {
        case .env(let pairs):
            // All values are expanded before any of them is set.
            for (name, value) in try pairs.map({ (try word($0.name), try word($0.value)) }) { state.set(name, value) }
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
        case .stopSignal(let signal): state.execution.stopSignal = try word(signal)
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
        case .maintainer:
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

    /// `80`, `80/udp`, `8000-8003/tcp`.
    private static func ports(_ text: String, _ step: Dockerfile.Step) throws -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let kind = parts.count == 2 ? parts[1].lowercased() : "tcp"
        let bounds = parts[0].split(separator: "-", omittingEmptySubsequences: false).compactMap { UInt16($0) }
        let count = parts[0].split(separator: "-", omittingEmptySubsequences: false).count
        guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(kind), bounds.count == count, (1...2).contains(count),
            let first = bounds.first, let last = bounds.last, first <= last
        else {
            throw IbidError.dockerfile(
                step.place, "'\(text)' is no port", text: step.text, hint: "for example 8080, 8080/udp or 8000-8003")
        }
        return (first...last).map { "\($0)/\(kind)" }
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
