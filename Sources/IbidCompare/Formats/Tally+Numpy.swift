extension Tally {
    /// Compares two arrays element by element.
    mutating func arrays(_ old: NumpyArray, _ new: NumpyArray, named name: String) {
        guard old.shape == new.shape else {
            return structure("\(name) has the shape \(old.shape), now \(new.shape)")
        }
        // Which byte of a number comes first is no difference of its value.
        func types(_ array: NumpyArray) -> [String] { array.fields.map { "\($0.name) \($0.type.dropFirst())" } }
        guard types(old) == types(new) else {
            let words = [old, new].map {
                $0.fields.map { $0.name + " " + $0.type }.joined(separator: ",").drop { $0 == " " }
            }
            return structure("\(name) has the type \(Self.clip(String(words[0]))), now \(Self.clip(String(words[1])))")
        }
        old.data.withUnsafeBytes { before in
            new.data.withUnsafeBytes { after in
                for index in 0..<old.count {
                    let other =
                        old.isFortranOrder == new.isFortranOrder ? index : new.index(of: old.position(index))
                    for (field, otherField) in zip(old.fields, new.fields) {
                        let place = { name + "\(old.position(index))" + (field.name.isEmpty ? "" : "." + field.name) }
                        element(
                            NumpyElement(before, index * old.itemSize + field.offset, field),
                            NumpyElement(after, other * new.itemSize + otherField.offset, otherField),
                            group: field.name.isEmpty ? name : "\(name).\(field.name)", at: place())
                    }
                }
            }
        }
    }

    private mutating func element(
        _ old: NumpyElement, _ new: NumpyElement, group: String, at place: @autoclosure () -> String
    ) {
        switch (old, new) {
        case (.number(let before), .number(let after)): numbers(before, after, group: group, at: place())
        case (.complex(let before), .complex(let after)):
            numbers(before.0, after.0, group: group, at: place() + ".real")
            numbers(before.1, after.1, group: group, at: place() + ".imag")
        case (.integer(let before), .integer(let after)):
            integers(Int128(before), Int128(after), group: group, at: place())
        case (.unsigned(let before), .unsigned(let after)):
            integers(Int128(before), Int128(after), group: group, at: place())
        default: exact(old.text, new.text, group: group, at: place())
        }
    }
}

/// One field of one element.
private enum NumpyElement {
    case number(Double)
    case complex((Double, Double))
    case integer(Int64)
    case unsigned(UInt64)
    case exact(String)

    init(_ raw: UnsafeRawBufferPointer, _ offset: Int, _ field: NumpyArray.Field) {
        func word<Word: FixedWidthInteger>(_ type: Word.Type, at offset: Int = offset) -> Word {
            let word = raw.loadUnaligned(fromByteOffset: offset, as: type)
            return field.isBig ? Word(bigEndian: word) : Word(littleEndian: word)
        }
        switch (field.kind, field.size) {
        case ("f", 8): self = .number(Double(bitPattern: word(UInt64.self)))
        case ("f", 4): self = .number(Double(Float(bitPattern: word(UInt32.self))))
        case ("f", 2):
            let bits = word(UInt16.self)
            self = .number(NumpyArray.half([UInt8(truncatingIfNeeded: bits), UInt8(bits >> 8)]))
        case ("c", 16):
            self = .complex(
                (Double(bitPattern: word(UInt64.self)), Double(bitPattern: word(UInt64.self, at: offset + 8))))
        case ("c", 8):
            let parts = [offset, offset + 4].map { Double(Float(bitPattern: word(UInt32.self, at: $0))) }
            self = .complex((parts[0], parts[1]))
        case ("i", 8): self = .integer(word(Int64.self))
        case ("i", 4): self = .integer(Int64(word(Int32.self)))
        case ("i", 2): self = .integer(Int64(word(Int16.self)))
        case ("i", 1): self = .integer(Int64(word(Int8.self)))
        case ("u", 8): self = .unsigned(word(UInt64.self))
        case ("u", 4): self = .unsigned(UInt64(word(UInt32.self)))
        case ("u", 2): self = .unsigned(UInt64(word(UInt16.self)))
        case ("u", 1): self = .unsigned(UInt64(word(UInt8.self)))
        // Times are no measurements: a tolerance relative to 1970 would cover seconds.
        case ("m", 8), ("M", 8): self = .exact("\(word(Int64.self))")
        case ("b", 1), ("?", 1): self = .exact(word(UInt8.self) == 0 ? "False" : "True")
        case ("U", _):
            let scalars = (0..<field.size / 4).map { word(UInt32.self, at: offset + $0 * 4) }
            self = .exact(String(String.UnicodeScalarView(scalars.map { Unicode.Scalar($0) ?? "\u{FFFD}" })))
        default:
            // Long doubles too: their length is the platform's, and their padding is anything.
            self = .exact(
                raw[offset..<offset + field.size].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        }
    }

    var text: String {
        switch self {
        case .number(let value): "\(value)"
        case .complex(let value): "\(value.0)+\(value.1)j"
        case .integer(let value): "\(value)"
        case .unsigned(let value): "\(value)"
        case .exact(let text): text
        }
    }
}
