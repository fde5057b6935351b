import CLinux
import Glibc
public import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The user namespace in which an ordinary user is the root of ids of their own: what unpacks, mounts and removes the
/// files of images runs in it.
///
/// It gives no right over anything that the user could not write before, except the user's own subordinate ids.
public enum UserNamespace {
    // What kept the process from a stronger namespace, for `doctor`.
    private static let shortfall = Mutex<IbidError?>(nil)

    /// Why this process has no ids, or only one; nil for root, and for an ordinary user with a range.
    public static var reason: IbidError? { shortfall.withLock { $0 } }

    /// Moves the process into its namespace; nothing happens for root. To be called while the process has one thread.
    ///
    /// This does not fail: without a namespace everything works that starts no container, and a container's start says
    /// what was wrong.
    public static func enter() {
        if geteuid() == 0 { return }
        let (user, group) = (geteuid(), getegid())
        var reason: IbidError?
        switch SubordinateIDs.find(user: user) {
        case .failure(let error):
            reason = error
            if let failed = newNamespace() { return shortfall.withLock { $0 = failed } }
        case .success(let ids):
            var message = [CChar](repeating: 0, count: 512)
            let process = String(getpid())
            let result = withArguments(ids.userCommand(process: process, user: user)) { users in
                withArguments(ids.groupCommand(process: process, group: group)) { groups in
                    cl_new_user_namespace(users, groups, &message, message.count)
                }
            }
            if result == 0 { return }
            let said = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard result == -ENOTSUP else {
                let failed = result == -EUSERS ? IbidError.idsNotMapped(said) : IbidError.userNamespaceRefused(result)
                return shortfall.withLock { $0 = failed }
            }
            reason = IbidError.idsNotMapped(said)
        }
        let mapped = cl_map_one_id(user, group)
        shortfall.withLock { $0 = mapped == 0 ? reason : IbidError.userNamespaceRefused(mapped) }
    }

    private static func newNamespace() -> IbidError? {
        var message: CChar = 0
        let result = cl_new_user_namespace(nil, nil, &message, 1)
        return result == 0 ? nil : IbidError.userNamespaceRefused(result)
    }

    private static func withArguments<T>(
        _ words: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T
    ) -> T {
        let pointers = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
    }
}

extension IbidError {
    /// The kernel does not let this user make a user namespace: which switch it is, and what to do.
    static func userNamespaceRefused(_ result: Int32) -> IbidError {
        let switches: [(path: FilePath, value: String, hint: String)] = [
            (
                "/proc/sys/kernel/unprivileged_userns_clone", "0",
                "as root: sysctl -w kernel.unprivileged_userns_clone=1"
            ),
            ("/proc/sys/user/max_user_namespaces", "0", "as root: sysctl -w user.max_user_namespaces=10000"),
            (
                "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
                "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, "
                    + "or give ibid an AppArmor profile with 'userns,'"
            ),
        ]
        let closed = switches.first { TextFile.read($0.path)?.hasPrefix($0.value + "\n") ?? false }
        return IbidError(
            "user-namespace-refused", "this user cannot make a user namespace: \(errorText(result))",
            hint: closed?.hint
                ?? "in a container, its seccomp profile may forbid it (docker run --security-opt seccomp=unconfined); "
                + "or run ibid as root")
    }

    /// newuidmap or newgidmap failed.
    static func idsNotMapped(_ said: String) -> IbidError {
        let reason = said.split(separator: "\n").first.map(String.init) ?? "no reason given"
        return IbidError(
            "ids-not-mapped", "newuidmap cannot give this user their range of ids: \(reason)",
            hint: "newuidmap and newgidmap have to be setuid root: apt-get install --reinstall uidmap")
    }
}
