import IbidModel
import IbidTOML

/// One table of a job file, read key by key; whatever is wrong is said with file, line and what was expected.
struct JobTable {
    let file: String
    /// How messages call this table: empty for the top level, ` in [limits]` below.
    let place: String
    let members: [String: TOMLNode]

    /// The whole file.
    init(document: TOMLNode, file: String) {
        self.init(file: file, place: "", members: Self.members(of: document))
    }

    private init(file: String, place: String, members: [String: TOMLNode]) {
        self.file = file
        self.place = place
        self.members = members
    }

    private static func members(of node: TOMLNode) -> [String: TOMLNode] {
        if case .table(let members) = node.value { return members }
        return [:]
    }

    /// Keys in the order of the file.
    var keys: [String] { members.sorted { $0.value.position < $1.value.position }.map(\.key) }

    /// Refuses every key that is not in the list; the first one in the file is named.
    func allow(_ known: String...) throws {
        for key in keys where !known.contains(key) {
            let line = members[key]?.line ?? 1
            throw IbidError.jobFileUnknownKey(file, line: line, key: key, place: place, known: known)
        }
    }

    /// An error about a key's value.
    func invalid(_ key: String, _ problem: String, hint: String? = nil) -> IbidError {
        .jobFile(file, line: members[key]?.line ?? 1, "'\(key)'\(place) \(problem)", hint: hint)
    }

    /// An error about a value that has the wrong type.
    func mismatch(_ key: String, _ node: TOMLNode, expected: String, element: Int? = nil) -> IbidError {
        let what = element.map { "item \($0 + 1) of '\(key)'" } ?? "'\(key)'"
        return .jobFile(file, line: node.line, "\(what)\(place) is \(node.value.kind), expected \(expected)")
    }

    /// A string, or nil when the key is absent.
    func string(_ key: String, expected: String = "a string") throws -> String? {
        guard let node = members[key] else { return nil }
        guard case .string(let text) = node.value else { throw mismatch(key, node, expected: expected) }
        return text
    }

    /// An array of strings, or nil when the key is absent.
    func strings(_ key: String, expected: String) throws -> [(text: String, line: Int)]? {
        guard let node = members[key] else { return nil }
        guard case .array(let items) = node.value else { throw mismatch(key, node, expected: expected) }
        return try items.enumerated().map { index, item in
            guard case .string(let text) = item.value else {
                throw mismatch(key, item, expected: "a string", element: index)
            }
            return (text, item.line)
        }
    }

    /// A whole number from 1 up, or nil when the key is absent.
    func count(_ key: String) throws -> Int64? {
        guard let node = members[key] else { return nil }
        guard case .integer(let value) = node.value else { throw mismatch(key, node, expected: "a whole number") }
        guard value >= 1 else { throw invalid(key, "is \(value), expected 1 or more") }
        return value
    }

    /// An integer or a fraction, or nil when the key is absent.
    func number(_ key: String) throws -> Double? {
        guard let node = members[key] else { return nil }
        switch node.value {
        case .integer(let value): return Double(value)
        case .number(let value) where value.isFinite: return value
        case .number: throw invalid(key, "is not finite, expected a number")
        default: throw mismatch(key, node, expected: "a number")
        }
    }

    /// Text, or the one text form of an integer, a number or a boolean.
    func text(_ key: String) throws -> String {
        guard let node = members[key] else { throw invalid(key, "is missing") }
        switch node.value {
        case .string(let text): return text
        case .integer(let value): return String(value)
        case .number(let value) where value.isFinite: return Placeholders.text(of: value)
        case .number: throw invalid(key, "is not finite, expected a number")
        case .boolean(let value): return value ? "true" : "false"
        case .date:
            throw .jobFile(
                file, line: node.line, "'\(key)'\(place) is a date or time, which has several text forms",
                hint: "put it in quotes") as IbidError
        case .array, .table: throw mismatch(key, node, expected: "a string, number or boolean")
        }
    }

    /// The table below a key; empty when the key is absent.
    func table(_ key: String, in path: String) throws -> JobTable {
        guard let node = members[key] else { return JobTable(file: file, place: " in [\(path)]", members: [:]) }
        guard case .table(let members) = node.value else {
            throw mismatch(key, node, expected: "a table ([\(path)])")
        }
        return JobTable(file: file, place: " in [\(path)]", members: members)
    }
}
