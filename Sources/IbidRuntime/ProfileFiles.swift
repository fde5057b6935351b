import CLinux
public import IbidContainer
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
public struct ProfileFiles {
    /// The files.
    public let files: [ContainerFile]
    /// What of them is not the same on every machine.
    let facts: [String: String]

    /// The files that a spec's profile has.
    ///
    /// - Throws: `profile-unknown` when the spec preloads another version of the strict profile's library;
    ///   `strict-missing` when that library is not here.
    public init(spec: RunSpec, host: ContainerHost) throws {
        var (files, facts): ([ContainerFile], [String: String]) = ([], [:])
        func file(_ bytes: [UInt8], at target: String) {
            files.append(ContainerFile(target: target, bytes: bytes, mode: 0o644))
        }
        // Names of elements in SVG, which are random otherwise.
        file(Array("svg.hashsalt: ibid\n".utf8), at: DeterminismProfile.matplotlib)
        let preloaded = (spec.environment["LD_PRELOAD"] ?? "").split { $0 == ":" || $0 == " " }.map(String.init)
        for path in preloaded where path.hasPrefix(DeterminismProfile.directory + "/") {
            guard path == DeterminismProfile.preload else { throw IbidError.profileUnknown(path) }
            let library = try readIfPresent(try host.strictLibrary()) ?? []
            file(library, at: path)
            facts["strict"] = Digest.sha256(of: library).description
        }
        self.files = files
        self.facts = facts
    }
}
