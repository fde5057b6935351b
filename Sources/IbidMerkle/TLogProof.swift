public import IbidModel

/// One entry's inclusion proof as a text of its own, with the checkpoint it leads to (C2SP tlog-proof, draft "v1").
///
/// The specification is not tagged yet, so everything that depends on it is in this file.
public struct TLogProof: Hashable, Sendable {
    /// The first line.
    public static let header = "c2sp.org/tlog-proof@v1"

    /// The entry's index.
    public var leafIndex: Int64
    /// The sibling hashes, the leaf's first.
    public var path: [MerkleHash]
    /// The signed checkpoint.
    public var note: SignedNote

    /// Joins a proof and the checkpoint of the same tree.
    public init(leafIndex: Int64, path: [MerkleHash], note: SignedNote) {
        self.leafIndex = leafIndex
        self.path = path
        self.note = note
    }

    /// Reads the text.
    ///
    /// - Throws: `malformed-proof`, `malformed-note`.
    public init(parsing text: String) throws {
        guard let blank = text.firstRange(of: "\n\n") else { throw IbidError.malformedProof("it has no checkpoint") }
        let lines = text[..<blank.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2, lines[0] == Self.header else {
            throw IbidError.malformedProof("it does not begin with '\(Self.header)'")
        }
        let index = lines[1].hasPrefix("index ") ? Int64(lines[1].dropFirst(6)) : nil
        guard let index, index >= 0, "index \(index)" == lines[1] else {
            throw IbidError.malformedProof("its second line is not 'index N'")
        }
        leafIndex = index
        path = try lines.dropFirst(2).map {
            guard let hash = MerkleHash(base64: $0) else { throw IbidError.malformedProof("'\($0)' is not a hash") }
            return hash
        }
        guard path.count <= 63 else { throw IbidError.malformedProof("its path is longer than any tree is high") }
        note = try SignedNote(parsing: String(text[blank.upperBound...]))
    }

    /// The proof as it is written.
    public var description: String {
        ([Self.header, "index \(leafIndex)"] + path.map(\.base64)).map { $0 + "\n" }.joined() + "\n" + note.description
    }

    /// Whether the entry is in the tree of the checkpoint, and the checkpoint is the key's.
    public func isValid(leafHash: MerkleHash, key: NoteKey) -> Bool {
        guard note.isSigned(by: key), let checkpoint = try? Checkpoint(text: note.text),
            checkpoint.origin == key.name.text
        else { return false }
        let proof = InclusionProof(leafIndex: leafIndex, treeSize: checkpoint.size, path: path)
        return proof.isValid(leafHash: leafHash, root: checkpoint.root)
    }
}

extension IbidError {
    /// The text is no inclusion proof.
    public static func malformedProof(_ why: String) -> IbidError {
        IbidError("malformed-proof", "this is no tlog-proof: \(why)", exit: .verificationFailed)
    }
}
