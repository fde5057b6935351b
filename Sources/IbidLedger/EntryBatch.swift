import Glibc
import IbidMerkle
import IbidModel

/// Entries as they stand in the file, many of them side by side in one buffer, so that reading one allocates nothing.
///
/// Unchecked: a batch is filled by one thread, then looked at by one, never both at once.
final class EntryBatch: @unchecked Sendable {
    /// Where a value is in `bytes`; `count` is -1 when there is none, or one of another type.
    struct Column {
        var start: Int32 = 0
        var count: Int32 = -1

        var isThere: Bool { count >= 0 }
        var range: Range<Int> { Int(start)..<Int(start) + max(0, Int(count)) }
    }

    /// One row of `StoredEntry.query`.
    struct Row {
        var index: Int64
        /// Behind a byte of zero, as it is hashed.
        var leaf = Column()
        var leafHash = Column()
        var payloadType = Column()
        /// Behind what is signed before it, from `signedStart`.
        var payload = Column()
        var signedStart: Int32 = 0
        var keyID = Column()
        var signature = Column()
        var root = Column()
        var note = Column()
        /// Kind, run, image, start and end.
        var event = (Column(), Column(), Column(), Column(), Column())
        var opens: Int64?
    }

    /// How many entries a batch holds.
    static let entries = 1024
    /// A batch ends early when it holds more than that.
    static let maximumBytes = 16 << 20

    /// The values of all rows, one after another.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }
    private var memory = UnsafeMutableRawPointer.allocate(byteCount: 4 << 20, alignment: 16)
    private var capacity = 4 << 20
    private(set) var count = 0
    var rows: [Row] = []
    /// Why reading ended here, when it did not end with the last entry.
    var problem: VerificationProblem?
    /// What was found, one for each row.
    var verdicts: [EntryVerdict] = []
    /// What there is to say of those that are not sound, by their rows.
    var closer: [Int: CheckedEntry] = [:]

    deinit { memory.deallocate() }

    /// Adds bytes at the end, and says where they begin.
    func append(_ source: UnsafeRawPointer?, count added: Int) -> Int32 {
        let start = count
        if count + added > capacity { grow(to: count + added) }
        if let source { memcpy(memory + start, source, added) }
        count += added
        return Int32(start)
    }

    private func grow(to needed: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: 2 * needed, alignment: 16)
        memcpy(larger, memory, count)
        memory.deallocate()
        (memory, capacity) = (larger, 2 * needed)
    }

    func removeAll() {
        count = 0
        rows.removeAll(keepingCapacity: true)
        verdicts.removeAll(keepingCapacity: true)
        closer.removeAll()
        problem = nil
    }

    private func array(_ column: Column) -> [UInt8]? { column.isThere ? Array(bytes[column.range]) : nil }

    private func text(_ column: Column) -> String? {
        column.isThere ? String(decoding: bytes[column.range], as: UTF8.self) : nil
    }

    /// An entry by itself, to look at closely.
    func stored(_ number: Int) -> StoredEntry {
        let row = rows[number]
        var envelope: Envelope?
        if let type = text(row.payloadType), let payload = array(row.payload), let keyID = text(row.keyID),
            let signature = array(row.signature)
        {
            envelope = Envelope(payloadType: type, payload: payload, keyID: keyID, signature: signature)
        }
        let event = [row.event.0, row.event.1, row.event.2, row.event.3, row.event.4]
        return StoredEntry(
            index: row.index, leaf: array(row.leaf) ?? [], leafHash: array(row.leafHash), envelope: envelope,
            root: array(row.root), note: text(row.note), event: event.map { text($0) }, opens: row.opens)
    }
}

/// What was found of an entry by itself. Nothing in it is counted, so that a thousand of them are made and thrown away for
/// nothing.
struct EntryVerdict {
    /// The hash of the leaf, computed.
    var leafHash: MerkleHash
    /// Whether everything of the entry is as it should be.
    var isSound = false
    /// What its terms should add up to.
    var terms = TermSums.Sum()
    /// The run that the entry opens, unless an earlier one did.
    var opens: RunKey?
    /// Whether there is a checkpoint over all entries up to this one.
    var hasCheckpoint = false
}

/// A run's id in 32 bytes of its own, for a set of a million of them.
struct RunKey: Hashable {
    private var words: SIMD4<UInt64> = .zero

    /// Takes the 26 characters; nil when they are no run's id.
    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count == 26 else { return nil }
        for byte in text where Self.isForeign(byte) { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: text) }
    }

    init?(_ run: RunID) {
        let key = Array(run.text.utf8).withUnsafeBytes { RunKey($0) }
        guard let key else { return nil }
        self = key
    }

    // Crockford's alphabet has no i, l, o, u.
    private static func isForeign(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): false
        case UInt8(ascii: "i"), UInt8(ascii: "l"), UInt8(ascii: "o"), UInt8(ascii: "u"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"): false
        default: true
        }
    }
}
