import IbidModel

/// A `RUN --mount` with its variables expanded and its values read.
struct StepMount {
    /// What is mounted.
    enum Kind {
        case bind(source: String, isWritable: Bool)
        case cache(source: String, mode: UInt32, uid: UInt32, gid: UInt32)
        case memory(sizeBytes: Int64?)
        case secret(id: String, variable: String?, isRequired: Bool, mode: UInt32, uid: UInt32, gid: UInt32)
    }

    let kind: Kind
    /// The absolute path inside; empty for a secret that is a variable only.
    let target: String
    /// The stage or image that files come from; nil for the source tree, or nothing.
    let from: String?

    /// Why it cannot be mounted.
    struct Problem: Error {
        var problem: String
        var hint: String?
    }

    /// - Parameter absolute: makes a path of the Dockerfile absolute.
    init(_ mount: RunMount, absolute: (String) -> String) throws(Problem) {
        func number(_ key: String, radix: Int, default value: UInt32) throws(Problem) -> UInt32 {
            guard let text = mount.options[key] else { return value }
            guard let number = UInt32(text, radix: radix), radix == 10 || number <= 0o7777 else {
                throw Problem(problem: "--mount's \(key) is no number: '\(text)'")
            }
            return number
        }
        func isOn(_ key: String) throws(Problem) -> Bool? {
            guard let text = mount.options[key] else { return nil }
            if ["1", "t", "true"].contains(text.lowercased()) { return true }
            if ["0", "f", "false"].contains(text.lowercased()) { return false }
            throw Problem(problem: "--mount's \(key) is true or false, not '\(text)'")
        }
        from = mount.options["from"]
        let source = mount.options["source"] ?? ""
        var target = mount.options["target"] ?? ""
        let (isReadOnly, isWritable) = (try isOn("readonly"), try isOn("readwrite"))
        switch mount.type {
        case "cache":
            if let sharing = mount.options["sharing"], !["shared", "private", "locked"].contains(sharing.lowercased()) {
                throw Problem(problem: "--mount's sharing is shared, private or locked, not '\(sharing)'")
            }
            kind = .cache(
                source: source, mode: try number("mode", radix: 8, default: 0o755),
                uid: try number("uid", radix: 10, default: 0), gid: try number("gid", radix: 10, default: 0))
        case "tmpfs":
            let size = mount.options["size"]
            kind = .memory(sizeBytes: size.flatMap(Self.bytes))
            if let size, Self.bytes(size) == nil { throw Problem(problem: "--mount's size is no size: '\(size)'") }
        case "secret":
            let id = source.isEmpty ? mount.options["id"] ?? String(target.split(separator: "/").last ?? "") : source
            let variable = mount.options["env"]
            if variable?.isEmpty ?? false { throw Problem(problem: "--mount's env needs a name") }
            kind = .secret(
                id: id, variable: variable, isRequired: try isOn("required") ?? false,
                mode: try number("mode", radix: 8, default: 0o400), uid: try number("uid", radix: 10, default: 0),
                gid: try number("gid", radix: 10, default: 0))
            if target.isEmpty, variable == nil { target = "/run/secrets/\(id.split(separator: "/").last ?? "secret")" }
        case "ssh":
            throw Problem(
                problem: "--mount=type=ssh is refused: a step reaches package indexes and nothing else",
                hint: "ADD the repository by its commit id: it is fetched with this machine's own git and ssh keys")
        default: kind = .bind(source: source, isWritable: !(isReadOnly ?? isWritable.map { !$0 } ?? true))
        }
        self.target = target.isEmpty ? "" : Self.withoutSlash(absolute(target))
        if self.target == "/" { throw Problem(problem: "nothing can be mounted on /") }
    }

    /// What a step's key says of it: never what a secret is, only its name.
    var description: [String: JSONValue] {
        var text: [String: JSONValue] = ["target": .string(target)]
        switch kind {
        case .bind(let source, let isWritable):
            text.merge(["bind": .string(source), "writable": .bool(isWritable)]) { $1 }
        case .cache(let source, let mode, let uid, let gid):
            text.merge(["cache": .string(source), "owner": .string("\(mode) \(uid) \(gid)")]) { $1 }
        case .memory(let size): text["memory"] = .optional(size.map { "\($0)" })
        case .secret(let id, let variable, _, let mode, let uid, let gid):
            text.merge([
                "secret": .string(id), "variable": .optional(variable), "owner": .string("\(mode) \(uid) \(gid)"),
            ]) { $1 }
        }
        return text
    }

    private static func withoutSlash(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    /// `64m`, `1g`, `512KiB`: powers of 1024, as Docker reads them.
    private static func bytes(_ text: String) -> Int64? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let unit = text.dropFirst(digits.count).lowercased().filter { $0 != " " }
        guard let number = Int64(digits), case let first = unit.first ?? "b",
            let power = ["b": 0, "k": 10, "m": 20, "g": 30, "t": 40][first] as Int?,
            ["", "\(first)", "\(first)b", "\(first)ib"].contains(unit), number > 0, number <= Int64.max >> power
        else { return nil }
        return number << power
    }
}
