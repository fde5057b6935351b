import CLinux
import Glibc
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// An OCI runtime on this machine.
struct ContainerRuntime: Sendable {
    var name: String
    var path: FilePath

    private static let versions = Mutex<[String: String]>([:])
    private static let places = Mutex<[String: String]>([:])

    /// Finds a runtime on PATH, or at an absolute path.
    ///
    /// - Throws: `runtime-missing`.
    init(_ name: String) throws {
        let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        let key = "\(name)\0\(search)"
        if let place = Self.places.withLock({ $0[key] }), access(place, X_OK) == 0 {
            path = FilePath(place)
        } else {
            let places = name.contains("/") ? [name] : search.split(separator: ":").map { "\($0)/\(name)" }
            guard let place = places.first(where: { access($0, X_OK) == 0 }) else {
                throw IbidError.runtimeMissing(name)
            }
            path = FilePath(place)
            Self.places.withLock { $0[key] = place }
        }
        self.name = path.lastComponent?.string ?? name
    }

    /// crun takes the system call filter as a program and makes no cgroup of its own when asked; every other runtime is
    /// called as runc is.
    var isCrun: Bool { name == "crun" }

    /// Whether the container's init has the descriptor that the sandbox gives it, and so waits for its word.
    var handsDescriptorsOn: Bool { isCrun || name == "runc" }

    /// Its processes and threads, one sandbox and one init while the command runs; they are in the container's cgroup.
    /// Those of a runtime in Go come and go, so that the limit of processes is that much less exact.
    var ownProcesses: Int64 { isCrun ? 3 : 18 }

    /// What the sandbox calls it with; the paths are those in the sandbox's mount namespace.
    ///
    /// - Parameter container: the name it gives the container.
    func arguments(container: String) -> [String] {
        let scratch = Bundle.scratch
        // runc goes on without a cgroup of its own when it may not make one, if it is told that this is no error. It
        // means nothing else: whether it has a user namespace it sees in the bundle.
        let cgroups = isCrun ? "--cgroup-manager=disabled" : "--rootless=true"
        return [
            cgroups, "--root", scratch + "/state", "--log", scratch + "/log", "--log-format=json", "run",
            "--preserve-fds=1", "--bundle", scratch + "/bundle", container,
        ]
    }

    /// What it says of itself. It is asked once, by whichever command is the first: the answer is kept until its file
    /// is another one.
    ///
    /// - Parameter directory: where answers are kept.
    func version(keptIn directory: FilePath) throws -> String {
        let identity = try FileIdentity(path).text
        if let known = Self.versions.withLock({ $0[identity] }) { return known }
        let record = directory.appending(".runtime-\(name)")
        let lines = String(decoding: try readIfPresent(record) ?? [], as: UTF8.self).split(separator: "\n")
        let version: String
        if lines.count == 2, lines[0] == identity {
            version = String(lines[1])
        } else {
            version = try ask()
            try writeAtomically(Array("\(identity)\n\(version)\n".utf8), to: record, durable: false)
        }
        Self.versions.withLock { $0[identity] = version }
        return version
    }

    private func ask() throws -> String {
        var ends: [Int32] = [-1, -1]
        let piped = cl_pipe(&ends)
        guard piped == 0 else { throw IbidError.system("make", "a pipe", errorText(piped)) }
        defer { close(ends[0]) }
        let child: cl_child
        do {
            defer { close(ends[1]) }
            child = try spawn(path, [name, "--version"], descriptors: [cl_fd_map(from: ends[1], to: 1)])
        }
        defer { close(child.pidfd) }
        var text = [UInt8](repeating: 0, count: 4_096)
        let count = read(ends[0], &text, text.count)
        var exit = cl_exit()
        _ = cl_wait_pidfd(child.pidfd, 1, &exit)
        // The first line is `crun version 1.8.1`.
        let words = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count >= 3, words[1] == "version" else { throw IbidError.runtimeMissing(name) }
        return String(words[2])
    }
}
