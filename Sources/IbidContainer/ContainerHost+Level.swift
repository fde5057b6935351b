import Glibc
public import IbidModel
import IbidStore

extension ContainerHost {
    /// How containers of this process are held.
    ///
    /// - Throws: what keeps this user from having containers at all.
    public static func level() throws -> IsolationLevel {
        let map = IDMap.current
        if geteuid() == 0, map.isInitial { return .root }
        guard !map.isInitial, map.has(user: 0, group: 0) else {
            throw UserNamespace.reason
                ?? IbidError(
                    "not-root", "this process is in no user namespace of its own", hint: "run the ibid program itself")
        }
        return map.hasAll(below: 65_536) ? .rootless : .rootlessSingleID
    }
}
