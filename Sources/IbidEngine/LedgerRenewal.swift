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
    /// beside the new one. A crash while the new one is made leaves the old one; one among the renames at the end, which
    /// take a moment, leaves both files whole, some of them under their new names, to be moved by hand.
    ///
    /// - Returns: the old log's name and the new one's.
    /// - Throws: `ledger-damaged`, `ledger-missing`, and `ledger-sound` when nothing was lost.
    public static func renewLedger(of home: Home, moment: Moment = .real) throws -> (old: String, new: String) {
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

        // A ledger of its own beside, with the same keys; then three renames.
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
        for (from, to) in [
            (home.ledger, home.root.appending("ledger-\(suffix).sqlite")),
            (home.keys.appending("ledger.checkpoint"), home.keys.appending("ledger-\(suffix).checkpoint")),
            (home.keys.appending("anchors"), home.keys.appending("anchors-\(suffix)")),
            (place.appending("keys/ledger.checkpoint"), home.keys.appending("ledger.checkpoint")),
            (place.appending("ledger.sqlite"), home.ledger),
        ] {
            guard rename(from.string, to.string) == 0 || errno == ENOENT else {
                throw IbidError.system("rename", from.string, lastError())
            }
        }
        try removeTree(place)
        return (head.origin, origin)
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
