import IbidModel

extension JobFile {
    /// `[inputs.NAME]`: the file the run sees at `/inputs/NAME`, from a path in the job or an address.
    static func inputs(_ root: JobTable) throws -> [String: JobSpec.Input] {
        let all = try root.table("inputs", in: "inputs")
        var inputs: [String: JobSpec.Input] = [:]
        for name in all.keys {
            guard isFileName(name) else {
                throw all.invalid(
                    name, "cannot be an input's name",
                    hint: "it becomes a file name below /inputs: no '/', no control characters, at most 255 bytes")
            }
            let table = try all.table(name, in: "inputs.\(name)")
            try table.allow("path", "url", "sha256")
            let origin: JobSpec.InputOrigin
            switch (try table.string("path"), try table.string("url")) {
            case (let path?, nil): origin = .path(try relative(path, in: table))
            case (nil, let url?): origin = .url(try address(url, in: table))
            case (nil, nil):
                throw all.invalid(name, "says nothing of where it comes from", hint: "give it a 'path' or a 'url'")
            case (_?, _?):
                throw table.invalid("url", "stands beside 'path'", hint: "an input comes from one place: drop one")
            }
            inputs[name] = JobSpec.Input(origin: origin, sha256: try digest(table))
        }
        return inputs
    }

    private static func isFileName(_ name: String) -> Bool {
        !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255 && !name.contains("/")
            && isPrintable(name)
    }

    private static func relative(_ path: String, in table: JobTable) throws -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(".."), !parts.contains(""), parts != ["."] else {
            throw table.invalid(
                "path", "is '\(path)', expected a path below the job's directory",
                hint: "for a file outside the repository use 'ibid submit --input name=path'")
        }
        return parts.filter { $0 != "." }.joined(separator: "/")
    }

    private static func address(_ url: String, in table: JobTable) throws -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, ["http:", "https:"].contains(parts[0].lowercased()), parts[1].isEmpty,
            !parts[2].isEmpty, isPrintable(url), !url.contains(" ")
        else { throw table.invalid("url", "is '\(url)', expected an http or https address") }
        // The record is kept for ever and shown to strangers.
        guard !parts[2].contains("@") else {
            throw table.invalid("url", "holds a user name or a password, which would end up in every record")
        }
        return url
    }

    private static func digest(_ table: JobTable) throws -> Digest? {
        guard let text = try table.string("sha256") else { return nil }
        guard let digest = Digest(text) ?? Digest(hex: text) else {
            let hint = Digest(hex: text.lowercased()).map { "write it in lower case: '\($0.hex)'" }
            throw table.invalid(
                "sha256", "is '\(text)', expected 64 lower-case hexadecimal digits",
                hint: hint ?? "'sha256sum FILE' prints it")
        }
        return digest
    }
}
