import IbidModel

extension InstructionParser {
    /// `FROM [--platform=P] BASE [AS NAME]`.
    mutating func from() throws -> Dockerfile.Stage {
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
        let words = try jsonWords() ?? someWordsOrNone()
        guard words.count >= 2, let destination = words.last else {
            throw failure(
                "\(keyword) needs at least one source and a destination",
                hint: "for example '\(keyword) requirements.txt ./'")
        }
        guard !destination.isEmpty else { throw failure("\(keyword)'s destination is empty") }
        guard HereDocument(word: destination) == nil else {
            throw failure("a here-document cannot be \(keyword)'s destination")
        }
        let sources = words.dropLast().filter { HereDocument(word: $0) == nil }
        guard sources.allSatisfy({ !$0.isEmpty }) else { throw failure("a source of \(keyword) is empty") }
        for document in line.hereDocuments where document.name.contains("/") || [".", ".."].contains(document.name) {
            throw failure(
                "'\(document.name)' cannot name the file that the here-document makes", hint: "write <<NAME, without /")
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
        let flags = try flags(["mount": true, "network": false, "security": false, "device": true])
        if let network = flags.value("network"), !["default", "none", "host"].contains(network) {
            throw failure("--network is default, none or host, not '\(network)'")
        }
        if let security = flags.value("security"), !["sandbox", "insecure"].contains(security) {
            throw failure("--security is sandbox or insecure, not '\(security)'")
        }
        let command = try command(allowsEmpty: false)
        return RunInstruction(
            command: command, hereDocuments: line.hereDocuments, mounts: try flags.all("mount").map { try mount($0) },
            network: flags.value("network"), security: flags.value("security"), devices: flags.all("device"))
    }

    private func mount(_ text: String) throws -> RunMount {
        do {
            return try RunMount(text)
        } catch let error {
            throw failure(error.problem, hint: error.hint)
        }
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
                guard let count = Int32(text).map(Int64.init), count >= 0 else {
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
