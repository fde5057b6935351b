import IbidCrypto
import IbidExport
import IbidLayer
import IbidModel
import IbidStore

/// Two images: the packages that came, went or changed their version, then the files of the layers they do not share.
struct ImageDifference {
    let lines: [String]

    private static let mostPackages = 60
    private static let mostFiles = 15

    init(_ old: Digest, _ new: Digest, in store: Store) throws {
        var lines = ["\(old) → \(new)"]
        guard store.contains(old), store.contains(new) else {
            self.lines = lines
            return
        }
        let (before, after) = (
            try store.manifest(old).layers.map(\.digest), try store.manifest(new).layers.map(\.digest)
        )
        let shared = zip(before, after).prefix { $0 == $1 }.count
        lines.append(
            "the first \(shared) layers are the same; then \(before.count - shared), now \(after.count - shared)")
        let own = (before.dropFirst(shared), after.dropFirst(shared))
        guard (own.0 + own.1 + before.prefix(shared)).allSatisfy(store.contains) else {
            self.lines = lines + ["layers of them are gone, so no more can be said"]
            return
        }
        let packages = Engine.changes(
            try Self.packages(before, in: store), try Self.packages(after, in: store))
        lines += packages.prefix(Self.mostPackages).map { "package " + $0 }
        if packages.count > Self.mostPackages { lines.append("… \(packages.count - Self.mostPackages) packages more") }
        let files = Self.changes(try Self.files(own.0, in: store), try Self.files(own.1, in: store))
        if !files.isEmpty { lines.append("\(files.count) files differ in the layers that are not shared") }
        self.lines = lines + files.prefix(Self.mostFiles).map { "file " + $0 }
    }

    // More than one version of a name can be there, in several Pythons.
    private static func packages(_ layers: [Digest], in store: Store) throws -> [String: String] {
        let found = try SoftwareInventory(layers: layers, in: store).packages
        return Dictionary(grouping: found) { "\($0.name) (\($0.kind))" }
            .mapValues { $0.map(\.version).joined(separator: ", ") }
    }

    /// What stands in some layers: for each path a word for everything that it is.
    private static func files(_ layers: some Sequence<Digest>, in store: Store) throws -> [[UInt8]: String] {
        var files: [[UInt8]: String] = [:]
        for layer in layers {
            let reader = try TarReader(file: store.path(of: layer))
            while let entry = try reader.next() {
                if case .directory = entry.kind { continue }
                var print =
                    "\(entry.kind) \(String(entry.mode, radix: 8)) \(entry.uid):\(entry.gid) \(entry.xattrs.count)"
                if case .file = entry.kind {
                    var hasher = SHA256Hasher()
                    try reader.readContent { hasher.update($0) }
                    print += " \(hasher.finish().hex)"
                }
                files[entry.path] = print
            }
        }
        return files
    }

    private static func changes(_ old: [[UInt8]: String], _ new: [[UInt8]: String]) -> [String] {
        let paths = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
        return paths.sorted { $0.lexicographicallyPrecedes($1) }.map { path in
            let name = "/" + String(decoding: path, as: UTF8.self)
            return old[path] == nil ? "\(name) is new" : new[path] == nil ? "\(name) is gone" : "\(name) changed"
        }
    }
}
