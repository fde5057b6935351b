import CLinux
import Glibc
public import IbidModel
public import IbidStore
public import SystemPackage

/// Unpacked layers by diffID, for overlay mounts: made once from their blobs, shared by every image and run.
///
/// A layer's directory is there whole or not at all; whatever else lies in the cache is the rest of a crash and goes
/// with the next attempt. The cache may be removed at any time when nothing runs.
public struct LayerCache: Sendable {
    let root: FilePath
    let store: Store

    /// A cache in a directory, filled from a store.
    public init(root: FilePath, store: Store) {
        self.root = root
        self.store = store
    }

    func path(of diffID: Digest) -> FilePath { root.appending(diffID.hex) }

    /// The layers that are unpacked now.
    public func unpacked() throws -> [Digest] {
        guard access(root.string, F_OK) == 0 else { return [] }
        return try names(in: root).compactMap { Digest(hex: $0) }.sorted()
    }

    /// The directory of an unpacked layer, unpacking it first when needed.
    ///
    /// - Throws: `missing-blob`, `corrupt-blob`, or what is wrong with the archive.
    public func directory(for diffID: Digest) throws -> FilePath {
        let directory = path(of: diffID)
        if try isWhole(diffID) { return directory }
        return try whileLocked(diffID) {
            if try isWhole(diffID) { return directory }
            try store.verify(diffID)
            let aside = root.appending(".\(diffID.hex).partial")
            try removeTree(aside)
            do {
                try unpack(diffID, to: aside)
                try install(aside, as: diffID)
            } catch {
                try removeTree(aside)
                throw error
            }
            return directory
        }
    }

    /// Runs the body while no other process makes this layer.
    func whileLocked<T>(_ diffID: Digest, _ body: () throws -> T) throws -> T {
        try makeDirectories(root, mode: 0o755)
        // As for the workspaces of containers.
        _ = cl_spread_subdirectories(root.string)
        // A few locks for all layers: their files stay, and two layers rarely wait for each other.
        let lock = try FileLock(root.appending(".lock-\(diffID.hex.prefix(1))"))
        defer { lock.release() }
        return try body()
    }

    /// Gives a finished directory the layer's name, in place of what a crash left there.
    func install(_ made: FilePath, as diffID: Digest) throws {
        let directory = path(of: diffID)
        try removeTree(directory)
        try writeAtomically(Array(Self.bootID.utf8), to: mark(of: diffID), durable: false)
        guard rename(made.string, directory.string) == 0 else {
            throw IbidError.system("create", directory.string, lastError())
        }
    }

    /// Whether a layer is unpacked now.
    ///
    /// Writing a layer's files to disk takes longer than unpacking them, and only a power failure makes it matter: the
    /// kernel keeps what was written until then. So nothing is flushed; a mark says in which boot the layer was
    /// unpacked, and a layer of an earlier boot is unpacked again.
    public func isWhole(_ diffID: Digest) throws -> Bool {
        guard access(path(of: diffID).string, F_OK) == 0 else { return false }
        return try readIfPresent(mark(of: diffID)) == Array(Self.bootID.utf8)
    }

    private func mark(of diffID: Digest) -> FilePath { root.appending(".\(diffID.hex).boot") }

    private static let bootID: String = {
        let bytes = (try? readIfPresent("/proc/sys/kernel/random/boot_id")) ?? nil
        // Without an id no layer is ever taken for whole: slow, and right.
        return bytes.map { String(decoding: $0, as: UTF8.self) } ?? "\(UInt64.random(in: 0 ... .max))"
    }()

    private func unpack(_ diffID: Digest, to path: FilePath) throws {
        try makeDirectories(path, mode: 0o755)
        let descriptor = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
        defer { close(descriptor) }
        fchmod(descriptor, 0o755)
        var unpacker = LayerUnpacker(root: descriptor, name: "\(diffID)")
        try unpacker.unpack(try TarReader(file: store.path(of: diffID)))
    }
}
