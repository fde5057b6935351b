/// Why Ibid could not do what it was asked: one sentence, what to do about it, and a code that programs match.
///
/// Each stage has its own factory functions in an extension beside its code; the `code` is part of the JSON contract.
public struct IbidError: Error, Hashable, Sendable, CustomStringConvertible {
    /// How the command ends (the exit codes of the contract).
    public enum Exit: Int32, Sendable {
        /// Ibid could not do it.
        case failed = 1
        /// What is on disk or in a record is not what it should be.
        case verificationFailed = 5
        /// What was named does not exist.
        case notFound = 10
        /// The command was called wrongly.
        case usage = 64
        /// The user interrupted it.
        case interrupted = 130
    }

    /// A stable name in kebab-case, such as `revision-not-found`.
    public let code: String
    /// One sentence: lower case, no full stop, naming the thing.
    public let message: String
    /// What to do about it; nil when there is nothing to say.
    public let hint: String?
    /// How a command that ends with this error exits.
    public let exit: Exit

    /// Makes an error; call it from a factory function so that each failure has one place.
    public init(_ code: String, _ message: String, hint: String? = nil, exit: Exit = .failed) {
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit
    }

    /// The sentence, then the hint on a line of its own.
    public var description: String { hint.map { message + "\nhint: " + $0 } ?? message }
}

extension IbidError {
    /// A system call failed on something that has a name.
    public static func system(_ operation: String, _ subject: String, _ reason: String) -> IbidError {
        // strerror(3) of ENOSPC and EDQUOT.
        let isFull = ["No space left on device", "Disk quota exceeded"].contains(reason)
        return IbidError(
            "system", "cannot \(operation) \(subject): \(reason)",
            hint: isFull ? "free some space, or set IBID_HOME to a larger disk; nothing was half recorded" : nil)
    }

    /// A blob's bytes do not hash to its name.
    public static func corruptBlob(_ digest: Digest, got: Digest) -> IbidError {
        IbidError(
            "corrupt-blob", "blob \(digest) has been altered: its bytes hash to \(got)",
            hint: "restore it from a backup or another home, then run 'ibid verify --store'", exit: .verificationFailed)
    }

    /// The store does not have a blob that is needed.
    public static func missingBlob(_ digest: Digest) -> IbidError {
        IbidError(
            "missing-blob", "blob \(digest) is not in the store",
            hint: "restore it from a backup or another home", exit: .verificationFailed)
    }
}
