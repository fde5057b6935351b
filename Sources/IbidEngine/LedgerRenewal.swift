import Glibc
import IbidLedger
import IbidMerkle
import IbidModel
import IbidStore
import SystemPackage

extension Engine {
    /// Goes on from a ledger that was restored from an older copy, in a log of another name: the checkpoints over the
    /// lost entries stay true of the old log, and no two histories have one name.
    ///
    /// The statements are taken over with their signatures, after one that says what they continue. The old file stays
    /// beside the new one. A crash while the new one is made leaves the old one; one among the renames at the end is
    /// made good by the next command that opens the home (`finishRenewal`).
    ///
    /// - Returns: the old log's name and the new one's.
    /// - Throws: `ledger-damaged`, `ledger-missing`, and `ledger-sound` when nothing was lost.
    public static func renewLedger(of home: Home, moment: Moment = .real) throws -> (old: String, new: String) {
        try finishRenewal(of: home)
        let old = try Ledger.open(at: home.ledger, keys: home.keys)
        let problems = old.verify().problems
        let lost = problems.filter { $0.what == "the entries" || $0.what.hasPrefix("the checkpoint at ") }
        guard !lost.isEmpty else {
            throw IbidError(
                "ledger-sound", "no checkpoint tells of more entries than the ledger has: there is nothing to renew",
                exit: .usage)
        }
        guard lost.count == problems.count, let note = try old.checkpoint() else {
            throw IbidError.ledgerDamaged(home.ledger, "'ibid verify --ledger' lists more than lost entries")
        }
        let head = try Checkpoint(text: note.text)
        let released = try largestReleased(home, head)
        let suffix = String(head.origin.suffix(12)) + "-\(head.size)"

        // A ledger of its own beside, with the same keys; then it takes the old one's place.
        let place = home.root.appending("renewal")
        try removeTree(place)
        try makeDirectories(place.appending("keys"), mode: 0o700)
        for name in ["attestor.key.pem", "ledger.key.pem"] {
            guard let bytes = try readIfPresent(home.keys.appending(name)) else { continue }
            try writeAtomically(bytes, to: place.appending("keys").appending(name), mode: 0o600)
        }
        let new = try Ledger.open(at: place.appending("ledger.sqlite"), keys: place.appending("keys"))
        try new.append(Ledger.renewal(of: head, released: released, at: moment.now()))
        for first in stride(from: 0, to: head.size, by: 1_000) {
            try new.append(envelopes: try old.envelopes(from: first, count: 1_000))
        }
        let origin = try new.origin()
        try new.close()
        try old.close()
        if let size = fileSize(FilePath(home.ledger.string + "-wal")), size > 0 {
            throw IbidError(
                "home-busy", "another process has the ledger open", hint: "wait for it to end, and try again")
        }
        // From here on the new ledger is the ledger, whatever happens.
        try writeAtomically(Array(suffix.utf8), to: place.appending("ready"))
        try finishRenewal(of: home)
        return (head.origin, origin)
    }

    /// Puts a ledger that was renewed in the place of the old one, when that was begun and not ended. Of several processes
    /// one does it.
    ///
    /// Each rename stands by itself: the old file leaves while its successor still waits, the successor comes when its
    /// place is free. So it can stop after any of them and be done again from the start.
    static func finishRenewal(of home: Home) throws {
        let place = home.root.appending("renewal")
        guard access(place.appending("ready").string, F_OK) == 0 else { return }
        let lock = try FileLock(home.root.appending(".renewal"))
        defer { lock.release() }
        guard let bytes = try readIfPresent(place.appending("ready")) else { return }
        let suffix = String(decoding: bytes, as: UTF8.self)
        let keys = (old: home.keys, new: place.appending("keys"))
        let ledger = place.appending("ledger.sqlite")
        let moves: [(from: FilePath, to: FilePath, successor: FilePath)] = [
            (
                keys.old.appending("ledger.checkpoint"), keys.old.appending("ledger-\(suffix).checkpoint"),
                keys.new.appending("ledger.checkpoint")
            ),
            (keys.old.appending("ledger.verified"), keys.old.appending("ledger-\(suffix).verified"), ledger),
            (keys.old.appending("anchors"), keys.old.appending("anchors-\(suffix)"), ledger),
            (home.ledger, home.root.appending("ledger-\(suffix).sqlite"), ledger),
        ]
        for (from, to, successor) in moves where try isThere(successor) && isThere(from) && !isThere(to) {
            try move(from, to)
        }
        try move(keys.new.appending("ledger.checkpoint"), keys.old.appending("ledger.checkpoint"))
        // What SQLite kept beside the old file is empty, and not the new one's.
        for kind in ["-wal", "-shm"] where try isThere(ledger) { unlink(home.ledger.string + kind) }
        try move(ledger, home.ledger)
        for directory in [home.root, home.keys] { try syncDirectory(directory) }
        // "ready" goes last, so that whatever stops here is finished by the next command.
        for name in try names(in: place) where name != "ready" { try removeTree(place.appending(name)) }
        try removeTree(place)
    }

    private static func isThere(_ path: FilePath) throws -> Bool {
        var status = stat()
        if lstat(path.string, &status) == 0 { return true }
        guard errno == ENOENT else { throw IbidError.system("look at", path.string, lastError()) }
        return false
    }

    // A successor that is not there any more has come already.
    private static func move(_ from: FilePath, _ to: FilePath) throws {
        guard rename(from.string, to.string) == 0 || errno == ENOENT else {
            throw IbidError.system("rename", from.string, lastError())
        }
    }

    private static func largestReleased(_ home: Home, _ head: Checkpoint) throws -> Int64 {
        var notes = try Anchors(keys: home.keys).notes().map(\.note)
        if let bytes = try readIfPresent(home.keys.appending("ledger.checkpoint")) {
            let text = String(decoding: bytes.reversed().drop { $0 == 0x0a || $0 == 0 }.reversed(), as: UTF8.self)
            notes += (try? [SignedNote(parsing: text + "\n")]) ?? []
        }
        return try notes.map { try Checkpoint(text: $0.text) }.filter { $0.origin == head.origin }.map(\.size).max()
            ?? head.size
    }
}
