import IbidModel
import TOMLKit

/// A TOML value and where it stands; the only file that knows TOMLKit.
struct TOMLNode {
    indirect enum Value {
        case string(String)
        case integer(Int64)
        case number(Double)
        case boolean(Bool)
        case date
        case array([TOMLNode])
        case table([String: TOMLNode])

        /// What to call it in a message.
        var kind: String {
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

    let value: Value
    let position: TOMLPositions.Position

    /// The line it starts on, counted from 1.
    var line: Int { position.line }

    /// Reads a whole document.
    static func parse(_ text: String, file: String) throws -> TOMLNode {
        let nul = "a NUL character cannot be in a job file"
        if let first = text.utf8.firstIndex(of: 0) {
            throw IbidError.jobFile(file, line: 1 + text.utf8[..<first].count(where: { $0 == 10 }), nul)
        }
        let root: TOMLTable
        do {
            root = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let place = "column \(error.source.begin.column): "
            throw IbidError.jobFileSyntax(file, line: error.source.begin.line, place + error.description)
        }
        let positions = TOMLPositions(of: text)
        if let line = positions.lineWithNUL { throw IbidError.jobFile(file, line: line, nul) }
        // The values point into the document, so it has to outlive the conversion.
        return try withExtendedLifetime(root) {
            try convert(root.tomlValue, path: [], positions: positions, file: file)
        }
    }

    private static func convert(
        _ value: TOMLValue, path: [TOMLPositions.Step], positions: TOMLPositions, file: String
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
                                $1.tomlValue, path: path + [.index($0)], positions: positions, file: file)
                        })
                }
            case .table:
                try value.table.map { .table(try members(of: $0, path: path, positions: positions, file: file)) }
            }
        let position = positions.position(of: path)
        guard let converted else {
            throw IbidError.jobFile(file, line: position.line, "a \(value.type) could not be read")
        }
        return TOMLNode(value: converted, position: position)
    }

    private static func members(
        of table: TOMLTable, path: [TOMLPositions.Step], positions: TOMLPositions, file: String
    ) throws -> [String: TOMLNode] {
        var nodes: [String: TOMLNode] = [:]
        for key in table.keys {
            guard let member = table[key] else { continue }
            let node = try convert(member.tomlValue, path: path + [.key(key)], positions: positions, file: file)
            // TOML compares keys byte by byte, Swift by Unicode equivalence.
            guard nodes.updateValue(node, forKey: key) == nil else {
                throw IbidError.jobFile(file, line: node.line, "key '\(key)' is given twice, in two Unicode forms")
            }
        }
        return nodes
    }
}
