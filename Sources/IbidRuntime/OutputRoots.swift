import SystemPackage

/// Where in a writable layer the outputs of a run are.
struct OutputRoots {
    /// What a run finds beside its working directory to put outputs into.
    static let outputs = "/outputs"

    /// What the system itself writes, left out when the working directory is `/`: temporary files, logs, caches, and
    /// the places where file systems are mounted. Everything else below `/` is then an output.
    static let systemPaths: [String] = [
        ".ibid", "dev", "etc/hostname", "etc/hosts", "etc/ld.so.cache", "etc/ld.so.preload", "etc/mtab",
        "etc/resolv.conf", "inputs", "proc",
        "root/.cache", "run", "sys", "tmp", "var/cache", "var/lib", "var/log", "var/run", "var/tmp",
    ]

    /// The writable layer on disk.
    let upper: FilePath
    /// The names that lead to the working directory, links resolved; empty for `/`.
    let workingDirectory: [String]
    /// The names that lead to the home directory, as `HOME` has it; empty for `/`.
    var home: [String] = []

    /// Whether a path below the working directory is one of the hidden files of the home directory: what programs keep
    /// there for themselves (`.ipython`, `.config`, `.local`, histories).
    func isSetting(_ path: [UInt8]) -> Bool {
        guard home.starts(with: workingDirectory) else { return false }
        let below = home.dropFirst(workingDirectory.count).map { $0 + "/" }.joined()
        guard path.starts(with: below.utf8) else { return false }
        let name = path.dropFirst(below.utf8.count)
        return name.first == UInt8(ascii: ".") && !name.contains(UInt8(ascii: "/"))
    }
}
