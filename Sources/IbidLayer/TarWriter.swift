import IbidModel

/// Writes POSIX.1-2001 (pax) archives: a plain ustar header wherever it suffices, an extended header where a name, a
/// number or an attribute does not fit. One input, one output: nothing of the host or the moment enters.
public struct TarWriter {
    /// Where the archive goes.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    private let sink: Sink
    private var open: Int64 = 0
    private var padding = 0

    /// Starts an archive.
    public init(_ sink: @escaping Sink) { self.sink = sink }

    /// Adds a member. For a file, exactly its length in bytes follows through `content`.
    public mutating func add(_ entry: TarEntry) throws {
        precondition(open == 0, "the member before has content left to write")
        var header = Header()
        var records: [(key: String, value: [UInt8])] = []
        var name = entry.path
        if entry.kind == .directory { name.append(UInt8(ascii: "/")) }
        if !header.setName(name) { records.append(("path", name)) }
        var size: Int64 = 0
        switch entry.kind {
        case .file(let length):
            size = length
            header.type = "0"
        case .directory: header.type = "5"
        case .symlink(let target):
            header.type = "2"
            if !header.setLink(target) { records.append(("linkpath", target)) }
        case .hardlink(let target):
            header.type = "1"
            if !header.setLink(target) { records.append(("linkpath", target)) }
        case .characterDevice(let major, let minor):
            header.type = "3"
            header.setDevice(major, minor)
        case .blockDevice(let major, let minor):
            header.type = "4"
            header.setDevice(major, minor)
        case .fifo: header.type = "6"
        }
        if !header.setSize(size) { records.append(("size", Array(String(size).utf8))) }
        if !header.setUID(entry.uid) { records.append(("uid", Array(String(entry.uid).utf8))) }
        if !header.setGID(entry.gid) { records.append(("gid", Array(String(entry.gid).utf8))) }
        if !header.setTime(entry.mtime) { records.append(("mtime", Array(String(entry.mtime).utf8))) }
        header.setMode(entry.mode)
        for (key, value) in entry.xattrs { records.append(("SCHILY.xattr." + key, value)) }
        if !records.isEmpty { try writeExtended(records) }
        try emit(header.finished())
        open = size
        padding = Int((512 - size % 512) % 512)
        if open == 0 { try pad() }
    }

    /// Adds content of the file that was added last.
    public mutating func content(_ bytes: UnsafeRawBufferPointer) throws {
        precondition(Int64(bytes.count) <= open, "more content than the header announced")
        try sink(bytes)
        open -= Int64(bytes.count)
        if open == 0 { try pad() }
    }

    /// Adds content of the file that was added last.
    public mutating func content(_ bytes: [UInt8]) throws {
        if bytes.isEmpty { return }
        try bytes.withUnsafeBytes { try content($0) }
    }

    /// Ends the archive: two zero blocks, no padding to a record.
    public mutating func finish() throws {
        precondition(open == 0, "the last member has content left to write")
        try emit([UInt8](repeating: 0, count: 1_024))
    }

    private mutating func pad() throws {
        if padding > 0 { try emit([UInt8](repeating: 0, count: padding)) }
        padding = 0
    }

    private func emit(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try sink($0) } }

    private func writeExtended(_ records: [(key: String, value: [UInt8])]) throws {
        var body: [UInt8] = []
        for (key, value) in records.sorted(by: { $0.key < $1.key }) {
            // "length key=value\n", where the length counts its own digits.
            let rest = 1 + key.utf8.count + 1 + value.count + 1
            var total = rest + 1
            while String(total).utf8.count + rest != total { total = String(total).utf8.count + rest }
            body += Array("\(total) \(key)=".utf8) + value + [UInt8(ascii: "\n")]
        }
        var header = Header()
        _ = header.setName(Array("././@PaxHeader".utf8))
        header.type = "x"
        header.setMode(0o644)
        _ = header.setUID(0)
        _ = header.setGID(0)
        _ = header.setTime(0)
        _ = header.setSize(Int64(body.count))
        try emit(header.finished())
        body += [UInt8](repeating: 0, count: (512 - body.count % 512) % 512)
        try emit(body)
    }

    /// A ustar header block (POSIX.1-1988).
    private struct Header {
        var block = [UInt8](repeating: 0, count: 512)
        var type: Character = "0"

        mutating func setName(_ name: [UInt8]) -> Bool { setBytes(name, at: 0, width: 100) }
        mutating func setLink(_ name: [UInt8]) -> Bool { setBytes(name, at: 157, width: 100) }
        mutating func setMode(_ mode: UInt32) { _ = setOctal(Int64(mode & 0o7777), at: 100, digits: 7) }
        mutating func setUID(_ id: UInt32) -> Bool { setOctal(Int64(id), at: 108, digits: 7) }
        mutating func setGID(_ id: UInt32) -> Bool { setOctal(Int64(id), at: 116, digits: 7) }
        mutating func setSize(_ size: Int64) -> Bool { setOctal(size, at: 124, digits: 11) }
        mutating func setTime(_ time: Int64) -> Bool { setOctal(time, at: 136, digits: 11) }
        mutating func setDevice(_ major: UInt32, _ minor: UInt32) {
            _ = setOctal(Int64(major), at: 329, digits: 7)
            _ = setOctal(Int64(minor), at: 337, digits: 7)
        }

        private mutating func setBytes(_ bytes: [UInt8], at offset: Int, width: Int) -> Bool {
            block.replaceSubrange(offset..<offset + min(width, bytes.count), with: bytes.prefix(width))
            return bytes.count <= width
        }

        // What does not fit leaves zeros here; the extended header has the number.
        private mutating func setOctal(_ value: Int64, at offset: Int, digits: Int) -> Bool {
            let fits = value >= 0 && value < Int64(1) << (3 * Int64(digits))
            var rest = fits ? value : 0
            for index in stride(from: offset + digits - 1, through: offset, by: -1) {
                block[index] = UInt8(ascii: "0") + UInt8(rest & 7)
                rest >>= 3
            }
            return fits
        }

        func finished() -> [UInt8] {
            var block = block
            block[156] = type.asciiValue ?? 0x30
            block.replaceSubrange(257..<265, with: Array("ustar\u{0}00".utf8))
            block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
            let sum = block.reduce(0) { $0 + Int($1) }
            let digits = String(sum, radix: 8)
            let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits
            block.replaceSubrange(148..<154, with: Array(text.utf8))
            block[154] = 0
            block[155] = 0x20
            return block
        }
    }
}
