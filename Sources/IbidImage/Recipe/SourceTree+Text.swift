extension SourceTree {
    /// The text of a file; nil when there is none.
    ///
    /// As pip reads requirements: editors on Windows write a mark of the encoding first, and sometimes UTF-16.
    func text(of path: String, limit: Int = 64 << 20) throws -> String? {
        guard let bytes = try readFile(Array(path.utf8), limit: limit) else { return nil }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { return String(decoding: bytes.dropFirst(3), as: UTF8.self) }
        let isLittle = bytes.starts(with: [0xff, 0xfe])
        guard isLittle || bytes.starts(with: [0xfe, 0xff]) else { return String(decoding: bytes, as: UTF8.self) }
        let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index in
            let (low, high) = isLittle ? (bytes[index], bytes[index + 1]) : (bytes[index + 1], bytes[index])
            return UInt16(high) << 8 | UInt16(low)
        }
        return String(decoding: units, as: UTF16.self)
    }
}
