import Glibc
import IbidMerkle
import IbidModel
import SystemPackage

/// The newest checkpoint that left a ledger, kept beside the keys and outside the database: it shows when an older
/// copy of the database, or none, was put in its place.
///
/// Several processes may write it in the wrong order, so it can be behind the ledger; it is never ahead of it.
enum ReleasedCheckpoint {
    // Written over in place, always as long: a file that is replaced makes every following sync of the database wait
    // for the file system's journal, which takes longer than the append.
    private static let length = 1024

    static func path(in keys: FilePath) -> FilePath { keys.appending("ledger.checkpoint") }

    /// The checkpoint; nil when there is none.
    ///
    /// - Parameter known: one that need not be read when it is there.
    /// - Throws: `malformed-note`, `malformed-checkpoint` when a power cut or somebody else damaged the file.
    static func read(in keys: FilePath, known: KnownCheckpoint? = nil) throws -> Checkpoint? {
        let path = path(in: keys)
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw IbidError.system("open", path.string, String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: length)
        guard flock(descriptor, LOCK_SH) == 0, pread(descriptor, &bytes, length, 0) >= 0 else {
            throw IbidError.system("read", path.string, String(cString: strerror(errno)))
        }
        guard let end = bytes.lastIndex(where: { $0 != 0x0a && $0 != 0 }) else { return nil }
        let text = String(decoding: bytes[...end], as: UTF8.self) + "\n"
        if let known, known.text == text { return known.checkpoint }
        let note = try SignedNote(parsing: text)
        return try Checkpoint(text: note.text)
    }

    static func write(_ note: KnownCheckpoint, in keys: FilePath) throws {
        let path = path(in: keys)
        var bytes = Array(note.text.utf8)
        precondition(bytes.count <= length, "a checkpoint with one signature is some 250 bytes long")
        bytes += [UInt8](repeating: 0x0a, count: length - bytes.count)
        let descriptor = open(path.string, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // Not synced: the database is, and after a power cut an older checkpoint here does no harm.
        guard flock(descriptor, LOCK_EX) == 0, pwrite(descriptor, bytes, length, 0) == length else {
            throw IbidError.system("write", path.string, String(cString: strerror(errno)))
        }
    }
}
