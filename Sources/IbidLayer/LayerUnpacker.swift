import CLinux
import Glibc
import IbidModel
import IbidStore
public import SystemPackage

/// Unpacks an archive into an existing, empty directory, with the care that a layer gets.
public func unpackArchive(_ reader: TarReader, into directory: FilePath) throws {
    let descriptor = open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw IbidError.system("open", directory.string, lastError()) }
    defer { close(descriptor) }
    var unpacker = LayerUnpacker(root: descriptor, name: directory.lastComponent?.string ?? directory.string)
    try unpacker.unpack(reader)
}

/// Unpacks one layer into an empty directory, in the form that overlay mounts expect of a lower directory.
///
/// The archive is not trusted: every entry is placed below the directory without following any link, devices are
/// refused, hard links reach only files of the same layer.
struct LayerUnpacker {
    private let root: Int32
    private let name: String
    private var directories: [(path: [UInt8], mtime: Int64)] = []
    private var parent: (path: [UInt8], descriptor: Int32)?
    private(set) var entries = 0

    /// - Parameter root: an open, empty directory.
    init(root: Int32, name: String) {
        self.root = root
        self.name = name
    }

    mutating func unpack(_ reader: TarReader) throws {
        defer { if let parent { close(parent.descriptor) } }
        while let entry = try reader.next() {
            entries += 1
            try place(entry, reader)
        }
        // Children change their directory's time, so times come last, deepest first.
        for (path, mtime) in directories.reversed() {
            let descriptor = try open(path)
            defer { close(descriptor) }
            try setTime(mtime, descriptor, path)
        }
    }

    private mutating func place(_ entry: TarEntry, _ reader: TarReader) throws {
        if entry.path.isEmpty {
            try finish(entry, descriptor: root)
            return directories.append((entry.path, entry.mtime))
        }
        let leaf = entry.path.lastName
        let directory = try parentDescriptor(entry.path.parentPath)
        if leaf.starts(with: Array(".wh.".utf8)) { return try whiteout(leaf, entry, in: directory) }
        switch entry.kind {
        case .directory:
            let made = withPath(leaf) { cl_mkdir_at(directory, $0, 0o755) }
            if made == -EEXIST {
                // The same directory twice is usual; anything else of that name gives way.
                var status = cl_stat()
                try check(withPath(leaf) { cl_stat_at(directory, $0, 0, &status) }, "look at", entry.path)
                if status.mode & UInt32(S_IFMT) != UInt32(S_IFDIR) {
                    try clear(leaf, in: directory)
                    try check(withPath(leaf) { cl_mkdir_at(directory, $0, 0o755) }, "create", entry.path)
                }
            } else {
                try check(made, "create", entry.path)
            }
            let descriptor = try open(entry.path)
            defer { close(descriptor) }
            try finish(entry, descriptor: descriptor)
            directories.append((entry.path, entry.mtime))
        case .file:
            try clear(leaf, in: directory)
            let descriptor = withPath(leaf) {
                openat(directory, $0, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0o600)
            }
            guard descriptor >= 0 else { throw failure("create", entry.path, -errno) }
            defer { close(descriptor) }
            try reader.readContent { try writeAll($0, to: descriptor, path: entry.path) }
            try finish(entry, descriptor: descriptor)
            try setTime(entry.mtime, descriptor, entry.path)
        case .symlink(let target):
            try clear(leaf, in: directory)
            try check(
                withPath(target) { link in withPath(leaf) { cl_symlink_at(link, directory, $0) } }, "create", entry.path
            )
            try own(entry, leaf, in: directory)
            try check(withPath(leaf) { cl_utimes_at(directory, $0, entry.mtime, 0) }, "set the time of", entry.path)
        case .hardlink(let target):
            try clear(leaf, in: directory)
            let from = try open(target.parentPath)
            defer { close(from) }
            let linked = withPath(target.lastName) { old in withPath(leaf) { cl_link_at(from, old, directory, $0) } }
            try check(linked, "link", entry.path)
        case .fifo:
            try clear(leaf, in: directory)
            try check(
                withPath(leaf) { cl_mknod_at(directory, $0, UInt32(S_IFIFO) | entry.mode, 0, 0) }, "create", entry.path)
            try own(entry, leaf, in: directory)
            // The umask had a say in it.
            try check(withPath(leaf) { cl_chmod_at(directory, $0, entry.mode) }, "set the mode of", entry.path)
            try check(withPath(leaf) { cl_utimes_at(directory, $0, entry.mtime, 0) }, "set the time of", entry.path)
        case .characterDevice, .blockDevice:
            throw IbidError(
                "device-in-layer", "layer \(name) holds the device node \(entry.displayPath)",
                hint: "remove it from the image: a container gets its devices from the runtime")
        }
    }

    // layer.md, "Whiteouts": a marker file in the archive, a 0:0 character device or an attribute in an overlay.
    private func whiteout(_ leaf: [UInt8], _ entry: TarEntry, in directory: Int32) throws {
        if leaf == Array(".wh..wh..opq".utf8) {
            let value = [UInt8(ascii: "y")]
            return try check(cl_fsetxattr(directory, OverlayMark.opaque, value, 1), "mark", entry.path)
        }
        let hidden = Array(leaf.dropFirst(4))
        guard !hidden.isEmpty, hidden != Array(".".utf8), hidden != Array("..".utf8) else {
            throw IbidError("malformed-archive", "layer \(name) has the impossible whiteout \(entry.displayPath)")
        }
        try clear(hidden, in: directory)
        try check(withPath(hidden) { cl_mknod_at(directory, $0, UInt32(S_IFCHR), 0, 0) }, "create", entry.path)
    }

    // Owner before mode: changing the owner clears the setuid bits.
    private func finish(_ entry: TarEntry, descriptor: Int32) throws {
        let owner = FileOwner(uid: entry.uid, gid: entry.gid)
        if FileOwner.isNoted, !owner.exists {
            let note = try owner.note(for: "\(entry.displayPath) of layer \(name)")
            try check(cl_fsetxattr(descriptor, FileOwner.attribute, note, note.count), "own", entry.path)
        } else {
            try check(cl_chown_at(descriptor, "", entry.uid, entry.gid), "own", entry.path)
        }
        guard fchmod(descriptor, entry.mode) == 0 else { throw failure("set the mode of", entry.path, -errno) }
        for (key, value) in entry.xattrs where key == "security.capability" || key.hasPrefix("user.") {
            if FileOwner.isNoted, key == FileOwner.attribute { throw IbidError.reservedAttribute(key, entry, name) }
            try check(cl_fsetxattr(descriptor, key, value, value.count), "set \(key) on", entry.path)
        }
    }

    // Links and pipes have no attributes that could hold a note.
    private func own(_ entry: TarEntry, _ leaf: [UInt8], in directory: Int32) throws {
        let owner = FileOwner(uid: entry.uid, gid: entry.gid)
        if FileOwner.isNoted, !owner.exists {
            throw IbidError.ownerUnknown(owner, "\(entry.displayPath) of layer \(name)")
        }
        try check(withPath(leaf) { cl_chown_at(directory, $0, entry.uid, entry.gid) }, "own", entry.path)
    }

    private func setTime(_ seconds: Int64, _ descriptor: Int32, _ path: [UInt8]) throws {
        let time = timespec(tv_sec: Int(seconds), tv_nsec: 0)
        guard futimens(descriptor, [time, time]) == 0 else { throw failure("set the time of", path, -errno) }
    }

    private func clear(_ leaf: [UInt8], in directory: Int32) throws {
        let result = withPath(leaf) { cl_unlink_at(directory, $0, 0) }
        guard result == 0 || result == -ENOENT else { throw failure("replace", leaf, result) }
    }

    private mutating func parentDescriptor(_ path: [UInt8]) throws -> Int32 {
        if let parent, parent.path == path { return parent.descriptor }
        if let parent { close(parent.descriptor) }
        parent = nil
        let descriptor = try openOrMake(path)
        parent = (path, descriptor)
        return descriptor
    }

    private func openOrMake(_ path: [UInt8]) throws -> Int32 {
        let descriptor = tryOpen(path)
        if descriptor >= 0 { return descriptor }
        guard descriptor == -ENOENT, !path.isEmpty else { throw failure("open", path, descriptor) }
        // Archives may leave parents out.
        let above = try openOrMake(path.parentPath)
        defer { close(above) }
        try check(withPath(path.lastName) { cl_mkdir_at(above, $0, 0o755) }, "create", path)
        fchmodat(above, String(decoding: path.lastName, as: UTF8.self), 0o755, 0)
        return try open(path)
    }

    private func open(_ path: [UInt8]) throws -> Int32 {
        let descriptor = tryOpen(path)
        guard descriptor >= 0 else { throw failure("open", path, descriptor) }
        return descriptor
    }

    private func tryOpen(_ path: [UInt8]) -> Int32 {
        withPath(path.isEmpty ? Array(".".utf8) : path) {
            cl_openat2(root, $0, CL_O_RDONLY | CL_O_DIRECTORY, 0, CL_RESOLVE_BENEATH | CL_RESOLVE_NO_SYMLINKS)
        }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: [UInt8]) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("write", path, -errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    private func check(_ result: Int32, _ operation: String, _ path: [UInt8]) throws {
        guard result >= 0 else { throw failure(operation, path, result) }
    }

    private func failure(_ operation: String, _ path: [UInt8], _ result: Int32) -> IbidError {
        let reason = result == -ELOOP ? "its path passes through a symbolic link" : errorText(result)
        return IbidError(
            "unpack-layer", "cannot \(operation) \(String(decoding: path, as: UTF8.self)) of layer \(name): \(reason)")
    }
}

extension IbidError {
    fileprivate static func reservedAttribute(_ key: String, _ entry: TarEntry, _ layer: String) -> IbidError {
        IbidError(
            "unpack-layer", "layer \(layer) sets \(key) on \(entry.displayPath), which Ibid keeps for itself here"
        )
    }
}
