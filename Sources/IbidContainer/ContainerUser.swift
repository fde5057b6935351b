import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The numbers behind the `User` of an image configuration, looked up in the image's own files.
struct ContainerUser: Hashable {
    var uid: UInt32
    var gid: UInt32
    /// Supplementary groups, the own group among them: a program that changes its group must not lose what that group
    /// is denied (CVE-2022-36109). Further ones has only a user given without a group.
    var groups: [UInt32]

    /// The ids that a container has: 0 up to this, mapped to `firstHostID` and following. An ordinary user without a
    /// range has one.
    static let idCount: UInt32 = IDMap.current.hasAll(below: 65_536) ? 65_536 : 1
    /// The id of the container's root where the sandbox runs. In a user's own namespace it is that of its root: the
    /// kernel maps no mounts there, so that files have on disk the ids that they have in the container.
    static let firstHostID: UInt32 = IDMap.current.isInitial ? 100_000 : 0

    /// Resolves `""`, `name`, `uid`, `name:group`, `uid:gid` and mixtures (image-spec, config.md, `User`).
    ///
    /// A uid that the image does not know has group 0, as with Docker.
    init(_ text: String, in stack: LayerStack) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first.flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let group = parts.count > 1 && !parts[1].isEmpty ? parts[1] : nil
        if let uid = UInt32(name), let group, let gid = UInt32(group) {
            self.init(uid: uid, gid: gid, groups: [])
        } else {
            let users = try Self.lines("/etc/passwd", fields: 4, in: stack)
            let allGroups = try Self.lines("/etc/group", fields: 3, in: stack)
            // A name wins over a number, as in Docker: there may be a user whose name is a number.
            let entry = users.first { $0[0] == name } ?? users.first { UInt32($0[2]) == UInt32(name) ?? .max }
            guard let uid = entry.flatMap({ UInt32($0[2]) }) ?? UInt32(name) else { throw IbidError.userNotFound(name) }
            if let group {
                let known = allGroups.first { $0[0] == group }
                guard let gid = known.flatMap({ UInt32($0[2]) }) ?? UInt32(group) else {
                    throw IbidError.userNotFound(group)
                }
                self.init(uid: uid, gid: gid, groups: [])
            } else {
                let member = entry?[0]
                let groups = allGroups.filter { line in
                    line.count > 3 && member.map { line[3].split(separator: ",").map(String.init).contains($0) } == true
                }
                self.init(
                    uid: uid, gid: entry.flatMap { UInt32($0[3]) } ?? 0,
                    groups: groups.compactMap { UInt32($0[2]) }.filter { $0 < 65_536 }.sorted())
            }
        }
        guard Self.idCount > 1 || (uid == 0 && gid == 0 && groups.allSatisfy { $0 == 0 }) else {
            throw IbidError.oneUserOnly(text)
        }
        guard uid < 65_536, gid < 65_536 else { throw IbidError.userOutOfRange(text) }
    }

    /// The same for layers whose names say what is in them: looked up once.
    static func known(_ text: String, in layers: [FilePath]) throws -> ContainerUser {
        let key = [text] + layers.map(\.string)
        if let user = users.withLock({ $0[key] }) { return user }
        let user = try ContainerUser(text, in: LayerStack(layers))
        users.withLock { $0[key] = user }
        return user
    }

    private static let users = Mutex<[[String]: ContainerUser]>([:])

    /// The home directory of such a user; nil when the image knows none, or has no directory there.
    static func home(_ text: String, in stack: LayerStack) throws -> String? {
        let name = text.split(separator: ":").first.map(String.init) ?? "0"
        let users = try lines("/etc/passwd", fields: 6, in: stack)
        guard let entry = users.first(where: { $0[0] == name }) ?? users.first(where: { $0[2] == name }),
            entry[5].hasPrefix("/"),
            // A path that leads out of the image is that of no directory in it.
            case .directory? = try? stack.resolve(entry[5]).node
        else { return nil }
        return entry[5]
    }

    private init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        // The kernel lets nobody with one id set groups.
        self.groups = Self.idCount > 1 ? Set(groups + [gid]).sorted() : groups
    }

    private static func lines(_ path: String, fields: Int, in stack: LayerStack) throws -> [[String]] {
        guard let bytes = try stack.read(path, limit: 1 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }.filter { $0.count >= fields }
    }
}
