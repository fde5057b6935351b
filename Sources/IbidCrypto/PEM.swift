/// PEM text (RFC 7468) with one block, as OpenSSL writes it.
enum PEM {
    /// The text: 64 characters a line, a newline at the end.
    static func encode(_ der: [UInt8], label: String) -> String {
        var text = "-----BEGIN \(label)-----\n"
        var rest = Substring(Base64.encode(der))
        while !rest.isEmpty {
            text += rest.prefix(64) + "\n"
            rest = rest.dropFirst(64)
        }
        return text + "-----END \(label)-----\n"
    }

    /// The bytes inside the one block with that label; nil when there is none, or when it is not as `encode` writes it.
    static func decode(_ text: String, label: String) -> [UInt8]? {
        let lines = text.split(separator: "\n").map { $0.last == "\r" ? $0.dropLast() : $0 }
        guard let first = lines.first, let last = lines.last, lines.count > 2,
            first == "-----BEGIN \(label)-----", last == "-----END \(label)-----"
        else { return nil }
        return Base64.decode(lines.dropFirst().dropLast().joined())
    }
}
