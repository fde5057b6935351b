import CLinux
import Glibc
public import IbidModel
public import IbidStore
public import SystemPackage

/// Turns the upper directory of an overlay into a layer blob (image-spec, layer.md): the same change gives the same
/// bytes, whatever file system, umask, clock or user made it.
///
/// Entries come parents first, names in byte order; times are clamped, owners numeric, whiteouts in OCI form, sockets
/// and dropped entries left out. Of several names of one file the first is the file and the others are links to it.
///
/// - Parameters:
///   - isForeign: whether somebody outside this process' user namespace made the directory. Owners whom the namespace
///     does not know then look all the same, and are refused.
///   - forLater: whether nobody is going to read the blob soon. The caller then calls `Store.flush` before it enters the
///     digest anywhere.
/// - Returns: the descriptor of the uncompressed layer, whose digest is its diffID; nil when nothing was changed.
/// - Throws: `IbidError` when the directory cannot be read or the store not written; the store is then unchanged.
public func captureLayer(
    upper: FilePath, normaliser: Normaliser, into store: Store, isForeign: Bool = false, forLater: Bool = false
) throws -> OCI.Descriptor? {
    let root = open(upper.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { throw IbidError.system("open", upper.string, lastError()) }
    defer { close(root) }
    let writer = try store.writer(forLater: forLater)
    var capture = LayerCapture(normaliser: normaliser, writer: writer)
    capture.hasStrangers = isForeign && !IDMap.current.isInitial
    defer { capture.buffer.deallocate() }
    try capture.walk(root, path: [])
    guard capture.entries > 0 else { return nil }
    try capture.tar.finish()
    let (digest, size) = try writer.finish(durable: !forLater)
    return OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: digest, size: size)
}

private struct LayerCapture {
    let normaliser: Normaliser
    var tar: TarWriter
    var entries = 0
    var hasStrangers = false
    private var firstNames: [UInt64: [UInt8]] = [:]
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4_096)

    init(normaliser: Normaliser, writer: BlobWriter) {
        self.normaliser = normaliser
        tar = TarWriter { try writer.write($0) }
    }

    /// - Parameter sharesGroup: whether new files here have gotten a group that this process has no id for.
    mutating func walk(_ directory: Int32, path: [UInt8], sharesGroup: Bool = false) throws {
        let names = try rawNames(in: directory).map { $0.dropLast().map(UInt8.init(bitPattern:)) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        for name in names {
            let child = path.child(name)
            if normaliser.drops(child) { continue }
            // In a layer such a name means that something is gone (layer.md, "Whiteouts").
            guard !name.starts(with: Array(".wh.".utf8)) else {
                throw IbidError(
                    "whiteout-name",
                    "the file '/\(String(decoding: child, as: UTF8.self))' has a name that a layer cannot hold",
                    hint: "names that begin with .wh. mean in a layer that a file is removed; call it something else")
            }
            var status = cl_stat()
            let result = withPath(name) { cl_stat_at(directory, $0, 0, &status) }
            guard result == 0 else { throw failure("look at", child, result) }
            if hasStrangers { try refuseStranger(status, path: child) }
            if FileOwner.isNoted { try note(name, path: child, &status, in: directory, sharesGroup: sharesGroup) }
            try add(name, path: child, status: status, in: directory)
        }
    }

    // The kernel shows 65534 for every id that is not mapped (user_namespaces(7), "Unmapped user and group IDs").
    private func refuseStranger(_ status: cl_stat, path: [UInt8]) throws {
        guard status.uid == 65_534 || status.gid == 65_534 else { return }
        throw IbidError(
            "owner-unknown",
            "\(String(decoding: path, as: UTF8.self)) belongs to a user or group that this user's namespace cannot tell",
            hint: "make an archive of the directory as its owner, and give that")
    }

    // The owner that the file has in its layer, in place of the one it has here.
    private func note(
        _ name: [UInt8], path: [UInt8], _ status: inout cl_stat, in directory: Int32, sharesGroup: Bool
    ) throws {
        let owner = withPath(name) { cName in
            FileOwner.noted { cl_getxattr_at(directory, cName, $0, $1, $2) }
        }
        if let owner {
            (status.uid, status.gid) = (owner.uid, owner.gid)
        } else if sharesGroup {
            throw IbidError(
                "owner-unknown",
                "\(String(decoding: path, as: UTF8.self)) lies in a directory that gives its group to new files, and "
                    + "containers of this user do not have that group",
                hint: "give this user a range of ids: 'ibid doctor' says how")
        }
    }

    private mutating func add(_ name: [UInt8], path: [UInt8], status: cl_stat, in directory: Int32) throws {
        var entry = TarEntry(
            path: path, kind: .directory, mode: status.mode & 0o7777, uid: status.uid, gid: status.gid,
            mtime: status.mtime_seconds)
        switch status.mode & UInt32(S_IFMT) {
        case UInt32(S_IFDIR):
            let opened = withPath(name) { openat(directory, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) }
            guard opened >= 0 else { throw failure("open", path, -errno) }
            defer { close(opened) }
            entry.xattrs = try attributes(name, in: directory, path: path)
            try write(entry)
            if isOpaque(name, in: directory) { try whiteout(path.child(Array(".wh..wh..opq".utf8))) }
            // The group of a directory whose setgid bit is set goes to what is made in it.
            let sharesGroup = FileOwner.isNoted && status.mode & UInt32(S_ISGID) != 0
            try walk(opened, path: path, sharesGroup: sharesGroup && !FileOwner(uid: 0, gid: status.gid).exists)
        case UInt32(S_IFREG):
            if status.links > 1 {
                if let first = firstNames[status.inode] {
                    entry.kind = .hardlink(first)
                    return try write(entry)
                }
                firstNames[status.inode] = path
            }
            let empty = normaliser.empties(path)
            entry.kind = .file(size: empty ? 0 : Int64(status.size))
            entry.xattrs = try attributes(name, in: directory, path: path)
            try write(entry)
            if !empty { try copy(name, path: path, size: Int64(status.size), in: directory) }
        case UInt32(S_IFLNK):
            entry.kind = .symlink(try target(name, path: path, in: directory))
            entry.mode = 0o777
            try write(entry)
        case UInt32(S_IFCHR) where status.device_major == 0 && status.device_minor == 0:
            try whiteout(path.parentPath.child(Array(".wh.".utf8) + name))
        case UInt32(S_IFCHR):
            entry.kind = .characterDevice(major: status.device_major, minor: status.device_minor)
            try write(entry)
        case UInt32(S_IFBLK):
            entry.kind = .blockDevice(major: status.device_major, minor: status.device_minor)
            try write(entry)
        case UInt32(S_IFIFO):
            entry.kind = .fifo
            try write(entry)
        default: return  // a socket has no meaning without the process that listens on it
        }
    }

    private mutating func write(_ entry: TarEntry) throws {
        entries += 1
        try tar.add(normaliser.normalise(entry))
    }

    private mutating func whiteout(_ path: [UInt8]) throws {
        try write(TarEntry(path: path, kind: .file(size: 0), mode: 0o644, mtime: normaliser.epoch.seconds))
    }

    private mutating func copy(_ name: [UInt8], path: [UInt8], size: Int64, in directory: Int32) throws {
        let descriptor = withPath(name) { openat(directory, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure("open", path, -errno) }
        defer { close(descriptor) }
        var left = size
        while left > 0 {
            let count = read(descriptor, buffer.baseAddress, min(buffer.count, Int(clamping: left)))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw failure("read", path, count < 0 ? -errno : -EIO)
            }
            try tar.content(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            left -= Int64(count)
        }
    }

    private func target(_ name: [UInt8], path: [UInt8], in directory: Int32) throws -> [UInt8] {
        var target = [UInt8](repeating: 0, count: 4_096)
        let count = withPath(name) { cl_readlink_at(directory, $0, &target, target.count) }
        guard count >= 0 else { throw failure("read", path, Int32(count)) }
        return Array(target.prefix(count))
    }

    // What an image means to carry: file capabilities and the user's own attributes. Overlay's, SELinux's and access
    // lists belong to the machine.
    private func attributes(_ name: [UInt8], in directory: Int32, path: [UInt8]) throws -> [String: [UInt8]] {
        try withPath(name) { cName in
            let length = cl_listxattr_at(directory, cName, nil, 0)
            if length <= 0 { return [:] }
            var list = [CChar](repeating: 0, count: length)
            let filled = cl_listxattr_at(directory, cName, &list, list.count)
            guard filled >= 0 else { throw failure("read the attributes of", path, Int32(filled)) }
            var found: [String: [UInt8]] = [:]
            for raw in list.prefix(filled).split(separator: 0) {
                let key = String(decoding: raw.map(UInt8.init(bitPattern:)), as: UTF8.self)
                guard key == "security.capability" || (key.hasPrefix("user.") && !key.hasPrefix("user.overlay.")),
                    !FileOwner.isNoted || key != FileOwner.attribute
                else { continue }
                let size = cl_getxattr_at(directory, cName, key, nil, 0)
                guard size >= 0 else { throw failure("read the attributes of", path, Int32(size)) }
                var value = [UInt8](repeating: 0, count: size)
                let got = cl_getxattr_at(directory, cName, key, &value, size)
                guard got == size else { throw failure("read the attributes of", path, got < 0 ? Int32(got) : -EIO) }
                found[key] = value
            }
            return found
        }
    }

    private func isOpaque(_ name: [UInt8], in directory: Int32) -> Bool {
        var value: UInt8 = 0
        return withPath(name) { cName in
            cl_getxattr_at(directory, cName, OverlayMark.opaque, &value, 1) == 1 && value == UInt8(ascii: "y")
        }
    }

    private func failure(_ operation: String, _ path: [UInt8], _ result: Int32) -> IbidError {
        IbidError.system(operation, String(decoding: path, as: UTF8.self), errorText(result))
    }
}
