/// The last line that a program printed, as a person would see it: without colours, the latest state of a line that is
/// drawn over itself.
struct OutputLine {
    private enum Place {
        case text
        /// After ESC.
        case escape
        /// In a control sequence, until its final byte (ECMA-48, 5.4).
        case sequence
        /// In an operating system command, until BEL or ESC.
        case command
    }

    private static let limit = 1_000
    private var place = Place.text
    private var line: [UInt8] = []
    private var last: [UInt8] = []

    /// Its text; empty when nothing was printed yet.
    var text: String {
        let bytes = Self.isBlank(line) ? last : line
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters()
    }

    /// Takes what the program prints.
    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes {
            switch place {
            case .text: addText(byte)
            case .escape:
                place =
                    switch byte {
                    case UInt8(ascii: "["): .sequence
                    case UInt8(ascii: "]"): .command
                    default: .text
                    }
            case .sequence: if (0x40...0x7e).contains(byte) { place = .text }
            case .command: if byte == 0x07 { place = .text } else if byte == 0x1b { place = .escape }
            }
        }
    }

    private mutating func addText(_ byte: UInt8) {
        switch byte {
        case 0x1b: place = .escape
        case 0x0a, 0x0d:
            if !Self.isBlank(line) { last = line }
            line = []
        case 0x09: line.append(0x20)
        default: if line.count < Self.limit { line.append(byte) }
        }
    }

    private static func isBlank(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { $0 <= 0x20 } }
}

extension String {
    /// Without spaces at either end.
    fileprivate func trimmingCharacters() -> String {
        let start = drop { $0 == " " }
        return String(start.reversed().drop { $0 == " " }.reversed())
    }
}
