import IbidLedger
import IbidModel
import IbidStore
import SystemPackage

/// How many of a ledger's first entries are of no run that is still open, as far as it is known: what is settled stays so,
/// and a long ledger need not be gone through by each command.
///
/// A file that is behind, missing or another ledger's only means that more is looked at.
struct SettledEntries {
    /// So many entries are settled.
    let count: Int64

    private let path: FilePath
    private let origin: String
    private let size: Int64

    /// So many entries are looked at rather than the file written.
    private static let slack: Int64 = 64

    /// - Parameter directory: where the file is kept.
    init(ledger: Ledger, directory: FilePath) throws {
        path = directory.appending(".settled")
        // Before the runs are looked at: what is entered meanwhile is not settled.
        (origin, size) = (try ledger.origin(), try ledger.size())
        let lines = String(decoding: try readIfPresent(path) ?? [], as: UTF8.self).split(separator: "\n")
        let known = lines.count == 2 && lines[0] == origin ? Int64(lines[1]) ?? 0 : 0
        // A ledger with fewer entries is an older copy.
        count = known <= size ? max(0, known) : 0
    }

    /// Keeps that no run before this entry is open, nor any run at all if it is nil.
    func keep(_ firstOpen: Int64?) throws {
        let settled = firstOpen ?? size
        guard settled >= count + Self.slack || settled < count else { return }
        try writeAtomically(Array("\(origin)\n\(settled)\n".utf8), to: path, durable: false)
    }
}
