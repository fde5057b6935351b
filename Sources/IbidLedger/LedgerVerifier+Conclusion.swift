import IbidCrypto
import IbidMerkle
import IbidModel

extension LedgerVerifier {
    /// Says what was proved, and what was not.
    mutating func conclude() {
        guard let identity else { return }
        let later = signatures.first > 0 ? " after the first \(signatures.first) entries" : ""
        if report.ok {
            report.proved += [
                "\(range.size) entries are dense, and each is the leaf of its statement",
                "each of \(checkpoints.count) checkpoints over them has the root that their bytes give",
                "the newest is over all of them: root sha256:\(range.root), log '\(identity.origin)'",
                "the index agrees with the statements",
            ]
            if options.statementSignatures {
                report.proved.append("each statement\(later) is signed by \(identity.attestorKey.keyID)")
            }
            if options.checkpointSignatures {
                report.proved.append("each checkpoint\(later) is signed by \(identity.ledgerKey.vkey)")
            }
            if let receipt, reliesOnReceipt {
                report.proved.append(
                    "the first \(receipt.size) entries and their checkpoints are byte for byte those whose signatures were "
                        + "verified here before (\(receipt.history)); verified now: those of "
                        + (range.size > receipt.size
                            ? "entries \(receipt.size) to \(range.size - 1)" : "no further entry"))
                report.notProved.append(
                    "that nobody with the ledger's key forged the receipt of that, keys/ledger.verified: "
                        + "--all-signatures verifies each again")
            } else if signatures.first > 0 {
                report.proved.append(
                    "the first \(signatures.first) entries, with their signatures, are those that you say you verified")
                report.notProved.append(
                    "the signatures of statements and checkpoints of the first \(signatures.first) entries by "
                        + "themselves: you say that you verified them before")
                report.notProved.append(
                    "that the file's free space is in order ('PRAGMA quick_check'): a verification in full says")
            }
        }
        report.notProved += NotProved.sentences(pinned: pinned, outside: !options.since.isEmpty)
        if !options.statementSignatures {
            report.notProved.append("that the statements' signatures are valid: not asked for")
        }
    }
}
