import IbidModel

/// The content of a git tree object.
struct GitTree {
    struct Entry {
        enum Kind {
            case file(executable: Bool)
            case symlink
            case directory
            case submodule
        }

        let kind: Kind
        /// One path component, any bytes but NUL and `/`.
        let name: [UInt8]
        let id: GitObjectID
    }

    let entries: [Entry]

    func entry(named name: [UInt8]) -> Entry? { entries.first { $0.name == name } }

    /// Reads `mode SP name NUL id`, repeated; nil when the bytes are not that.
    init?(_ bytes: UnsafeRawBufferPointer) {
        var entries: [Entry] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let mode = UInt32(String(decoding: rest[..<space], as: UTF8.self), radix: 8),
                let nul = rest[space...].firstIndex(of: 0), rest.endIndex - nul > 20,
                let id = GitObjectID(raw: rest[(nul + 1)...(nul + 20)])
            else { return nil }
            let kind: Entry.Kind
            switch mode & 0o170000 {
            case 0o100000: kind = .file(executable: mode & 0o100 != 0)
            case 0o120000: kind = .symlink
            case 0o040000: kind = .directory
            case 0o160000: kind = .submodule
            default: return nil
            }
            entries.append(Entry(kind: kind, name: Array(rest[(space + 1)..<nul]), id: id))
            rest = rest[(nul + 21)...]
        }
        self.entries = entries
    }
}

/// A commit's first line.
func treeOfCommit(_ bytes: [UInt8]) -> GitObjectID? {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    guard line.starts(with: Array("tree ".utf8)) else { return nil }
    return GitObjectID(String(decoding: line.dropFirst(5), as: UTF8.self))
}
