package import IbidModel

/// The owner of a file as its layer has it.
///
/// Where the process has one id only, a file of `root` and another group is kept as root's, and its true owner is noted
/// in an attribute beside it. An overlay copies the attribute up with the file, and nothing else can change the owner
/// there, as giving a file away fails: so what is captured has the owner that it has everywhere. What a note cannot
/// stand for is refused.
package struct FileOwner: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32

    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }

    /// The attribute of the note.
    package static let attribute = "user.ibid.owner"

    /// Whether this process notes owners: it has not all the ids that images use.
    package static let isNoted = !IDMap.current.hasAll(below: 65_536)

    /// Whether a file here can have this owner.
    package var exists: Bool { IDMap.current.has(user: uid, group: gid) }

    /// The attribute's value.
    ///
    /// - Throws: `owner-unknown` for a user that does not exist here: a note would not keep others from the file.
    package func note(for path: String) throws -> [UInt8] {
        guard IDMap.current.has(user: uid, group: 0) else { throw IbidError.ownerUnknown(self, path) }
        return Array("\(uid):\(gid)".utf8)
    }

    /// Reads the note of a file; nil when there is none.
    ///
    /// - Parameter read: a getxattr call on the file: name, buffer, its size.
    package static func noted(_ read: (String, UnsafeMutableRawPointer, Int) -> Int) -> FileOwner? {
        guard isNoted else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let count = read(attribute, base, buffer.count)
            let parts = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: ":")
            guard parts.count == 2, let uid = UInt32(parts[0]), let gid = UInt32(parts[1]) else { return nil }
            return FileOwner(uid: uid, gid: gid)
        }
    }
}

extension IbidError {
    /// A file belongs to somebody whom this process' user namespace does not know.
    package static func ownerUnknown(_ owner: FileOwner, _ path: String) -> IbidError {
        IbidError(
            "owner-unknown",
            "\(path) belongs to \(owner.uid):\(owner.gid), an id that containers of this user do not have",
            hint: "give this user a range of ids: 'ibid doctor' says how")
    }
}
