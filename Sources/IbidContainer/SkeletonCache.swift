import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// Skeletons that containers share: on some file systems making and removing a dozen small files takes as long as the
/// rest of a start.
///
/// They are good until the machine is switched off: after a power failure one could be half there.
struct SkeletonCache {
    private let directory: FilePath
    private let boot: String

    /// - Parameter stateDirectory: where workspaces are; on the same file system.
    init(stateDirectory: FilePath) {
        directory = stateDirectory.appending(ContainerHost.skeletons)
        boot = String((TextFile.read("/proc/sys/kernel/random/boot_id") ?? "unknown").prefix { $0 != "\n" })
    }

    /// The directory with some parts for a stack of layers, made if it is not there.
    ///
    /// - Parameters:
    ///   - layers: directories whose names say what is in them.
    ///   - workspace: of the container; what is made is made there first.
    func directory(
        for parts: [Skeleton.Part], layers: [FilePath], stack: LayerStack, workspace: FilePath
    ) throws -> FilePath {
        let lines = layers.map { $0.lastComponent?.string ?? "" } + parts.map(\.text)
        // Owners are noted otherwise where there are fewer ids.
        let key = Digest.sha256(of: Array("\(ContainerUser.idCount)\n\(lines.joined(separator: "\n"))".utf8))
        let shelf = directory.appending(boot)
        let place = shelf.appending(key.hex)
        if access(place.string, F_OK) == 0 { return place }
        let made = workspace.appending("skeleton")
        try makeDirectories(made)
        chmod(made.string, 0o755)
        try Skeleton.make(parts, in: made, stack: stack)
        if access(shelf.string, F_OK) != 0 { try clear() }
        try makeDirectories(shelf)
        // Of two containers that make the same one, the second finds the name taken and uses what is there.
        guard rename(made.string, place.string) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw IbidError.system("keep", made.string, lastError())
        }
        return place
    }

    // Those of earlier boots.
    private func clear() throws {
        guard access(directory.string, F_OK) == 0 else { return }
        for name in try names(in: directory) where name != boot { try removeTree(directory.appending(name)) }
    }
}
