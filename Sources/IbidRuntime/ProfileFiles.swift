import CLinux
import IbidContainer
import IbidCrypto
public import IbidModel
import IbidStore
import SystemPackage

/// The part of a determinism profile that is neither a file nor a variable.
public struct ExecutionSetup: Hashable, Sendable {
    /// Whether addresses are the same every time.
    public var fixedAddresses: Bool
    /// On how many processors threads may run; nil for all.
    public var processors: Int?

    /// What a spec's profile says.
    public init(_ spec: RunSpec) {
        fixedAddresses = spec.determinism == .strict
        processors = spec.determinism == .strict ? Self.processors(spec) : nil
    }

    /// So many as the processor limit amounts to, rounded up.
    static func processors(_ spec: RunSpec) -> Int { Int(max(1, (spec.limits.cpuMillis + 999) / 1_000)) }
}

/// The files of a determinism profile, as a run sees them: whatever the machine, they say the same.
struct ProfileFiles {
    let binds: [ContainerBind]
    /// What of them is not the same on every machine.
    let facts: [String: String]

    /// - Parameter workspace: gets a directory with them.
    init(spec: RunSpec, host: ContainerHost, workspace: FilePath) throws {
        let directory = workspace.appending("profile")
        try makeDirectories(directory)
        var (binds, facts): ([ContainerBind], [String: String]) = ([], [:])
        func file(_ name: String, _ bytes: [UInt8], at target: String) throws {
            try writeAtomically(bytes, to: directory.appending(name), durable: false)
            // A run can see the file's time, and it must not be that of the day.
            let timed = cl_utimes_at(CL_AT_FDCWD, directory.appending(name).string, 0, 0)
            guard timed == 0 else { throw IbidError.system("set the time of", name, errorText(timed)) }
            binds.append(ContainerBind(source: directory.appending(name), target: target, readOnly: true))
        }
        // What Python takes for the number of processors; without it, that of the machine.
        let count = ExecutionSetup.processors(spec)
        try file("online", Array((count == 1 ? "0\n" : "0-\(count - 1)\n").utf8), at: "/sys/devices/system/cpu/online")
        // Names of elements in SVG, which are random otherwise.
        try file("matplotlibrc", Array("svg.hashsalt: ibid\n".utf8), at: DeterminismProfile.matplotlib)
        let preloaded = (spec.environment["LD_PRELOAD"] ?? "").split { $0 == ":" || $0 == " " }.map(String.init)
        for path in preloaded where path.hasPrefix(DeterminismProfile.directory + "/") {
            guard path == DeterminismProfile.preload else { throw IbidError.profileUnknown(path) }
            let library = try readIfPresent(try host.strictLibrary()) ?? []
            try file("strict.so", library, at: path)
            facts["strict"] = Digest.sha256(of: library).description
        }
        self.binds = binds
        self.facts = facts
    }
}
