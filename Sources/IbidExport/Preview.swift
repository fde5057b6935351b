import IbidCompare
import IbidCrypto
import IbidModel

/// One output as the page shows it: a picture, a table, cells of a notebook, or text. Whatever it says, it stays text.
enum Preview {
    private static let largestText = 16 << 10
    private static let mostCells = 60

    /// The HTML; empty for what cannot be shown.
    static func html(_ bytes: [UInt8], name: String) -> String {
        // A picture in an img element runs no scripts and loads nothing, SVG included.
        if let type = pictureType(bytes, name) { return image(type, Base64.encode(bytes), name) }
        guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else { return "" }
        switch suffix(name) {
        case "csv": return HTML.table(DelimitedText.rows(text, separator: ","))
        case "tsv": return HTML.table(DelimitedText.rows(text, separator: "\t"))
        case "ipynb": return notebook(bytes) ?? self.text(bytes)
        case "json", "geojson": return self.text(JSONNode.parse(bytes) == nil ? bytes : indented(bytes))
        default: return self.text(bytes)
        }
    }

    /// Whether a browser that opens the file may run what is in it.
    static func isActive(_ name: String) -> Bool {
        ["html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "svg", "svgz", "xml", "xsl", "pdf", "swf"]
            .contains(suffix(name))
    }

    /// The beginning of a text.
    static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(largestText), as: UTF8.self)
        return "<pre>\(HTML.escape(text))</pre>" + (bytes.count > largestText ? "<p>… and more</p>" : "")
    }

    private static func suffix(_ name: String) -> String {
        name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
    }

    private static func image(_ type: String, _ base64: String, _ name: String) -> String {
        "<img alt=\"\(HTML.escape(name))\" src=\"data:\(type);base64,\(base64)\">\n"
    }

    private static func pictureType(_ bytes: [UInt8], _ path: String) -> String? {
        if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return "image/png" }
        if bytes.starts(with: [0xff, 0xd8, 0xff]) { return "image/jpeg" }
        if bytes.starts(with: "GIF8".utf8) { return "image/gif" }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) { return "image/webp" }
        return suffix(path) == "svg" && bytes.starts(with: "<".utf8) ? "image/svg+xml" : nil
    }

    // MARK: JSON

    /// JSON with a line for each member; a document that has lines already stays as it is.
    private static func indented(_ bytes: [UInt8]) -> [UInt8] {
        if bytes.dropLast().contains(0x0a) { return bytes }
        var (output, depth, inString, escaped) = ([UInt8](), 0, false, false)
        func line() -> [UInt8] { [0x0a] + [UInt8](repeating: 0x20, count: 2 * min(depth, 40)) }
        for byte in bytes.prefix(4 * largestText) {
            if inString {
                output.append(byte)
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                inString = true
                output.append(byte)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                output += [byte] + line()
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                output += line() + [byte]
            case UInt8(ascii: ","): output += [byte] + line()
            case UInt8(ascii: ":"): output += [byte, 0x20]
            case 0x20, 0x09, 0x0a, 0x0d: break
            default: output.append(byte)
            }
        }
        return output
    }

    // MARK: Notebooks (nbformat 4)

    private static func notebook(_ bytes: [UInt8]) -> String? {
        guard let cells = JSONNode.parse(bytes)?["cells"]?.array else { return nil }
        let shown = cells.prefix(mostCells).map { cell in
            let source = "<pre class=\"cell\">\(HTML.escape(clipped(joined(cell["source"]))))</pre>\n"
            return source + (cell["outputs"]?.array ?? []).prefix(mostCells).map(output).joined()
        }
        return shown.joined() + (cells.count > mostCells ? "<p>… \(cells.count) cells in all</p>" : "")
    }

    private static func output(_ output: JSONNode) -> String {
        if let data = output["data"] {
            for type in ["image/png", "image/jpeg"] {
                // Written again from the bytes: nothing else gets into the attribute.
                let base64 = joined(data[type]).filter { !$0.isWhitespace }
                if let bytes = Base64.decode(base64), let found = pictureType(bytes, ""), found == type {
                    return image(type, Base64.encode(bytes), "output of a cell")
                }
            }
            return "<pre>\(HTML.escape(clipped(joined(data["text/plain"]))))</pre>\n"
        }
        let said = output["output_type"]?.string == "error" ? joined(output["traceback"]) : joined(output["text"])
        return "<pre>\(HTML.escape(clipped(said)))</pre>\n"
    }

    // A text is one string, or its lines in an array.
    private static func joined(_ node: JSONNode?) -> String {
        node?.string ?? (node?.array ?? []).compactMap(\.string).joined()
    }

    private static func clipped(_ text: String) -> String {
        text.utf8.count > largestText ? String(text.prefix(largestText)) + "\n… and more" : text
    }
}
