public import IbidModel

/// What a log commits to: so many entries, and this root over them (C2SP tlog-checkpoint v1.0.0).
public struct Checkpoint: Hashable, Sendable {
    /// The log's name, unique for all time.
    public var origin: String
    /// The number of entries.
    public var size: Int64
    /// The root hash over them.
    public var root: MerkleHash
    /// Extension lines; Ibid writes none and keeps those it reads.
    public var extensions: [String] = []

    /// Makes a checkpoint without extensions.
    public init(origin: String, size: Int64, root: MerkleHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads the text of a signed note.
    ///
    /// - Throws: `malformed-checkpoint`.
    public init(text: String) throws {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.popLast()?.isEmpty == true, !lines[0].isEmpty else {
            throw IbidError.malformedCheckpoint("it has fewer than three lines")
        }
        guard let size = Int64(lines[1]), size >= 0, String(size) == lines[1] else {
            throw IbidError.malformedCheckpoint("'\(lines[1])' is not a tree size")
        }
        guard let root = MerkleHash(base64: lines[2]) else {
            throw IbidError.malformedCheckpoint("'\(lines[2])' is not a root hash")
        }
        self.init(origin: String(lines[0]), size: size, root: root)
        extensions = lines.dropFirst(3).map(String.init)
        guard extensions.allSatisfy({ !$0.isEmpty }) else {
            throw IbidError.malformedCheckpoint("an extension line is empty")
        }
    }

    /// The text that is signed.
    public var text: String {
        ([origin, String(size), root.base64] + extensions).map { $0 + "\n" }.joined()
    }
}

extension IbidError {
    /// The text of a note is no checkpoint.
    public static func malformedCheckpoint(_ why: String) -> IbidError {
        IbidError("malformed-checkpoint", "this is no checkpoint: \(why)", exit: .verificationFailed)
    }
}
