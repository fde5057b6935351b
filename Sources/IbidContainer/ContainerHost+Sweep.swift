import Glibc
import IbidModel
import IbidStore
import SystemPackage

extension ContainerHost {
    /// Removes what a crashed ibid left: its cgroups, with any process in them, and its workspaces.
    ///
    /// What belongs to a living process is left alone, so this is safe at any time.
    public func sweep() throws {
        for root in try CgroupLayout.current().roots {
            let parent = root.appending(ControlGroup.parent)
            guard access(parent.string, F_OK) == 0 else { continue }
            for name in try names(in: parent) where Owner.ofGroup(name)?.isGone == true {
                let directory = parent.appending(name)
                for process in ControlGroup.processes(in: [directory]) { Glibc.kill(process, SIGKILL) }
                try ControlGroup.remove(directory)
            }
        }
        guard access(stateDirectory.string, F_OK) == 0 else { return }
        for name in try names(in: stateDirectory) {
            let workspace = stateDirectory.appending(name)
            guard let text = TextFile.read(workspace.appending(Owner.file)), Owner(text)?.isGone == true else {
                continue
            }
            try removeTree(workspace)
        }
    }
}
