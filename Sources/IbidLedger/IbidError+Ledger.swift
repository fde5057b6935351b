public import IbidModel
public import SystemPackage

extension IbidError {
    /// A private key that a ledger needs is gone or cannot be read.
    static func keyLost(_ path: FilePath, _ reason: String) -> IbidError {
        IbidError(
            "key-lost", "cannot read the ledger's key \(path): \(reason)",
            hint: "restore it from a backup; without it this ledger can be read and verified, but nothing be appended")
    }

    /// The keys on disk are not those that the ledger was started with.
    static func keyMismatch(_ path: FilePath) -> IbidError {
        IbidError(
            "key-mismatch", "the keys in \(path) are not those of this ledger",
            hint: "put back the keys that were beside it", exit: .verificationFailed)
    }

    /// The keys have signed a ledger that is not there.
    static func ledgerLost(_ path: FilePath, origin: String, size: Int64) -> IbidError {
        IbidError(
            "ledger-lost", "\(path) is missing, but its keys have signed \(size) entries of '\(origin)'",
            hint: "restore it from a backup; to start another ledger, move the directory of the keys away as well",
            exit: .verificationFailed)
    }

    /// A file that should be a ledger is not one, or is damaged.
    public static func ledgerDamaged(_ path: FilePath, _ reason: String) -> IbidError {
        IbidError(
            "ledger-damaged", "the ledger \(path) is damaged: \(reason)",
            hint: "run 'ibid verify --ledger' to see what is wrong, and restore it from a backup",
            exit: .verificationFailed)
    }

    /// There is no ledger at a path.
    public static func ledgerMissing(_ path: FilePath) -> IbidError {
        IbidError("ledger-missing", "there is no ledger at \(path)", exit: .notFound)
    }

    /// The ledger ends before a checkpoint that it once released.
    static func ledgerRolledBack(_ path: FilePath, size: Int64, released: Int64, where place: String) -> IbidError {
        IbidError(
            "ledger-rolled-back",
            "the ledger \(path) has \(size) entries, but a checkpoint over \(released) was released (\(place))",
            hint:
                "an older copy was put back; restore the newest one. Nothing is appended, so that no fork arises; if the "
                + "newest is lost, go on in a log of another name with 'ibid ledger renew'",
            exit: .verificationFailed)
    }

    /// A ledger was made by a newer Ibid.
    static func ledgerTooNew(_ path: FilePath, version: Int) -> IbidError {
        IbidError("ledger-too-new", "the ledger \(path) has format \(version), which this version does not know")
    }

    /// The terms of a ledger that is only looked at do not go up to its end.
    static func indexBehind(_ path: FilePath) -> IbidError {
        IbidError(
            "index-behind", "what the ledger \(path) finds entries by does not go up to its newest entry",
            hint: "ask for it in the home it belongs to ('ibid runs'), which brings it up to date")
    }

    /// A lock was not given in time.
    static func lockTimeout(_ path: FilePath) -> IbidError {
        IbidError(
            "lock-timeout", "another process has held \(path) for 30 seconds", hint: "see who does: fuser \(path)")
    }

    /// No run has that id.
    public static func runNotFound(_ text: String) -> IbidError {
        IbidError("run-not-found", "there is no run '\(text)'", hint: "list runs with 'ibid runs'", exit: .notFound)
    }

    /// Several runs begin like that.
    public static func runAmbiguous(_ text: String, _ candidates: [RunID]) -> IbidError {
        IbidError(
            "run-ambiguous", "several runs begin with '\(text)'",
            hint: "write more of the id: " + candidates.map(\.text).joined(separator: ", "), exit: .notFound)
    }

    /// There is no entry at an index.
    static func entryNotFound(_ index: Int64, size: Int64) -> IbidError {
        IbidError("entry-not-found", "there is no entry \(index): the ledger has \(size)", exit: .notFound)
    }
}
