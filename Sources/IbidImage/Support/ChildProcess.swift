import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Another program, run to its end.
public struct ChildProcess {
    /// How it ended, and what it wrote.
    public struct Result {
        /// The exit status; 128 + signal when a signal ended it.
        public var status: Int32
        /// What it wrote to stdout, unless that went elsewhere.
        public var stdout: [UInt8]
        /// The end of what it wrote to stderr.
        public var stderr: String

        /// The last lines of stderr, for a message.
        var reason: String {
            let lines = stderr.split(separator: "\n").suffix(3).map { DockerfileReader.trimmed(String($0)) }
            return lines.isEmpty ? "exit status \(status)" : lines.joined(separator: "; ")
        }
    }

    /// The program's path.
    let path: String
    /// Arguments after the program's name.
    var arguments: [String]
    /// Its whole environment.
    public var environment: [String: String] = ChildProcess.plainEnvironment
    /// Where it reads from; nothing unless given.
    public var stdin: Int32?
    /// Whether it has a session of its own: what comes from the terminal does not reach it, nor can it ask there.
    public var hasOwnSession = true
    /// Asked a few times a second; true ends it.
    var isCancelled: () -> Bool = { false }
    /// Called with each line of stderr while it runs.
    var onErrorLine: ((String) -> Void)?

    /// Nothing of the user's session but the way to the programs.
    public static var plainEnvironment: [String: String] {
        ["PATH": searchPath, "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/root"]
    }

    private static var searchPath: String {
        (getenv("PATH").map { String(cString: $0) } ?? "")
            + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    }

    /// Where a program is; nil when it is not installed.
    public static func find(_ program: String) -> String? {
        searchPath.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }

    /// A program at a path.
    public init(path: String, arguments: [String]) { (self.path, self.arguments) = (path, arguments) }

    /// The program of that name.
    ///
    /// - Throws: `IbidError` with the package that has it.
    init(_ program: String, package: String, arguments: [String]) throws {
        guard let path = Self.find(program) else {
            throw IbidError(
                "program-missing", "\(program) is not installed", hint: "install it: apt-get install \(package)")
        }
        self.path = path
        self.arguments = arguments
    }

    /// Runs it. It is gone when this returns, whatever happens.
    ///
    /// - Parameter output: takes what it writes to stdout; without it the result has it.
    /// - Throws: `IbidError` when it cannot be started, or what `output` throws.
    public func run(output: ((UnsafeRawBufferPointer) throws -> Void)? = nil) throws -> Result {
        var out: [Int32] = [-1, -1]
        var err: [Int32] = [-1, -1]
        guard cl_pipe(&out) >= 0, cl_pipe(&err) >= 0 else { throw IbidError.system("make", "a pipe", lastError()) }
        defer { for descriptor in [out[0], err[0]] where descriptor >= 0 { close(descriptor) } }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(null) }
        let child: cl_child
        do {
            defer { for descriptor in [out[1], err[1]] { close(descriptor) } }
            child = try start(descriptors: [(stdin ?? null, 0), (out[1], 1), (err[1], 2)])
        }
        defer { close(child.pidfd) }
        var exit = cl_exit()
        do {
            let (bytes, text) = try drain(out: out[0], err: err[0], output: output)
            cl_wait_pidfd(child.pidfd, 1, &exit)
            return Result(status: exit.exited == 1 ? exit.code : 128 + exit.signal, stdout: bytes, stderr: text)
        } catch {
            cl_pidfd_signal(child.pidfd, SIGKILL)
            cl_wait_pidfd(child.pidfd, 1, &exit)
            throw error
        }
    }

    private func start(descriptors: [(Int32, Int32)]) throws -> cl_child {
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        let maps = descriptors.map { cl_fd_map(from: $0.0, to: $0.1) }
        var child = cl_child(pid: 0, pidfd: -1)
        var stage: UnsafePointer<CChar>?
        let result = maps.withUnsafeBufferPointer { maps in
            words.withUnsafeBufferPointer { words in
                variables.withUnsafeBufferPointer { variables in
                    path.withCString { path -> Int32 in
                        guard let argv = words.baseAddress, let envp = variables.baseAddress else { return -EINVAL }
                        var request = cl_spawn(
                            path: path, argv: argv, envp: envp, working_directory: nil, descriptors: maps.baseAddress,
                            descriptor_count: maps.count, new_session: hasOwnSession ? 1 : 0, death_signal: SIGKILL)
                        return cl_spawn(&request, &child, &stage)
                    }
                }
            }
        }
        guard result >= 0 else { throw IbidError.system("start", path, errorText(result)) }
        return child
    }

    private func drain(
        out: Int32, err: Int32, output: ((UnsafeRawBufferPointer) throws -> Void)?
    ) throws -> ([UInt8], String) {
        var bytes: [UInt8] = []
        var tail: [UInt8] = []
        var line: [UInt8] = []
        var open = [
            pollfd(fd: out, events: Int16(POLLIN), revents: 0), pollfd(fd: err, events: Int16(POLLIN), revents: 0),
        ]
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while open.contains(where: { $0.fd >= 0 }) {
            let ready = poll(&open, nfds_t(open.count), 250)
            guard ready >= 0 || errno == EINTR else { throw IbidError.system("wait for", path, lastError()) }
            if isCancelled() { throw IbidError.interrupted }
            if ready <= 0 { continue }
            for index in open.indices where open[index].fd >= 0 && open[index].revents != 0 {
                let count = read(open[index].fd, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else {
                    open[index].fd = -1
                    continue
                }
                let piece = UnsafeRawBufferPointer(rebasing: buffer[0..<count])
                if index == 0 {
                    if let output { try output(piece) } else { bytes += piece }
                } else {
                    tail += piece
                    if tail.count > 16 << 10 { tail.removeFirst(tail.count - (8 << 10)) }
                    report(piece, &line)
                }
            }
        }
        return (bytes, String(decoding: tail, as: UTF8.self))
    }

    private func report(_ piece: UnsafeRawBufferPointer, _ line: inout [UInt8]) {
        guard let onErrorLine else { return }
        for byte in piece {
            if byte == 0x0a {
                onErrorLine(String(decoding: line, as: UTF8.self))
                line = []
            } else if line.count < 4_096 {
                line.append(byte)
            }
        }
    }
}
