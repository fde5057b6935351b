import Glibc
import IbidLayer
import SystemPackage

/// Looks for a secret in what a step wrote: a secret in a layer is one that everybody with the image has.
struct SecretSearch {
    /// Shorter ones would be found everywhere.
    private static let shortest = 8

    private let secrets: [(name: String, bytes: [UInt8])]

    init(_ secrets: [(name: String, bytes: [UInt8])]) {
        self.secrets = secrets.map { ($0.name, $0.bytes.trimmingLineEnds) }.filter { $0.1.count >= Self.shortest }
    }

    /// The first file below an upper directory that holds a secret, and the secret's name.
    ///
    /// - Parameter drops: what the layer leaves out anyway.
    func find(in upper: FilePath, drops: ([UInt8]) -> Bool) throws -> (secret: String, path: [UInt8])? {
        secrets.isEmpty ? nil : try find(in: StageRoot(layers: [upper]), [], drops)
    }

    private func find(
        in tree: StageRoot, _ path: [UInt8], _ drops: ([UInt8]) -> Bool
    ) throws -> (secret: String, path: [UInt8])? {
        for name in try tree.names(in: path) {
            let child = path.child(name)
            guard !drops(child), let node = try tree.node(child) else { continue }
            switch node.kind {
            case .directory: if let found = try find(in: tree, child, drops) { return found }
            case .file: if let secret = try secret(in: tree, child) { return (secret, child) }
            case .symlink, .special: continue
            }
        }
        return nil
    }

    private func secret(in tree: StageRoot, _ path: [UInt8]) throws -> String? {
        let overlap = (secrets.map { $0.bytes.count }.max() ?? 1) - 1
        var window: [UInt8] = []
        var found: String?
        struct Found: Error {}
        do {
            try tree.read(path) { piece in
                window = Array(window.suffix(overlap)) + piece
                if let secret = secrets.first(where: { Self.contains(window, $0.bytes) }) {
                    found = secret.name
                    throw Found()
                }
            }
        } catch is Found {}
        return found
    }

    private static func contains(_ bytes: [UInt8], _ word: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            word.withUnsafeBytes { word in
                guard var place = bytes.baseAddress, let start = word.baseAddress, let first = word.first else {
                    return false
                }
                var left = bytes.count
                while left >= word.count, let hit = memchr(place, Int32(first), left - word.count + 1) {
                    if memcmp(hit, start, word.count) == 0 { return true }
                    left -= UnsafeRawPointer(hit) - place + 1
                    place = UnsafeRawPointer(hit) + 1
                }
                return false
            }
        }
    }
}
