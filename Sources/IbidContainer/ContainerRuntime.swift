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

    private static let versions = Mutex<[FilePath: String]>([:])

    /// Finds a runtime on PATH, or at an absolute path.
    ///
    /// - Throws: `runtime-missing`, or `runtime-unsupported` for one that would not apply the seccomp filter.
    init(_ name: String) throws {
        let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/sbin:/usr/bin:/sbin:/bin"
        let places = name.contains("/") ? [name] : search.split(separator: ":").map { "\($0)/\(name)" }
        guard let place = places.first(where: { access($0, X_OK) == 0 }) else { throw IbidError.runtimeMissing(name) }
        path = FilePath(place)
        guard path.lastComponent?.string == "crun" else { throw IbidError.runtimeUnsupported(name) }
        self.name = "crun"
    }

    /// What it says of itself; it is asked once in the life of the process.
    func version() throws -> String {
        if let known = Self.versions.withLock({ $0[path] }) { return known }
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
        let version = String(words[2])
        Self.versions.withLock { $0[path] = version }
        return version
    }
}
