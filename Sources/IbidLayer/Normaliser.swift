public import IbidModel

/// What keeps the moment and the machine out of a layer: which entries are dropped, and how times are clamped.
///
/// The list is measured (twice the same step on two file systems, every difference traced): logs with dates, caches
/// that packages rebuild, backups that shadow tools leave, lock files, temporary directories.
public struct Normaliser: Hashable, Sendable {
    /// Part of every cache key and record: another version may give other bytes for the same step.
    public static let version = 1

    /// The latest time that an entry may carry.
    public let epoch: Timestamp

    /// Clamps times to an epoch.
    public init(epoch: Timestamp) { self.epoch = epoch }

    private static let files: Set<String> = [
        "var/cache/ldconfig/aux-cache", "var/log/dpkg.log", "var/log/alternatives.log", "var/log/bootstrap.log",
        "var/log/fontconfig.log", "var/log/lastlog", "var/log/faillog", "var/log/tallylog", "var/log/btmp",
        "var/log/wtmp", "var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/triggers/Lock",
        "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old",
        "var/lib/dpkg/available-old", "var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin",
        "var/cache/debconf/config.dat-old", "var/cache/debconf/templates.dat-old",
        "var/cache/debconf/passwords.dat-old",
        "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-", "etc/.pwd.lock",
        "root/.wget-hsts", "root/.python_history", "root/.lesshst",
    ]

    /// Directories that a layer never holds, nor anything below them.
    private static let trees: [String] = [
        "var/log/apt", "var/lib/apt/lists", "var/cache/apt/archives", "tmp", "var/tmp", "run", "root/.cache",
    ]

    /// Files that a layer holds empty: an id that each machine makes anew.
    private static let emptied: Set<String> = ["etc/machine-id", "var/lib/dbus/machine-id"]

    /// Whether an entry, or the tree it lies in, is left out.
    public func drops(_ path: [UInt8]) -> Bool {
        let text = String(decoding: path, as: UTF8.self)
        return Self.files.contains(text) || Self.trees.contains { text == $0 || text.hasPrefix($0 + "/") }
    }

    /// Whether a file's content is left out.
    public func empties(_ path: [UInt8]) -> Bool { Self.emptied.contains(String(decoding: path, as: UTF8.self)) }

    /// Seconds since 1970, no later than the epoch and no earlier than 0.
    public func clamp(_ seconds: Int64) -> Int64 { max(0, min(seconds, epoch.seconds)) }
}
