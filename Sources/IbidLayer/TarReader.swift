import Glibc
import IbidModel
import IbidStore
public import SystemPackage

/// Reads tar archives of any origin: ustar, pax (also global headers), GNU long names and large numbers.
///
/// The archive is not trusted: every number is bounded, a path that leaves the archive's root is refused, and a
/// malformed archive gives an error with the offset of the header at fault.
public final class TarReader {
    private static let largestExtendedHeader: Int64 = 1 << 20

    private let descriptor: FileDescriptor
    private let owned: Bool
    private let name: String
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)
    private var start = 0
    private var end = 0
    private var offset: Int64 = 0
    private var remaining: Int64 = 0
    private var padding: Int64 = 0
    private var global: [String: [UInt8]] = [:]
    private let plain: Bool

    /// Opens an archive file.
    ///
    /// - Parameter plain: refuses whatever two readers could read in two ways, although it is no error: names that are
    ///   not as they stand, members that are neither files nor directories, set-user-ID bits, headers for all members,
    ///   records that mean more than a name, a size, an owner and a time, and bytes after the end.
    public init(file: FilePath, plain: Bool = false) throws {
        self.plain = plain
        do {
            descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        } catch {
            throw IbidError.system("open", file.string, "\(error)")
        }
        owned = true
        name = file.lastComponent?.string ?? file.string
    }

    /// Reads from an open descriptor, which stays the caller's; `name` stands in messages.
    public init(descriptor: FileDescriptor, name: String) {
        self.descriptor = descriptor
        owned = false
        plain = false
        self.name = name
    }

    /// Whether a block of 512 bytes is the header of a member, by its checksum.
    public static func isHeader(_ block: [UInt8]) -> Bool {
        guard block.count == 512, block.contains(where: { $0 != 0 }) else { return false }
        let digits = block[148..<156].drop { $0 == 0x20 || $0 == 0 }.prefix { (0x30...0x37).contains($0) }
        let sum = block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        return !digits.isEmpty && Int(String(decoding: digits, as: UTF8.self), radix: 8) == sum
    }

    deinit { if owned { try? descriptor.close() } }

    /// The next member; nil after the last. Content of the member before that was not read is passed over.
    public func next() throws -> TarEntry? {
        try skip(remaining + padding)
        remaining = 0
        padding = 0
        var records = global
        var longName: [UInt8]?
        var longLink: [UInt8]?
        while true {
            let at = offset
            guard let block = try readBlock() else {
                if plain { throw malformed("has no end", at: at) }
                return nil
            }
            if block.allSatisfy({ $0 == 0 }) {
                // One zero block ends the archive; what follows it is padding.
                if plain { try endInZeros() }
                return nil
            }
            try checkSum(block, at: at)
            let size = try number(block, 124, 12, at: at)
            if plain { try requirePlain(block, records, longName, at: at) }
            switch block[156] {
            case UInt8(ascii: "x"): records.merge(try parse(try extended(size, at: at), at: at)) { $1 }
            case UInt8(ascii: "g"):
                let parsed = try parse(try extended(size, at: at), at: at)
                global.merge(parsed) { $1 }
                records.merge(parsed) { $1 }
            case UInt8(ascii: "L"): longName = trimmed(try extended(size, at: at)[...])
            case UInt8(ascii: "K"): longLink = trimmed(try extended(size, at: at)[...])
            default:
                return try entry(
                    block, size: size, records: records, longName: longName, longLink: longLink, at: at)
            }
        }
    }

    /// Where in the archive the content of the file that `next` returned last begins, before any of it is read.
    public var contentOffset: Int64 { offset }

    /// Hands out the content of the file that `next` returned last.
    public func readContent(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        while remaining > 0 {
            guard try fill() else { throw malformed("ends inside a file", at: offset) }
            let count = Int(min(Int64(end - start), remaining))
            try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
            consume(count)
            remaining -= Int64(count)
        }
    }

    // MARK: Headers

    private func entry(
        _ block: [UInt8], size headerSize: Int64, records: [String: [UInt8]], longName: [UInt8]?, longLink: [UInt8]?,
        at: Int64
    ) throws -> TarEntry {
        let type = block[156]
        var path = records["path"] ?? longName ?? headerPath(block)
        let link = records["linkpath"] ?? longLink ?? trimmed(block[157..<257])
        let size = try decimal(records["size"], at: at) ?? headerSize
        let directory = type == UInt8(ascii: "5") || (type == UInt8(ascii: "0") && path.last == UInt8(ascii: "/"))
        if plain { try requirePlain(path: path, isDirectory: type == UInt8(ascii: "5"), at: at) }
        path = try cleaned(path, at: at)
        let kind: TarEntry.Kind
        switch type {
        case _ where directory: kind = .directory
        case UInt8(ascii: "0"), 0, UInt8(ascii: "7"): kind = .file(size: size)
        case UInt8(ascii: "1"): kind = .hardlink(try cleaned(link, at: at))
        case UInt8(ascii: "2"):
            guard !link.isEmpty, !link.contains(0) else {
                throw malformed("has a symbolic link without a target", at: at)
            }
            kind = .symlink(link)
        case UInt8(ascii: "3"):
            kind = .characterDevice(major: try device(block, 329, at), minor: try device(block, 337, at))
        case UInt8(ascii: "4"):
            kind = .blockDevice(major: try device(block, 329, at), minor: try device(block, 337, at))
        case UInt8(ascii: "6"): kind = .fifo
        default:
            throw malformed("has a member of type '\(Character(UnicodeScalar(type)))', which is not supported", at: at)
        }
        if path.isEmpty && kind != .directory { throw malformed("has a member without a name", at: at) }
        // Only regular files have content; POSIX says a size on a link or directory is to be ignored.
        if case .file = kind {
            remaining = size
            padding = (512 - size % 512) % 512
        }
        let mtime = try time(records["mtime"], at: at) ?? number(block, 136, 12, at: at)
        var xattrs: [String: [UInt8]] = [:]
        for (key, value) in records where key.hasPrefix("SCHILY.xattr.") { xattrs[String(key.dropFirst(13))] = value }
        return TarEntry(
            path: path, kind: kind, mode: UInt32(try number(block, 100, 8, at: at) & 0o7777),
            uid: try id(records["uid"], number(block, 108, 8, at: at), at: at),
            gid: try id(records["gid"], number(block, 116, 8, at: at), at: at), mtime: mtime, xattrs: xattrs)
    }

    private static let plainRecords: Set<String> = [
        "path", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname",
    ]

    private func requirePlain(_ block: [UInt8], _ records: [String: [UInt8]], _ longName: [UInt8]?, at: Int64) throws {
        guard [0, UInt8(ascii: "0"), UInt8(ascii: "5"), UInt8(ascii: "x"), UInt8(ascii: "L")].contains(block[156])
        else {
            throw malformed("has a member that is neither a file nor a directory", at: at)
        }
        guard try number(block, 100, 8, at: at) & ~0o777 == 0 else {
            throw malformed("has a member with special permissions", at: at)
        }
        let isHeader = block[156] == UInt8(ascii: "x") || block[156] == UInt8(ascii: "L")
        guard Self.plainRecords.isSuperset(of: records.keys), longName == nil || (records["path"] == nil && !isHeader),
            records.isEmpty || !isHeader
        else { throw malformed("has an extended header that means more than a name and a size", at: at) }
        let size = try number(block, 124, 12, at: at)
        guard block[156] != UInt8(ascii: "5") || (size == 0 && records["size"] == nil) else {
            throw malformed("has a directory with content", at: at)
        }
    }

    private func requirePlain(path: [UInt8], isDirectory: Bool, at: Int64) throws {
        let name = isDirectory && path.last == UInt8(ascii: "/") ? path.dropLast() : path[...]
        guard try cleaned(Array(name), at: at) == Array(name), !name.isEmpty else {
            throw malformed("has a name that is not as it stands", at: at)
        }
    }

    private func endInZeros() throws {
        var blocks = 0
        while let block = try readBlock() {
            guard block.allSatisfy({ $0 == 0 }) else { throw malformed("goes on after its end", at: offset - 512) }
            blocks += 1
        }
        guard blocks > 0 else { throw malformed("has no end", at: offset) }
    }

    private func headerPath(_ block: [UInt8]) -> [UInt8] {
        let name = trimmed(block[0..<100])
        let isUstar = Array(block[257..<263]) == Array("ustar\u{0}".utf8)
        let prefix = isUstar ? trimmed(block[345..<500]) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    // Takes "./a//b/" as "a/b", refuses "..": no member may name a place outside.
    private func cleaned(_ path: [UInt8], at: Int64) throws -> [UInt8] {
        guard path.count <= 4_096, !path.contains(0) else { throw malformed("has an impossible path", at: at) }
        var parts: [ArraySlice<UInt8>] = []
        for part in path.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            guard part != Array("..".utf8)[...], part.count <= 255 else {
                throw malformed(
                    "has the path '\(String(decoding: path, as: UTF8.self))', which leaves the archive", at: at)
            }
            parts.append(part)
        }
        return Array(parts.joined(separator: [UInt8(ascii: "/")]))
    }

    private func checkSum(_ block: [UInt8], at: Int64) throws {
        let stored = try number(block, 148, 8, at: at)
        var sum: Int64 = 0
        for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 32 : Int64(byte) }
        guard stored == sum else { throw malformed("has a header with a wrong checksum", at: at) }
    }

    private func number(_ block: [UInt8], _ offset: Int, _ width: Int, at: Int64) throws -> Int64 {
        let field = block[offset..<offset + width]
        if let first = field.first, first & 0x80 != 0 {
            // GNU base-256: two's complement, big-endian; only what fits 62 bits and is not negative is accepted.
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }) else {
                throw malformed("has a number out of range", at: at)
            }
            let value = field.suffix(min(8, width - 1)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard value < 1 << 62 else { throw malformed("has a number out of range", at: at) }
            return Int64(value)
        }
        var value: Int64 = 0
        var started = false
        for byte in field {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                value = value << 3 | Int64(byte - 48)
                started = true
            case 0, 0x20: if started { return value }
            default: throw malformed("has a number that is not octal", at: at)
            }
        }
        return value
    }

    private func device(_ block: [UInt8], _ offset: Int, _ at: Int64) throws -> UInt32 {
        UInt32(truncatingIfNeeded: try number(block, offset, 8, at: at))
    }

    private func id(_ record: [UInt8]?, _ header: Int64, at: Int64) throws -> UInt32 {
        guard let value = UInt32(exactly: try decimal(record, at: at) ?? header) else {
            throw malformed("has an owner out of range", at: at)
        }
        return value
    }

    private func decimal(_ record: [UInt8]?, at: Int64) throws -> Int64? {
        guard let record else { return nil }
        guard let value = Int64(String(decoding: record, as: UTF8.self)), value >= 0, value < 1 << 62 else {
            throw malformed("has an extended header with a bad number", at: at)
        }
        return value
    }

    private func time(_ record: [UInt8]?, at: Int64) throws -> Int64? {
        guard let record else { return nil }
        let whole = record.prefix { $0 != UInt8(ascii: ".") }
        guard let value = Int64(String(decoding: whole, as: UTF8.self)) else {
            throw malformed("has an extended header with a bad time", at: at)
        }
        return value
    }

    private func extended(_ size: Int64, at: Int64) throws -> [UInt8] {
        guard size <= Self.largestExtendedHeader else { throw malformed("has an extended header over 1 MiB", at: at) }
        var bytes: [UInt8] = []
        while bytes.count < Int((size + 511) / 512 * 512) {
            guard let block = try readBlock() else { throw malformed("ends inside a header", at: at) }
            bytes += block
        }
        return Array(bytes.prefix(Int(size)))
    }

    // pax: "length key=value\n", repeated.
    private func parse(_ bytes: [UInt8], at: Int64) throws -> [String: [UInt8]] {
        var records: [String: [UInt8]] = [:]
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20), space - rest.startIndex <= 8,
                let length = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
                length > space - rest.startIndex + 2, length <= rest.count,
                rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { throw malformed("has a malformed extended header", at: at) }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw malformed("has a malformed extended header", at: at)
            }
            let key = String(decoding: record[record.startIndex..<equals], as: UTF8.self)
            if plain && records[key] != nil { throw malformed("has an extended header with a doubled record", at: at) }
            if key.hasPrefix("GNU.sparse.") { throw malformed("has a sparse file, which is not supported", at: at) }
            records[key] = Array(record[(equals + 1)...])
            rest = rest[(rest.startIndex + length)...]
        }
        return records
    }

    private func trimmed(_ field: ArraySlice<UInt8>) -> [UInt8] { Array(field.prefix { $0 != 0 }) }

    // MARK: Bytes

    private func readBlock() throws -> [UInt8]? {
        var block: [UInt8] = []
        block.reserveCapacity(512)
        while block.count < 512 {
            guard try fill() else {
                if block.isEmpty { return nil }
                throw malformed("ends inside a header", at: offset)
            }
            let count = min(512 - block.count, end - start)
            block += buffer[start..<start + count]
            consume(count)
        }
        return block
    }

    private func skip(_ count: Int64) throws {
        var left = count
        while left > 0 {
            if start == end, left > Int64(buffer.count), try jump(left) { return }
            guard try fill() else { throw malformed("ends inside a file", at: offset) }
            let step = Int(min(Int64(end - start), left))
            consume(step)
            left -= Int64(step)
        }
    }

    /// Passes over bytes without reading them.
    ///
    /// - Returns: false where that is not possible, as in a pipe.
    private func jump(_ count: Int64) throws -> Bool {
        var status = stat()
        let here = lseek(descriptor.rawValue, 0, SEEK_CUR)
        guard here >= 0, fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return false
        }
        let left = Int64(status.st_size) - Int64(here)
        guard count <= left else { throw malformed("ends inside a file", at: offset + max(0, left)) }
        guard lseek(descriptor.rawValue, off_t(count), SEEK_CUR) >= 0 else {
            throw IbidError.system("read", name, lastError())
        }
        offset += count
        return true
    }

    private func consume(_ count: Int) {
        start += count
        offset += Int64(count)
    }

    private func fill() throws -> Bool {
        if start < end { return true }
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor.rawValue, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw IbidError.system("read", name, lastError())
            }
            start = 0
            end = count
            return count > 0
        }
    }

    private func malformed(_ what: String, at offset: Int64) -> IbidError {
        IbidError("malformed-archive", "\(name) \(what) (at byte \(offset))")
    }
}
