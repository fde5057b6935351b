import CLinux
import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// Blobs that are read piece by piece.
///
/// libgit2 holds a whole object in memory, and of one that is in no pack its compressed form too. `git cat-file` holds
/// neither, unless the object is stored as the difference to another, which git does with no file of this size and more
/// than `core.bigFileThreshold` (512 MiB).
struct LargeBlob {
    /// From this many bytes on a blob is read so; for smaller ones a process costs more than it gives.
    static let threshold = 32 << 20

    private static let git: FilePath? = {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        let places = path.split(separator: ":").map { FilePath(String($0)).appending("git") }
        return places.first { access($0.string, X_OK) == 0 }
    }()

    /// Whether a blob of that size is read so; without git on this machine none is.
    static func isOne(_ size: Int) -> Bool { size >= threshold && git != nil }

    let id: GitObjectID
    let size: Int
    /// The `objects` directory.
    let objects: FilePath

    /// Hands out the content piece by piece; that it is the blob of this id is known when this returns.
    ///
    /// - Throws: `GitFailure` when git cannot read it, or reads something else.
    func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        guard cl_pipe(&ends) >= 0 else { throw IbidError.system("make", "a pipe", lastError()) }
        defer { close(ends[0]) }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        let child: cl_child
        do {
            defer { close(ends[1]) }
            child = try start(stdin: null, stdout: ends[1])
        }
        var exit = cl_exit()
        do {
            try read(ends[0], body)
        } catch {
            _ = cl_pidfd_signal(child.pidfd, SIGKILL)
            _ = cl_wait_pidfd(child.pidfd, 1, &exit)
            close(child.pidfd)
            throw error
        }
        let waited = cl_wait_pidfd(child.pidfd, 1, &exit)
        close(child.pidfd)
        guard waited == 0, exit.exited != 0, exit.code == 0 else {
            throw GitFailure(code: -1, kind: 0, message: "git cat-file could not read it to its end")
        }
    }

    private func read(_ descriptor: Int32, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var hasher = SHA1Hasher()
        hasher.update(Array("blob \(size)\0".utf8))
        var left = size
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("read", "a pipe", lastError()) }
            if count == 0 { break }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            left -= count
            guard left >= 0 else { break }
            hasher.update(piece)
            try body(piece)
        }
        guard left == 0, GitObjectID(raw: hasher.finish()) == id else {
            throw GitFailure(code: -1, kind: 0, message: "its bytes are not those that its id names")
        }
    }

    private func start(stdin: Int32, stdout: Int32) throws -> cl_child {
        // Nothing of the user's settings takes part, and no object is fetched or replaced by another.
        let settings = ["core.bigFileThreshold=\(Self.threshold)", "protocol.allow=never"].flatMap { ["-c", $0] }
        guard let git = Self.git else { throw GitFailure(code: -1, kind: 0, message: "git is not installed") }
        return try spawn(
            git,
            ["git", "--git-dir=\(objects.removingLastComponent())"] + settings + ["cat-file", "blob", id.hex],
            environment: [
                "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1",
                "GIT_CONFIG_GLOBAL=/dev/null", "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1",
            ],
            descriptors: [
                cl_fd_map(from: stdin, to: 0), cl_fd_map(from: stdout, to: 1), cl_fd_map(from: stdin, to: 2),
            ])
    }
}
