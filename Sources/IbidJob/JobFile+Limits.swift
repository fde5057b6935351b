import IbidModel
import IbidTOML

extension JobFile {
    /// `[limits]`: each one has a default, none can be turned off.
    static func limits(_ root: JobTable) throws -> Limits {
        let table = try root.table("limits", in: "limits")
        try table.allow("memory", "cpus", "pids", "wall", "output", "files", "open-files")
        var limits = Limits.standard
        limits.memoryBytes = try size("memory", in: table) ?? limits.memoryBytes
        limits.cpuMillis = try cpus(table) ?? limits.cpuMillis
        limits.pids = try table.count("pids") ?? limits.pids
        limits.wallSeconds = try wall(table) ?? limits.wallSeconds
        limits.outputBytes = try size("output", in: table) ?? limits.outputBytes
        limits.outputFiles = try table.count("files") ?? limits.outputFiles
        limits.openFiles = try table.count("open-files") ?? limits.openFiles
        return limits
    }

    private static func size(_ key: String, in table: JobTable) throws -> Int64? {
        guard let node = table.members[key] else { return nil }
        switch node.value {
        case .integer: return try table.count(key)
        case .string(let text):
            let value = try placed(key, in: table) { try Quantity.parseSize(text) }
            guard value >= 1 else { throw table.invalid(key, "is \(text), expected 1 byte or more") }
            return value
        default: throw table.mismatch(key, node, expected: "a size such as \"2GiB\", or bytes")
        }
    }

    private static func wall(_ table: JobTable) throws -> Int64? {
        guard let node = table.members["wall"] else { return nil }
        switch node.value {
        case .integer: return try table.count("wall")
        case .string(let text):
            let value = try placed("wall", in: table) { try Quantity.parseDuration(text) }
            guard value >= 1 else { throw table.invalid("wall", "is \(text), expected 1 second or more") }
            return value
        default: throw table.mismatch("wall", node, expected: "a duration such as \"10m\", or seconds")
        }
    }

    /// The kernel's quota is no finer than a hundredth of a core, and a spec has room for thousandths.
    private static func cpus(_ table: JobTable) throws -> Int64? {
        guard let value = try table.number("cpus") else { return nil }
        guard value >= 0.01, value <= 4_096 else {
            throw table.invalid("cpus", "is \(Placeholders.text(of: value)), expected 0.01 to 4096 cores")
        }
        return Int64((value * 1_000).rounded())
    }

    /// Runs a parser of text and gives its error the key's place.
    private static func placed(_ key: String, in table: JobTable, _ body: () throws -> Int64) throws -> Int64 {
        do {
            return try body()
        } catch let error as IbidError {
            throw table.invalid(key, "is wrong: \(error.message)", hint: error.hint)
        }
    }
}
