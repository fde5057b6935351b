/// A `RUN --mount=…`: its keys checked by name, its values unexpanded.
public struct RunMount: Hashable, Sendable {
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`; as written while it holds a variable.
    public var type: String
    /// The other keys by name, synonyms resolved (`target`, `source`, `from`, `id`, `readonly`…). A switch without a
    /// value is `true`.
    public var options: [String: String]

    /// Why a mount is none.
    struct Problem: Error {
        var problem: String
        var hint: String?
    }

    /// The types there are.
    static let types = ["bind", "cache", "tmpfs", "secret", "ssh"]

    /// The types that know a key; keys that are not here go with every type.
    private static let owners: [String: Set<String>] = [
        "size": ["tmpfs"], "sharing": ["cache"], "required": ["secret", "ssh"], "env": ["secret"],
        "mode": ["secret", "ssh", "cache"], "uid": ["secret", "ssh", "cache"], "gid": ["secret", "ssh", "cache"],
        "from": ["bind", "cache"],
    ]

    private static let keys = [
        "type", "target", "source", "from", "readonly", "readwrite", "id", "sharing", "mode", "uid", "gid", "size",
        "required", "env",
    ]

    /// Reads the flag's value: `key=value,key,…`.
    init(_ text: String) throws(Problem) {
        var options: [String: String] = [:]
        for field in text.split(separator: ",", omittingEmptySubsequences: true) {
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            var name = parts[0].lowercased()
            switch name {
            case "dst", "destination": name = "target"
            case "src": name = "source"
            case "ro": name = "readonly"
            case "rw": name = "readwrite"
            default: break
            }
            guard Self.keys.contains(name) else {
                throw Problem(
                    problem: "--mount has no option '\(parts[0])'",
                    hint: "options are \(Self.keys.joined(separator: ", "))")
            }
            guard parts.count == 2 || ["readonly", "readwrite", "required"].contains(name) else {
                throw Problem(problem: "--mount's '\(name)' needs a value", hint: "write \(name)=VALUE")
            }
            options[name] = parts.count == 2 ? String(parts[1]) : "true"
        }
        type = options.removeValue(forKey: "type") ?? "bind"
        self.options = options
        if !type.contains("$") { try check() }
    }

    /// Refuses an unknown type, and keys that the type does not know.
    func check() throws(Problem) {
        guard Self.types.contains(type) else {
            throw Problem(
                problem: "--mount has no type '\(type)'", hint: "types are \(Self.types.joined(separator: ", "))")
        }
        for key in options.keys.sorted() {
            if let known = Self.owners[key], !known.contains(type) {
                throw Problem(problem: "--mount=type=\(type) has no option '\(key)'", hint: nil)
            }
        }
        if ["bind", "cache", "tmpfs"].contains(type), options["target"]?.isEmpty ?? true {
            throw Problem(problem: "--mount=type=\(type) needs a target", hint: "add ,target=/PATH")
        }
        if let from = options["from"], from.contains("$") {
            throw Problem(
                problem: "--mount's 'from' cannot hold a variable",
                hint: "name a stage, and let its FROM have the variable: FROM $BASE AS name")
        }
        guard type == "secret" else { return }
        if options["source"] != nil, options["id"] != nil {
            throw Problem(problem: "a secret has 'source' or 'id', not both", hint: nil)
        }
        if options["source"] ?? options["id"] ?? options["target"] == nil {
            throw Problem(problem: "--mount=type=secret needs an id", hint: "add ,id=NAME")
        }
    }
}
