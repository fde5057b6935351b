import IbidModel

/// One repository that takes part in a snapshot: the user's, or a submodule's.
struct SourcePart {
    let repository: GitRepository
    /// The commit that is snapshotted; nil for a working state.
    let commit: GitObjectID?
    /// Where its root (or the job's directory in it) lies in the layer; empty for the layer's root.
    let layerPrefix: [UInt8]
    /// The job's directory inside it; empty for its root.
    let repositoryPrefix: [UInt8]

    /// The path that git knows a member of the layer by.
    func pathInRepository(_ path: [UInt8]) -> [UInt8] {
        let own = layerPrefix.isEmpty ? path : Array(path.dropFirst(layerPrefix.count + 1))
        return joined(repositoryPrefix, own)
    }
}

/// One member of the layer to be.
struct SourceEntry {
    enum Kind {
        case directory
        case file(executable: Bool)
        case symlink
    }

    let path: [UInt8]
    let kind: Kind
    /// Which part it comes from.
    let part: Int
    /// The blob; nil for a directory, and for a file of a working state.
    let blob: GitObjectID?
}

/// Two paths with a slash between them, unless one is empty.
func joined(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    if left.isEmpty { return right }
    return right.isEmpty ? left : left + [UInt8(ascii: "/")] + right
}

/// A path for messages.
func display(_ path: [UInt8]) -> String { path.isEmpty ? "." : String(decoding: path, as: UTF8.self) }
