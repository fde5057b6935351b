public import IbidModel

/// How a container ended and what it used.
public struct ContainerOutcome: Hashable, Sendable {
    /// How the command ended.
    public enum Ending: Hashable, Sendable {
        /// By itself, with this status; 128 + n when signal n ended it.
        case exited(Int)
        /// Because of a limit or an interruption; the reason is written for people and stable enough to record.
        case killed(reason: String)
    }

    /// How the command ended.
    public var ending: Ending
    /// When the runtime was told to start it.
    public var startedAt: Timestamp
    /// When the last of its processes was gone.
    public var finishedAt: Timestamp
    /// Between the two, by a clock that nobody sets.
    public var wallMicroseconds: Int64
    /// Processor time of all its processes and of the runtime that starts them (10 to 20 ms).
    public var cpuMicroseconds: Int64
    /// The largest memory of all its processes together; nil where the kernel does not tell.
    public var peakMemoryBytes: Int64?
    /// Bytes that its processes had a disk write, what they wrote and deleted again included; nil where the kernel does
    /// not tell.
    public var writtenBytes: Int64?
    /// Limits that it ran against without being ended, such as `process limit 64`.
    public var limitsReached: [String]
    /// Why its directories were listed in the order of the file system, where another was asked for.
    public var unsortedReason: String?
    /// What held it: level, runtime and its version, cgroup version, id range, seccomp list.
    public var isolation: [String: String]
}
