import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Where this machine has its cgroup controllers: one tree (v2), or one per controller (v1), or both mixed (hybrid).
struct CgroupLayout: Sendable {
    enum Version: String, Sendable {
        case v1
        case v2
    }

    var version: Version
    /// Controller name → mount point. In v2 all share one.
    var controllers: [String: FilePath]
    /// What crun refuses to start beside, so that the sandbox covers it: the v2 tree of a hybrid host, when it has
    /// controllers (before crun 1.9), and the empty place of a host that has no control groups at all.
    var hybridTree: FilePath?

    /// The controllers that limits and measurements need.
    static let needed = ["memory", "cpu", "cpuacct", "pids"]

    /// Mount points of the needed controllers, each once.
    var roots: [FilePath] {
        var seen: [FilePath] = []
        for name in Self.needed {
            if let root = controllers[name], !seen.contains(root) { seen.append(root) }
        }
        return seen
    }

    /// What the machine's mounts say, as this process found them.
    static func current() throws -> CgroupLayout { try found.get() }

    private static let found = Result { try read() }

    private static func read() throws -> CgroupLayout {
        guard let mounts = TextFile.read("/proc/self/mountinfo", limit: 16 << 20) else {
            throw IbidError.cgroup("find the cgroup file systems", "/proc is not mounted")
        }
        var found = CgroupLayout(version: .v2, controllers: [:], hybridTree: nil)
        var unified: FilePath?
        // By bytes, as a machine can have thousands of mounts.
        for line in mounts.utf8.split(separator: UInt8(ascii: "\n")) {
            // proc(5): fields, a dash, then type, source and the options of the file system.
            let fields = line.split(separator: UInt8(ascii: " ")).map { Substring($0) }
            guard let dash = fields.firstIndex(of: "-"), dash > 4, fields.count > dash + 3 else { continue }
            let tail = Array(fields[(dash + 1)...])
            let point = FilePath(String(fields[4]))
            if tail[0] == "cgroup2" { unified = point }
            guard tail[0] == "cgroup" else { continue }
            for option in tail[2].split(separator: ",") where needed.contains(String(option)) {
                found.controllers[String(option)] = point
            }
        }
        if !found.controllers.isEmpty {
            found.version = .v1
            found.hybridTree = unified
        } else if let unified {
            let names = TextFile.read(unified.appending("cgroup.controllers")) ?? ""
            for name in names.split(whereSeparator: \.isWhitespace) where needed.contains(String(name)) {
                found.controllers[String(name)] = unified
            }
            // v2 accounts processor time in every group, without a controller.
            found.controllers["cpuacct"] = unified
        } else if access("/sys/fs/cgroup", F_OK) == 0 {
            found.hybridTree = "/sys/fs/cgroup"
        }
        return IDMap.current.isInitial ? found : found.delegated()
    }
}

extension CgroupLayout {
    /// What of it was handed over to an ordinary user: the groups that this process is in, as far as the user may make
    /// others in them (cgroups.rst, "Delegation"). Often nothing.
    fileprivate func delegated() -> CgroupLayout {
        var own: [String: String] = [:]
        for line in (TextFile.read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3, !fields[2].hasPrefix("/..") else { continue }
            for name in fields[1].split(separator: ",") { own[String(name)] = String(fields[2]) }
            if fields[1].isEmpty { own[""] = String(fields[2]) }
        }
        var layout = self
        layout.controllers = [:]
        for (name, root) in controllers {
            guard let path = own[version == .v2 ? "" : name] else { continue }
            var group = root.pushing(FilePath(path).removingRoot())
            // Where an earlier command put this session's processes.
            if group.lastComponent?.string == ControlGroup.outsiders { group.removeLastComponent() }
            guard access(group.string, W_OK) == 0, access(group.appending("cgroup.procs").string, W_OK) == 0 else {
                continue
            }
            layout.controllers[name] = group
        }
        if version == .v2, let group = layout.controllers["cpuacct"] {
            let names = Set(
                (TextFile.read(group.appending("cgroup.controllers")) ?? "").split(whereSeparator: \.isWhitespace)
                    .map(String.init))
            layout.controllers = layout.controllers.filter { $0.key == "cpuacct" || names.contains($0.key) }
        }
        return layout
    }
}
