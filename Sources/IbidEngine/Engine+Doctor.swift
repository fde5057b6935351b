import Glibc
import IbidContainer
import IbidModel
import IbidStore
import SystemPackage

/// One thing that this machine must have.
public struct MachineCheck: Hashable, Sendable {
    /// The thing.
    public var name: String
    /// What was found; nil when it is missing.
    public var found: String?
    /// What is wrong; nil when nothing is.
    public var problem: String?
    /// What to do about it, or to make it better.
    public var remedy: String?
}

extension Engine {
    /// Looks for everything that submit needs, by trying it where that is cheap.
    public func checkMachine() throws -> [MachineCheck] {
        var checks = [
            program("crun", "runs containers"), program("mmdebstrap", "makes the built-in base images"),
            program("git", "names commits and fetches repositories"),
        ]
        let problems = containers.problems()
        for problem in problems {
            checks.append(MachineCheck(name: problem.code, problem: problem.message, remedy: problem.hint))
        }
        if problems.isEmpty, let (level, shortfall) = try? Self.isolation() {
            checks.append(MachineCheck(name: "containers", found: "start at the level '\(level.rawValue)'"))
            if let shortfall {
                checks.append(
                    MachineCheck(
                        name: "isolation", found: "not better, as \(shortfall.message)", remedy: shortfall.hint))
            }
            checks.append(MachineCheck(name: "limits", found: containers.limitsText))
        }
        var space = statvfs()
        if statvfs(home.root.string, &space) == 0 {
            let free = Int64(space.f_bavail) * Int64(space.f_frsize)
            let text = "\(free >> 30) GiB free in \(home.root)"
            checks.append(
                free >= 4 << 30
                    ? MachineCheck(name: "disk", found: text)
                    : MachineCheck(
                        name: "disk", problem: text + ": a base and a few images need 4 GiB",
                        remedy: "free some space, or set IBID_HOME to a larger disk"))
        }
        return checks
    }

    private func program(_ name: String, _ purpose: String) -> MachineCheck {
        let path = String(cString: getenv("PATH") ?? strdup("/usr/bin:/bin"))
        for directory in path.split(separator: ":") where access("\(directory)/\(name)", X_OK) == 0 {
            return MachineCheck(name: name, found: "\(directory)/\(name)")
        }
        return MachineCheck(
            name: name, problem: "is not installed; it \(purpose)", remedy: "apt-get install \(name)")
    }
}
