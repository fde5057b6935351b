import CLinux
import Glibc
import IbidModel
import IbidStore
package import SystemPackage

/// What an overlay of layers will show, read from the layers themselves: before anything is mounted, mount points are
/// found in it and the image's users looked up.
///
/// Layers are not trusted: symbolic links are resolved inside the stack, never by the host's kernel.
package struct LayerStack {
    /// A directory of the merged tree: its path there, and where its parts lie, uppermost first.
    struct Directory {
        var path: [String]
        var parts: [FilePath]
    }

    enum Node {
        case directory(Directory)
        case file(FilePath, mode: UInt32)
        case symlink(target: String)
    }

    /// Where a path leads: as far as it exists, and the names that are missing below.
    struct Resolution {
        /// The directories that were passed, the root first.
        var directories: [Directory]
        /// What the path names; nil when it does not exist.
        var node: Node?
        /// The names that do not exist, the first below the last of `directories`.
        var missing: [String]
    }

    /// Uppermost first.
    private let layers: [FilePath]

    /// - Parameter layers: lowest first.
    package init(_ layers: [FilePath]) { self.layers = layers.reversed() }

    /// The names that lead to a path without passing through a link; names that do not exist stay as they are.
    package func realPath(_ path: String) throws -> [String] {
        let resolution = try resolve(path)
        return (resolution.directories.last?.path ?? []) + resolution.missing
    }

    /// Follows a path with the rules of a file system whose root is the stack.
    func resolve(_ path: String) throws -> Resolution {
        var directories = [Directory(path: [], parts: layers)]
        var rest = names(path)[...]
        var links = 0
        while let name = rest.popFirst() {
            if name == ".." {
                if directories.count > 1 { directories.removeLast() }
                continue
            }
            guard let current = directories.last else { break }
            switch lookUp(name, in: current) {
            case nil:
                let missing = [name] + rest
                guard !missing.contains("..") else { throw IbidError.mountPoint(path, "it passes through '..'") }
                return Resolution(directories: directories, node: nil, missing: missing)
            case .directory(let next): directories.append(next)
            case .symlink(let target):
                links += 1
                guard links <= 40 else { throw IbidError.mountPoint(path, "too many symbolic links") }
                if target.hasPrefix("/") { directories.removeSubrange(1...) }
                rest = names(target)[...] + rest
            case .file(let file, let mode):
                guard rest.isEmpty else { throw IbidError.mountPoint(path, "'\(name)' is not a directory") }
                return Resolution(directories: directories, node: .file(file, mode: mode), missing: [])
            }
        }
        return Resolution(directories: directories, node: directories.last.map { .directory($0) }, missing: [])
    }

    /// A regular file's bytes, at most `limit` of them; nil when there is none.
    func read(_ path: String, limit: Int) throws -> [UInt8]? {
        guard case .file(let file, let mode)? = try resolve(path).node, mode & UInt32(S_IFMT) == UInt32(S_IFREG) else {
            return nil
        }
        return TextFile.readBytes(file, limit: limit)
    }

    /// The home directory of an image's `User`; nil when the image knows none, or has no directory there.
    package func home(of user: String) throws -> String? { try ContainerUser.home(user, in: self) }

    /// The names in a directory that are asked for; none when there is no such directory.
    package func names(in path: String, where isWanted: (String) -> Bool) throws -> [String] {
        guard case .directory(let directory)? = try resolve(path).node else { return [] }
        let found = Set(try directory.parts.flatMap { try IbidStore.names(in: $0).filter(isWanted) })
        return found.filter { lookUp($0, in: directory) != nil }.sorted()
    }

    // overlayfs.rst: the uppermost entry of a name decides; directories of the same name merge downwards until one is
    // opaque or something else lies in between.
    private func lookUp(_ name: String, in directory: Directory) -> Node? {
        var parts: [FilePath] = []
        for part in directory.parts {
            let path = part.appending(name)
            var status = cl_stat()
            guard cl_stat_at(CL_AT_FDCWD, path.string, 0, &status) == 0 else { continue }
            switch status.mode & UInt32(S_IFMT) {
            case UInt32(S_IFDIR):
                parts.append(path)
                if isOpaque(path) { return .directory(Directory(path: directory.path + [name], parts: parts)) }
                continue
            case _ where !parts.isEmpty: break
            case UInt32(S_IFCHR) where status.device_major == 0 && status.device_minor == 0: return nil
            case UInt32(S_IFLNK): return .symlink(target: target(path))
            default: return .file(path, mode: status.mode)
            }
            break
        }
        return parts.isEmpty ? nil : .directory(Directory(path: directory.path + [name], parts: parts))
    }

    private func isOpaque(_ path: FilePath) -> Bool {
        var value: UInt8 = 0
        return cl_lgetxattr(path.string, OverlayMark.opaque, &value, 1) == 1 && value == UInt8(ascii: "y")
    }

    private func target(_ path: FilePath) -> String {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = cl_readlink_at(CL_AT_FDCWD, path.string, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    private func names(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }
}
