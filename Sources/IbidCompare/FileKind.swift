/// What a file is, by its first bytes, and by its name where those say nothing. Never by what an analysis claims alone:
/// whatever reads it must be ready for something else.
public enum FileKind: String, Hashable, Sendable {
    case png = "PNG"
    case jpeg = "JPEG"
    case svg = "SVG"
    case pdf = "PDF"
    case numpy = "NPY"
    case zip = "ZIP"
    case gzip = "gzip"
    case tar = "tar"
    case sqlite = "SQLite"
    case parquet = "Parquet"
    case hdf5 = "HDF5"
    case pickle = "pickle"
    case notebook = "notebook"
    case json = "JSON"
    case jsonLines = "JSON lines"
    case csv = "CSV"
    case tsv = "TSV"
    case text = "text"
    case binary = "binary"

    /// Looks at a file.
    public init(_ bytes: [UInt8], path: String) {
        let magic: [(FileKind, [UInt8])] = [
            (.png, PNGParts.signature), (.jpeg, [0xFF, 0xD8, 0xFF]), (.pdf, Array("%PDF-".utf8)),
            (.numpy, [0x93] + Array("NUMPY".utf8)), (.zip, [0x50, 0x4B, 3, 4]), (.zip, [0x50, 0x4B, 5, 6]),
            (.gzip, [0x1F, 0x8B]), (.sqlite, Array("SQLite format 3\0".utf8)), (.parquet, Array("PAR1".utf8)),
            (.hdf5, [0x89] + Array("HDF\r\n".utf8)),
        ]
        if let known = magic.first(where: { bytes.starts(with: $0.1) }) {
            self = known.0
            return
        }
        if bytes.count >= 512, bytes[257..<262].elementsEqual("ustar".utf8) {
            self = .tar
        } else if bytes.count >= 3, bytes[0] == 0x80, (2...5).contains(bytes[1]), bytes.last == 0x2E {
            self = .pickle
        } else if bytes.contains(0) || !Self.isUTF8(bytes) {
            self = .binary
        } else {
            self = Self.text(bytes, suffix: path.split(separator: ".").last.map { $0.lowercased() } ?? "")
        }
    }

    private static func text(_ bytes: [UInt8], suffix: String) -> FileKind {
        switch suffix {
        case "ipynb": return .notebook
        case "json", "geojson": return .json
        case "jsonl", "ndjson": return .jsonLines
        case "csv": return .csv
        case "tsv", "tab": return .tsv
        case "svg": return .svg
        default:
            let start = bytes.prefix(512)
            if start.first == UInt8(ascii: "<"), String(decoding: start, as: UTF8.self).contains("<svg") { return .svg }
            return .text
        }
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}
