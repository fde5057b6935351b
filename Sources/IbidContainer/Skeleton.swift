import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// The layer that lies on top of an image's layers and holds what is missing there of mount points and promised
/// directories, so that the writable layer above holds only what the container wrote.
///
/// A directory that the image has too gets the image's owner, mode and time, as the uppermost part of a merged
/// directory decides how it looks.
struct Skeleton {
    /// Something that has to be there.
    enum Part {
        /// A directory; who owns it, and its mode, when it has to be made.
        case directory(String, owner: ContainerUser? = nil, mode: UInt32 = 0o755)
        /// A file, to mount another on it, or with what the image cannot know.
        case file(String, content: String? = nil)
        /// A file of zeros that everybody may write; what is written lies in the writable layer.
        case shared(String, bytes: Int)

        /// All that it says, on one line.
        var text: String {
            switch self {
            case .directory(let path, let owner, let mode):
                "directory \(mode) \(owner.map { "\($0.uid):\($0.gid)" } ?? "") \(path.debugDescription)"
            case .file(let path, let content):
                "file \(path.debugDescription) \(content?.debugDescription ?? "")"
            case .shared(let path, let bytes): "shared \(path.debugDescription) \(bytes)"
            }
        }
    }

    private let root: FilePath
    private let stack: LayerStack
    private var isNew = false
    private var times: [(path: FilePath, seconds: Int64, nanoseconds: UInt32)] = []

    /// Makes the parts in an existing, empty directory.
    ///
    /// - Parameter isNew: whether what is missing in the image has the time of now, and not the beginning of 1970.
    static func make(_ parts: [Part], in root: FilePath, stack: LayerStack, isNew: Bool = false) throws {
        var skeleton = Skeleton(root: root, stack: stack)
        skeleton.isNew = isNew
        for part in parts {
            switch part {
            case .directory(let path, let owner, let mode): try skeleton.directory(path, owner: owner, mode: mode)
            case .file(let path, let content): try skeleton.file(path, content: content)
            case .shared(let path, let bytes):
                try skeleton.file(path, content: String(repeating: "\0", count: bytes), mode: 0o666)
            }
        }
        try skeleton.finish()
    }

    private init(root: FilePath, stack: LayerStack) {
        self.root = root
        self.stack = stack
    }

    private mutating func directory(_ path: String, owner: ContainerUser?, mode: UInt32) throws {
        let resolution = try stack.resolve(path)
        switch resolution.node {
        case .directory: return
        case .file, .symlink: throw IbidError.mountPoint(path, "the image has a file there")
        case nil:
            let made = try make(resolution.missing[...], below: resolution, path)
            var result = owner.map { cl_chown_at(CL_AT_FDCWD, made.string, $0.uid, $0.gid) } ?? 0
            if result == 0, mode != 0o755 { result = cl_chmod_at(CL_AT_FDCWD, made.string, mode) }
            guard result == 0 else { throw IbidError.mountPoint(path, errorText(result)) }
        }
    }

    private mutating func file(_ path: String, content: String?, mode: UInt32 = 0o644) throws {
        let resolution = try stack.resolve(path)
        let (parent, name): (FilePath, String)
        switch resolution.node {
        case .file(let file, _):
            guard content != nil, let last = file.lastComponent?.string else { return }
            (parent, name) = (try make([], below: resolution, path), last)
        case .directory, .symlink: throw IbidError.mountPoint(path, "the image has a directory there")
        case nil:
            guard let last = resolution.missing.last else { return }
            (parent, name) = (try make(resolution.missing.dropLast(), below: resolution, path), last)
        }
        let file = parent.appending(name)
        try TextFile.create(Array((content ?? "").utf8), at: file)
        let opened = mode == 0o644 ? 0 : cl_chmod_at(CL_AT_FDCWD, file.string, mode)
        guard opened == 0 else { throw IbidError.mountPoint(path, errorText(opened)) }
        // The moment of a run is not for it to see.
        let timed = cl_utimes_at(CL_AT_FDCWD, file.string, 0, 0)
        guard timed == 0 else { throw IbidError.mountPoint(path, errorText(timed)) }
    }

    // After everything has been made: a new entry changes its directory's time.
    private func finish() throws {
        for (path, seconds, nanoseconds) in times.reversed() {
            let result = cl_utimes_at(CL_AT_FDCWD, path.string, seconds, nanoseconds)
            guard result == 0 else { throw IbidError.system("set the time of", path.string, errorText(result)) }
        }
    }

    private mutating func make(
        _ names: ArraySlice<String>, below resolution: LayerStack.Resolution, _ target: String
    ) throws -> FilePath {
        var path = root
        for directory in resolution.directories.dropFirst() {
            path = path.appending(directory.path.last ?? "")
            try make(path, like: directory.parts.first, target)
        }
        for name in names {
            path = path.appending(name)
            try make(path, like: nil, target)
        }
        return path
    }

    private mutating func make(_ path: FilePath, like model: FilePath?, _ target: String) throws {
        let made = cl_mkdir_at(CL_AT_FDCWD, path.string, 0o755)
        if made == -EEXIST { return }
        guard made == 0 else { throw IbidError.mountPoint(target, errorText(made)) }
        var status = cl_stat()
        status.mode = 0o755
        if let model {
            let result = cl_stat_at(CL_AT_FDCWD, model.string, 0, &status)
            guard result == 0 else { throw IbidError.mountPoint(target, errorText(result)) }
        }
        let owned = cl_chown_at(CL_AT_FDCWD, path.string, status.uid, status.gid)
        let opened = cl_chmod_at(CL_AT_FDCWD, path.string, status.mode & 0o7777)
        guard owned == 0, opened == 0 else { throw IbidError.mountPoint(target, errorText(min(owned, opened))) }
        if let model, let owner = FileOwner.noted({ cl_lgetxattr(model.string, $0, $1, $2) }) {
            let note = try owner.note(for: target)
            let noted = cl_lsetxattr(path.string, FileOwner.attribute, note, note.count)
            guard noted == 0 else { throw IbidError.mountPoint(target, errorText(noted)) }
        }
        if isNew, model == nil { return }
        times.append((path, status.mtime_seconds, status.mtime_nanoseconds))
    }
}
