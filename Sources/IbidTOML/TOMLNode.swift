import TOMLKit

/// Why a text is no TOML document that can be read, and where.
public struct TOMLProblem: Error, Hashable, Sendable {
    /// Counted from 1.
    public let line: Int
    /// What is wrong.
    public let text: String
    /// Whether the text breaks TOML's own rules.
    public let isSyntax: Bool
}

/// A TOML value and where it stands; the only file that knows TOMLKit.
public struct TOMLNode: Sendable {
    /// A value.
    public indirect enum Value: Sendable {
        case string(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
        case date
        case array([TOMLNode])
        case table([String: TOMLNode])

        /// What to call it in a message.
        public var kind: String {
            switch self {
            case .string: "a string"
            case .integer: "an integer"
            case .number: "a number"
            case .boolean: "a boolean"
            case .date: "a date or time"
            case .array: "an array"
            case .table: "a table"
            }
        }
    }

    /// What it is.
    public let value: Value
    /// Where it stands in the document.
    public let position: TOMLPositions.Position

    /// The line it starts on, counted from 1.
    public var line: Int { position.line }

    /// Reads a whole document.
    ///
    /// - Throws: `TOMLProblem`.
    public static func parse(_ text: String) throws -> TOMLNode {
        let nul = "a NUL character cannot be in it"
        if let first = text.utf8.firstIndex(of: 0) {
            throw TOMLProblem(line: 1 + text.utf8[..<first].count(where: { $0 == 10 }), text: nul, isSyntax: false)
        }
        let root: TOMLTable
        do {
            root = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let place = "column \(error.source.begin.column): "
            throw TOMLProblem(line: error.source.begin.line, text: place + error.description, isSyntax: true)
        }
        let positions = TOMLPositions(of: text)
        if let line = positions.lineWithNUL { throw TOMLProblem(line: line, text: nul, isSyntax: false) }
        // The values point into the document, so it has to outlive the conversion.
        return try withExtendedLifetime(root) {
            try convert(root.tomlValue, path: [], positions: positions)
        }
    }

    private static func convert(
        _ value: TOMLValue, path: [TOMLPositions.Step], positions: TOMLPositions
    ) throws -> TOMLNode {
        let converted: Value? =
            switch value.type {
            case .string: value.string.map(Value.string)
            case .int: value.int.map { .integer(Int64($0)) }
            case .double: value.double.map(Value.number)
            case .bool: value.bool.map(Value.boolean)
            case .date, .time, .dateTime: .date
            case .array:
                try value.array.map { array in
                    .array(
                        try array.enumerated().map {
                            try convert(
                                $1.tomlValue, path: path + [.index($0)], positions: positions)
                        })
                }
            case .table:
                try value.table.map { .table(try members(of: $0, path: path, positions: positions)) }
            }
        let position = positions.position(of: path)
        guard let converted else {
            throw TOMLProblem(line: position.line, text: "a \(value.type) could not be read", isSyntax: false)
        }
        return TOMLNode(value: converted, position: position)
    }

    private static func members(
        of table: TOMLTable, path: [TOMLPositions.Step], positions: TOMLPositions
    ) throws -> [String: TOMLNode] {
        var nodes: [String: TOMLNode] = [:]
        for key in table.keys {
            guard let member = table[key] else { continue }
            let node = try convert(member.tomlValue, path: path + [.key(key)], positions: positions)
            // TOML compares keys byte by byte, Swift by Unicode equivalence.
            guard nodes.updateValue(node, forKey: key) == nil else {
                throw TOMLProblem(
                    line: node.line, text: "key '\(key)' is given twice, in two Unicode forms", isSyntax: false)
            }
        }
        return nodes
    }
}

extension TOMLNode {
    /// A table's member; nil when this is no table or has none of that name.
    public subscript(key: String) -> TOMLNode? {
        if case .table(let members) = value { members[key] } else { nil }
    }

    /// The text, when it is a string.
    public var string: String? { if case .string(let text) = value { text } else { nil } }
    /// The truth value, when it is one.
    public var boolean: Bool? { if case .boolean(let value) = value { value } else { nil } }
    /// The items, when it is an array.
    public var array: [TOMLNode]? { if case .array(let items) = value { items } else { nil } }
    /// The members, when it is a table.
    public var table: [String: TOMLNode]? { if case .table(let members) = value { members } else { nil } }
}
