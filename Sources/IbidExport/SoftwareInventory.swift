import IbidLayer
public import IbidModel
public import IbidStore

/// What is installed in an image, as its own package databases say: dpkg's status and Python's `*.dist-info`.
public struct SoftwareInventory: Hashable, Sendable {
    /// One package.
    public struct Package: Hashable, Sendable, Comparable {
        /// `deb` or `pypi`.
        public var kind: String
        /// Its name.
        public var name: String
        /// Its version.
        public var version: String
        /// Its architecture; nil for Python packages.
        public var architecture: String?

        /// The package URL (purl-spec).
        public var purl: String {
            let version = Self.encoded(version)
            guard kind == "deb" else {
                let name = name.lowercased().replacing("_", with: "-").replacing(".", with: "-")
                return "pkg:pypi/\(Self.encoded(name))@\(version)"
            }
            let qualifier = architecture.map { "?arch=" + Self.encoded($0) } ?? ""
            return "pkg:deb/debian/\(Self.encoded(name))@\(version)\(qualifier)"
        }

        /// By kind, then by package URL.
        public static func < (left: Package, right: Package) -> Bool { left.purl < right.purl }

        private static func encoded(_ text: String) -> String {
            text.utf8.map { byte in
                let plain =
                    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "-._~".utf8.contains(byte)
                return plain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
            }.joined()
        }
    }

    /// The packages, sorted, each once.
    public var packages: [Package]

    /// Reads the layers of an image, lowest first, as one file system.
    ///
    /// - Throws: `missing-blob`, or an error when a layer is malformed.
    public init(layers: [Digest], in store: Store) throws {
        var files: [[UInt8]: [UInt8]] = [:]
        for layer in layers {
            guard store.contains(layer) else { throw IbidError.missingBlob(layer) }
            let reader = try TarReader(file: store.path(of: layer))
            var found: [[UInt8]: [UInt8]] = [:]
            while let entry = try reader.next() {
                if Self.removes(entry.path, from: &files) { continue }
                guard case .file(let size) = entry.kind else {
                    // Something else of that name takes the file's place.
                    files[entry.path] = nil
                    continue
                }
                guard Self.isInteresting(entry.path), size <= 64 << 20 else { continue }
                var bytes: [UInt8] = []
                try reader.readContent { bytes.append(contentsOf: $0) }
                found[entry.path] = bytes
            }
            files.merge(found) { $1 }
        }
        packages = Set(files.flatMap { Self.packages(in: $1, path: $0) }).sorted()
    }

    // layer.md, "Whiteouts": they hide what lower layers have.
    private static func removes(_ path: [UInt8], from files: inout [[UInt8]: [UInt8]]) -> Bool {
        let slash = path.lastIndex(of: 0x2f)
        let name = slash.map { Array(path[($0 + 1)...]) } ?? path
        guard name.starts(with: ".wh.".utf8) else { return false }
        var hidden = slash.map { Array(path[...$0]) } ?? []
        let isOpaque = name.elementsEqual(".wh..wh..opq".utf8)
        if !isOpaque { hidden += name.dropFirst(4) }
        for key in files.keys where key.starts(with: hidden) {
            if isOpaque || key.count == hidden.count || key[hidden.count] == 0x2f { files[key] = nil }
        }
        return true
    }

    private static let status = Array("var/lib/dpkg/status".utf8)

    private static func isInteresting(_ path: [UInt8]) -> Bool {
        path == status || path.suffix(19).elementsEqual(".dist-info/METADATA".utf8)
            || path.suffix(18).elementsEqual(".egg-info/PKG-INFO".utf8)
    }

    private static func packages(in bytes: [UInt8], path: [UInt8]) -> [Package] {
        if path == status {
            return bytes.split(separator: [0x0a, 0x0a]).compactMap { stanza in
                let fields = Self.fields(stanza)
                guard fields["status"]?.hasSuffix(" installed") == true, let name = fields["package"],
                    let version = fields["version"]
                else { return nil }
                return Package(kind: "deb", name: name, version: version, architecture: fields["architecture"])
            }
        }
        let fields = Self.fields(bytes[...])
        guard let name = fields["name"], let version = fields["version"] else { return [] }
        return [Package(kind: "pypi", name: name, version: version)]
    }

    // `Name: value` lines up to the first empty one; the first of a name counts.
    private static func fields(_ text: ArraySlice<UInt8>) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: 0x0a, omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: 0x3a), line.first != 0x20 else { continue }
            let key = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = String(decoding: line[(colon + 1)...].drop { $0 == 0x20 }, as: UTF8.self)
            if fields[key] == nil { fields[key] = value.hasSuffix("\r") ? String(value.dropLast()) : value }
        }
        return fields
    }
}
