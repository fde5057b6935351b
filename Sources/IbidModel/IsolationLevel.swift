/// How a container is held, in a fixed order: what stands first is the strongest.
///
/// The level in force is a fact of the machine and the user, recorded beside a result and never part of it: the same
/// spec gives the same result at every level.
public enum IsolationLevel: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// Root: a user namespace of ids that nobody on the machine has, cgroups.
    case root
    /// An ordinary user with a range of subordinate ids (subuid(5)): two nested user namespaces.
    case rootless
    /// An ordinary user without such a range: the container has one id, and an image cannot have files of several users.
    case rootlessSingleID = "rootless-single-id"

    /// Whether the left level is weaker.
    public static func < (left: IsolationLevel, right: IsolationLevel) -> Bool { left.strength < right.strength }

    private var strength: Int { Self.allCases.count - (Self.allCases.firstIndex(of: self) ?? 0) }
}
