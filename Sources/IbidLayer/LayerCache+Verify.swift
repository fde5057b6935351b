import CLinux
import Glibc
public import IbidModel
import IbidStore
import SystemPackage

extension LayerCache {
    /// Compares an unpacked layer with its blob, byte by byte; a layer that is not unpacked has nothing to compare.
    ///
    /// What runs is the unpacked directory: a file changed there would run, although every blob is in order.
    ///
    /// - Returns: every file that is not as the layer says, is missing, or is not of the layer.
    /// - Throws: `IbidError` when the blob is missing or is no archive.
    public func verify(_ diffID: Digest) throws -> [VerificationProblem] {
        let directory = path(of: diffID)
        let root = open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { return [] }
        defer { close(root) }
        var check = LayerCheck(root: root, name: "unpacked layer \(diffID)")
        let reader = try TarReader(file: store.path(of: diffID))
        while let entry = try reader.next() { try check.compare(entry, reader) }
        try check.findStrangers()
        return check.problems
    }
}

private struct LayerCheck {
    let root: Int32
    let name: String
    var problems: [VerificationProblem] = []
    private var known: Set<[UInt8]> = []

    init(root: Int32, name: String) {
        self.root = root
        self.name = name
    }

    mutating func compare(_ entry: TarEntry, _ reader: TarReader) throws {
        if entry.path.isEmpty { return }
        var path = entry.path
        let leaf = path.lastName
        if leaf == Array(".wh..wh..opq".utf8) { return }
        let isWhiteout = leaf.starts(with: Array(".wh.".utf8))
        if isWhiteout { path = path.parentPath.child(Array(leaf.dropFirst(4))) }
        remember(path)
        var status = cl_stat()
        let found = withPath(path) {
            cl_openat2(root, $0, CL_O_PATH | CL_O_NOFOLLOW, 0, CL_RESOLVE_BENEATH | CL_RESOLVE_NO_SYMLINKS)
        }
        guard found >= 0 || found == -ELOOP else { return add(path, got: "missing", want: "as in its blob") }
        defer { if found >= 0 { close(found) } }
        guard withPath(path, { cl_stat_at(root, $0, 0, &status) }) == 0 else {
            return add(path, got: "missing", want: "as in its blob")
        }
        let type = status.mode & UInt32(S_IFMT)
        if isWhiteout {
            if type != UInt32(S_IFCHR) { add(path, got: "a file", want: "a whiteout") }
            return
        }
        if !sameKind(entry, status, path) { return add(path, got: "another kind of file", want: "as in its blob") }
        if case .hardlink = entry.kind { return }
        let isLink = type == UInt32(S_IFLNK)
        let noted = withPath(path) { cPath in FileOwner.noted { cl_getxattr_at(root, cPath, $0, $1, $2) } }
        let owner = noted ?? FileOwner(uid: status.uid, gid: status.gid)
        if owner != FileOwner(uid: entry.uid, gid: entry.gid) || (!isLink && status.mode & 0o7777 != entry.mode) {
            add(path, got: "other owner or permissions", want: "as in its blob")
        }
        if case .file(let size) = entry.kind { try compareContent(path, size: size, status, reader) }
    }

    private func sameKind(_ entry: TarEntry, _ status: cl_stat, _ path: [UInt8]) -> Bool {
        let type = status.mode & UInt32(S_IFMT)
        switch entry.kind {
        case .file, .hardlink: return type == UInt32(S_IFREG) || type == UInt32(S_IFLNK)
        case .directory: return type == UInt32(S_IFDIR)
        case .fifo: return type == UInt32(S_IFIFO)
        case .symlink(let target):
            var text = [UInt8](repeating: 0, count: 4_097)
            let count = withPath(path) { cl_readlink_at(root, $0, &text, text.count) }
            return type == UInt32(S_IFLNK) && count >= 0 && Array(text.prefix(count)) == target
        case .characterDevice, .blockDevice: return false
        }
    }

    private mutating func compareContent(_ path: [UInt8], size: Int64, _ status: cl_stat, _ reader: TarReader) throws {
        guard Int64(status.size) == size else { return add(path, got: "\(status.size) bytes", want: "\(size)") }
        let file = withPath(path) { openat(root, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        guard file >= 0 else { return add(path, got: "unreadable: \(lastError())", want: "as in its blob") }
        defer { close(file) }
        var same = true
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        try reader.readContent { chunk in
            var rest = chunk
            while same, let expected = rest.baseAddress, !rest.isEmpty {
                let count = read(file, &buffer, min(buffer.count, rest.count))
                guard count > 0, memcmp(buffer, expected, count) == 0 else {
                    same = false
                    return
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
        }
        if !same { add(path, got: "other bytes", want: "as in its blob") }
    }

    private mutating func remember(_ path: [UInt8]) {
        var path = path
        while !path.isEmpty, known.insert(path).inserted { path = path.parentPath }
    }

    /// What the directory has and the layer has not.
    mutating func findStrangers() throws {
        var pending: [[UInt8]] = [[]]
        while let directory = pending.popLast() {
            let opened = withPath(directory.isEmpty ? Array(".".utf8) : directory) {
                openat(root, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            guard opened >= 0 else { continue }
            defer { close(opened) }
            for raw in try rawNames(in: opened) {
                let path = directory.child(raw.dropLast().map(UInt8.init(bitPattern:)))
                guard known.contains(path) else {
                    add(path, got: "a file that is not of the layer", want: "nothing")
                    continue
                }
                var status = cl_stat()
                if cl_stat_at(opened, raw, 0, &status) == 0, status.mode & UInt32(S_IFMT) == UInt32(S_IFDIR) {
                    pending.append(path)
                }
            }
        }
    }

    private mutating func add(_ path: [UInt8], got: String, want: String) {
        problems.append(
            VerificationProblem(what: "\(name), \(String(decoding: path, as: UTF8.self))", got: got, want: want))
    }
}
