import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Looks again and again at what a container has written, on a thread of its own once it has run for a while, and ends it
/// when that is too much.
///
/// Every other limit is the kernel's. This one is not: without quotas on the file system the kernel counts nothing, so
/// what is written between two looks goes beyond the limit. A look takes at most a twentieth of one processor's time.
final class DiskWatch {
    /// Thrown when there is too much.
    let stop: ContainerStop
    private let ended: ContainerStop
    private let upper: FilePath
    private let limits: ContainerLimits
    private let processes: @Sendable () -> Set<pid_t>
    private var thread: WorkerThread?

    /// How long a container has run when it is looked at first, and how long it is left alone after that, at least.
    static let interval: Int64 = 250_000

    /// Whether it has started.
    var isStarted: Bool { thread != nil }

    /// - Parameter processes: those of the container, for what they hold open without a name.
    init(
        upper: FilePath, limits: ContainerLimits, processes: @escaping @Sendable () -> Set<pid_t>
    ) throws {
        (stop, ended) = (try ContainerStop(), try ContainerStop())
        (self.upper, self.limits, self.processes) = (upper, limits, processes)
    }

    /// Starts to look.
    func start() throws {
        guard thread == nil else { return }
        let (stop, ended, upper, limits, processes) = (stop, ended, upper, limits, processes)
        thread = try WorkerThread {
            var pause: Int64 = 0
            while !ended.waits(microseconds: pause) {
                let begin = cl_monotonic_microseconds()
                if let reason = Self.excess(upper, limits, processes) { return stop.stop(reason: reason) }
                pause = max(Self.interval, (cl_monotonic_microseconds() - begin) * 20)
            }
        }
    }

    /// Ends the looking.
    func end() {
        ended.stop(reason: "the container has ended")
        thread?.join()
    }

    private static func excess(
        _ upper: FilePath, _ limits: ContainerLimits, _ processes: () -> Set<pid_t>
    ) -> String? {
        var usage = cl_usage()
        guard cl_tree_usage(upper.string, limits.writtenFiles ?? .max, &usage) == 0 else { return nil }
        if let most = limits.writtenFiles, usage.entries > most { return outputLimit(files: most) }
        if let most = limits.writtenBytes {
            let nameless = processes().reduce(0) { $0 + cl_unlinked_bytes($1) }
            if usage.bytes + nameless > most { return outputLimit(bytes: most) }
        }
        // What is seen by neither count still fills the disk, for everybody.
        var space = statvfs()
        guard usage.bytes > 0, statvfs(upper.string, &space) == 0 else { return nil }
        let unit = Int64(space.f_frsize)
        let reserve = min(256 << 20, Int64(space.f_blocks) * unit / 100)
        return Int64(space.f_bavail) * unit < reserve
            ? "disk full: less than \(sizeText(reserve)) left where runs are kept" : nil
    }
}

/// How the limit of what a run writes is called, wherever it is hit.
package func outputLimit(bytes: Int64) -> String { "output limit \(sizeText(bytes))" }

/// The same for the number of files.
package func outputLimit(files: Int64) -> String { "output limit \(files) files" }
