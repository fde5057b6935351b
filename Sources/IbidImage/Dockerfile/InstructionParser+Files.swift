import IbidModel

extension InstructionParser {
    /// `FROM [--platform=P] BASE [AS NAME]`.
    mutating func from(existing: [Dockerfile.Stage]) throws -> Dockerfile.Stage {
        let flags = try flags(["platform": false])
        let words = someWordsOrNone()
        guard words.count == 1 || (words.count == 3 && words[1].uppercased() == "AS") else {
            throw failure(
                words.isEmpty ? "FROM needs a base" : "FROM takes a base and perhaps AS NAME",
                hint: "for example 'FROM python:3.11' or 'FROM debian:bookworm AS build'")
        }
        var name: String?
        if words.count == 3 {
            let lowered = words[2].lowercased()
            let valid =
                lowered.utf8.first.map { (97...122).contains($0) } ?? false
                && lowered.utf8.allSatisfy {
                    (97...122).contains($0) || (48...57).contains($0) || "-_.".utf8.contains($0)
                }
            guard valid else {
                throw failure(
                    "'\(words[2])' is no stage name", hint: "a letter first, then letters, digits, '-', '_' and '.'")
            }
            guard !existing.contains(where: { $0.name == lowered }) else {
                throw failure("there is a stage '\(lowered)' already")
            }
            name = lowered
        }
        return Dockerfile.Stage(
            place: line.place, text: normalisedText, base: words[0], platform: flags.value("platform"), name: name,
            steps: [])
    }

    /// `COPY` and `ADD`.
    mutating func copy(isAdd: Bool) throws -> CopyInstruction {
        var known = ["chown": false, "chmod": false, "link": false, "exclude": true]
        if isAdd {
            known.merge(["checksum": false, "keep-git-dir": false, "unpack": false]) { $1 }
        } else {
            known.merge(["from": false, "parents": false]) { $1 }
        }
        let flags = try flags(known, switches: ["link", "parents", "keep-git-dir", "unpack"])
        let words = jsonWords() ?? someWordsOrNone()
        guard words.count >= 2, let destination = words.last else {
            throw failure(
                "\(keyword) needs at least one source and a destination",
                hint: "for example '\(keyword) requirements.txt ./'")
        }
        guard !destination.isEmpty else { throw failure("\(keyword)'s destination is empty") }
        let sources = words.dropLast().filter { HereDocument(word: $0) == nil }
        guard sources.allSatisfy({ !$0.isEmpty }) else { throw failure("a source of \(keyword) is empty") }
        if sources.count + line.hereDocuments.count > 1, !destination.hasSuffix("/"), destination != ".",
            destination != "..", !destination.hasSuffix("/."), !destination.contains("$")
        {
            throw failure(
                "\(keyword) has several sources, so its destination must be a directory and end with /",
                hint: "write '\(destination)/'")
        }
        return CopyInstruction(
            sources: Array(sources), hereDocuments: line.hereDocuments, destination: destination,
            from: flags.value("from"), owner: flags.value("chown"), mode: flags.value("chmod"),
            excludes: flags.all("exclude"), keepsParents: try flags.isOn("parents", line: line) ?? false,
            link: try flags.isOn("link", line: line) ?? false, checksum: flags.value("checksum"),
            keepsGitDirectory: try flags.isOn("keep-git-dir", line: line) ?? false,
            unpack: try flags.isOn("unpack", line: line))
    }

    /// `RUN`.
    mutating func run() throws -> RunInstruction {
        let flags = try flags(["mount": true, "network": false, "security": false])
        if let network = flags.value("network"), !["default", "none", "host"].contains(network) {
            throw failure("--network is default, none or host, not '\(network)'")
        }
        let command = try command(allowsEmpty: false)
        if case .exec = command, !line.hereDocuments.isEmpty {
            throw failure("a here-document needs RUN's shell form")
        }
        return RunInstruction(
            command: command, hereDocuments: line.hereDocuments, mounts: try flags.all("mount").map { try mount($0) },
            network: flags.value("network"), security: flags.value("security"))
    }

    private func mount(_ text: String) throws -> RunMount {
        var options: [String: String] = [:]
        for field in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            var name = parts[0].lowercased()
            switch name {
            case "dst", "destination": name = "target"
            case "src": name = "source"
            case "ro": name = "readonly"
            case "rw", "readwrite": name = "readwrite"
            default: break
            }
            guard
                [
                    "type", "target", "source", "from", "readonly", "readwrite", "id", "sharing", "mode", "uid", "gid",
                    "size", "required", "env",
                ].contains(name)
            else { throw failure("--mount has no option '\(parts[0])'") }
            options[name] = parts.count == 2 ? String(parts[1]) : "true"
        }
        let type = options.removeValue(forKey: "type") ?? "bind"
        guard ["bind", "cache", "tmpfs", "secret", "ssh"].contains(type) else {
            throw failure("--mount has no type '\(type)'", hint: "types are bind, cache, tmpfs, secret and ssh")
        }
        if ["bind", "cache", "tmpfs"].contains(type), options["target"]?.isEmpty ?? true {
            throw failure("--mount=type=\(type) needs a target", hint: "add ,target=/PATH")
        }
        return RunMount(type: type, options: options)
    }

    /// `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD …`.
    mutating func healthcheck() throws -> HealthcheckInstruction {
        let flags = try flags([
            "interval": false, "timeout": false, "start-period": false, "start-interval": false, "retries": false,
        ])
        let kind = rest.unicodeScalars.prefix { !$0.properties.isWhitespace }
        rest = DockerfileReader.trimmed(String(rest.unicodeScalars.dropFirst(kind.count)))
        switch String(kind).uppercased() {
        case "NONE":
            guard rest.isEmpty else { throw failure("HEALTHCHECK NONE takes no arguments") }
            return HealthcheckInstruction(command: nil)
        case "CMD":
            let retries = try flags.value("retries").map { text in
                guard let count = Int64(text), count >= 0 else {
                    throw failure("--retries is a count, not '\(text)'")
                }
                return count
            }
            return HealthcheckInstruction(
                command: try command(allowsEmpty: false), interval: try duration(flags, "interval"),
                timeout: try duration(flags, "timeout"), startPeriod: try duration(flags, "start-period"),
                startInterval: try duration(flags, "start-interval"), retries: retries)
        default: throw failure("HEALTHCHECK is followed by NONE or CMD")
        }
    }

    private func duration(_ flags: InstructionFlags, _ name: String) throws -> Int64? {
        guard let text = flags.value(name) else { return nil }
        guard let nanoseconds = GoDuration.nanoseconds(text), nanoseconds == 0 || nanoseconds >= 1_000_000 else {
            throw failure("--\(name) is a duration of at least 1ms, not '\(text)'", hint: "for example 30s or 1m30s")
        }
        return nanoseconds
    }
}
