public import IbidContainer
import IbidCrypto
public import IbidModel
import IbidStore
import SystemPackage

/// The files of a determinism profile, as a run sees them: whatever the machine, they say the same.
public struct ProfileFiles {
    /// In the run's file system, and in the place of the kernel's.
    public private(set) var files: [ContainerFile] = []
    /// What of them is not the same on every machine: the digest of the strict profile's library.
    public private(set) var facts: [String: String] = [:]
    /// Files that all processes of the run write, by size.
    private(set) var sharedFiles: [String: Int] = [:]

    /// The files that a spec's profile has.
    ///
    /// - Throws: `profile-unknown` when the spec preloads another version of the strict profile's library;
    ///   `strict-missing` when that library is not here.
    public init(spec: RunSpec, host: ContainerHost) throws {
        try self.init(spec: spec, setup: ExecutionSetup(spec), host: host, image: nil)
    }

    /// - Parameters:
    ///   - setup: settings of the preloaded library, which a run of another profile may have too.
    ///   - image: the image's layers, when they are here.
    init(spec: RunSpec, setup: ExecutionSetup, host: ContainerHost, image: LayerStack?) throws {
        if spec.determinism != .none {
            // Names of elements in SVG, which are random otherwise.
            add(DeterminismProfile.matplotlib, "svg.hashsalt: ibid\n")
            files += KernelFiles(spec).files
        }
        let preloaded = (spec.environment["LD_PRELOAD"] ?? "").split { $0 == ":" || $0 == " " }.map(String.init)
            .filter { $0.hasPrefix(DeterminismProfile.directory + "/") }
        for path in preloaded where path != DeterminismProfile.preload { throw IbidError.profileUnknown(path) }
        guard !preloaded.isEmpty else { return }
        let library = try readIfPresent(try host.strictLibrary()) ?? []
        files.append(ContainerFile(target: DeterminismProfile.preload, bytes: library, mode: 0o644))
        let settings = setup.settings.sorted { $0.key < $1.key }
        add(DeterminismProfile.settings, settings.map { "\($0.key)=\($0.value)\n" }.joined())
        sharedFiles[StrictCost.file] = StrictCost.size
        // glibc preloads what this names even where a program was started with another environment. musl does not know it.
        if try image?.names(in: "/etc", where: { $0 == "ld.so.preload" }).isEmpty ?? true {
            add("/etc/ld.so.preload", DeterminismProfile.preload + "\n")
        }
        facts["strict"] = Digest.sha256(of: library).description
    }

    private mutating func add(_ path: String, _ text: String) {
        files.append(ContainerFile(target: path, bytes: Array(text.utf8), mode: 0o644))
    }
}
