import CLinux
import Glibc
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Takes the outputs of a run out of its writable layer and into the store.
///
/// Whoever wrote them is not trusted: nothing is followed, nothing but regular files is opened, and what was opened is
/// compared with what was looked at. Everything that ran is gone when this begins, so nothing changes underneath.
struct OutputCollector {
    /// Sorted by path, byte by byte.
    private(set) var outputs: [RunOutput] = []
    /// What was left out and why.
    private(set) var refused: [String: String] = [:]
    /// The limit that the outputs went beyond; nil when they did not.
    private(set) var exceeded: String?

    private let store: Store
    private let limits: Limits
    private let patterns: [Glob]
    private var bytesLeft: Int64
    private var batch = OutputBatch()
    private var accepted = 0
    private var refusedMore = 0

    /// Directories below one another; deeper ones are refused, so that a descriptor for each level is no danger.
    static let deepest = 128
    /// Refusals that are recorded one by one.
    static let mostRefusals = 1_000
    /// From so many files on, one flush of the file system costs less than one for each file.
    private static let manyFiles = 32

    /// - Parameter used: bytes of the limit that stdout and stderr have used.
    init(spec: RunSpec, store: Store, used: Int64) throws {
        self.store = store
        limits = spec.limits
        bytesLeft = max(0, spec.limits.outputBytes - used)
        patterns = try spec.outputs.map { pattern in
            do throws(Glob.Malformed) {
                return try Glob(pattern)
            } catch {
                throw IbidError.outputPattern(pattern, error.reason)
            }
        }
    }

    /// Collects everything below the working directory and `/outputs`; once.
    mutating func collect(_ roots: OutputRoots) throws {
        let descriptor = open(roots.upper.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw IbidError.system("open", roots.upper.string, lastError()) }
        let upper = OpenDirectory(descriptor)
        let work = roots.workingDirectory
        // What a job names is taken wherever it is.
        let isSetting = { [patterns] path in patterns.isEmpty && roots.isSetting(path) }
        if work.isEmpty {
            let system = OutputRoots.systemPaths.map { Array($0.utf8) } + [Array("outputs".utf8)]
            try walk(upper, shown: [], depth: 0) { system.contains($0) || isSetting($0) }
        } else {
            try walk(below: work, of: upper, shown: [], skip: isSetting)
        }
        if work.first != "outputs" {
            try walk(below: ["outputs"], of: upper, shown: Array("/outputs".utf8))
        } else if work.count > 1 {
            // The working directory is inside: it has been taken, under shorter names.
            let taken = Array(("/" + work.joined(separator: "/")).utf8)
            try walk(below: ["outputs"], of: upper, shown: Array("/outputs".utf8)) { $0 == taken }
        }
        try storeBatch()
        outputs.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        if refusedMore > 0 { refused["…"] = "\(refusedMore) more" }
        if accepted > Self.manyFiles { try store.flush() }
    }

    private mutating func walk(
        below names: [String], of upper: OpenDirectory, shown: [UInt8], skip: ([UInt8]) -> Bool = { _ in false }
    ) throws {
        let descriptor = cl_openat2(
            upper.descriptor, names.joined(separator: "/"), CL_O_RDONLY | CL_O_DIRECTORY, 0,
            CL_RESOLVE_BENEATH | CL_RESOLVE_NO_SYMLINKS)
        // Not there: nothing was written. Anything but a directory: the run replaced it, and the rest is its own.
        if [-ENOENT, -ENOTDIR, -ELOOP].contains(descriptor) { return }
        guard descriptor >= 0 else {
            throw IbidError.system("open", names.joined(separator: "/"), errorText(descriptor))
        }
        try walk(OpenDirectory(descriptor), shown: shown, depth: 0, skip: skip)
    }

    private mutating func walk(
        _ directory: OpenDirectory, shown: [UInt8], depth: Int, skip: ([UInt8]) -> Bool = { _ in false }
    ) throws {
        let names = try rawNames(in: directory.descriptor).map { $0.dropLast().map(UInt8.init(bitPattern:)) }
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let path = shown.child(name)
            if skip(path) { continue }
            var status = cl_stat()
            let looked = withPath(name) { cl_stat_at(directory.descriptor, $0, 0, &status) }
            guard looked == 0 else { throw IbidError.system("look at", OutputPath.text(path), errorText(looked)) }
            switch status.mode & UInt32(S_IFMT) {
            case UInt32(S_IFDIR):
                guard depth < Self.deepest else {
                    refuse(path, "nested deeper than \(Self.deepest) directories")
                    continue
                }
                let descriptor = withPath(name) {
                    openat(directory.descriptor, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                }
                guard descriptor >= 0 else { throw IbidError.system("open", OutputPath.text(path), lastError()) }
                try walk(OpenDirectory(descriptor), shown: path, depth: depth + 1, skip: skip)
            case UInt32(S_IFREG), UInt32(S_IFLNK): try take(name, path, status, in: directory)
            // overlayfs.rst: a whiteout, which says that a file of the image was removed.
            case UInt32(S_IFCHR) where status.device_major == 0 && status.device_minor == 0: continue
            case UInt32(S_IFIFO): refuse(path, "named pipe")
            case UInt32(S_IFSOCK): refuse(path, "socket")
            default: refuse(path, "device")
            }
        }
    }

    // MARK: One entry

    private typealias Stored = (digest: Digest, size: Int64)

    private func isWanted(_ text: String) -> Bool {
        patterns.isEmpty || patterns.contains { $0.matches(text) }
    }

    private mutating func refuse(_ path: [UInt8], _ reason: String) {
        let text = OutputPath.text(path)
        guard isWanted(text) else { return }
        if refused.count < Self.mostRefusals { refused[text] = reason } else { refusedMore += 1 }
    }

    private mutating func take(
        _ name: [UInt8], _ path: [UInt8], _ status: cl_stat, in directory: OpenDirectory
    ) throws {
        guard isWanted(OutputPath.text(path)) else { return }
        guard accepted < limits.outputFiles else {
            exceeded = exceeded ?? outputLimit(files: limits.outputFiles)
            return refuse(path, "more than \(limits.outputFiles) files")
        }
        guard status.size <= UInt64(clamping: bytesLeft) else {
            exceeded = exceeded ?? outputLimit(bytes: limits.outputBytes)
            return refuse(path, "\(sizeText(Int64(clamping: status.size))) go beyond the output limit")
        }
        accepted += 1
        bytesLeft -= Int64(clamping: status.size)
        if status.mode & UInt32(S_IFMT) == UInt32(S_IFLNK) {
            let stored = try storeLink(name, directory.descriptor)
            outputs.append(
                RunOutput(
                    path: OutputPath.text(path), kind: .symlink, digest: stored.digest, size: stored.size,
                    executable: false))
            return
        }
        batch.add(
            OutputBatch.Entry(
                name: name, path: path, status: status, directory: directory, durable: accepted <= Self.manyFiles))
        if batch.isFull { try storeBatch() }
    }

    private mutating func storeBatch() throws {
        for (entry, digest) in zip(batch.entries, try batch.store(in: store)) {
            guard let digest else {
                refuse(entry.path, "changed while it was read")
                continue
            }
            outputs.append(
                RunOutput(
                    path: OutputPath.text(entry.path), kind: .file, digest: digest,
                    size: Int64(clamping: entry.status.size),
                    executable: entry.status.mode & UInt32(S_IXUSR) != 0))
        }
        batch = OutputBatch()
    }

    private func storeLink(_ name: [UInt8], _ directory: Int32) throws -> Stored {
        var target = [UInt8](repeating: 0, count: 4_096)
        let count = withPath(name) { cl_readlink_at(directory, $0, &target, target.count) }
        guard count >= 0 else { throw IbidError.system("read", OutputPath.text(name), errorText(count)) }
        return (try store.put(Array(target.prefix(count))), Int64(count))
    }
}
