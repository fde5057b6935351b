import IbidCrypto
import IbidMerkle
import IbidModel
import SystemPackage

/// What was verified of a home's own ledger: kept beside its keys, as a note that the ledger's key has signed, so that
/// the next verification need not verify the same signatures again (audit/LEDGER.md, "Verified once").
///
/// The root stands for the entries with the signatures of their statements, the chain for the notes of their checkpoints,
/// which no leaf holds.
struct VerificationReceipt: Hashable, Sendable {
    /// All signatures of so many first entries were verified by that time.
    struct Step: Hashable, Sendable {
        var size: Int64
        var time: Timestamp
    }

    var origin: String
    var root: MerkleHash
    /// `CheckpointTally.chain` over the checkpoints of these entries.
    var checkpoints: MerkleHash
    /// Oldest first, each over more entries than the one before; not empty.
    var steps: [Step]

    var size: Int64 { steps.last?.size ?? 0 }

    // No checkpoint is read as a receipt, nor a receipt as a checkpoint: the second line is no number.
    private static let kind = "ibid.local/verified/v1"
    // Older ones are joined: "by that time" stays true.
    private static let mostSteps = 50

    static func path(in keys: FilePath) -> FilePath { keys.appending("ledger.verified") }

    /// Replaces the receipt in one step.
    func write(in keys: FilePath, _ signer: LedgerSigner) throws {
        let note = try SignedNote(text: text, key: signer.keys.ledger, name: signer.identity.ledgerKey.name)
        try SmallFile.replace(Self.path(in: keys), note.description, mode: 0o644, durable: true)
    }

    /// Goes on from what was verified before.
    static func steps(after former: [Step], size: Int64, at time: Timestamp) -> [Step] {
        let known = former.filter { $0.size < size }
        return known.suffix(mostSteps - 1) + [Step(size: size, time: time)]
    }

    /// The text that is signed.
    var text: String {
        let lines =
            [Self.kind, origin, String(size), root.base64, checkpoints.base64]
            + steps.map { "\($0.size) \($0.time)" }
        return lines.map { $0 + "\n" }.joined()
    }

    fileprivate init?(text: String) {
        let lines = text.split(separator: "\n")
        guard lines.count > 5, lines[0] == Self.kind, let root = MerkleHash(base64: lines[3]),
            let checkpoints = MerkleHash(base64: lines[4])
        else { return nil }
        var steps: [Step] = []
        for line in lines.dropFirst(5) {
            let words = line.split(separator: " ")
            guard words.count == 2, let size = Int64(words[0]), let time = Timestamp(String(words[1])),
                size > steps.last?.size ?? 0
            else { return nil }
            steps.append(Step(size: size, time: time))
        }
        self.init(origin: String(lines[1]), root: root, checkpoints: checkpoints, steps: steps)
    }

    init(origin: String, root: MerkleHash, checkpoints: MerkleHash, steps: [Step]) {
        (self.origin, self.root, self.checkpoints, self.steps) = (origin, root, checkpoints, steps)
    }

    /// When which signatures were verified, in words.
    var history: String {
        steps.map { "of the first \($0.size) by \($0.time)" }.joined(separator: ", ")
    }
}

/// A receipt as it was found, with the note that has to be signed by the ledger's key.
struct HeldReceipt: Sendable {
    let receipt: VerificationReceipt
    let note: SignedNote

    /// Reads the receipt; nil when there is none.
    ///
    /// - Throws: `malformed-note`, `malformed-receipt` when it is none, `system`.
    static func read(in keys: FilePath) throws -> HeldReceipt? {
        guard case .text(let text) = try SmallFile.read(VerificationReceipt.path(in: keys)) else { return nil }
        let note = try SignedNote(parsing: text)
        guard let receipt = VerificationReceipt(text: note.text), receipt.text == note.text else {
            throw IbidError("malformed-receipt", "it is not what a verification keeps", exit: .verificationFailed)
        }
        return HeldReceipt(receipt: receipt, note: note)
    }
}
