/// What one run may use. Every limit is on by default; each is part of the spec.
public struct Limits: Hashable, Sendable, Codable {
    /// Memory of all processes together, in bytes; swap is not given beside it.
    public var memoryBytes: Int64
    /// Processor time per wall time, in thousandths of a core.
    public var cpuMillis: Int64
    /// Processes and threads at one time.
    public var pids: Int64
    /// Wall time in seconds.
    public var wallSeconds: Int64
    /// Bytes that all outputs, stdout and stderr may have together.
    public var outputBytes: Int64
    /// Files that the outputs may be.
    public var outputFiles: Int64
    /// Open descriptors per process.
    public var openFiles: Int64

    /// What a run gets when its job says nothing.
    public static let standard = Limits(
        memoryBytes: 2 << 30, cpuMillis: 1_000, pids: 256, wallSeconds: 3_600, outputBytes: 10 << 30,
        outputFiles: 200_000, openFiles: 1_024)

    /// Makes a set of limits.
    public init(
        memoryBytes: Int64, cpuMillis: Int64, pids: Int64, wallSeconds: Int64, outputBytes: Int64, outputFiles: Int64,
        openFiles: Int64
    ) {
        self.memoryBytes = memoryBytes
        self.cpuMillis = cpuMillis
        self.pids = pids
        self.wallSeconds = wallSeconds
        self.outputBytes = outputBytes
        self.outputFiles = outputFiles
        self.openFiles = openFiles
    }
}
