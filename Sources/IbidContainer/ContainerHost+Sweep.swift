import CLinux
import Glibc
import IbidModel
import IbidStore
public import SystemPackage

extension ContainerHost {
    /// The directory below the state directory that holds what containers share. Whoever removes it makes sure that
    /// none runs.
    public static let skeletons = ".skeletons"

    /// Makes a workspace of this process below the state directory: when the process ends without removing it, or in the
    /// middle of that, the next sweep does.
    ///
    /// - Parameter kind: the first part of its name, which goes on with whose it is.
    public func makeWorkspace(_ kind: String) throws -> FilePath {
        let workspace = stateDirectory.appending(Owner.current.name(kind))
        try makeDirectories(stateDirectory, mode: 0o700)
        // Where many files were removed a moment ago, ext4 without a journal takes ten times as long to make new ones.
        _ = cl_spread_subdirectories(stateDirectory.string)
        try makeDirectories(workspace, mode: 0o700)
        return workspace
    }

    /// Removes what a crashed ibid left: its cgroups, with any process in them, and its workspaces.
    ///
    /// What belongs to a living process is left alone, so this is safe at any time.
    public func sweep() throws {
        for root in try CgroupLayout.current().roots {
            let parent = root.appending(ControlGroup.parent)
            guard access(parent.string, F_OK) == 0 else { continue }
            for name in try names(in: parent) where Owner(inName: name)?.isGone == true {
                let directory = parent.appending(name)
                for process in ControlGroup.processes(in: [directory]) { Glibc.kill(process, SIGKILL) }
                try ControlGroup.remove(directory)
            }
        }
        guard access(stateDirectory.string, F_OK) == 0 else { return }
        for name in try names(in: stateDirectory) {
            let workspace = stateDirectory.appending(name)
            let owner = Owner(inName: name) ?? TextFile.read(workspace.appending(Owner.file)).flatMap { Owner($0) }
            if owner?.isGone == true { try removeTree(workspace) }
        }
    }
}
