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
    /// Who MAINTAINER says made it.
    var author: String?
    /// What the words of instructions and the commands of `RUN` see: `ENV` and `ARG`, of one name the later one.
    private(set) var variables: [String: String] = [:]
    /// Whether this stage gave a `CMD` itself: then `ENTRYPOINT` leaves it.
    var hasOwnCommand = false

    /// The search path of an image that has none, as Docker has it.
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Makes the image's environment what instructions see; arguments of the stage it was taken from stay.
    mutating func begin() {
        var names: Set<String> = []
        for pair in execution.env ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            variables[parts[0]] = parts.count == 2 ? parts[1] : ""
            names.insert(parts[0])
        }
        if !names.contains("PATH") { set("PATH", Self.defaultPath) }
    }

    /// A variable; nil when it is not set.
    func lookup(_ name: String) -> String? { variables[name] }

    /// Sets a variable of `ARG`: the image does not get it.
    mutating func declare(_ name: String, _ value: String) { variables[name] = value }

    /// Sets a variable of `ENV` where it stands, or at the end.
    mutating func set(_ name: String, _ value: String) {
        variables[name] = value
        var environment = execution.env ?? []
        if let index = environment.firstIndex(where: { $0.hasPrefix(name + "=") }) {
            environment[index] = "\(name)=\(value)"
        } else {
            environment.append("\(name)=\(value)")
        }
        execution.env = environment
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
