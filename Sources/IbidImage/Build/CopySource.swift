import IbidModel

/// A file, directory or link that can be copied into an image.
struct CopyNode: Hashable, Sendable {
    /// What it is.
    enum Kind: Hashable, Sendable {
        case file(size: Int64)
        case directory
        case symlink([UInt8])
        /// A device, pipe or socket: not copied.
        case special
    }

    var kind: Kind
    var mode: UInt32
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var mtime: Int64 = 0
    var xattrs: [String: [UInt8]] = [:]

    var isDirectory: Bool { kind == .directory }
}

/// A tree of files whose nodes can be looked up.
///
/// Paths are bytes without a slash at either end; empty is the root. Nothing follows symbolic links here.
protocol FileTree {
    /// What is there; nil when nothing is.
    func node(_ path: [UInt8]) throws -> CopyNode?
}

/// What `COPY` and `ADD` take files from: the source tree, an archive, the root of a stage or image.
protocol CopySource: FileTree {
    /// The names in a directory, in byte order.
    func names(in path: [UInt8]) throws -> [[UInt8]]
    /// A file's bytes.
    func read(_ path: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws
}

/// Why a path leads nowhere.
enum PathProblem: Error {
    case tooManyLinks
}

extension FileTree {
    /// Follows symbolic links as a kernel would if this source were the root directory.
    ///
    /// - Returns: the path without links, and what is there; for a path that does not exist, as far as it exists with
    ///   the rest appended.
    func resolve(_ path: [UInt8], followLast: Bool = true) throws -> (path: [UInt8], node: CopyNode?) {
        let slash = UInt8(ascii: "/")
        var done: [[UInt8]] = []
        var rest = path.split(separator: slash).map(Array.init)[...]
        var links = 0
        var node = try self.node([])
        var missing = node == nil
        while let name = rest.popFirst() {
            if name == [UInt8(ascii: ".")] { continue }
            if name == Array("..".utf8) {
                _ = done.popLast()
                missing = false
                node = try self.node(Array(done.joined(separator: [slash])))
                continue
            }
            let here = Array((done + [name]).joined(separator: [slash]))
            node = missing ? nil : try self.node(here)
            if case .symlink(let target)? = node?.kind, followLast || !rest.isEmpty {
                links += 1
                guard links <= 40 else { throw PathProblem.tooManyLinks }
                if target.first == slash { done = [] }
                rest = (target.split(separator: slash).map(Array.init) + rest)[...]
                node = try self.node(Array(done.joined(separator: [slash])))
                continue
            }
            missing = node == nil
            done.append(name)
        }
        return (Array(done.joined(separator: [slash])), node)
    }

}

extension CopySource {
    /// A small file's bytes; nil when there is no regular file.
    func readFile(_ path: [UInt8], limit: Int = 4 << 20) throws -> [UInt8]? {
        let (path, node) = try resolve(path)
        guard case .file(let size)? = node?.kind, size <= Int64(limit) else { return nil }
        var bytes: [UInt8] = []
        try read(path) { bytes += $0 }
        return bytes
    }
}
