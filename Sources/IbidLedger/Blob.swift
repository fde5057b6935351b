import FoundationEssentials

/// GRDB takes bytes as `Data`.
enum Blob {
    static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }
}
