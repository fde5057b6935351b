import Glibc
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// The files of an archive, read from the archive itself: nothing is unpacked.
struct SourceTree: CopySource {
    private struct Item {
        var node: CopyNode
        var offset: Int64
        var children: [[UInt8]] = []
    }

    private let file: OpenArchive
    private var items: [[UInt8]: Item] = [[]: Item(node: CopyNode(kind: .directory, mode: 0o755), offset: 0)]

    /// Reads the archive's table.
    ///
    /// - Parameter asSource: whether owners, times and modes are those of a source tree: root, and 0755 or 0644.
    /// - Throws: `IbidError` for an archive that is malformed or names one thing twice as different kinds.
    init(archive file: FilePath, asSource: Bool) throws {
        self.file = try OpenArchive(file)
        let reader = try TarReader(file: file)
        while let entry = try reader.next() {
            if entry.path.isEmpty { continue }
            var node = CopyNode(
                kind: .special, mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime,
                xattrs: entry.xattrs)
            var offset: Int64 = 0
            switch entry.kind {
            case .file(let size):
                node.kind = .file(size: size)
                offset = reader.contentOffset
            case .directory: node.kind = .directory
            case .symlink(let target): node.kind = .symlink(target)
            case .hardlink(let target):
                guard let linked = items[target], case .file = linked.node.kind else { continue }
                node = linked.node
                offset = linked.offset
            case .characterDevice, .blockDevice, .fifo: break
            }
            if asSource {
                node.mode = node.isDirectory || node.mode & 0o100 != 0 ? 0o755 : 0o644
                (node.uid, node.gid, node.mtime, node.xattrs) = (0, 0, .max, [:])
            }
            insert(node, at: entry.path, offset: offset)
        }
        for path in items.keys { items[path]?.children.sort { $0.lexicographicallyPrecedes($1) } }
    }

    private mutating func insert(_ node: CopyNode, at path: [UInt8], offset: Int64) {
        if var item = items[path] {
            // Of a name given twice the later counts; a directory stays one as long as something is in it.
            if !item.children.isEmpty, !node.isDirectory { return }
            (item.node, item.offset) = (node, offset)
            items[path] = item
            return
        }
        items[path] = Item(node: node, offset: offset)
        let parent = path.parentPath
        if items[parent] == nil { insert(CopyNode(kind: .directory, mode: 0o755, mtime: .max), at: parent, offset: 0) }
        items[parent]?.children.append(path.lastName)
    }

    func node(_ path: [UInt8]) -> CopyNode? { items[path]?.node }

    func names(in path: [UInt8]) -> [[UInt8]] { items[path]?.children ?? [] }

    func read(_ path: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        guard let item = items[path], case .file(var left) = item.node.kind else { return }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(min(left, 256 << 10)), alignment: 4_096)
        defer { buffer.deallocate() }
        var offset = item.offset
        while left > 0 {
            let count = try file.descriptor.read(
                fromAbsoluteOffset: offset,
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<Int(min(left, Int64(buffer.count)))]))
            guard count > 0 else {
                throw IbidError.system(
                    "read", file.path.string, "it ends inside \(String(decoding: path, as: UTF8.self))")
            }
            try body(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            offset += Int64(count)
            left -= Int64(count)
        }
    }

    /// The tree without one file of its root.
    func without(file name: String) -> SourceTree {
        let path = Array(name.utf8)
        guard case .file? = node(path)?.kind else { return self }
        var tree = self
        tree.items[path] = nil
        tree.items[[]]?.children.removeAll { $0 == path }
        return tree
    }

    /// The tree without what the rules leave out.
    func without(_ rules: IgnoreRules) -> SourceTree {
        guard !rules.isEmpty else { return self }
        var kept: Set<[UInt8]> = [[]]
        for path in items.keys where !path.isEmpty && !rules.excludes(String(decoding: path, as: UTF8.self)) {
            // What is kept keeps the directories it lies in.
            var path = path
            while kept.insert(path).inserted { path = path.parentPath }
        }
        var tree = self
        tree.items = items.filter { kept.contains($0.key) }
        for path in tree.items.keys {
            tree.items[path]?.children.removeAll { !kept.contains(path.child($0)) }
        }
        return tree
    }
}

/// An archive that stays open: a tree may have a hundred thousand files.
private final class OpenArchive: Sendable {
    let path: FilePath
    let descriptor: FileDescriptor

    init(_ path: FilePath) throws {
        self.path = path
        do {
            descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        } catch {
            throw IbidError.system("open", path.string, "\(error)")
        }
    }

    deinit { try? descriptor.close() }
}
