public import IbidModel

/// What keeps the moment and the machine out of a layer: which entries are dropped, and how times are clamped.
///
/// The list is measured (twice the same step on two file systems, every difference traced): logs with dates, caches
/// that packages rebuild, backups that shadow tools leave, lock files, temporary directories.
public struct Normaliser: Hashable, Sendable {
    /// Part of every cache key and record: another version may give other bytes for the same step.
    public static let version = 2

    /// The latest time that an entry may carry.
    public let epoch: Timestamp

    /// Whether owners, permissions and times are taken out too, and nothing is dropped: for a user's own directory.
    let contentOnly: Bool

    /// Whether the directories whose content is dropped stay, empty: a base needs its `/tmp`, a step's layer does not.
    public let keepsDirectories: Bool

    /// For an image layer: clamps times to an epoch, drops what the list names.
    public init(epoch: Timestamp, keepsDirectories: Bool = false) {
        self.epoch = epoch
        self.keepsDirectories = keepsDirectories
        contentOnly = false
    }

    /// For a directory of data: names, content and the executable bit count, nothing else.
    public static let content = Normaliser()

    private init() {
        epoch = Timestamp(seconds: 0)
        contentOnly = true
        keepsDirectories = true
    }

    private static let files: Set<String> = [
        "var/cache/ldconfig/aux-cache", "var/log/dpkg.log", "var/log/alternatives.log", "var/log/bootstrap.log",
        "var/log/fontconfig.log", "var/log/lastlog", "var/log/faillog", "var/log/tallylog", "var/log/btmp",
        "var/log/wtmp", "var/lib/dpkg/lock", "var/lib/dpkg/lock-frontend", "var/lib/dpkg/triggers/Lock",
        "var/lib/dpkg/status-old", "var/lib/dpkg/diversions-old", "var/lib/dpkg/statoverride-old",
        "var/lib/dpkg/available-old", "var/cache/apt/pkgcache.bin", "var/cache/apt/srcpkgcache.bin",
        "var/cache/debconf/config.dat-old", "var/cache/debconf/templates.dat-old",
        "var/cache/debconf/passwords.dat-old",
        "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-", "etc/.pwd.lock",
        "var/lib/apt/lists/lock", "root/.wget-hsts", "root/.python_history", "root/.lesshst",
    ]

    /// Names of files that hold nothing but the moment they were made, wherever they are: jupyter's note that there was
    /// nothing to migrate.
    private static let endings = ["/.jupyter/migrated"]

    /// Directories that a layer never holds, nor anything below them.
    private static let trees: [String] = [
        "var/log/apt", "var/lib/apt/lists/partial", "var/cache/apt/archives", "tmp", "var/tmp", "run", "root/.cache",
    ]

    /// What a base does without besides: a step that wants package lists gets its own, and they stay, for the step after
    /// it that installs from them.
    private static let baseTrees: [String] = ["var/lib/apt/lists"]

    /// Files that a layer holds empty: an id that each machine makes anew.
    private static let emptied: Set<String> = ["etc/machine-id", "var/lib/dbus/machine-id"]

    /// Whether an entry, or the tree it lies in, is left out.
    public func drops(_ path: [UInt8]) -> Bool {
        if contentOnly { return false }
        let text = String(decoding: path, as: UTF8.self)
        return Self.files.contains(text) || Self.endings.contains { text.hasSuffix($0) }
            || Self.trees.contains { (text == $0 && !keepsDirectories) || text.hasPrefix($0 + "/") }
            || (keepsDirectories && Self.baseTrees.contains { text.hasPrefix($0 + "/") })
    }

    /// Whether a file's content is left out.
    public func empties(_ path: [UInt8]) -> Bool {
        !contentOnly && Self.emptied.contains(String(decoding: path, as: UTF8.self))
    }

    /// What stays of an entry's owner, permissions and time.
    func normalise(_ entry: TarEntry) -> TarEntry {
        var entry = entry
        entry.mtime = clamp(entry.mtime)
        if contentOnly {
            entry.mode = entry.kind == .directory || entry.mode & 0o100 != 0 ? 0o755 : 0o644
            entry.uid = 0
            entry.gid = 0
            entry.xattrs = [:]
        }
        return entry
    }

    /// Seconds since 1970, no later than the epoch and no earlier than 0.
    public func clamp(_ seconds: Int64) -> Int64 { max(0, min(seconds, epoch.seconds)) }
}
