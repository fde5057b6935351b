import CLinux
import Glibc
import IbidModel
import IbidStore

/// Watches one container from its start to its end: reports, clock, memory, the stop switch.
final class ContainerWatch {
    private let process: SandboxProcess
    private let group: ControlGroup
    private let limits: ContainerLimits
    private let gateway: (@Sendable (Int32) -> Void)?
    private let ports: PortForwarder?
    private let stops: [ContainerStop]
    private let pipes: [OutputPipe]
    private let disk: DiskWatch?
    private let spec: ContainerSpec
    private let keep: (Int32) -> Void

    /// Why it is being ended; the first cause counts.
    private var cause: String?
    private var failure: String?
    private var runtimeLog = ""
    private var status: Int32?
    private var commandStatus: Int32?
    private var executionError: Int32?
    private var writtenBytes: Int64?
    private var unsortedReason: String?
    private var started: (time: Timestamp, clock: Int64)?
    private var ended: (time: Timestamp, clock: Int64)?
    private var meter: ProcessMeter?
    private var gatewayThread: (thread: WorkerThread, socket: Int32)?

    /// How long the sandbox may take to end a container before it is ended itself.
    private static let patience: Int64 = 5_000_000

    /// - Parameter keep: takes over the user namespace that the sandbox made.
    init(
        process: SandboxProcess, group: ControlGroup, gateway: (@Sendable (Int32) -> Void)?,
        ports: PortForwarder?, stops: [ContainerStop], pipes: [OutputPipe], disk: DiskWatch?, spec: ContainerSpec,
        keep: @escaping (Int32) -> Void
    ) {
        self.process = process
        self.group = group
        limits = spec.limits
        self.gateway = gateway
        self.ports = ports
        self.stops = stops + (disk.map { [$0.stop] } ?? [])
        self.pipes = pipes
        self.disk = disk
        self.spec = spec
        self.keep = keep
    }

    /// Lets the container start and waits for its end; whatever happens, nothing of it is left afterwards.
    ///
    /// - Parameter ready: what comes before the command starts; the container is made meanwhile.
    func run(ready: () throws -> Void) throws -> ContainerOutcome {
        var thrown: (any Error)?
        do {
            if group.isMemoryWatched { meter = ProcessMeter(root: process.pid) }
            try group.add(process.pid)
            process.proceed()
            try ready()
            process.release()
            try follow()
        } catch {
            thrown = error
            process.kill()
        }
        let exit = process.reap()
        try group.kill()
        endGateway()
        ports?.end()
        if group.ranOutOfMemory() { note(memoryCause) }
        let usage = (
            // Without a group, what the kernel adds up when processes are waited for.
            cpu: group.cpuMicroseconds() ?? (exit.user_microseconds + exit.system_microseconds),
            // The largest process on its own is known even when it came and went between two looks.
            peak: group.peakMemoryBytes() ?? max(meter?.peakMemoryBytes ?? 0, exit.peak_memory_bytes)
        )
        let reached = group.ranOutOfProcesses() ? ["process limit \(limits.pids ?? 0)"] : []
        try group.remove()
        if let thrown { throw thrown }
        return ContainerOutcome(
            ending: try ending(exit), startedAt: (started ?? now).time, finishedAt: (ended ?? now).time,
            wallMicroseconds: (ended ?? now).clock - (started ?? now).clock, cpuMicroseconds: usage.cpu,
            peakMemoryBytes: usage.peak, writtenBytes: writtenBytes, limitsReached: reached,
            unsortedReason: unsortedReason, isolation: [:])
    }

    private var now: (time: Timestamp, clock: Int64) {
        (Timestamp(microseconds: cl_realtime_microseconds()), cl_monotonic_microseconds())
    }

    private var memoryCause: String { "memory limit \(sizeText(limits.memoryBytes ?? 0))" }

    private func note(_ reason: String) { if cause == nil { cause = reason } }

    // MARK: While it runs

    private func follow() throws {
        var deadline = limits.wallSeconds.map { cl_monotonic_microseconds() + $0 * 1_000_000 }
        var stopping = false
        while true {
            var wait = deadline.map { max(0, $0 - cl_monotonic_microseconds()) }
            if meter != nil, started != nil, !stopping { wait = min(wait ?? .max, ProcessMeter.interval) }
            if let due = diskDue { wait = min(wait ?? .max, max(0, due - cl_monotonic_microseconds())) }
            let ready = try poll(wait: wait, watching: !stopping)
            if let due = diskDue, due <= cl_monotonic_microseconds() { try disk?.start() }
            if ready.control {
                switch try process.next() {
                case .closed: return
                case .started:
                    started = now
                    if !stopping, let seconds = limits.wallSeconds, let started {
                        deadline = started.clock + seconds * 1_000_000
                    }
                case .gateway(let socket): try startGateway(socket)
                case .idMap(let namespace): keep(namespace)
                case .network(let namespace):
                    defer { close(namespace) }
                    try ports?.start(in: namespace)
                case .log(let text): runtimeLog += text
                case .failed(let text): failure = text
                case .command(let value): commandStatus = value
                case .notExecuted(let error): executionError = error
                case .written(let bytes): writtenBytes = bytes
                case .unsorted(let reason): unsortedReason = reason
                case .ended(let value):
                    status = value
                    ended = now
                }
                continue
            }
            let due = deadline.map { $0 <= cl_monotonic_microseconds() } ?? false
            if stopping {
                if due { process.kill() }  // the sandbox itself hangs: everything below goes with it
                continue
            }
            if ready.memory || isOverMemory() {
                note(memoryCause)
            } else if let stop = stops.first(where: \.isThrown), ready.stop {
                note(stop.reasonText)
            } else if due {
                note("wall time limit \(limits.wallSeconds ?? 0) s")
            } else {
                continue
            }
            process.stop()
            stopping = true
            deadline = cl_monotonic_microseconds() + Self.patience
        }
    }

    /// When what it writes has to be looked at.
    private var diskDue: Int64? {
        guard let disk, !disk.isStarted, let started else { return nil }
        return started.clock + DiskWatch.interval
    }

    private func isOverMemory() -> Bool {
        guard let memory = meter?.memoryBytes(), let limit = limits.memoryBytes else { return false }
        return memory > limit
    }

    private func poll(wait: Int64?, watching: Bool) throws -> (control: Bool, memory: Bool, stop: Bool) {
        // A negative descriptor is left out by poll.
        let memory = watching ? group.oomDescriptor ?? -1 : -1
        let switches = watching ? stops.map(\.descriptor) : []
        let waiting = pipes.filter(\.isWaiting)
        var polls = ([process.control, memory] + switches + waiting.map(\.reader)).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        // Rounded up: a timeout a little too late is one turn, a little too early would be many.
        let timeout = wait.map { Int32(clamping: ($0 + 999) / 1_000) } ?? -1
        let count = Glibc.poll(&polls, UInt(polls.count), timeout)
        guard count >= 0 || errno == EINTR else {
            throw IbidError.system("wait for", "the container", lastError())
        }
        if count <= 0 { return (false, false, false) }
        let stopped = polls[2...].prefix(switches.count)
        for (pipe, poll) in zip(waiting, polls.suffix(waiting.count)) { try pipe.heard(poll.revents) }
        return (polls[0].revents != 0, polls[1].revents != 0, stopped.contains { $0.revents != 0 })
    }

    private func startGateway(_ socket: Int32) throws {
        guard let gateway, gatewayThread == nil else {
            close(socket)
            return
        }
        gatewayThread = (try WorkerThread { gateway(socket) }, socket)
    }

    private func endGateway() {
        guard let (thread, socket) = gatewayThread else { return }
        shutdown(socket, Int32(SHUT_RDWR))  // an accept that waits fails, and so do all later ones
        thread.join()
        close(socket)
        gatewayThread = nil
    }

    // MARK: Afterwards

    private func ending(_ exit: cl_exit) throws -> ContainerOutcome.Ending {
        if let cause { return .killed(reason: cause) }
        if let failure { throw IbidError.sandboxFailed(failure) }
        guard let status else {
            let how = exit.exited != 0 ? "exit status \(exit.code)" : "signal \(exit.signal)"
            throw IbidError.sandboxVanished(how)
        }
        if let executionError {
            throw CommandFailure.describe(executionError, spec)
        }
        // What init saw is exact; without it (a runtime that hands no descriptor on) the runtime's word counts.
        if let commandStatus { return .exited(Self.code(of: commandStatus)) }
        guard status & 0x7f == 0 else {
            throw IbidError.sandboxVanished("the runtime ended by signal \(status & 0x7f)")
        }
        let code = Self.code(of: status)
        if code != 0, let error = RuntimeLog.firstError(runtimeLog) { throw IbidError.containerNotStarted(error) }
        return .exited(code)
    }

    // wait(2): the low seven bits are the signal that ended it, the next byte its exit status.
    private static func code(of status: Int32) -> Int {
        let signal = status & 0x7f
        return Int(signal != 0 ? 128 + signal : status >> 8 & 0xff)
    }
}
