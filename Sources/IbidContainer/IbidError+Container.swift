import Glibc
import IbidModel
import IbidStore
import SystemPackage

extension IbidError {
    static func sandboxMissing(_ places: [FilePath]) -> IbidError {
        IbidError(
            "sandbox-missing", "\(places.first?.lastComponent?.string ?? "ibid-sandbox") is not installed beside ibid",
            hint: "it was looked for at " + places.map(\.string).joined(separator: " and "))
    }

    static func runtimeMissing(_ name: String) -> IbidError {
        IbidError(
            "runtime-missing", "the container runtime '\(name)' is not installed",
            hint: name == "crun" ? "apt-get install crun" : "install it, or leave --runtime out for crun")
    }

    static func sandboxFailed(_ text: String) -> IbidError {
        if text.hasPrefix("map the ids of") {
            return IbidError(
                "idmap-unsupported", "this machine cannot run containers safely: cannot \(text)",
                hint: "id-mapped mounts need Linux 5.19 and a file system that has them (ext4, xfs, btrfs); "
                    + "set IBID_HOME to a directory on such a file system")
        }
        if text.hasPrefix("mount /proc: \(errorText(-EPERM))") {
            // mount_namespaces(7): who sees only part of /proc may not mount all of it.
            return IbidError(
                "proc-masked", "this process runs in a container whose /proc is masked, and may not mount another",
                hint: "start that container with its whole /proc: docker run --security-opt systempaths=unconfined, "
                    + "podman run --security-opt unmask=ALL")
        }
        return IbidError("sandbox-failed", "cannot set up the container: cannot \(text)")
    }

    static func sandboxVanished(_ how: String) -> IbidError {
        IbidError("sandbox-vanished", "the container's sandbox ended unexpectedly (\(how))")
    }

    static func commandNotFound(_ command: String) -> IbidError {
        IbidError(
            "command-not-found", "the image has no command '\(command)'",
            hint: "check the spelling, PATH, and that the image's build installs it")
    }

    static func commandNotExecutable(_ command: String, _ reason: String, hint: String) -> IbidError {
        IbidError("command-not-executable", "the image's '\(command)' cannot be executed: \(reason)", hint: hint)
    }

    static func containerNotStarted(_ log: String) -> IbidError {
        IbidError("container-not-started", "the container could not be started: \(log)")
    }

    static func userNotFound(_ user: String) -> IbidError {
        IbidError("user-not-found", "the image has no user or group '\(user)' (in its /etc/passwd or /etc/group)")
    }

    static func userOutOfRange(_ user: String) -> IbidError {
        IbidError("user-not-found", "the user '\(user)' is outside 0…65535, the ids that a container has")
    }

    static func oneUserOnly(_ user: String) -> IbidError {
        IbidError(
            "owner-unknown",
            "the image's user is '\(user)', and containers of this user have the one user root",
            hint: "give this user a range of ids: 'ibid doctor' says how")
    }

    static func mountPoint(_ path: String, _ reason: String) -> IbidError {
        IbidError("mount-point", "cannot mount at \(path) in the container: \(reason)")
    }

    static func cgroup(_ what: String, _ reason: String) -> IbidError {
        IbidError("cgroup", "cannot \(what): \(reason)", hint: "'ibid doctor' shows what this machine offers")
    }

    static func controllerMissing(_ name: String, _ limit: String) -> IbidError {
        IbidError(
            "cgroup", "this machine cannot enforce the \(limit) limit: the cgroup controller '\(name)' is missing",
            hint: "enable it on the kernel's command line (for memory on Debian: cgroup_enable=memory)")
    }

    static func limitNotApplied(_ limit: String, wrote: String, got: String) -> IbidError {
        IbidError("limit-not-applied", "the \(limit) limit is not in force: wrote \(wrote), reads \(got)")
    }
}
