import CLinux
import Glibc
public import IbidModel
import IbidStore
public import SystemPackage

extension LayerCache {
    /// Makes an overlay's upper directory the unpacked form of the layer that was captured from it: nothing is copied.
    ///
    /// The directory is changed in place to what unpacking the layer would give, and moves into the cache. Where that
    /// is not possible (another file system, a name that archives read as a whiteout) it stays, in an undefined state,
    /// and the layer is unpacked when it is needed.
    ///
    /// - Parameter normaliser: the one that the layer was captured with.
    /// - Returns: whether the directory is now the cache's.
    @discardableResult
    public func adopt(_ upper: FilePath, as diffID: Digest, normaliser: Normaliser) throws -> Bool {
        try whileLocked(diffID) {
            if try isWhole(diffID) { return false }
            let descriptor = open(upper.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { throw IbidError.system("open", upper.string, lastError()) }
            defer { close(descriptor) }
            // Looked at first: on another file system all the work would be for nothing.
            var (here, there) = (cl_stat(), cl_stat())
            guard cl_stat_at(descriptor, "", 0, &here) == 0, cl_stat_at(CL_AT_FDCWD, root.string, 1, &there) == 0,
                here.device == there.device
            else { return false }
            let adoption = LayerAdoption(normaliser: normaliser)
            guard try adoption.normalise(descriptor, path: []), try adoption.strip(".", in: descriptor, path: []) else {
                return false
            }
            guard fchown(descriptor, 0, 0) == 0, fchmod(descriptor, 0o755) == 0 else {
                throw IbidError.system("own", upper.string, lastError())
            }
            try install(upper, as: diffID)
            return true
        }
    }
}

/// Changes a captured directory into what its layer unpacks to.
private struct LayerAdoption {
    let normaliser: Normaliser

    /// - Returns: false when the directory holds what unpacking would not give.
    func normalise(_ directory: Int32, path: [UInt8]) throws -> Bool {
        for raw in try rawNames(in: directory) {
            let name = raw.dropLast().map(UInt8.init(bitPattern:))
            let child = path.child(name)
            if name.starts(with: Array(".wh.".utf8)) { return false }
            var status = cl_stat()
            try check(cl_stat_at(directory, raw, 0, &status), "look at", child)
            let type = status.mode & UInt32(S_IFMT)
            if normaliser.drops(child) || type == UInt32(S_IFSOCK) {
                try drop(raw, isDirectory: type == UInt32(S_IFDIR), in: directory, path: child)
                continue
            }
            switch type {
            case UInt32(S_IFDIR):
                let opened = openat(directory, raw, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard opened >= 0 else { throw failure("open", child, -errno) }
                defer { close(opened) }
                guard try normalise(opened, path: child) else { return false }
            case UInt32(S_IFCHR):
                // A whiteout; any other device is refused when the layer is unpacked.
                guard status.device_major == 0, status.device_minor == 0 else { return false }
                continue
            case UInt32(S_IFBLK): return false
            case UInt32(S_IFREG) where normaliser.empties(child) && status.size > 0:
                let file = openat(directory, raw, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
                guard file >= 0, ftruncate(file, 0) == 0 else { throw failure("empty", child, -errno) }
                close(file)
            default: break
            }
            if type == UInt32(S_IFDIR) || type == UInt32(S_IFREG) {
                guard try strip(raw, in: directory, path: child) else { return false }
            }
            // Last: what happened to a directory's entries has changed its time.
            let time = normaliser.clamp(status.mtime_seconds)
            if type == UInt32(S_IFDIR) || time != status.mtime_seconds || status.mtime_nanoseconds != 0
                || normaliser.empties(child)
            {
                try check(cl_utimes_at(directory, raw, time, 0), "set the time of", child)
            }
        }
        return true
    }

    private func drop(_ name: [CChar], isDirectory: Bool, in directory: Int32, path: [UInt8]) throws {
        guard isDirectory else { return try check(cl_unlink_at(directory, name, 0), "remove", path) }
        try removeTree(FilePath(platformString: Array("/proc/self/fd/\(directory)/".utf8CString.dropLast()) + name))
    }

    /// Removes the attributes that the layer does not carry; a directory's mark that it is opaque stays.
    func strip(_ name: some Collection<CChar>, in directory: Int32, path: [UInt8]) throws -> Bool {
        var place = Array("/proc/self/fd/\(directory)/".utf8CString.dropLast())
        place += name
        let length = cl_llistxattr(place, nil, 0)
        if length <= 0 { return true }
        var list = [CChar](repeating: 0, count: length)
        let filled = cl_llistxattr(place, &list, list.count)
        guard filled >= 0 else { throw failure("read the attributes of", path, Int32(filled)) }
        for raw in list.prefix(filled).split(separator: 0) {
            let key = String(decoding: raw.map(UInt8.init(bitPattern:)), as: UTF8.self)
            if key == "security.capability" || (key.hasPrefix("user.") && !key.hasPrefix("user.overlay.")) { continue }
            var value: UInt8 = 0
            let isOpaque = cl_lgetxattr(place, key, &value, 1) == 1 && value == UInt8(ascii: "y")
            if key == OverlayMark.opaque, isOpaque { continue }
            try check(cl_lremovexattr(place, key), "remove an attribute of", path)
        }
        return true
    }

    private func check(_ result: Int32, _ operation: String, _ path: [UInt8]) throws {
        guard result >= 0 else { throw failure(operation, path, result) }
    }

    private func failure(_ operation: String, _ path: [UInt8], _ result: Int32) -> IbidError {
        IbidError.system(operation, String(decoding: path, as: UTF8.self), errorText(result))
    }
}

extension LayerAdoption {
    fileprivate func strip(_ name: String, in directory: Int32, path: [UInt8]) throws -> Bool {
        try strip(Array(name.utf8CString), in: directory, path: path)
    }
}
