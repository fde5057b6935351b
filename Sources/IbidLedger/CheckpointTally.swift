import IbidMerkle
import IbidModel

/// Holds each recorded checkpoint against the tree at its size.
///
/// One changed entry makes every later root wrong: the first is reported with the entries it covers anew, the rest are
/// counted.
struct CheckpointTally {
    private(set) var count = 0
    private var lastGood: Int64 = 0
    private var firstBad: (size: Int64, got: MerkleHash, want: String)?
    private var bad = 0

    mutating func verify(
        root: [UInt8]?, note text: String?, range: CompactRange, identity: LedgerIdentity?, signatures: Bool,
        into report: inout VerificationReport
    ) {
        count += 1
        let what = "the checkpoint over \(range.size) entries"
        guard let text, let note = try? SignedNote(parsing: text), let checkpoint = try? Checkpoint(text: note.text),
            note.description == text
        else { return report.add(what, got: "not a signed checkpoint", want: "one") }
        if let identity {
            if signatures, !note.isSigned(by: identity.ledgerKey) {
                report.add(what, got: "not signed by the ledger's key", want: "signed by it")
            }
            if checkpoint.origin != identity.origin {
                report.add(what, got: "of '\(checkpoint.origin)'", want: "of '\(identity.origin)'")
            }
        }
        if checkpoint.size != range.size {
            report.add(what, got: "says \(checkpoint.size)", want: "says \(range.size)")
        }
        if root != checkpoint.root.bytes {
            report.add(what, got: "filed under another root", want: "filed under \(checkpoint.root)")
        }
        let computed = range.root
        if checkpoint.root == computed {
            if bad == 0 { lastGood = range.size }
        } else {
            bad += 1
            if firstBad == nil { firstBad = (range.size, computed, checkpoint.root.description) }
        }
    }

    func finish(into report: inout VerificationReport) {
        guard let firstBad else { return }
        let entries =
            firstBad.size - lastGood == 1 ? "entry \(lastGood)" : "entries \(lastGood) to \(firstBad.size - 1)"
        report.add(
            "\(entries), or the checkpoint over \(firstBad.size)"
                + (bad > 1 ? " (and \(bad - 1) later checkpoints)" : ""),
            got: "root \(firstBad.got)", want: "root \(firstBad.want)")
    }
}
