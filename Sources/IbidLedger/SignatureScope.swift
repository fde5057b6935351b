import IbidMerkle

/// Which signatures of a ledger are checked, one by one.
///
/// A leaf holds the digest of what was signed, the signature and the key. When the first entries give the very root that
/// they had when all of their signatures were verified, these are the same signatures over the same bytes.
struct SignatureScope: Sendable {
    /// Entries before this one were verified before.
    let first: Int64
    private let statements: Bool
    private let checkpoints: Bool

    init(_ options: VerifyOptions, identity: LedgerIdentity?, receipt: VerificationReceipt?) {
        (statements, checkpoints) = (options.statementSignatures, options.checkpointSignatures)
        // Whether the entries are those of that checkpoint, or of the receipt, is seen to when they were read.
        guard let note = options.verified, let identity, note.isSigned(by: identity.ledgerKey),
            let checkpoint = try? Checkpoint(text: note.text), checkpoint.origin == identity.origin
        else {
            first = options.verified == nil && !options.allSignatures ? receipt?.size ?? 0 : 0
            return
        }
        first = checkpoint.size
    }

    func coversStatement(_ index: Int64) -> Bool { statements && index >= first }

    func coversCheckpoint(size: Int64) -> Bool { checkpoints && size > first }
}
