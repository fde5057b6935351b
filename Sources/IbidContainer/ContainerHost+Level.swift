import CLinux
import Glibc
public import IbidModel
import IbidStore
import Synchronization
import SystemPackage

extension ContainerHost {
    /// How containers of this process are held, as far as its ids decide it.
    ///
    /// - Throws: what keeps this user from having containers at all.
    public static func level() throws -> IsolationLevel {
        let map = IDMap.current
        if geteuid() == 0, map.isInitial { return .root }
        guard !map.isInitial, map.has(user: 0, group: 0) else {
            throw UserNamespace.reason
                ?? IbidError(
                    "not-root", "this process is in no user namespace of its own", hint: "run the ibid program itself")
        }
        return map.hasAll(below: 65_536) ? .rootless : .rootlessSingleID
    }

    /// Makes sure that containers start here and are held as well as they have to be.
    ///
    /// - Returns: the level in force, found by a real start; a later call in the same boot remembers.
    /// - Throws: `isolation-too-weak`, saying what a better level needs, or why no container starts.
    @discardableResult
    public func requireIsolation() throws -> IsolationLevel {
        let level = try Self.level()
        if let minimum = minimumIsolation, level < minimum {
            let reason = UserNamespace.reason
            throw IbidError(
                "isolation-too-weak",
                "containers of this user are held at the level '\(level.rawValue)', and '\(minimum.rawValue)' is asked "
                    + "for" + (reason.map { ": " + $0.message } ?? ""),
                hint: minimum == .root ? "run ibid as root" : reason?.hint)
        }
        if known.starts.withLock({ $0 }) { return level }
        let record = stateDirectory.appending(".isolation")
        let state = try probeState(level)
        if try readIfPresent(record) != state {
            try tryContainer()
            // A machine that was switched off has another boot id and tries again anyway.
            try writeAtomically(state, to: record, durable: false)
        }
        known.starts.withLock { $0 = true }
        return level
    }

    // Everything that a start depends on: when any of it changes, it is tried again.
    private func probeState(_ level: IsolationLevel) throws -> [UInt8] {
        var state = "\(level.rawValue)\n" + (TextFile.read("/proc/sys/kernel/random/boot_id") ?? "")
        state += "\(IDMap.current.users) \(IDMap.current.groups)\n"
        for program in [try ContainerRuntime("crun").path, sandbox] {
            state += try FileIdentity(program).text + "\n"
        }
        return Array(state.utf8)
    }

    /// A real start: of the sandbox program itself, which needs no library, in an image that has nothing else.
    private func tryContainer() throws {
        let workspace = try makeWorkspace("probe")
        do {
            let (layer, container) = (workspace.appending("layer"), workspace.appending("container"))
            for directory in [layer, container] { try makeDirectories(directory) }
            guard let program = TextFile.readBytes(sandbox, limit: 64 << 20) else {
                throw IbidError.sandboxMissing([sandbox])
            }
            try TextFile.create(program, at: layer.appending("probe"))
            guard chmod(layer.appending("probe").string, 0o755) == 0 else {
                throw IbidError.system("set the mode of", layer.string, lastError())
            }
            let spec = ContainerSpec(workspace: container, layers: [layer], command: ["/probe", "--probe"])
            var host = self
            host.isProbing = true
            let outcome = try host.run(spec, stdout: { _ in }, stderr: { _ in })
            guard case .exited(0) = outcome.ending else {
                throw IbidError.containerNotStarted("a container that only ends did not: \(outcome.ending)")
            }
            try removeTree(workspace)
        } catch {
            // Why it did not start matters more; the next sweep removes what is left.
            try? removeTree(workspace)
            throw error
        }
    }
}
