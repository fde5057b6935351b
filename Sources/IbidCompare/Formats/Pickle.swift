/// The opcodes of a pickle (protocols 0 to 5), listed without ever being executed: loading a pickle runs what it says.
enum Pickle {
    struct Step: Hashable {
        var offset: Int
        var name: String
        var argument: String
    }

    /// The opcodes up to STOP; nil when the bytes are none.
    static func steps(_ bytes: [UInt8], limit: Int = 2_000_000) -> [Step]? {
        var reader = ByteReader(bytes)
        var steps: [Step] = []
        while steps.count < limit {
            let offset = reader.offset
            guard let code = reader.byte(), let opcode = opcodes[code] else { return nil }
            guard let argument = read(opcode.argument, &reader) else { return nil }
            steps.append(Step(offset: offset, name: opcode.name, argument: argument))
            if code == UInt8(ascii: ".") { return steps }
        }
        return nil
    }

    private enum Argument {
        case none
        case line
        case lines
        case unsigned(Int)
        case signed
        case float
        case bytes(Int)
        case text(Int)
        case long(Int)
    }

    private static func read(_ argument: Argument, _ reader: inout ByteReader) -> String? {
        func text(_ bytes: ArraySlice<UInt8>) -> String {
            Tally.clip(String(decoding: bytes.prefix(400), as: UTF8.self), 100)
        }
        switch argument {
        case .none: return ""
        case .line: return reader.upTo(10).map(text)
        case .lines:
            guard let first = reader.upTo(10), let second = reader.upTo(10) else { return nil }
            return text(first) + " " + text(second)
        case .unsigned(let size): return reader.little(size).map { "\($0)" }
        case .signed: return reader.little(4).map { "\(Int32(truncatingIfNeeded: $0))" }
        case .float: return reader.big(8).map { "\(Double(bitPattern: $0))" }
        case .bytes(let size), .long(let size):
            guard let length = reader.little(size), let data = reader.take(Int(clamping: length)) else { return nil }
            let start = data.prefix(24).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "\(data.count) bytes \(start)\(data.count > 24 ? "…" : "") #\(Zlib.crc(Array(data)))"
        case .text(let size):
            guard let length = reader.little(size), let data = reader.take(Int(clamping: length)) else { return nil }
            return "'" + text(data) + "'" + (data.count > 100 ? " #\(Zlib.crc(Array(data)))" : "")
        }
    }

    // pickletools.opcodes
    private static let opcodes: [UInt8: (name: String, argument: Argument)] = [
        0x49: ("INT", .line), 0x4A: ("BININT", .signed), 0x4B: ("BININT1", .unsigned(1)),
        0x4D: ("BININT2", .unsigned(2)), 0x4C: ("LONG", .line), 0x8A: ("LONG1", .long(1)), 0x8B: ("LONG4", .long(4)),
        0x53: ("STRING", .line), 0x54: ("BINSTRING", .text(4)), 0x55: ("SHORT_BINSTRING", .text(1)),
        0x42: ("BINBYTES", .bytes(4)), 0x43: ("SHORT_BINBYTES", .bytes(1)), 0x8E: ("BINBYTES8", .bytes(8)),
        0x96: ("BYTEARRAY8", .bytes(8)), 0x97: ("NEXT_BUFFER", .none), 0x98: ("READONLY_BUFFER", .none),
        0x4E: ("NONE", .none), 0x88: ("NEWTRUE", .none), 0x89: ("NEWFALSE", .none), 0x56: ("UNICODE", .line),
        0x8C: ("SHORT_BINUNICODE", .text(1)), 0x58: ("BINUNICODE", .text(4)), 0x8D: ("BINUNICODE8", .text(8)),
        0x46: ("FLOAT", .line), 0x47: ("BINFLOAT", .float), 0x5D: ("EMPTY_LIST", .none), 0x61: ("APPEND", .none),
        0x65: ("APPENDS", .none), 0x6C: ("LIST", .none), 0x29: ("EMPTY_TUPLE", .none), 0x74: ("TUPLE", .none),
        0x85: ("TUPLE1", .none), 0x86: ("TUPLE2", .none), 0x87: ("TUPLE3", .none), 0x7D: ("EMPTY_DICT", .none),
        0x64: ("DICT", .none), 0x73: ("SETITEM", .none), 0x75: ("SETITEMS", .none), 0x8F: ("EMPTY_SET", .none),
        0x90: ("ADDITEMS", .none), 0x91: ("FROZENSET", .none), 0x30: ("POP", .none), 0x32: ("DUP", .none),
        0x28: ("MARK", .none), 0x31: ("POP_MARK", .none), 0x67: ("GET", .line), 0x68: ("BINGET", .unsigned(1)),
        0x6A: ("LONG_BINGET", .unsigned(4)), 0x70: ("PUT", .line), 0x71: ("BINPUT", .unsigned(1)),
        0x72: ("LONG_BINPUT", .unsigned(4)), 0x94: ("MEMOIZE", .none), 0x82: ("EXT1", .unsigned(1)),
        0x83: ("EXT2", .unsigned(2)), 0x84: ("EXT4", .unsigned(4)), 0x63: ("GLOBAL", .lines),
        0x93: ("STACK_GLOBAL", .none), 0x52: ("REDUCE", .none), 0x62: ("BUILD", .none), 0x69: ("INST", .lines),
        0x6F: ("OBJ", .none), 0x81: ("NEWOBJ", .none), 0x92: ("NEWOBJ_EX", .none), 0x80: ("PROTO", .unsigned(1)),
        0x2E: ("STOP", .none), 0x95: ("FRAME", .unsigned(8)), 0x50: ("PERSID", .line), 0x51: ("BINPERSID", .none),
    ]
}
