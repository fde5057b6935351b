import IbidCrypto
import IbidLayer
public import IbidModel

/// Recomputes, from git's own objects, that a source layer is the tree of a commit. Needs neither git nor the
/// repository.
public struct SourceProof {
    private struct Malformed: Error { var what: String }

    private enum Node {
        case directory
        case symlink(String)
        case file(executable: Bool, blob: String, sha256: Digest, size: Int64)
    }

    private var objects: [String: (kind: String, content: [UInt8])] = [:]
    private var layer: [[UInt8]: Node] = [:]
    private var seen: Set<[UInt8]> = []
    private let snapshot: SourceSnapshot

    /// The raw commit; nil when the proof has none.
    public var commit: [UInt8]? { objects[snapshot.commit.hex]?.content }

    /// Reads `source/tree.tar` and `source/proof.tar` of an archive; nil when they are not enclosed.
    public init?(_ archive: ArchiveReader, snapshot: SourceSnapshot) throws {
        self.snapshot = snapshot
        var found: [String: (kind: String, content: [UInt8])] = [:]
        guard try archive.withNested("source/proof.tar", { found = try Self.objects($0) }) else { return nil }
        objects = found
        var nodes: [[UInt8]: Node] = [:]
        let isEnclosed = try archive.withNested("source/tree.tar") { tree in
            while let entry = try tree.next() { nodes[entry.path] = try Self.node(entry, tree) }
        }
        guard isEnclosed else { return nil }
        layer = nodes
    }

    /// The objects of a proof by their ids. One that does not hash to its name is none.
    static func objects(_ proof: TarReader) throws -> [String: (kind: String, content: [UInt8])] {
        var objects: [String: (kind: String, content: [UInt8])] = [:]
        while let entry = try proof.next() {
            guard case .file = entry.kind, let slash = entry.path.lastIndex(of: 0x2f) else { continue }
            var bytes: [UInt8] = []
            try proof.readContent { bytes.append(contentsOf: $0) }
            guard let nul = bytes.firstIndex(of: 0), let space = bytes.firstIndex(of: 0x20), space < nul else {
                continue
            }
            var hasher = SHA1Hasher()
            hasher.update(bytes)
            let name = String(decoding: entry.path[(slash + 1)...], as: UTF8.self)
            guard Hex.encode(hasher.finish()) == name else { continue }
            objects[name] = (String(decoding: bytes[..<space], as: UTF8.self), Array(bytes[(nul + 1)...]))
        }
        return objects
    }

    private static func node(_ entry: TarEntry, _ tar: TarReader) throws -> Node {
        switch entry.kind {
        case .symlink(let target):
            var hasher = SHA1Hasher()
            hasher.update(Array("blob \(target.count)\0".utf8) + target)
            return .symlink(Hex.encode(hasher.finish()))
        case .file(let size):
            var git = SHA1Hasher()
            var sha256 = SHA256Hasher()
            git.update(Array("blob \(size)\0".utf8))
            try tar.readContent {
                git.update($0)
                sha256.update($0)
            }
            return .file(
                executable: entry.mode & 0o100 != 0, blob: Hex.encode(git.finish()), sha256: sha256.finish(), size: size
            )
        default: return .directory
        }
    }

    /// Walks from the commit to every file of the layer; names the first thing that does not fit.
    public mutating func verify(into report: inout VerificationReport) {
        do {
            let root = try treeOfCommit(snapshot.commit.hex)
            try require(root == snapshot.rootTree.hex, "commit \(snapshot.commit) has the tree \(root)")
            if !snapshot.dirty {
                var at = root
                for part in snapshot.subdirectory.split(separator: "/") {
                    let entry = try entries(at).first { $0.name.elementsEqual(part.utf8) && $0.mode == "40000" }
                    guard let entry else { throw Malformed(what: "the commit has no directory '\(part)'") }
                    at = entry.id
                }
                try require(at == snapshot.tree.hex, "the directory has the tree \(at)")
            }
            try walk(snapshot.tree.hex, at: [])
            if let extra = Set(layer.keys).subtracting(seen).sorted(by: { $0.lexicographicallyPrecedes($1) }).first {
                throw Malformed(what: "'\(String(decoding: extra, as: UTF8.self))' is not in the tree")
            }
            report.proved.append(
                snapshot.dirty
                    ? "the source is git tree \(snapshot.tree), a working state made from commit \(snapshot.commit)"
                    : "the source is the tree of commit \(snapshot.commit), recomputed from git's objects")
        } catch let error as Malformed {
            report.add("the source", got: error.what, want: "tree \(snapshot.tree) of commit \(snapshot.commit)")
        } catch {
            report.add("the source", got: "\(error)", want: "tree \(snapshot.tree) of commit \(snapshot.commit)")
        }
    }

    private func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        guard condition else { throw Malformed(what: what()) }
    }

    private func content(_ id: String, _ kind: String) throws -> [UInt8] {
        guard let object = objects[id], object.kind == kind else {
            throw Malformed(what: "the proof has no \(kind) \(id)")
        }
        return object.content
    }

    private func treeOfCommit(_ id: String) throws -> String {
        let line = try content(id, "commit").prefix { $0 != 0x0a }
        guard line.starts(with: "tree ".utf8) else { throw Malformed(what: "object \(id) is no commit") }
        return String(decoding: line.dropFirst(5), as: UTF8.self)
    }

    private func entries(_ tree: String) throws -> [(mode: String, name: [UInt8], id: String)] {
        var entries: [(mode: String, name: [UInt8], id: String)] = []
        var rest = try content(tree, "tree")[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20), let nul = rest[space...].firstIndex(of: 0),
                rest.endIndex - nul > 20
            else { throw Malformed(what: "object \(tree) is no tree") }
            entries.append(
                (
                    String(decoding: rest[..<space], as: UTF8.self), Array(rest[(space + 1)..<nul]),
                    Hex.encode(rest[(nul + 1)...(nul + 20)])
                ))
            rest = rest[(nul + 21)...]
        }
        return entries
    }

    private mutating func walk(_ tree: String, at prefix: [UInt8]) throws {
        for entry in try entries(tree) {
            let path = prefix.isEmpty ? entry.name : prefix + [0x2f] + entry.name
            seen.insert(path)
            func differs() -> Malformed {
                Malformed(what: "'\(String(decoding: path, as: UTF8.self))' is not what the tree says")
            }
            switch (entry.mode, layer[path]) {
            case ("40000", .directory): try walk(entry.id, at: path)
            case ("160000", .directory): try walk(try treeOfCommit(entry.id), at: path)
            case ("120000", .symlink(let blob)) where blob == entry.id: break
            case (let mode, .file(let executable, let blob, let sha256, let size)) where mode.hasPrefix("100"):
                guard executable == (mode == "100755") else { throw differs() }
                if blob == entry.id { continue }
                // Git LFS: the tree has a pointer, the layer what it points to.
                let pointer = String(decoding: try content(entry.id, "blob"), as: UTF8.self).split(separator: "\n")
                guard pointer.count == 3, pointer[0].hasPrefix("version https://"), pointer[1] == "oid \(sha256)",
                    pointer[2] == "size \(size)"
                else { throw differs() }
            default: throw differs()
            }
        }
    }
}
