import CSQLite

/// A value of the row that a statement of SQLite stands at; its bytes are there until the next step.
///
/// Looked up once, where the functions for columns would do it for the type, the bytes and their number.
struct RowValue {
    private let value: OpaquePointer?
    /// Whether the value is of the type that it should be.
    let isOfType: Bool

    @inline(__always)
    init(_ statement: OpaquePointer, _ number: Int32, _ type: Int32) {
        value = sqlite3_column_value(statement, number)
        isOfType = sqlite3_value_type(value) == type
    }

    var integer: Int64 { sqlite3_value_int64(value) }

    /// The bytes of text or of a BLOB.
    var bytes: UnsafeRawBufferPointer {
        let base = sqlite3_value_blob(value)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_value_bytes(value)))
    }
}
