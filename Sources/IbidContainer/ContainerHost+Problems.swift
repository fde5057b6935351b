import Glibc
public import IbidModel
import IbidStore
import SystemPackage

extension ContainerHost {
    /// What keeps containers from working here, each with its remedy; empty when everything is in place.
    ///
    /// The last check is a real one: a container starts and ends.
    public func problems() -> [IbidError] {
        var problems = problem { _ = try Self.level() }
        if access(sandbox.string, X_OK) != 0 { problems.append(IbidError.sandboxMissing([sandbox])) }
        problems += problem { _ = try ContainerRuntime("crun").version(keptIn: stateDirectory) }
        problems += cgroupProblems()
        if let maximum = TextFile.read("/proc/sys/user/max_user_namespaces"), maximum.hasPrefix("0\n") {
            problems.append(
                IbidError(
                    "user-namespaces-off", "user namespaces are switched off on this machine",
                    hint: "sysctl -w user.max_user_namespaces=10000"))
        }
        if problems.isEmpty { problems += problem { try requireIsolation() } }
        return problems
    }

    private func cgroupProblems() -> [IbidError] {
        problem {
            let layout = try CgroupLayout.current()
            if layout.roots.isEmpty, !IDMap.current.isInitial { return }
            // What is not delegated to an ordinary user is held otherwise: see LimitEnforcement.
            for (controller, limit) in [("memory", "memory"), ("cpu", "processor"), ("pids", "process")]
            where layout.controllers[controller] == nil && IDMap.current.isInitial {
                throw IbidError.controllerMissing(controller, limit)
            }
            let group = try ControlGroup(name: Owner.current.groupName("probe"), layout: layout)
            try group.apply(ContainerLimits(memoryBytes: 64 << 20, cpuMillis: 1_000, pids: 16), ownProcesses: 0)
            try group.remove()
        }
    }

    private func problem(_ body: () throws -> Void) -> [IbidError] {
        do {
            try body()
            return []
        } catch let error as IbidError {
            return [error]
        } catch {
            return [IbidError("container-check", "cannot check containers: \(error)")]
        }
    }
}
