import CLinux
import Glibc
import IbidModel
import IbidStore

/// A pipe from the container to a closure, read until its last writer is gone: by a thread of its own from the moment that
/// something is there, for most containers say nothing on one of the two.
///
/// A pipe and not a file: a file's path on the host would show in the container's /proc/self/fd.
final class OutputPipe {
    /// The end that the container writes to; closed by `closeWriter`.
    private(set) var writer: Int32
    /// The other end; readable once there is something for `start`.
    let reader: Int32
    private let sink: @Sendable (UnsafeRawBufferPointer) -> Void
    private var thread: WorkerThread?
    private var isSilent = false

    /// Whether nobody reads it yet who would have to.
    var isWaiting: Bool { thread == nil && !isSilent }

    /// - Parameter owner: the host's ids of the container's user, who may then open /dev/stdout.
    init(owner: (uid: UInt32, gid: UInt32), sink: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) throws {
        var ends: [Int32] = [-1, -1]
        let made = cl_pipe(&ends)
        guard made == 0 else { throw IbidError.system("make", "a pipe", errorText(made)) }
        (reader, writer) = (ends[0], ends[1])
        self.sink = sink
        _ = cl_set_pipe_size(reader, 1 << 20)  // fewer switches between the two; refused beyond a user's quota
        fchown(writer, owner.uid, owner.gid)
    }

    /// Takes what poll(2) said of the reader: when something is there, a thread reads it from now on.
    func heard(_ events: Int16) throws {
        guard isWaiting, events != 0 else { return }
        guard events & Int16(POLLIN) != 0 else {
            isSilent = true
            return
        }
        let (reader, sink) = (reader, sink)
        thread = try WorkerThread { Self.pump(reader, sink) }
    }

    private static func pump(_ reader: Int32, _ sink: (UnsafeRawBufferPointer) -> Void) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = read(reader, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return }
            sink(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
        }
    }

    /// Gives up this process's copy of the writing end, so that the pipe ends with the container.
    func closeWriter() {
        if writer >= 0 { close(writer) }
        writer = -1
    }

    /// Waits until everything that was written has been handed to the closure.
    func finish() {
        closeWriter()
        if let thread {
            thread.join()
        } else if !isSilent {
            Self.pump(reader, sink)
        }
        close(reader)
    }
}
