/// Where each key of a TOML document stands: TOMLKit's values carry no positions, and an error without a line is
/// little help.
///
/// The scanner walks the same grammar as the parser but only far enough to know keys, nesting and lines. It runs on
/// documents that the parser has accepted, so on anything odd it stops and later keys simply have no position.
public struct TOMLPositions {
    enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    /// A place in the document.
    public struct Position: Comparable, Sendable {
        /// Counted from 1.
        public let line: Int
        /// Keys in the order of the document.
        let order: Int

        /// Whether it is nearer to the beginning.
        public static func < (left: Position, right: Position) -> Bool { left.order < right.order }
    }

    private(set) var positions: [[Step]: Position] = [:]
    /// The first line with a string whose escapes make a NUL, which C strings would cut off silently.
    private(set) var lineWithNUL: Int?

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1
    private var arrayTables: [[Step]: Int] = [:]

    init(of text: String) {
        bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        scanDocument()
    }

    /// The position of a path, or of the nearest thing around it.
    func position(of path: [Step]) -> Position {
        var path = path[...]
        while !path.isEmpty {
            if let found = positions[Array(path)] { return found }
            path.removeLast()
        }
        return Position(line: 1, order: 0)
    }

    private mutating func note(_ path: [Step]) {
        if positions[path] == nil { positions[path] = Position(line: line, order: positions.count) }
    }

    private mutating func scanDocument() {
        var table: [Step] = []
        while true {
            skipBlank(newlines: true)
            guard let byte = peek() else { return }
            guard byte == UInt8(ascii: "[") else {
                guard scanPair(in: table) else { return }
                continue
            }
            index += 1
            let isArray = peek() == UInt8(ascii: "[")
            if isArray { index += 1 }
            guard let keys = scanKey() else { return }
            table = []
            for (depth, key) in keys.enumerated() {
                table.append(.key(key))
                note(table)
                if isArray && depth == keys.count - 1 {
                    arrayTables[table, default: -1] += 1
                }
                // A header below an array of tables means its latest element.
                if let element = arrayTables[table] {
                    table.append(.index(element))
                    note(table)
                }
            }
            skipBlank(newlines: false)
            while peek() == UInt8(ascii: "]") { index += 1 }
        }
    }

    /// `key.key = value`; false when the text is not that.
    private mutating func scanPair(in table: [Step]) -> Bool {
        guard let keys = scanKey() else { return false }
        var path = table
        for key in keys {
            path.append(.key(key))
            note(path)
        }
        skipBlank(newlines: false)
        guard take("=") else { return false }
        skipBlank(newlines: false)
        return scanValue(path)
    }

    private mutating func scanKey() -> [String]? {
        var keys: [String] = []
        repeat {
            skipBlank(newlines: false)
            guard let byte = peek() else { return nil }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                guard let text = scanString() else { return nil }
                keys.append(text)
            } else {
                let start = index
                while let byte = peek(), !" \t=.]\r\n\"'".utf8.contains(byte) { index += 1 }
                guard index > start else { return nil }
                keys.append(String(decoding: bytes[start..<index], as: UTF8.self))
            }
            skipBlank(newlines: false)
        } while take(".")
        return keys
    }

    private mutating func scanValue(_ path: [Step]) -> Bool {
        note(path)
        switch peek() {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            return scanString() != nil
        case UInt8(ascii: "["):
            index += 1
            var element = 0
            while true {
                skipBlank(newlines: true)
                if take("]") { return true }
                guard scanValue(path + [.index(element)]) else { return false }
                element += 1
                skipBlank(newlines: true)
                _ = take(",")
            }
        case UInt8(ascii: "{"):
            index += 1
            while true {
                skipBlank(newlines: true)
                if take("}") { return true }
                guard scanPair(in: path) else { return false }
                skipBlank(newlines: true)
                _ = take(",")
            }
        default:
            let start = index
            while let byte = peek(), !",]}#\r\n".utf8.contains(byte) { index += 1 }
            return index > start
        }
    }

    /// Any of the four string forms; the text matters only for keys.
    private mutating func scanString() -> String? {
        guard let quote = peek() else { return nil }
        let basic = quote == UInt8(ascii: "\"")
        let long = bytes[index...].starts(with: [quote, quote, quote])
        index += long ? 3 : 1
        var text: [UInt8] = []
        while let byte = peek() {
            if byte == quote {
                if !long {
                    index += 1
                    return String(decoding: text, as: UTF8.self)
                }
                let run = bytes[index...].prefix { $0 == quote }.count
                index += run
                if run >= 3 { return String(decoding: text, as: UTF8.self) }
                continue
            }
            if basic && byte == UInt8(ascii: "\\") {
                scanEscape(into: &text)
                continue
            }
            if byte == 10 { line += 1 }
            text.append(byte)
            index += 1
        }
        return nil
    }

    private mutating func scanEscape(into text: inout [UInt8]) {
        index += 1
        guard let byte = peek() else { return }
        let simple: [UInt8: UInt8] = [0x62: 8, 0x74: 9, 0x6E: 10, 0x66: 12, 0x72: 13, 0x65: 27, 0x22: 0x22, 0x5C: 0x5C]
        if let character = simple[byte] {
            text.append(character)
            index += 1
            return
        }
        let digits = byte == UInt8(ascii: "u") ? 4 : byte == UInt8(ascii: "U") ? 8 : byte == UInt8(ascii: "x") ? 2 : 0
        guard digits > 0, index + digits < bytes.count else { return }  // a line-ending backslash
        let hex = String(decoding: bytes[index + 1...index + digits], as: UTF8.self)
        index += 1 + digits
        guard let value = UInt32(hex, radix: 16), let scalar = Unicode.Scalar(value) else { return }
        if value == 0 { lineWithNUL = lineWithNUL ?? line }
        text.append(contentsOf: String(Character(scalar)).utf8)
    }

    private mutating func skipBlank(newlines: Bool) {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): index += 1
            case UInt8(ascii: "\n") where newlines:
                line += 1
                index += 1
            case UInt8(ascii: "#") where newlines:
                while let byte = peek(), byte != 10 { _ = byte; index += 1 }
            default: return
            }
        }
    }

    private func peek() -> UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }
}
