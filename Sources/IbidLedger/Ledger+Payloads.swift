extension Ledger {
    /// The bytes of every statement, oldest first: what the ledger's entries say, whatever their kind.
    public func forEachPayload(_ body: ([UInt8]) throws -> Void) throws {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT CAST(payload AS BLOB) FROM statements ORDER BY leaf_index")
            while let row = try rows.next() { try body(row.bytes(0) ?? []) }
        }
    }
}
