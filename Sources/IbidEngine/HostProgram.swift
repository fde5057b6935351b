import Glibc
import IbidContainer
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// A program of this machine that looks at outputs, in a container of its own: no network, a read-only root that holds
/// nothing but programs, little memory and time. Outputs are an analysis' own, and may attack whoever reads them.
struct HostProgram {
    let path: String

    private static let mostOutput = 64 << 20
    private static let wallSeconds: Int64 = 30

    /// - Returns: nil when this machine has no such program where packages put theirs.
    init?(_ name: String) {
        let places: [String] = ["/usr/bin/\(name)", "/usr/local/bin/\(name)"]
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else { return nil }
        self.path = path
    }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - files: what it finds at these absolute paths.
    ///   - engine: whose home holds the container while it runs.
    /// - Returns: how it ended, and what it wrote to stdout and stderr; both are cut off at 64 MiB.
    func run(
        _ arguments: [String], files: [String: [UInt8]], engine: Engine
    ) throws -> (ending: ContainerOutcome.Ending, stdout: [UInt8], stderr: [UInt8]) {
        let root = try RunWorkspace(home: engine.home, run: try engine.moment.runID())
        defer { root.release() }
        let workspace = try RunWorkspace(home: engine.home, run: try engine.moment.runID())
        defer { workspace.release() }
        for (path, bytes) in files {
            let place = root.directory.appending(path.drop { $0 == "/" }.description)
            try makeDirectories(place.removingLastComponent())
            try writeAtomically(bytes, to: place, durable: false)
        }
        var container = ContainerSpec(
            workspace: workspace.directory, layers: [root.directory], command: [path] + arguments,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/tmp", "TZ": "UTC"],
            binds: try programs(below: root.directory),
            limits: ContainerLimits(
                memoryBytes: 1 << 30, pids: 64, wallSeconds: Self.wallSeconds, fileBytes: 256 << 20, openFiles: 256,
                writtenBytes: 256 << 20, writtenFiles: 10_000))
        container.hostname = "ibid"
        let streams = Mutex<(out: [UInt8], err: [UInt8])>(([], []))
        let outcome = try engine.containers.run(
            container,
            stdout: { bytes in streams.withLock { $0.out += bytes.prefix(Self.mostOutput - $0.out.count) } },
            stderr: { bytes in streams.withLock { $0.err += bytes.prefix(Self.mostOutput - $0.err.count) } },
            stops: [engine.stop])
        let (out, err) = streams.withLock { $0 }
        return (outcome.ending, out, err)
    }

    // What programs need: /usr, the names that lead into it, and how libraries are found and fonts and alternatives
    // set up.
    private func programs(below root: FilePath) throws -> [ContainerBind] {
        var binds: [ContainerBind] = []
        for name in [
            "usr", "bin", "lib", "lib32", "lib64", "sbin", "etc/alternatives", "etc/fonts", "etc/ld.so.cache",
            "var/cache/fontconfig",
        ] {
            var status = stat()
            guard lstat("/\(name)", &status) == 0 else { continue }
            if [S_IFDIR, S_IFREG].contains(status.st_mode & S_IFMT) {
                binds.append(ContainerBind(source: FilePath("/\(name)"), target: "/\(name)"))
            } else if status.st_mode & S_IFMT == S_IFLNK {
                var buffer = [CChar](repeating: 0, count: 4_096)
                let count = readlink("/\(name)", &buffer, buffer.count)
                let target = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                guard symlink(target, root.appending(name).string) == 0 else {
                    throw IbidError.system("link", root.appending(name).string, lastError())
                }
            }
        }
        return binds
    }
}
