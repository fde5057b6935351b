/// The anchors of a PEP 503 page.
enum IndexHTML {
    struct Link {
        var attributes: [String: String]
    }

    static func links(_ page: String) -> [Link] {
        var links: [Link] = []
        let text = Array(page.utf8)
        var index = 0
        while index + 2 < text.count {
            guard text[index] == UInt8(ascii: "<"), text[index + 1] | 0x20 == UInt8(ascii: "a"),
                isSpace(text[index + 2])
            else {
                index += 1
                continue
            }
            index += 2
            var attributes: [String: String] = [:]
            while let (name, value) = attribute(text, &index) { attributes[name] = value }
            links.append(Link(attributes: attributes))
        }
        return links
    }

    /// The next attribute of the tag; nil at its end.
    private static func attribute(_ text: [UInt8], _ index: inout Int) -> (String, String)? {
        while index < text.count, isSpace(text[index]) || text[index] == UInt8(ascii: "/") { index += 1 }
        guard index < text.count, text[index] != UInt8(ascii: ">") else { return nil }
        let start = index
        while index < text.count, !isSpace(text[index]), !"=>".utf8.contains(text[index]) { index += 1 }
        let name = String(decoding: text[start..<index], as: UTF8.self).lowercased()
        while index < text.count, isSpace(text[index]) { index += 1 }
        guard index < text.count, text[index] == UInt8(ascii: "=") else {
            // A stray "=" or nothing to read: move on, so that the scan always ends.
            if index == start { index += 1 }
            return (name, "")
        }
        index += 1
        while index < text.count, isSpace(text[index]) { index += 1 }
        guard index < text.count else { return (name, "") }
        let quote = text[index]
        let isQuoted = quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'")
        if isQuoted { index += 1 }
        let valueStart = index
        while index < text.count,
            isQuoted ? text[index] != quote : !isSpace(text[index]) && text[index] != UInt8(ascii: ">")
        { index += 1 }
        let value = unescaped(String(decoding: text[valueStart..<index], as: UTF8.self))
        if isQuoted, index < text.count { index += 1 }
        return (name, value)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private static let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'")]

    static func unescaped(_ text: String) -> String {
        guard text.contains("&") else { return text }
        return entities.reduce(text) { $0.replacing($1.0, with: $1.1) }.replacing("&amp;", with: "&")
    }

    static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }
}
