import IbidLayer
import IbidModel

extension CopyLayer {
    /// More members than any image has.
    private static let mostMembers = 5_000_000

    /// Unpacks an archive into a directory, member by member, as Docker's `chrootarchive` would with the image's root as
    /// its root: links on the way are followed inside the image, a later member replaces an earlier one.
    ///
    /// - Throws: `CopyProblem` for a member that no image can have, `IbidError` for an archive that is malformed.
    mutating func unpack(_ archive: AddedArchive, below base: [UInt8]) throws {
        // Who owns the destination does not own what an archive says is somebody's (BuildKit, buildah).
        let destinationOwner = owner
        owner = nil
        defer { owner = destinationOwner }
        let reader = archive.reader()
        var members = 0
        while let member = try reader.next() {
            members += 1
            guard members <= Self.mostMembers else {
                throw CopyProblem(problem: "'\(archive.name)' has more than \(Self.mostMembers) members")
            }
            // The archive's own root is the destination, which keeps its owner and mode.
            if member.path.isEmpty { continue }
            let parent = try realPath(base.appendingPath(member.path.parentPath), of: member)
            let path = parent.child(member.path.lastName)
            try CopyProblem.checkName(path)
            try makeDirectories(parent)
            var made = Entry(entry: member)
            made.entry.path = path
            made.entry.mtime = max(0, min(member.mtime, epoch.seconds))
            switch member.kind {
            case .directory:
                if try node(path)?.isDirectory ?? false {
                    // What lies in it stays; how it looks is the archive's say.
                    entries[path] = made
                    continue
                }
            case .file(let size):
                made.content = .scratch(archive.file, offset: reader.contentOffset, size: size)
            case .symlink: made.entry.mode = 0o777
            case .hardlink(let target):
                let parent = try realPath(base.appendingPath(target.parentPath), of: member)
                let from = parent.child(target.lastName)
                guard from != path else { continue }
                made = try link(to: from, as: made, of: archive)
            case .fifo: break
            case .characterDevice, .blockDevice:
                throw CopyProblem(
                    problem: "'\(archive.name)' holds the device node \(member.displayPath)",
                    hint: "leave it out of the archive: a container gets its devices from the runtime")
            }
            try replace(path, with: made)
        }
    }

    /// A path without links; what is missing of it stays as it is.
    private func realPath(_ path: [UInt8], of member: TarEntry) throws -> [UInt8] {
        do {
            return try resolve(path).path
        } catch PathProblem.tooManyLinks {
            throw CopyProblem(problem: "the way to \(member.displayPath) has too many symbolic links")
        }
    }

    /// Another name of a file that the archive has already, or that the image has.
    private mutating func link(to from: [UInt8], as made: Entry, of archive: AddedArchive) throws -> Entry {
        var other: Entry
        if let known = entries[from] {
            other = known
        } else if let node = try node(from), case .file(let size) = node.kind {
            // The layer gets a copy: a link cannot reach into another layer.
            other = Entry(
                entry: TarEntry(
                    path: from, kind: .file(size: size), mode: node.mode, uid: node.uid, gid: node.gid,
                    mtime: max(0, min(node.mtime, epoch.seconds)), xattrs: node.xattrs),
                content: .source(root, path: from))
        } else {
            throw CopyProblem(
                problem: "'\(archive.name)' has a hard link from \(made.entry.displayPath) to "
                    + "'/\(String(decoding: from, as: UTF8.self))', which does not exist")
        }
        guard other.entry.kind != .directory else {
            throw CopyProblem(
                problem: "'\(archive.name)' has a hard link from \(made.entry.displayPath) to a directory")
        }
        if case .file = other.entry.kind, entries[from] != nil {
            if other.group == nil {
                groups += 1
                other.group = groups
                entries[from] = other
            }
        }
        other.entry.path = made.entry.path
        return other
    }

    /// Puts an entry in the place of whatever is there.
    private mutating func replace(_ path: [UInt8], with made: Entry) throws {
        if entries[path]?.entry.kind == .directory, made.entry.kind != .directory {
            let below = path + [UInt8(ascii: "/")]
            for other in Array(entries.keys) where other.starts(with: below) { entries[other] = nil }
        }
        entries[path] = made
    }
}
