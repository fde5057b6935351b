import Glibc
import IbidModel
import IbidStore
public import SystemPackage

/// Where Ibid keeps things: `$IBID_HOME`, by default `$XDG_DATA_HOME/ibid` or `~/.local/share/ibid`.
public struct Home: Hashable, Sendable {
    /// The directory.
    public let root: FilePath

    /// An OCI image layout with every blob.
    public var store: FilePath { root.appending("store") }
    /// Unpacked layers.
    public var layers: FilePath { root.appending("layers") }
    /// The audit ledger.
    public var ledger: FilePath { root.appending("ledger.sqlite") }
    /// The signing keys.
    public var keys: FilePath { root.appending("keys") }
    /// Runs in progress.
    public var runs: FilePath { root.appending("runs") }
    /// What can be made again: build steps, bases, cloned repositories.
    public var cache: FilePath { root.appending("cache") }

    /// A home in a directory, made absolute.
    public init(_ root: FilePath) {
        if root.isAbsolute {
            self.root = root.lexicallyNormalized()
        } else {
            self.root = Home.currentDirectory.pushing(root).lexicallyNormalized()
        }
    }

    /// The home that the environment names.
    ///
    /// - Throws: `no-home` when neither `IBID_HOME`, `XDG_DATA_HOME` nor `HOME` is set.
    public static func locate(environment: [String: String]) throws -> Home {
        if let path = environment["IBID_HOME"], !path.isEmpty { return Home(FilePath(path)) }
        if let path = environment["XDG_DATA_HOME"], path.hasPrefix("/") {
            return Home(FilePath(path).appending("ibid"))
        }
        if let path = environment["HOME"], path.hasPrefix("/") {
            return Home(FilePath(path).appending(".local/share/ibid"))
        }
        throw IbidError(
            "no-home", "there is no place to keep runs: neither IBID_HOME nor HOME is set",
            hint: "set IBID_HOME to a directory")
    }

    // Files of two users in one home could not be removed by either, nor would a layer's files belong to whom they
    // should.
    private func checkOwner() throws {
        var status = stat()
        guard stat(root.string, &status) == 0 else { throw IbidError.system("look at", root.string, lastError()) }
        guard status.st_uid != geteuid() else { return }
        throw IbidError(
            "home-of-another-user", "the home \(root) belongs to another user",
            hint: geteuid() == 0 && IDMap.current.isInitial
                ? "run ibid as that user, or set IBID_HOME to a directory of root's own"
                : "set IBID_HOME to a directory of your own")
    }

    /// The process' working directory.
    public static var currentDirectory: FilePath {
        guard let pointer = getcwd(nil, 0) else { return "/" }
        defer { free(pointer) }
        return FilePath(String(cString: pointer))
    }

    /// Makes the directories that are missing. Other users may not read them: outputs can be confidential.
    func make() throws {
        try makeDirectories(root, mode: 0o700)
        try checkOwner()
        // The container's user, who is nobody here, has to pass through to the layers.
        for directory in [store, layers, runs, cache] { try makeDirectories(directory) }
    }
}
