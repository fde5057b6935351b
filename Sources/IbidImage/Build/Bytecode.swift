import CLinux
import Glibc
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Gives the Python packages that a step installed their bytecode: in parallel, hash-based, the same everywhere.
///
/// pip does that itself, one file after the other, and takes most of an installation's time for it; uv does not do it
/// at all, and every run would compile again.
struct Bytecode {
    let host: ContainerHost
    let limits: ContainerLimits
    let runtime: String
    let stop: ContainerStop?

    /// Whether a step says that it wants no bytecode.
    static func isUnwanted(_ text: String) -> Bool {
        ["--no-compile", "__pycache__", ".pyc"].contains { text.contains($0) }
    }

    /// Compiles what is new in an upper directory, and puts the result there.
    ///
    /// - Parameters:
    ///   - layers: the unpacked layers below, lowest first.
    ///   - workspace: a directory of the step.
    ///   - ahead: what `BytecodeAhead` has made.
    /// - Throws: `bytecode` when the image's interpreter fails; not for files that do not compile.
    func add(
        to upper: FilePath, layers: [FilePath], environment: [String: String], workspace: FilePath,
        ahead: (directory: FilePath, mark: FilePath)?
    ) throws {
        for (version, distributions) in try installed(in: upper) {
            let root = StageRoot(layers: layers + [upper])
            guard let python = try interpreter(version, of: distributions, root: root, environment: environment) else {
                continue
            }
            let container = workspace.appending("bytecode-\(version)")
            try makeDirectories(container, mode: 0o700)
            let (script, list) = (workspace.appending("compile.py"), workspace.appending("distributions"))
            try writeAtomically(Array(python.script.utf8), to: script, mode: 0o644, durable: false)
            try writeAtomically(
                Array(distributions.map { [UInt8(ascii: "/")] + $0 }.joined(separator: [0])), to: list, mode: 0o644,
                durable: false)
            let output = OutputTail()
            let outcome = try host.run(
                ContainerSpec(
                    workspace: container, layers: layers + [upper],
                    command: python.command + [
                        "/run/ibid/compile.py", "installed", "/run/ibid/distributions",
                        "/run/ibid/ahead", "/run/ibid/wheels/\(ahead?.mark.lastComponent?.string ?? "over")",
                    ],
                    environment: python.environment(environment), workingDirectory: "/", user: "0:0",
                    binds: [
                        ContainerBind(source: script, target: "/run/ibid/compile.py"),
                        ContainerBind(source: list, target: "/run/ibid/distributions"),
                    ]
                        + (ahead.map {
                            [
                                ContainerBind(source: $0.directory, target: "/run/ibid/ahead"),
                                ContainerBind(source: $0.mark.removingLastComponent(), target: "/run/ibid/wheels"),
                            ]
                        } ?? []), limits: limits, privileges: .build, gatewayPort: nil, runtime: runtime),
                stdout: { output.add($0) }, stderr: { output.add($0) }, gateway: nil, stops: stop.map { [$0] } ?? [])
            guard case .exited(0) = outcome.ending else {
                if stop?.isThrown ?? false { throw IbidError.interrupted }
                throw IbidError("bytecode", "\(python.path) could not compile what the step installed: \(output.text)")
            }
            try Self.merge(container.appending("upper"), into: upper, path: [])
        }
    }

    /// The distributions that the step installed: paths of their `.dist-info`, by Python version.
    private func installed(in upper: FilePath) throws -> [(version: String, distributions: [[UInt8]])] {
        var found: [String: [[UInt8]]] = [:]
        let tree = StageRoot(layers: [upper])
        // Deep enough for /opt/NAME/lib/pythonX.Y/site-packages and the like.
        var open: [(path: [UInt8], depth: Int)] = [([], 0)]
        while let (path, depth) = open.popLast() {
            let name = String(decoding: path.lastName, as: UTF8.self)
            let parent = String(decoding: path.parentPath.lastName, as: UTF8.self)
            if name == "site-packages" || name == "dist-packages", parent.hasPrefix("python"), parent.contains(".") {
                let infos = try tree.names(in: path).filter { $0.suffix(10).elementsEqual(".dist-info".utf8) }
                found[String(parent.dropFirst(6)), default: []] += infos.map { path.child($0) }
                continue
            }
            guard depth < 8 else { continue }
            for child in try tree.names(in: path) where try tree.node(path.child(child))?.isDirectory ?? false {
                open.append((path.child(child), depth + 1))
            }
        }
        return found.filter { !$0.value.isEmpty && $0.key.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") } }
            .sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.sorted { $0.lexicographicallyPrecedes($1) }) }
    }

    /// An interpreter of that version: the environment's own, or one in `PATH`.
    private func interpreter(
        _ version: String, of distributions: [[UInt8]], root: StageRoot, environment: [String: String]
    ) throws -> BytecodePython? {
        var places: [String] = []
        if let first = distributions.first {
            // PREFIX/lib/pythonX.Y/site-packages/NAME.dist-info
            let prefix = String(decoding: first, as: UTF8.self).split(separator: "/").dropLast(4)
            places.append("/" + (prefix + ["bin"]).joined(separator: "/"))
        }
        places += (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for place in places + ["/usr/local/bin", "/usr/bin"] where place.hasPrefix("/") {
            let path = "\(place)/python\(version)"
            if case .file? = try root.resolve(Array(path.utf8)).node?.kind {
                return BytecodePython(path: path, version: version)
            }
        }
        return nil
    }

    /// Moves `__pycache__` directories from one upper directory to another.
    private static func merge(_ from: FilePath, into upper: FilePath, path: [UInt8]) throws {
        let directory = from.appending(bytes: path)
        for name in try byteNames(in: directory) {
            let child = path.child(name)
            var status = cl_stat()
            let source = from.appending(bytes: child)
            let result = cl_stat_at(CL_AT_FDCWD, source.string, 0, &status)
            guard result == 0 else { throw IbidError.system("look at", source.string, errorText(result)) }
            guard status.mode & UInt32(S_IFMT) == UInt32(S_IFDIR) else { continue }
            guard name == Array("__pycache__".utf8) else {
                try merge(from, into: upper, path: child)
                continue
            }
            let target = upper.appending(bytes: child)
            if access(target.string, F_OK) != 0 {
                // A mark of the second overlay: what it hides is nothing.
                _ = cl_lremovexattr(source.string, OverlayMark.opaque)
                try move(source, target)
                continue
            }
            for file in try byteNames(in: source) {
                try move(source.appending(bytes: file), target.appending(bytes: file))
            }
        }
    }

    private static func move(_ from: FilePath, _ to: FilePath) throws {
        guard rename(from.string, to.string) == 0 else { throw IbidError.system("create", to.string, lastError()) }
    }

    private static func byteNames(in directory: FilePath) throws -> [[UInt8]] {
        let descriptor = open(directory.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw IbidError.system("list", directory.string, lastError()) }
        defer { close(descriptor) }
        return try rawNames(in: descriptor).map { $0.dropLast().map(UInt8.init(bitPattern:)) }
    }
}

extension FilePath {
    /// A path below this one, whose names need not be text.
    fileprivate func appending(bytes: [UInt8]) -> FilePath {
        bytes.isEmpty ? self : pushing(FilePath(platformString: bytes.map(CChar.init(bitPattern:)) + [0]))
    }
}
