import Glibc
import IbidModel
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
    /// Where a hybrid host shows its v2 tree beside v1: crun before 1.9 refuses to start when it sees one with
    /// controllers, so the sandbox covers it.
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

    /// Reads the machine's mounts.
    static func current() throws -> CgroupLayout {
        guard let mounts = TextFile.read("/proc/self/mountinfo", limit: 16 << 20) else {
            throw IbidError.cgroup("find the cgroup file systems", "/proc is not mounted")
        }
        var found = CgroupLayout(version: .v2, controllers: [:], hybridTree: nil)
        var unified: FilePath?
        for line in mounts.split(separator: "\n") {
            // proc(5): fields, a dash, then type, source and the options of the file system.
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let fields = halves[0].split(separator: " ")
            let tail = halves[1].split(separator: " ")
            guard fields.count > 4, tail.count > 2 else { continue }
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
        }
        return found
    }
}
