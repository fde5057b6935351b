import Glibc
import IbidModel
import SystemPackage

/// The ids that files made by this process can have: all in the machine's own user namespace, those that are mapped in
/// another one (user_namespaces(7)).
package struct IDMap: Sendable {
    /// The users that exist here, in the pieces in which they are mapped.
    package let users: [Range<UInt64>]
    /// The same of groups.
    package let groups: [Range<UInt64>]
    /// Whether this is the machine's own user namespace.
    package let isInitial: Bool
    /// Who this process is outside its namespace: what its root is mapped to; nil where that is the same.
    package let outside: (user: UInt64, group: UInt64)?

    /// This process' map. It must not be asked for before the process has entered its namespace.
    package static let current = IDMap(
        users: read("/proc/self/uid_map"), groups: read("/proc/self/gid_map"))

    init(users: String, groups: String) {
        isInitial = Self.fields(users) == [[0, 0, 1 << 32 - 1]]
        let roots = [users, groups].map { text in Self.fields(text).first { $0[0] == 0 }.map { $0[1] } ?? 0 }
        outside = roots == [0, 0] ? nil : (roots[0], roots[1])
        self.users = Self.ranges(users)
        self.groups = Self.ranges(groups)
    }

    /// Whether both ids exist here.
    package func has(user: UInt32, group: UInt32) -> Bool {
        users.contains { $0.contains(UInt64(user)) } && groups.contains { $0.contains(UInt64(group)) }
    }

    /// Whether every id up to a number exists here.
    package func hasAll(below count: UInt32) -> Bool {
        [users, groups].allSatisfy { ranges in
            var next: UInt64 = 0
            while next < UInt64(count) {
                guard let range = ranges.first(where: { $0.contains(next) }) else { return false }
                next = range.upperBound
            }
            return true
        }
    }

    private static func read(_ path: String) -> String {
        // Without /proc there is nothing that could be done: no id is known, and the start of a container says why.
        ((try? readIfPresent(FilePath(path))) ?? nil).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    private static func fields(_ text: String) -> [[UInt64]] {
        text.split(separator: "\n").map { $0.split(separator: " ").compactMap { UInt64($0) } }.filter { $0.count == 3 }
    }

    private static func ranges(_ text: String) -> [Range<UInt64>] { fields(text).map { $0[0]..<$0[0] + $0[2] } }
}

/// The attribute by which an overlay's directory hides what lies below it.
///
/// Only the machine's own root may write `trusted.*`; overlays of other user namespaces take `user.*` (overlayfs.rst,
/// "User xattr").
package enum OverlayMark {
    /// Its name in this process' user namespace.
    package static let opaque = IDMap.current.isInitial ? "trusted.overlay.opaque" : "user.overlay.opaque"
}
