import IbidModel
import IbidStore

/// What holds each limit of a container: for the record, which never claims more than is done.
struct LimitEnforcement: Hashable {
    let memory: String
    let cpu: String
    let pids: String

    /// - Parameter layout: the control groups that this process may use.
    init(_ layout: CgroupLayout) {
        func word(_ controller: String, otherwise: String) -> String {
            layout.controllers[controller] != nil ? "cgroup" : otherwise
        }
        memory = word("memory", otherwise: "watched")
        cpu = word("cpu", otherwise: "none")
        pids = word("pids", otherwise: "rlimit")
    }

    /// `memory=… cpu=… pids=…`; the others are the same everywhere.
    var text: String { "memory=\(memory) cpu=\(cpu) pids=\(pids)" }

    /// For people: which limits are not the kernel's, and why.
    var explanation: String {
        if memory == "cgroup", cpu == "cgroup", pids == "cgroup" {
            return "memory, processor and processes by control groups; wall time and output by ibid"
        }
        return "wall time and output by ibid; memory "
            + (memory == "cgroup" ? "by a control group" : "looked at 50 times a second") + "; processes "
            + (pids == "cgroup" ? "by a control group" : "by RLIMIT_NPROC") + "; processor "
            + (cpu == "cgroup" ? "by a control group" : "not at all")
            + (memory == "cgroup"
                ? ""
                : " (no control group is delegated to this user; with systemd: "
                    + "systemd-run --user --scope -p Delegate=yes ibid …)")
    }
}

extension ContainerHost {
    /// What holds the limits here, in a sentence.
    public var limitsText: String {
        (try? CgroupLayout.current()).map { LimitEnforcement($0).explanation } ?? "no control groups"
    }
}
