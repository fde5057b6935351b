import CLinux
import IbidModel
import IbidStore
import SystemPackage

/// The OCI runtime bundle of one container: `config.json` (runtime-spec 1.0) and the files that it names.
struct Bundle {
    let spec: ContainerSpec
    let user: ContainerUser
    /// What is mounted from the host, in the order of the sandbox's `bind` directories.
    let binds: [ContainerBind]
    let runtime: ContainerRuntime

    /// Where the sandbox puts things, in its own mount namespace (`SCRATCH` in sandbox.h).
    static let scratch = "/tmp"

    /// PID 1 of the container, which starts the command (ibid-init).
    private static let initProgram = "/dev/ibid-init"

    /// Docker's default set: what package managers need, and nothing that reaches beyond the user namespace.
    private static let buildCapabilities = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW",
        "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    // Facts about the host, or ways to change it, that a container has no use for.
    private static let masked = [
        "acpi", "asound", "buddyinfo", "bus", "cmdline", "config.gz", "diskstats", "driver", "fs", "interrupts",
        "iomem", "ioports", "irq", "kallsyms", "kcore", "key-users", "keys", "kmsg", "latency_stats", "locks",
        "modules", "mtrr", "partitions", "pressure", "sched_debug", "schedstat", "scsi", "softirqs", "swaps",
        "sys/kernel/random/boot_id", "timer_list", "timer_stats", "zoneinfo",
    ]
    private static let readOnly = ["sys", "sysrq-trigger"]

    var config: JSONValue {
        get throws {
            var linux: [String: JSONValue] = [
                "namespaces": .array(namespaces.map { ["type": .string($0)] }),
                "uidMappings": Self.idMap(IDMap.current.users),
                "gidMappings": Self.idMap(IDMap.current.groups),
                "maskedPaths": .array(Self.masked.map { .string("/proc/" + $0) }),
                "readonlyPaths": .array(Self.readOnly.map { .string("/proc/" + $0) }),
            ]
            var annotations: [String: JSONValue] = [:]
            if runtime.isCrun {
                annotations["run.oci.seccomp_bpf_data"] = .string(try SystemCalls.encodedProgram())
            } else {
                linux["seccomp"] = SystemCalls.profile
            }
            return [
                "ociVersion": "1.0.2",
                "hostname": .string(spec.hostname),
                "root": ["path": .string(Self.scratch + "/rootfs"), "readonly": false],
                "process": process,
                "mounts": .array(mounts),
                "annotations": .object(annotations),
                "linux": .object(linux),
                "hooks": .object(spec.devices.hooks.mapValues { .array($0) }),
            ]
        }
    }

    private var namespaces: [String] {
        // Without an entry the runtime stays in the network namespace that the sandbox made.
        ["user", "pid", "ipc", "uts", "mount", "cgroup"] + (spec.makesNetwork ? [] : ["network"])
    }

    // The kernel takes a piece of a map only when it lies in one piece of the map of the namespace above.
    private static func idMap(_ ids: [Range<UInt64>]) -> JSONValue {
        let (first, count) = (UInt64(ContainerUser.firstHostID), UInt64(ContainerUser.idCount))
        return .array(
            ids.map { $0.clamped(to: first..<first + count) }.filter { !$0.isEmpty }.map { range in
                [
                    "containerID": .int(Int64(range.lowerBound - first)), "hostID": .int(Int64(range.lowerBound)),
                    "size": .int(Int64(range.count)),
                ]
            })
    }

    private var process: JSONValue {
        let names = spec.privileges == .build ? Self.buildCapabilities.map { JSONValue.string("CAP_" + $0) } : []
        let held = JSONValue.array(user.uid == 0 ? names : [])
        return [
            "terminal": false,
            "user": [
                "uid": .int(Int64(user.uid)), "gid": .int(Int64(user.gid)), "umask": 0o022,
                "additionalGids": .array(user.groups.map { .int(Int64($0)) }),
            ],
            "cwd": .string(spec.workingDirectory),
            "args": .array(([Self.initProgram] + spec.command).map { .string($0) }),
            "env": .array(
                spec.devices.environment.merging(spec.environment) { $1 }.merging(spec.secretEnvironment) { $1 }
                    .sorted { $0.key < $1.key }.map { .string($0.key + "=" + $0.value) }),
            "noNewPrivileges": .bool(spec.privileges == .run),
            "capabilities": [
                "bounding": .array(names), "effective": held, "permitted": held, "inheritable": [], "ambient": [],
            ],
            "rlimits": .array(rlimits),
            // When memory runs out, the analysis goes before the processes that report it.
            "oomScoreAdj": 500,
        ]
    }

    private var rlimits: [JSONValue] {
        var limits = [
            Self.rlimit("RLIMIT_CORE", CL_RLIMIT_CORE, soft: 0, hard: 0),
            // The kernel's own default: a host's ulimit must not decide how deep a recursion goes.
            Self.rlimit("RLIMIT_STACK", CL_RLIMIT_STACK, soft: 8 << 20, hard: .max),
            // What the caller's session may do is not handed on: priorities above all others, memory that cannot be
            // swapped, queues.
            Self.rlimit("RLIMIT_NICE", CL_RLIMIT_NICE, soft: 0, hard: 0),
            Self.rlimit("RLIMIT_RTPRIO", CL_RLIMIT_RTPRIO, soft: 0, hard: 0),
            Self.rlimit("RLIMIT_MEMLOCK", CL_RLIMIT_MEMLOCK, soft: 8 << 20, hard: 8 << 20),
            Self.rlimit("RLIMIT_MSGQUEUE", CL_RLIMIT_MSGQUEUE, soft: 819_200, hard: 819_200),
            Self.rlimit("RLIMIT_SIGPENDING", CL_RLIMIT_SIGPENDING, soft: 16_384, hard: 16_384),
        ]
        if let files = spec.limits.openFiles {
            limits.append(
                Self.rlimit("RLIMIT_NOFILE", CL_RLIMIT_NOFILE, soft: UInt64(files), hard: UInt64(files)))
        }
        // Counted in the container's own user namespace for each of its users; a run has one (for a step see
        // PreparedContainer). It stands in where there is no control group, and says the same where there is one.
        if let pids = spec.limits.pids, !IDMap.current.isInitial {
            limits.append(Self.rlimit("RLIMIT_NPROC", CL_RLIMIT_NPROC, soft: UInt64(pids), hard: UInt64(pids)))
        }
        if let bytes = spec.limits.fileBytes {
            limits.append(Self.rlimit("RLIMIT_FSIZE", CL_RLIMIT_FSIZE, soft: UInt64(bytes), hard: UInt64(bytes)))
        }
        return limits
    }

    // Raising a hard limit needs CAP_SYS_RESOURCE, which root does not have everywhere: such a start would fail.
    private static func rlimit(_ name: String, _ resource: Int32, soft: UInt64, hard: UInt64) -> JSONValue {
        var (current, maximum): (UInt64, UInt64) = (0, .max)
        if cl_get_rlimit(resource, &current, &maximum) != 0 { maximum = hard }
        return [
            "type": .string(name), "soft": number(min(soft, maximum)), "hard": number(min(hard, maximum)),
        ]
    }

    // Unlimited is 2^64 - 1, which canonical JSON cannot carry; no limit reaches 2^53 in practice.
    private static func number(_ value: UInt64) -> JSONValue {
        .int(min(Int64(clamping: value), CanonicalJSON.largestInteger))
    }

    private var mounts: [JSONValue] {
        func mount(_ type: String, _ target: String, _ options: [String], source: String? = nil) -> JSONValue {
            [
                "destination": .string(target), "type": .string(type), "source": .string(source ?? type),
                "options": .array(options.map { .string($0) }),
            ]
        }
        var mounts = [
            // A run sees the processes that it could trace, which are its own and not the init.
            mount(
                "proc", "/proc",
                ["nosuid", "noexec", "nodev"] + (spec.privileges == .run ? ["hidepid=2"] : [])),
            mount("tmpfs", "/dev", ["nosuid", "noexec", "mode=755", "size=64k"]),
            mount("devpts", "/dev/pts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]),
            mount(
                "tmpfs", "/dev/shm",
                ["nosuid", "noexec", "nodev", "mode=1777", "size=\(spec.limits.temporaryBytes)"], source: "shm"),
            mount("mqueue", "/dev/mqueue", ["nosuid", "noexec", "nodev"]),
        ]
        if case .memory(let bytes) = spec.effectiveTemporary {
            mounts.append(mount("tmpfs", "/tmp", ["nosuid", "nodev", "mode=1777", "size=\(bytes)"]))
        }
        mounts.append(
            mount(
                "none", Self.initProgram, ["bind", "ro", "nosuid", "nodev"], source: Self.scratch + "/init"))
        for device in spec.devices.mounts {
            mounts.append(mount("none", device.target, ["bind"] + device.options, source: device.source))
        }
        return mounts
            + ownMounts.sorted { $0.depth < $1.depth }.map {
                mount($0.type, $0.target, $0.options, source: $0.source)
            }
    }

    /// What this container alone sees, in the order of the sandbox's `bind` directories where it is a bind.
    private var ownMounts: [(depth: Int, type: String, target: String, options: [String], source: String?)] {
        // One mount may lie inside another: the outer one comes first.
        func depth(_ target: String) -> Int { target.split(separator: "/").count }
        let memory = spec.memoryMounts.map { memory in
            let size = memory.sizeBytes ?? spec.limits.temporaryBytes
            return (
                depth(memory.target), "tmpfs", memory.target, ["nosuid", "nodev", "mode=1777", "size=\(size)"],
                String?.none
            )
        }
        let files = binds.map { ($0.target, $0.readOnly) } + spec.files.map { ($0.target, true) }
        return memory
            + files.enumerated().map { index, file in
                (
                    depth(file.0), "none", file.0, ["bind", file.1 ? "ro" : "rw", "nosuid", "nodev"],
                    "\(Self.scratch)/bind/\(index)"
                )
            }
    }
}
