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
}
