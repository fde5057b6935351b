import CLinux
import Glibc
import IbidStore
import SystemPackage

/// Measures a container that has no control group: by looking, a few times a second, at the processes below its sandbox.
///
/// It sees what is there at that moment: a process that comes and goes in between is missed, and a limit is hit a
/// little late. The record says that a limit was watched, not enforced by the kernel.
struct ProcessMeter {
    /// The sandbox.
    let root: pid_t
    private(set) var peakMemoryBytes: Int64 = 0

    /// Between two looks.
    static let interval: Int64 = 20_000

    init(root: pid_t) { self.root = root }

    /// Memory of all processes together: what they wrote to, and the files that lie in memory.
    mutating func memoryBytes() -> Int64 {
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        var pages: Int64 = 0
        var last: pid_t?
        var open = [root]
        while let process = open.popLast() {
            // proc(5), statm: size, resident, and how much of that is shared with a file.
            let numbers = (TextFile.read(FilePath("/proc/\(process)/statm")) ?? "").split(separator: " ")
                .compactMap { Int64($0) }
            if numbers.count > 2 { pages += max(0, numbers[1] - numbers[2]) }
            let children = Self.children(of: process)
            if children.isEmpty, process != root { last = process }
            open += children
        }
        let memory = pages * page + (last.map(Self.files) ?? 0)
        peakMemoryBytes = max(peakMemoryBytes, memory)
        return memory
    }

    private static func children(of process: pid_t) -> [pid_t] {
        // A process that ended in between has no children.
        let tasks = (try? names(in: FilePath("/proc/\(process)/task"))) ?? []
        return tasks.flatMap { task in
            (TextFile.read(FilePath("/proc/\(process)/task/\(task)/children")) ?? "").split(separator: " ")
                .compactMap { pid_t($0) }
        }
    }

    // What lies in the container's own file systems in memory.
    private static func files(seenBy process: pid_t) -> Int64 {
        var bytes: Int64 = 0
        for name in ["tmp", "dev/shm"] {
            let path = "/proc/\(process)/root/\(name)"
            var status = statvfs()
            guard cl_filesystem_type(path) == CL_TMPFS_MAGIC, statvfs(path, &status) == 0 else { continue }
            bytes += Int64(clamping: status.f_blocks - status.f_bfree) * Int64(clamping: status.f_frsize)
        }
        return bytes
    }
}
