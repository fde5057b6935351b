import Glibc
import IbidCrypto
import IbidLayer
public import IbidModel
import IbidStore
public import SystemPackage

/// An archive that somebody gave: what it holds, and the bytes of it. Nothing in it is believed.
public struct ArchiveReader {
    /// One file in it.
    struct Member {
        /// The path as it is written: names that look alike are not the same.
        var path: [UInt8]
        /// The file that has its bytes: the archive, or one of an unpacked archive.
        var file: FilePath
        /// Where its bytes begin in that file.
        var offset: Int64
        var size: Int64
        var digest: Digest
    }

    private let file: FilePath
    /// The one directory that the tar holds.
    let name: String
    /// The files by their path below that directory.
    private(set) var members: [String: Member] = [:]

    /// Reads the whole archive once and hashes every file in it.
    ///
    /// - Parameter file: a tar, or the directory that one was unpacked into.
    /// - Throws: `malformed-archive` when it is no tar of one bag, or holds anything but plain files.
    public init(_ file: FilePath) throws {
        self.file = file
        var directories: Set<[UInt8]> = []
        if let members = try Self.unpacked(file, &directories) {
            self.members = members
            name = file.lastComponent?.string ?? ""
            try requireNeeded(directories)
            return
        }
        let tar = try TarReader(file: file, plain: true)
        var members: [String: Member] = [:]
        var top: String?
        while let entry = try tar.next() {
            guard let path = String(validating: entry.path, as: UTF8.self) else {
                throw Self.malformed(file, "it has a name that is not UTF-8: '\(entry.displayPath)'")
            }
            let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if top == nil { top = parts[0] }
            guard parts[0] == top else { throw Self.malformed(file, "it holds more than one directory") }
            switch entry.kind {
            case .directory:
                if parts.count == 2, !directories.insert(Array(parts[1].utf8)).inserted {
                    throw Self.malformed(file, "it has '\(path)' twice")
                }
            case .file(let size):
                let offset = tar.contentOffset
                var hasher = SHA256Hasher()
                try tar.readContent { hasher.update($0) }
                guard parts.count == 2, members[parts[1]] == nil else {
                    throw Self.malformed(file, "it has '\(path)' twice, or beside its directory")
                }
                members[parts[1]] = Member(
                    path: Array(parts[1].utf8), file: file, offset: offset, size: size, digest: hasher.finish())
            default: throw Self.malformed(file, "'\(path)' is neither a file nor a directory")
            }
        }
        guard let top, members["bagit.txt"] != nil else { throw Self.malformed(file, "it is no bag") }
        name = top
        self.members = members
        try requireNeeded(directories)
    }

    // A directory without a file is listed nowhere, and its name says something.
    private func requireNeeded(_ directories: Set<[UInt8]>) throws {
        var needed: Set<[UInt8]> = []
        for member in members.values {
            for slash in member.path.indices where member.path[slash] == UInt8(ascii: "/") {
                needed.insert(Array(member.path[..<slash]))
            }
        }
        if let directory = directories.subtracting(needed).min(by: { $0.lexicographicallyPrecedes($1) }) {
            throw Self.malformed(file, "the directory '\(String(decoding: directory, as: UTF8.self))' holds no file")
        }
        if let file = members.values.first(where: { needed.contains($0.path) }) {
            throw Self.malformed(
                self.file, "'\(String(decoding: file.path, as: UTF8.self))' is both a file and a directory")
        }
    }

    /// The file of a name; nil when there is none of that very name.
    func member(_ path: String) -> Member? {
        guard let member = members[path], member.path.elementsEqual(path.utf8) else { return nil }
        return member
    }

    /// The files of an unpacked archive; nil when the path is no directory.
    private static func unpacked(_ root: FilePath, _ directories: inout Set<[UInt8]>) throws -> [String: Member]? {
        var status = stat()
        guard stat(root.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        var members: [String: Member] = [:]
        func list(_ directory: FilePath, _ prefix: String) throws {
            guard let stream = opendir(directory.string) else {
                throw IbidError.system("list", directory.string, lastError())
            }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
                guard let name = String(validating: bytes, as: UTF8.self) else {
                    throw malformed(root, "it has a name that is not UTF-8 below '\(prefix)'")
                }
                if name == "." || name == ".." { continue }
                let path = directory.appending(name)
                guard lstat(path.string, &status) == 0 else { throw IbidError.system("read", path.string, lastError()) }
                switch status.st_mode & S_IFMT {
                case S_IFDIR:
                    directories.insert(Array((prefix + name).utf8))
                    try list(path, prefix + name + "/")
                case S_IFREG:
                    var hasher = SHA256Hasher()
                    var size: Int64 = 0
                    try IbidStore.forEachChunk(of: path) {
                        hasher.update($0)
                        size += Int64($0.count)
                    }
                    let digest = hasher.finish()
                    guard members[prefix + name] == nil else {
                        throw malformed(root, "it has '\(prefix)\(name)' twice, in two spellings")
                    }
                    members[prefix + name] = Member(
                        path: Array((prefix + name).utf8), file: path, offset: 0, size: size, digest: digest)
                default: throw malformed(root, "'\(prefix)\(name)' is neither a file nor a directory")
                }
            }
        }
        try list(root, "")
        guard members["bagit.txt"] != nil else { throw malformed(root, "it is no bag") }
        return members
    }

    /// The digest of a file below `data/`; nil when there is none.
    public func digest(_ path: String) -> Digest? { member("data/" + path)?.digest }

    /// The paths below `data/` that begin so, sorted.
    public func paths(below prefix: String) -> [String] {
        members.keys.filter { $0.hasPrefix("data/" + prefix) }.map { String($0.dropFirst(5)) }.sorted()
    }

    /// The bytes of a file below `data/`; nil when there is none or it is longer than `limit`.
    public func read(_ path: String, limit: Int64 = 256 << 20) throws -> [UInt8]? { try bytes("data/" + path, limit) }

    func bytes(_ path: String, _ limit: Int64 = 256 << 20) throws -> [UInt8]? {
        guard let member = member(path), member.size <= limit else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(member.size))
        try forEachChunk(member) { bytes.append(contentsOf: $0) }
        guard Digest.sha256(of: bytes) == member.digest else {
            throw Self.malformed(file, "it changes while it is read")
        }
        return bytes
    }

    /// Gives the bytes of a file below `data/` piece by piece.
    public func forEachChunk(of path: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let member = member("data/" + path) else { throw Self.malformed(file, "it has no '\(path)'") }
        try forEachChunk(member, body)
    }

    private func forEachChunk(_ member: Member, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let descriptor = try FileDescriptor.open(member.file, .readOnly, options: .closeOnExec)
        defer { try? descriptor.close() }
        var (offset, left) = (member.offset, member.size)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4_096)
        defer { buffer.deallocate() }
        while left > 0 {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(left))])
            let count = try descriptor.read(fromAbsoluteOffset: offset, into: part)
            guard count > 0 else { throw Self.malformed(file, "it ends early") }
            try body(UnsafeRawBufferPointer(rebasing: part[..<count]))
            offset += Int64(count)
            left -= Int64(count)
        }
    }

    /// Reads a tar that lies in the archive, such as `source/tree.tar`; false when there is none.
    func withNested(_ path: String, _ body: (TarReader) throws -> Void) throws -> Bool {
        guard let member = member("data/" + path) else { return false }
        let descriptor = try FileDescriptor.open(member.file, .readOnly, options: .closeOnExec)
        defer { try? descriptor.close() }
        try descriptor.seek(offset: member.offset, from: .start)
        try body(TarReader(descriptor: descriptor, name: path))
        return true
    }

    private static func malformed(_ file: FilePath, _ why: String) -> IbidError {
        IbidError("malformed-archive", "\(file) is no archive of a run: \(why)", exit: .verificationFailed)
    }
}
