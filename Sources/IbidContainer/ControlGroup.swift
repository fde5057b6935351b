import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// The cgroup of one container, `/ibid/<name>` in every tree that is needed: made before anything runs, and removed
/// after everything has ended, so that what was used and what ended it can be read in between.
///
/// The runtime makes no cgroup of its own. A limit counts only when it reads back as it was written.
final class ControlGroup {
    private let layout: CgroupLayout
    private let name: String
    private var oomEvents: Int32 = -1
    private var oomSource: Int32 = -1
    private var removed = false

    /// The parent of all groups of Ibid, below each tree's root.
    static let parent = "ibid"
    /// Where the processes of a delegated group go: a group that has controllers to give has no processes (v2).
    static let outsiders = "ibid-session"

    /// What holds each limit, for the record.
    var enforcement: LimitEnforcement { LimitEnforcement(layout) }
    /// Whether memory has to be watched, as no control group limits it.
    var isMemoryWatched: Bool { layout.controllers["memory"] == nil }

    /// Makes the group in every tree.
    ///
    /// - Throws: `IbidError` when the machine has no cgroups that this process may write.
    init(name: String, layout: CgroupLayout) throws {
        self.layout = layout
        self.name = name
        for root in layout.roots {
            let parent = root.appending(Self.parent)
            if mkdir(parent.string, 0o755) != 0 && errno != EEXIST {
                throw IbidError.cgroup("create \(parent)", lastError())
            }
            if layout.version == .v2 {
                if !IDMap.current.isInitial { try clear(root) }
                try enableControllers(root)
                try enableControllers(parent)
            }
            let path = parent.appending(name)
            guard mkdir(path.string, 0o755) == 0 else {
                throw IbidError.cgroup("create \(path)", lastError())
            }
        }
    }

    deinit {
        if oomEvents >= 0 { close(oomEvents) }
        if oomSource >= 0 { close(oomSource) }
        if !removed { try? remove() }  // only after an error that is already on its way
    }

    private func clear(_ group: FilePath) throws {
        let processes = Self.processes(in: [group])
        if processes.isEmpty { return }
        let place = group.appending(Self.outsiders)
        guard mkdir(place.string, 0o755) == 0 || errno == EEXIST else {
            throw IbidError.cgroup("create \(place)", lastError())
        }
        // One that has ended since is not there to be moved.
        for process in processes { _ = TextFile.write("\(process)", to: place.appending("cgroup.procs")) }
    }

    private func enableControllers(_ path: FilePath) throws {
        let file = path.appending("cgroup.subtree_control")
        let present = Set((TextFile.read(file) ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
        for controller in layout.controllers.keys.sorted()
        where controller != "cpuacct" && !present.contains(controller) {
            let failed = TextFile.write("+" + controller, to: file)
            guard failed == 0 else {
                throw IbidError.cgroup("enable '\(controller)' in \(file)", String(cString: strerror(failed)))
            }
        }
    }

    private func directory(_ controller: String, for limit: String) throws -> FilePath {
        guard let root = layout.controllers[controller] else { throw IbidError.controllerMissing(controller, limit) }
        return root.appending(Self.parent).appending(name)
    }

    var directories: [FilePath] { layout.roots.map { $0.appending(Self.parent).appending(name) } }

    // MARK: Limits

    /// Sets the limits and reads each back.
    ///
    /// - Parameter ownProcesses: processes of the sandbox and the runtime, which count as the container's.
    func apply(_ limits: ContainerLimits, ownProcesses: Int64) throws {
        var limits = limits
        if !IDMap.current.isInitial {
            // What was not handed over to this user is held otherwise, and the record says how.
            if layout.controllers["memory"] == nil { limits.memoryBytes = nil }
            if layout.controllers["cpu"] == nil { limits.cpuMillis = nil }
            if layout.controllers["pids"] == nil { limits.pids = nil }
        }
        if let bytes = limits.memoryBytes { try limitMemory(bytes) }
        if let millis = limits.cpuMillis {
            let directory = try directory("cpu", for: "processor")
            // Thousandths of a core are hundreds of microseconds in each period of 100 ms; 1 ms is the least.
            let quota = max(1_000, millis * 100)
            if layout.version == .v2 {
                try set(directory.appending("cpu.max"), "\(quota) 100000", "processor")
            } else {
                try set(directory.appending("cpu.cfs_period_us"), "100000", "processor")
                try set(directory.appending("cpu.cfs_quota_us"), "\(quota)", "processor")
            }
        }
        if let pids = limits.pids {
            let directory = try directory("pids", for: "process")
            try set(directory.appending("pids.max"), "\(pids + ownProcesses)", "process")
        }
    }

    private func limitMemory(_ bytes: Int64) throws {
        let directory = try directory("memory", for: "memory")
        // The kernel counts whole pages.
        let rounded = "\(bytes / 4096 * 4096)"
        if layout.version == .v2 {
            try set(directory.appending("memory.max"), rounded, "memory")
            let swap = directory.appending("memory.swap.max")
            if access(swap.string, F_OK) == 0 { try set(swap, "0", "swap") }
            // All or nothing: an analysis that lost a worker would go on and give half a result.
            try set(directory.appending("memory.oom.group"), "1", "memory")
        } else {
            try set(directory.appending("memory.limit_in_bytes"), rounded, "memory")
            let both = directory.appending("memory.memsw.limit_in_bytes")
            if access(both.string, F_OK) == 0 { try set(both, rounded, "memory") }
            try watchForOOM(directory)
        }
    }

    private func set(_ file: FilePath, _ value: String, _ limit: String) throws {
        let failed = TextFile.write(value, to: file)
        guard failed == 0 else { throw IbidError.cgroup("write \(file)", String(cString: strerror(failed))) }
        let got = trimmed(TextFile.read(file) ?? "nothing")
        guard got == value else { throw IbidError.limitNotApplied(limit, wrote: value, got: got) }
    }

    private func trimmed(_ text: String) -> String { String(text.prefix { $0 != "\n" }) }

    // memory.txt, 10: an event descriptor registered with a group's oom_control counts its OOM kills. The counters in
    // the files count only what happened in a group itself, and say nothing here.
    private func watchForOOM(_ directory: FilePath) throws {
        oomSource = open(directory.appending("memory.oom_control").string, O_RDONLY | O_CLOEXEC)
        oomEvents = cl_eventfd()
        let failed = TextFile.write("\(oomEvents) \(oomSource)", to: directory.appending("cgroup.event_control"))
        guard oomSource >= 0, oomEvents >= 0, failed == 0 else {
            throw IbidError.cgroup("watch \(directory) for a lack of memory", String(cString: strerror(failed)))
        }
    }

    // MARK: Use

    /// Readable once memory has run out, when it is for Ibid to end the other processes: v1 ends only one of them. Nil
    /// on v2, which ends all, and without a memory limit.
    var oomDescriptor: Int32? { oomEvents >= 0 ? oomEvents : nil }

    /// Whether the kernel ended a process for lack of memory. To be asked once, before the group is removed.
    func ranOutOfMemory() -> Bool {
        if layout.version == .v1 { return oomEvents >= 0 && cl_eventfd_read(oomEvents) > 0 }
        return (counter("memory", "memory.events", key: "oom_kill") ?? 0) > 0
            || (counter("memory", "memory.events", key: "oom_group_kill") ?? 0) > 0
    }

    /// Files to which the sandbox, which has one thread, writes itself to be in the group. v2 takes only whole processes.
    var joinFiles: [FilePath] { layout.version == .v1 ? directories.map { $0.appending("tasks") } : [] }

    /// Puts a process into the group, where it does not go itself.
    func add(_ process: pid_t) throws {
        // In v1 the sandbox joins its groups itself.
        guard layout.version == .v2 else { return }
        for directory in directories {
            let failed = TextFile.write("\(process)", to: directory.appending("cgroup.procs"))
            guard failed == 0 else {
                throw IbidError.cgroup("put the container into \(directory)", String(cString: strerror(failed)))
            }
        }
    }

    /// Processor time of everything that ran in the group; nil without a group.
    func cpuMicroseconds() -> Int64? {
        if layout.version == .v2 { return counter("cpuacct", "cpu.stat", key: "usage_usec") }
        return counter("cpuacct", "cpuacct.usage", key: nil).map { $0 / 1_000 }
    }

    /// The largest memory that the group had at one time; nil before Linux 5.19 on v2.
    func peakMemoryBytes() -> Int64? {
        let file = layout.version == .v2 ? "memory.peak" : "memory.max_usage_in_bytes"
        return counter("memory", file, key: nil)
    }

    /// Whether a new process was refused for the limit of processes.
    func ranOutOfProcesses() -> Bool { (counter("pids", "pids.events", key: "max") ?? 0) > 0 }

    // A file with one number, or with lines of a key and a number.
    private func counter(_ controller: String, _ file: String, key: String?) -> Int64? {
        guard let root = layout.controllers[controller],
            let text = TextFile.read(root.appending(Self.parent).appending(name).appending(file))
        else { return nil }
        guard let key else { return Int64(trimmed(text)) }
        let line = text.split(separator: "\n").first { $0.hasPrefix(key + " ") }
        return line.flatMap { Int64($0.dropFirst(key.utf8.count + 1)) }
    }

    // MARK: End

    /// Ends every process in the group and waits until none is left.
    ///
    /// - Throws: `IbidError` when one does not go within ten seconds.
    func kill() throws {
        let deadline = cl_monotonic_microseconds() + 10_000_000
        while true {
            let processes = Self.processes(in: directories)
            if processes.isEmpty { return }
            for process in processes { Glibc.kill(process, SIGKILL) }
            guard cl_monotonic_microseconds() < deadline else {
                throw IbidError.cgroup("end the processes of \(directories)", "\(processes.count) do not go")
            }
            usleep(500)
        }
    }

    /// Removes the group; no process may be left in it.
    func remove() throws {
        removed = true
        for directory in directories { try Self.remove(directory) }
    }

    static func processes(in directories: [FilePath]) -> Set<pid_t> {
        var found: Set<pid_t> = []
        for directory in directories {
            let text = TextFile.read(directory.appending("cgroup.procs")) ?? ""
            found.formUnion(text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 0 })
        }
        return found
    }

    static func remove(_ directory: FilePath) throws {
        let deadline = cl_monotonic_microseconds() + 5_000_000
        // A process that has just been reaped may still be leaving.
        while rmdir(directory.string) != 0 && errno != ENOENT {
            guard errno == EBUSY, cl_monotonic_microseconds() < deadline else {
                throw IbidError.cgroup("remove \(directory)", lastError())
            }
            usleep(500)
        }
    }
}
