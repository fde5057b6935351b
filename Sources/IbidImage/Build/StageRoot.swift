import CLinux
import Glibc
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// The file system that layers amount to, read from where they are without mounting anything.
struct StageRoot: CopySource {
    /// One layer.
    enum Layer {
        /// The directory that it is unpacked in.
        case directory(FilePath)
        /// The archive that it still is. It only adds: nothing in it says that something below is gone.
        case archive(SourceTree)
    }

    /// Where something lies: its layer, and its path on disk or in the archive.
    private struct Place {
        /// nil for what is on disk.
        var archive: SourceTree?
        var path: [UInt8]
    }

    /// The roots of the layers, uppermost first.
    private let roots: [Place]

    /// - Parameter layers: unpacked layer directories, lowest first.
    init(layers: [FilePath]) { self.init(layers.map { .directory($0) }) }

    /// - Parameter layers: lowest first.
    init(_ layers: [Layer]) {
        roots = layers.reversed().map { layer in
            switch layer {
            case .directory(let directory): Place(archive: nil, path: Array(directory.string.utf8))
            case .archive(let tree): Place(archive: tree, path: [])
            }
        }
    }

    func node(_ path: [UInt8]) throws -> CopyNode? {
        guard let place = try places(of: path).first else { return rootNode(path) }
        guard let archive = place.archive else { return try node(at: place.path) }
        guard var node = archive.node(place.path) else { return nil }
        // As on disk.
        var isFile = false
        if case .file = node.kind { isFile = true }
        node.xattrs = isFile ? node.xattrs.filter { $0.key == "security.capability" } : [:]
        return node
    }

    /// The one path on disk that a file or directory has; nil when more than one layer has a part in it.
    func onlyPlace(of path: [UInt8]) throws -> FilePath? {
        let places = try places(of: path)
        guard places.count == 1, !path.isEmpty || roots.count == 1, places.allSatisfy({ $0.archive == nil }) else {
            return nil
        }
        return places.first.flatMap { String(validating: $0.path, as: UTF8.self) }.map { FilePath($0) }
    }

    // An image without layers still has a root directory.
    private func rootNode(_ path: [UInt8]) -> CopyNode? { path.isEmpty ? CopyNode(kind: .directory, mode: 0o755) : nil }

    func names(in path: [UInt8]) throws -> [[UInt8]] {
        var seen: Set<[UInt8]> = []
        var names: [[UInt8]] = []
        for place in try places(of: path) {
            if let archive = place.archive {
                names += archive.names(in: place.path).filter { seen.insert($0).inserted }
                continue
            }
            for name in try entries(of: place.path) where seen.insert(name).inserted {
                if try !status(of: place.path.child(name)).isWhiteout { names.append(name) }
            }
        }
        return names.sorted { $0.lexicographicallyPrecedes($1) }
    }

    func read(_ path: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let found = try places(of: path).first else { return }
        if let archive = found.archive { return try archive.read(found.path, body) }
        let place = found.path
        let descriptor = withPath(place) { open($0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard descriptor >= 0 else {
            throw IbidError.system("open", String(decoding: place, as: UTF8.self), lastError())
        }
        defer { close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw IbidError.system("read", String(decoding: place, as: UTF8.self), lastError())
            }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
        }
    }

    /// Where a path lies, uppermost first: one place for a file, one or more for a directory.
    ///
    /// overlayfs.rst: the uppermost entry of a name decides; directories of one name merge downwards until one is
    /// opaque or something else lies in between.
    private func places(of path: [UInt8]) throws -> [Place] {
        var parents = roots
        for name in path.split(separator: UInt8(ascii: "/")) {
            var found: [Place] = []
            for parent in parents {
                let place = Place(archive: parent.archive, path: parent.path.child(name))
                if let archive = place.archive {
                    guard let node = archive.node(place.path) else { continue }
                    if node.isDirectory || found.isEmpty { found.append(place) }
                    if node.isDirectory { continue }
                    break
                }
                guard let status = try statusIfPresent(of: place.path) else { continue }
                if status.mode & UInt32(S_IFMT) == UInt32(S_IFDIR) {
                    found.append(place)
                    if isOpaque(place.path) { break }
                    continue
                }
                if found.isEmpty, !status.isWhiteout { found.append(place) }
                break
            }
            parents = found
            if parents.isEmpty { return [] }
        }
        return parents
    }

    private func node(at place: [UInt8]) throws -> CopyNode {
        let status = try status(of: place)
        var node = CopyNode(
            kind: .special, mode: status.mode & 0o7777, uid: status.uid, gid: status.gid, mtime: status.mtime_seconds)
        if let owner = withPath(place, { path in FileOwner.noted { cl_lgetxattr(path, $0, $1, $2) } }) {
            (node.uid, node.gid) = (owner.uid, owner.gid)
        }
        switch status.mode & UInt32(S_IFMT) {
        case UInt32(S_IFDIR): node.kind = .directory
        case UInt32(S_IFREG):
            node.kind = .file(size: Int64(status.size))
            if let value = attribute("security.capability", of: place) { node.xattrs["security.capability"] = value }
        case UInt32(S_IFLNK): node.kind = .symlink(try target(of: place))
        default: break
        }
        return node
    }

    private func status(of place: [UInt8]) throws -> cl_stat {
        guard let status = try statusIfPresent(of: place) else {
            throw IbidError.system("look at", String(decoding: place, as: UTF8.self), "it went away")
        }
        return status
    }

    private func statusIfPresent(of place: [UInt8]) throws -> cl_stat? {
        var status = cl_stat()
        let result = withPath(place) { cl_stat_at(CL_AT_FDCWD, $0, 0, &status) }
        if result == 0 { return status }
        // A name that no file system takes names nothing.
        guard [-ENOENT, -ENOTDIR, -ENAMETOOLONG].contains(result) else {
            throw IbidError.system("look at", String(decoding: place, as: UTF8.self), errorText(result))
        }
        return nil
    }

    private func entries(of place: [UInt8]) throws -> [[UInt8]] {
        guard let stream = withPath(place, { opendir($0) }) else {
            throw IbidError.system("list", String(decoding: place, as: UTF8.self), lastError())
        }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name != [UInt8(ascii: ".")], name != Array("..".utf8) { names.append(name) }
        }
        return names
    }

    private func isOpaque(_ place: [UInt8]) -> Bool {
        attribute(OverlayMark.opaque, of: place) == [UInt8(ascii: "y")]
    }

    private func attribute(_ name: String, of place: [UInt8]) -> [UInt8]? {
        var value = [UInt8](repeating: 0, count: 256)
        let count = withPath(place) { cl_lgetxattr($0, name, &value, value.count) }
        return count > 0 ? Array(value.prefix(count)) : nil
    }

    private func target(of place: [UInt8]) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = withPath(place) { cl_readlink_at(CL_AT_FDCWD, $0, &buffer, buffer.count) }
        guard count >= 0 else {
            throw IbidError.system("read", String(decoding: place, as: UTF8.self), errorText(count))
        }
        return Array(buffer.prefix(count))
    }
}

extension cl_stat {
    /// The overlay's sign that a name is gone.
    fileprivate var isWhiteout: Bool {
        mode & UInt32(S_IFMT) == UInt32(S_IFCHR) && device_major == 0 && device_minor == 0
    }
}
