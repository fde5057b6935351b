/// Everything that the file holds about one entry, as it is: any of it may be missing or wrong.
struct StoredEntry: Sendable {
    /// One row for each entry, everything of it side by side.
    static let query = """
        SELECT entries.leaf_index, leaf, leaf_hash, payload_type, payload, key_id, signature,
            root_hash, note, kind, run_id, image, started_at, finished_at, opens
        FROM entries LEFT JOIN statements USING (leaf_index) LEFT JOIN events USING (leaf_index)
        LEFT JOIN checkpoints ON tree_size = entries.leaf_index + 1
        ORDER BY entries.leaf_index
        """

    var index: Int64
    var leaf: [UInt8]
    var leafHash: [UInt8]?
    /// Nil when a part of it is missing.
    var envelope: Envelope?
    var root: [UInt8]?
    var note: String?
    /// Kind, run, image, start and end in the index of the ledger.
    var event: [String?]
    var opens: Int64?
}
