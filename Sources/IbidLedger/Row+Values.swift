import GRDB

/// Reading columns of a file that anybody may have edited: GRDB's subscripts end the process on an unexpected type,
/// these answer nil.
extension Row {
    /// An integer.
    func integer(_ column: Int) -> Int64? { Int64.fromDatabaseValue(self[column]) }

    /// Text.
    func text(_ column: Int) -> String? {
        if case .string(let text) = (self[column] as DatabaseValue).storage { return text }
        return nil
    }

    /// The bytes of a BLOB; select TEXT as `CAST(… AS BLOB)`, so that bytes that are not UTF-8 arrive as they are.
    func bytes(_ column: Int) -> [UInt8]? {
        if case .blob(let data) = (self[column] as DatabaseValue).storage { return Array(data) }
        return nil
    }
}
