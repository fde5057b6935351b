import CLinux
import Glibc
import IbidModel
import IbidStore

/// A pipe from the container to a closure, read by a thread of its own until its last writer is gone.
///
/// A pipe and not a file: a file's path on the host would show in the container's /proc/self/fd.
final class OutputPipe {
    /// The end that the container writes to; closed by `closeWriter`.
    private(set) var writer: Int32
    private let reader: Int32
    private let thread: WorkerThread

    /// - Parameter owner: the host's ids of the container's user, who may then open /dev/stdout.
    init(owner: (uid: UInt32, gid: UInt32), sink: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) throws {
        var ends: [Int32] = [-1, -1]
        let made = cl_pipe(&ends)
        guard made == 0 else { throw IbidError.system("make", "a pipe", errorText(made)) }
        let reader = ends[0]
        _ = cl_set_pipe_size(reader, 1 << 20)  // fewer switches between the two; refused beyond a user's quota
        fchown(ends[1], owner.uid, owner.gid)
        do {
            thread = try WorkerThread { Self.pump(reader, sink) }
        } catch {
            close(ends[0])
            close(ends[1])
            throw error
        }
        (self.reader, writer) = (reader, ends[1])
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
        thread.join()
        close(reader)
    }
}
