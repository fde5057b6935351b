import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// One running ibid-sandbox: its process, and the packets that it sends.
final class SandboxProcess {
    /// What the sandbox says (`REPORT_…` in sandbox.h).
    enum Report {
        case failed(String)
        case gateway(Int32)
        /// A user namespace that maps the container's ids.
        case idMap(Int32)
        /// Why its directories are listed in the order of the file system.
        case unsorted(String)
        case network(Int32)
        case started
        case log(String)
        /// What the container's init saw: the command's wait status.
        case command(status: Int32)
        /// What the container's init saw: why the command could not be executed (errno).
        case notExecuted(Int32)
        /// Bytes that everything in the container had a disk write.
        case written(Int64)
        /// The runtime's wait status; nothing of the container is left.
        case ended(Int32)
        /// The sandbox is gone.
        case closed
    }

    let pid: pid_t
    /// Readable when a report is there.
    let control: Int32
    private let pidfd: Int32

    /// Starts the sandbox. It builds the container's root and then waits for `proceed`.
    ///
    /// - Parameters:
    ///   - plan: `key=value` texts.
    ///   - idMap: a user namespace that an earlier sandbox made.
    init(program: FilePath, plan: [String], stdout: Int32, stderr: Int32, idMap: Int32? = nil) throws {
        let planFile = cl_memfd("ibid-plan")
        guard planFile >= 0 else { throw IbidError.system("make", "the plan's file", errorText(planFile)) }
        defer { close(planFile) }
        let texts = plan + (idMap == nil ? [] : ["id-map=1"])
        let bytes = Array(texts.joined(separator: "\0").utf8) + [0]
        guard write(planFile, bytes, bytes.count) == bytes.count else {
            throw IbidError.system("write", "the plan", lastError())
        }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard null >= 0 else { throw IbidError.system("open", "/dev/null", lastError()) }
        defer { close(null) }
        var ends: [Int32] = [-1, -1]
        let paired = cl_socketpair_seqpacket(&ends)
        guard paired == 0 else { throw IbidError.system("make", "a socket pair", errorText(paired)) }
        defer { close(ends[1]) }
        let descriptors = ([null, stdout, stderr, ends[1], planFile] + (idMap.map { [$0] } ?? [])).enumerated().map {
            cl_fd_map(from: $1, to: Int32($0))
        }
        do {
            let child = try spawn(program, ["ibid-sandbox"], descriptors: descriptors)
            (pid, pidfd, control) = (child.pid, child.pidfd, ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    deinit {
        close(control)
        close(pidfd)
    }

    /// Lets it start the runtime.
    func proceed() { send("+") }

    /// Lets the container's init start the command.
    func release() { send(">") }

    /// Has it end the container.
    func stop() { send("!") }

    // The sandbox may be gone already: then there is nothing to tell it.
    private func send(_ word: String) {
        let bytes = Array(word.utf8)
        _ = Glibc.send(control, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// The next report; waits for it.
    func next() throws -> Report {
        var buffer = [UInt8](repeating: 0, count: 8_192)
        var descriptor: Int32 = -1
        var count = cl_receive_descriptor(control, &buffer, buffer.count, &descriptor)
        // It ended before it read our last word. The kernel says so once; what it had to say is there all the same.
        if count == -Int(ECONNRESET) { count = cl_receive_descriptor(control, &buffer, buffer.count, &descriptor) }
        if count == 0 { return .closed }
        guard count > 0 else { throw IbidError.system("hear from", "the sandbox", errorText(count)) }
        let payload = buffer[1..<count]
        let text = String(decoding: payload, as: UTF8.self)
        switch buffer[0] {
        case UInt8(ascii: "E"): return .failed(text)
        case UInt8(ascii: "G") where descriptor >= 0: return .gateway(descriptor)
        case UInt8(ascii: "M") where descriptor >= 0: return .idMap(descriptor)
        case UInt8(ascii: "U"): return .unsorted(text)
        case UInt8(ascii: "N") where descriptor >= 0: return .network(descriptor)
        case UInt8(ascii: "S"): return .started
        case UInt8(ascii: "L"): return .log(text)
        case UInt8(ascii: "I") where payload.count == 8:
            let seen = payload.withUnsafeBytes { bytes in
                (0..<2).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self) }
            }
            return seen[0] == 1 ? .command(status: seen[1]) : .notExecuted(seen[1])
        case UInt8(ascii: "W") where payload.count == 8:
            return .written(payload.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) })
        case UInt8(ascii: "X") where payload.count == 4:
            return .ended(payload.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        default: throw IbidError.sandboxVanished("it sent something unknown")
        }
    }

    /// Ends the sandbox itself, and with it everything below.
    func kill() { _ = cl_pidfd_signal(pidfd, SIGKILL) }

    /// Waits for the sandbox's end and reaps it.
    func reap() -> cl_exit {
        var exit = cl_exit()
        _ = cl_wait_pidfd(pidfd, 1, &exit)
        return exit
    }
}
