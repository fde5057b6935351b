import IbidMerkle
import IbidModel
import SystemPackage

/// The newest checkpoint that left a ledger, kept beside the keys and outside the database: it shows when an older
/// copy of the database, or none, was put in its place.
///
/// Several processes may write it in the wrong order, so it can be behind the ledger; it is never ahead of it.
enum ReleasedCheckpoint {
    static func path(in keys: FilePath) -> FilePath { keys.appending("ledger.checkpoint") }

    static func read(in keys: FilePath) throws -> Checkpoint? {
        guard case .text(let text) = try SmallFile.read(path(in: keys)) else { return nil }
        return try Checkpoint(text: SignedNote(parsing: text).text)
    }

    static func write(_ note: SignedNote, in keys: FilePath) throws {
        // Not made durable: the database is, and after a power cut an older checkpoint here does no harm.
        try SmallFile.replace(path(in: keys), note.description, mode: 0o644, durable: false)
    }
}
