import IbidModel

/// The text of a file name that may hold any bytes.
enum OutputPath {
    /// Bytes that are not UTF-8, backslashes and control characters as `\xNN`; everything else as it is.
    ///
    /// Different names give different texts, since the backslash itself is escaped.
    static func text(_ bytes: [UInt8]) -> String {
        var text = ""
        var rest = bytes[...]
        while let first = rest.first {
            if let (scalar, length) = scalar(rest), !isControl(scalar), scalar != "\\" {
                text.unicodeScalars.append(scalar)
                rest = rest.dropFirst(length)
            } else {
                text += "\\x" + Hex.encode([first])
                rest = rest.dropFirst()
            }
        }
        return text
    }

    // C0, DEL and C1; the line and paragraph separators; what turns the direction of writing on a terminal.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }

    private static func scalar(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, length: Int)? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return nil }
        return (scalar, UTF8.width(scalar))
    }
}
