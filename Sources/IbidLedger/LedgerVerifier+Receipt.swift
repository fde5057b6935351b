import IbidMerkle
import IbidModel

/// What was verified before, and what of this verification is kept.
extension LedgerVerifier {
    // Whether the entries so far are those of the receipt, when there are as many.
    mutating func compareReceipt() {
        guard let receipt, receipt.size == range.size else { return }
        receiptFits = receipt.root == range.root && receipt.checkpoints == checkpoints.chain
    }

    mutating func verifyReceipt() {
        guard !unread, let receipt, !receiptFits else { return }
        if receipt.size > range.size {
            report.add(
                "the entries", got: "\(range.size)", want: "at least \(receipt.size), which were verified before")
        } else {
            report.add(
                "the first \(receipt.size) entries and their checkpoints",
                got: "not those whose signatures were verified (\(receipt.history))",
                want: "the same for all time: the history was rewritten, or checkpoints changed or removed")
        }
    }

    /// What to keep of a verification that found nothing wrong.
    ///
    /// - Returns: nil when it did not see to every signature, or nothing is new.
    func newReceipt(at time: Timestamp) -> VerificationReceipt? {
        guard report.ok, !unread, let identity, range.size > 0, options.verified == nil, options.statementSignatures,
            options.checkpointSignatures, signatures.first < range.size
        else { return nil }
        let former = signatures.first > 0 ? receipt?.steps ?? [] : []
        return VerificationReceipt(
            origin: identity.origin, root: range.root, checkpoints: checkpoints.chain,
            steps: VerificationReceipt.steps(after: former, size: range.size, at: Timestamp(seconds: time.seconds)))
    }
}
