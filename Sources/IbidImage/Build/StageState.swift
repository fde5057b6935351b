import IbidModel

/// An image in the making.
struct StageState {
    /// The layers, lowest first.
    var layers: [OCI.Descriptor] = []
    /// How its containers start.
    var execution = OCI.Execution()
    /// How it came to be.
    var history: [OCI.History] = []
    /// The one time of everything in it.
    var epoch: Timestamp
    /// A GOARCH value.
    var architecture: String
    /// The variant of the architecture.
    var variant: String?
    /// The base's manifest; nil for `scratch`.
    var base: Digest?
    /// Values of `ARG` in scope.
    var arguments: [String: String] = [:]
    /// Whether this stage gave a `CMD` itself: then `ENTRYPOINT` leaves it.
    var hasOwnCommand = false

    /// The environment by name; of equal names the last counts.
    var environment: [String: String] {
        Dictionary(
            (execution.env ?? []).map { pair in
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    /// A variable, as the Dockerfile's words see it: `ENV` hides `ARG`.
    func lookup(_ name: String) -> String? { environment[name] ?? arguments[name] }

    /// Sets a variable where it stands, or at the end.
    mutating func set(_ name: String, _ value: String) {
        var variables = execution.env ?? []
        if let index = variables.firstIndex(where: { $0.hasPrefix(name + "=") }) {
            variables[index] = "\(name)=\(value)"
        } else {
            variables.append("\(name)=\(value)")
        }
        execution.env = variables
    }

    /// The shell of shell forms.
    var shell: [String] { execution.shell ?? ["/bin/sh", "-c"] }

    /// The working directory.
    var workingDirectory: String { execution.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/" }

    /// An absolute path for a path of the Dockerfile; a slash at its end stays.
    func absolute(_ path: String) -> String {
        let joined = path.hasPrefix("/") ? path : workingDirectory + "/" + path
        var parts: [Substring] = []
        for part in joined.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else {
                parts.append(part)
            }
        }
        let isDirectory =
            path.hasSuffix("/") || path == "." || path.hasSuffix("/.") || path == ".." || path.hasSuffix("/..")
        return "/" + parts.joined(separator: "/") + (isDirectory && !parts.isEmpty ? "/" : "")
    }
}
