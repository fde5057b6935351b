import IbidMerkle
import IbidModel

/// Holds each recorded checkpoint against the tree at its size.
///
/// One changed entry makes every later root wrong: the first is reported with the entries it covers anew, the rest are
/// counted.
struct CheckpointTally {
    private(set) var count = 0
    /// Over the notes so far, each as it stands in the file: the hash of the one before and the note.
    private(set) var chain = MerkleHash.emptyRoot
    private var lastGood: Int64 = 0
    private var firstBad: (size: Int64, got: MerkleHash, want: String)?
    private var bad = 0

    /// Takes a checkpoint that is sound by itself; false when its root is not that of the tree, and then it is to be
    /// looked at with `verify`.
    mutating func accept(root: UnsafeRawBufferPointer, note: UnsafeRawBufferPointer, range: CompactRange) -> Bool {
        guard root.count == 32, let base = root.baseAddress, MerkleHash(copying: base) == range.root else {
            return false
        }
        chain = MerkleHash.leaf(chain.bytes + note)
        count += 1
        if bad == 0 { lastGood = range.size }
        return true
    }

    /// Looks at the checkpoint over all entries up to one, when there is one.
    mutating func verify(
        _ entry: CheckedEntry, range: CompactRange, origin: String?, into report: inout VerificationReport
    ) {
        guard entry.stored.note != nil || entry.stored.root != nil else { return }
        count += 1
        chain = MerkleHash.leaf(chain.bytes + Array((entry.stored.note ?? "").utf8))
        let what = "the checkpoint over \(range.size) entries"
        guard let checkpoint = entry.checkpoint else {
            return report.add(what, got: "not a signed checkpoint", want: "one")
        }
        if !entry.isNoteSigned { report.add(what, got: "not signed by the ledger's key", want: "signed by it") }
        if let origin, checkpoint.origin != origin {
            report.add(what, got: "of '\(checkpoint.origin)'", want: "of '\(origin)'")
        }
        if checkpoint.size != range.size {
            report.add(what, got: "says \(checkpoint.size)", want: "says \(range.size)")
        }
        if entry.stored.root != checkpoint.root.bytes {
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

    /// Reports what was found after the last entry.
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
