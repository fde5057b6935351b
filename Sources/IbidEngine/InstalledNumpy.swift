import IbidContainer
import IbidRuntime

/// The numpy that a run will import, found in its image by name alone: below the Pythons that it can mean.
struct InstalledNumpy: Hashable {
    private let prefixes: Set<String>
    private let path: [String]

    /// Where a run looks for it.
    init(environment: [String: String], command: [String], workingDirectory: String) {
        var prefixes = [environment["VIRTUAL_ENV"], environment["CONDA_PREFIX"], workingDirectory + "/.venv"]
            .compactMap(\.self)
        // Where 'pip install --user' puts it.
        if let home = environment["HOME"] { prefixes.append(home + "/.local") }
        let programs = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let own = command.first.flatMap { $0.hasPrefix("/") ? Self.parent($0) : nil }
        prefixes += (programs + [own].compactMap(\.self)).map(Self.parent)
        self.prefixes = Set(prefixes)
        path = (environment["PYTHONPATH"] ?? "").split(separator: ":").map(String.init)
    }

    /// How it wants processor features to be called; lenient where none is found, as the newest are.
    ///
    /// - Parameter image: the image's layers.
    func names(in image: LayerStack) -> CPUPins.NumpyNames {
        func list(_ path: String, _ isWanted: (String) -> Bool) -> [String] {
            // What is no directory, or leads nowhere, holds no numpy.
            (try? image.names(in: path, where: isWanted)) ?? []
        }
        var places = path
        for prefix in prefixes {
            for python in list(prefix + "/lib", { $0.hasPrefix("python3") }) {
                places += ["site-packages", "dist-packages"].map { "\(prefix)/lib/\(python)/\($0)" }
            }
        }
        let versions = places.flatMap { place in
            list(place) { $0.hasPrefix("numpy-") && ($0.hasSuffix(".dist-info") || $0.hasSuffix(".egg-info")) }
        }.map { $0.dropFirst(6).split { !$0.isNumber }.prefix(2).compactMap { Int($0) } }
        let isOld = !versions.isEmpty && versions.allSatisfy { $0.lexicographicallyPrecedes([1, 25]) }
        return isOld ? .strict : .lenient
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
    }
}
