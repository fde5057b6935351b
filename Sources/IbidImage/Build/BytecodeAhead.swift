import CLinux
import Glibc
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// Compiles the wheels that a step is handed while the step still runs: a pip works on one processor, one package after
/// the other, and the rest of the machine would wait for it.
///
/// It sees the wheels and the image below the step, and has no network. What it makes is only a guess at what will be
/// wanted (see `BytecodeScript`); that it was never started, or failed, costs time and changes no byte.
final class BytecodeAhead: Sendable {
    private struct State {
        var offered: Set<Digest> = []
        var bytes: Int64 = 0
        var isStarted = false
        var isOver = false
    }

    /// Less than this is compiled faster than a container starts.
    private static let worthwhile: Int64 = 2 << 20

    private let host: ContainerHost
    private let python: BytecodePython
    private let spec: ContainerSpec
    private let wheels: FilePath
    private let script: FilePath
    private let mark: FilePath
    private let queue: Int32
    private let stop: ContainerStop
    private let stops: [ContainerStop]
    private let threads = ThreadGroup()
    private let state = Mutex(State())

    /// Where the made groups are, in the container and below its upper directory.
    private static let results = "ibid-bytecode"

    /// - Parameters:
    ///   - layers: the unpacked layers below the step, lowest first.
    ///   - workspace: a directory of the step.
    /// - Returns: nil when the image has no Python, or there is no second processor to use.
    init?(
        host: ContainerHost, layers: [FilePath], environment: [String: String], limits: ContainerLimits,
        runtime: String, stop: ContainerStop?, workspace: FilePath
    ) throws {
        guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1,
            let python = try Self.interpreter(StageRoot(layers: layers), environment)
        else { return nil }
        self.host = host
        self.python = python
        self.stop = try ContainerStop()
        stops = [self.stop] + (stop.map { [$0] } ?? [])
        wheels = workspace.appending("wheels")
        try makeDirectories(wheels, mode: 0o755)
        chmod(wheels.string, 0o755)
        let container = workspace.appending("ahead")
        try makeDirectories(container, mode: 0o700)
        script = workspace.appending("ahead.py")
        // Beside the wheels: the results' directory is the container's.
        mark = wheels.appending("over")
        let fifo = wheels.appending("queue")
        guard mkfifo(fifo.string, 0o644) == 0, chmod(fifo.string, 0o644) == 0 else {
            throw IbidError.system("create", fifo.string, lastError())
        }
        // For reading too: then nobody has to be there yet.
        queue = open(fifo.string, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard queue >= 0 else { throw IbidError.system("open", fifo.string, lastError()) }
        spec = ContainerSpec(
            workspace: container, layers: layers,
            command: python.command + [
                "/run/ibid/compile.py", "ahead", "/run/ibid/wheels", "/\(Self.results)",
            ],
            environment: python.environment(environment), workingDirectory: "/", user: "0:0",
            binds: [
                ContainerBind(source: script, target: "/run/ibid/compile.py"),
                ContainerBind(source: wheels, target: "/run/ibid/wheels"),
            ], limits: limits, privileges: .build, gatewayPort: nil, runtime: runtime)
    }

    deinit { _ = Glibc.close(queue) }

    /// The interpreter that a plain `pip` would most likely run on.
    private static func interpreter(_ root: StageRoot, _ environment: [String: String]) throws -> BytecodePython? {
        for place in (environment["PATH"] ?? "").split(separator: ":") where place.hasPrefix("/") {
            for name in ["python3", "python"] {
                let path = "\(place)/\(name)"
                let resolved = try root.resolve(Array(path.utf8))
                guard case .file? = resolved.node?.kind else { continue }
                // python3 is a link to python3.9.
                let own = String(decoding: resolved.path.lastName, as: UTF8.self)
                return BytecodePython(path: path, version: own.dropFirst("python".count))
            }
        }
        return nil
    }

    /// Says that the step got, or is going to get, a wheel.
    ///
    /// - Parameter file: where its bytes are; on another file system it is left for later.
    func offer(_ digest: Digest, size: Int64, at file: FilePath) {
        let starts = state.withLock { state -> Bool in
            guard !state.isOver, state.offered.insert(digest).inserted,
                link(file.string, wheels.appending(digest.hex).string) == 0
            else { return false }
            let line = digest.hex + "\n"
            // A full queue is 64 KiB, a thousand wheels; the rest is compiled afterwards.
            guard write(queue, line, line.utf8.count) == line.utf8.count else { return false }
            state.bytes += size
            guard !state.isStarted, state.bytes >= Self.worthwhile else { return false }
            state.isStarted = true
            return true
        }
        // What cannot be started is not missed.
        if starts { try? threads.start { [self] in compile() } }
    }

    private func compile() {
        let text = Array(python.script.utf8)
        guard (try? writeAtomically(text, to: script, mode: 0o644, durable: false)) != nil else { return }
        // However it ends: a group is there whole or not at all.
        _ = try? host.run(spec, stdout: { _ in }, stderr: { _ in }, gateway: nil, stops: stops)
        try? writeAtomically([], to: mark, mode: 0o644, durable: false)
    }

    /// The end of the step: what was begun goes on, nothing is offered any more.
    ///
    /// - Returns: the directory where groups appear, and the name of a file in it that says that no more will come; nil
    ///   when there is nothing to wait for.
    func results() -> (directory: FilePath, mark: FilePath)? {
        close()
        guard state.withLock({ $0.isStarted }) else { return nil }
        let directory = spec.workspace.appending("upper").appending(Self.results)
        // A container takes longer to start than a step that ends at once.
        return access(directory.string, F_OK) == 0 ? (directory, mark) : nil
    }

    /// Ends what still works; nobody wants it any more.
    func abandon() {
        close()
        stop.stop(reason: "the step is over")
        threads.wait()
    }

    private func close() {
        let first = state.withLock { state -> Bool in
            defer { state.isOver = true }
            return !state.isOver
        }
        if first {
            // The container reads until nobody can write any more.
            let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
            dup2(null, queue)
            _ = fcntl(queue, F_SETFD, FD_CLOEXEC)
            _ = Glibc.close(null)
        }
    }
}
