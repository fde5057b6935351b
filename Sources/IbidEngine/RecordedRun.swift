import IbidModel
import IbidStore

/// The digests that an outcome statement names.
struct RecordedRun {
    let spec: Digest
    let result: Digest
    let image: Digest
    /// Everything else that belongs to the run: source, proof, lock, recipe, inputs, outputs, streams.
    let others: [Digest]

    /// What the digests stand for, read and checked.
    struct Evidence {
        var spec: RunSpec
        var result: RunResult
    }

    /// - Parameter statement: an outcome that Ibid wrote; what it lacks becomes a digest that nothing has.
    init(statement: Statement) {
        let definition = statement.predicate["buildDefinition"]
        let internals = definition?["internalParameters"]
        func digest(_ key: String) -> Digest { internals?[key]?.string.flatMap { Digest($0) } ?? Self.none }
        spec = digest("spec")
        image = digest("image")
        result = statement.subjects.first { $0.name == "result.json" }?.digest ?? Self.none
        let dependencies = definition?["resolvedDependencies"]?.array ?? []
        let byproducts = statement.predicate["runDetails"]?["byproducts"]?.array ?? []
        let named = (dependencies + byproducts).compactMap {
            $0["digest"]?["sha256"]?.string.flatMap { Digest(hex: $0) }
        }
        others = Array(Set(named + statement.subjects.map(\.digest))).sorted()
    }

    private static let none = Digest(bytes: [UInt8](repeating: 0, count: 32))

    /// Hashes every byte that the run depends on and reads its spec and result.
    ///
    /// - Throws: `missing-blob` or `corrupt-blob`, naming the first that is not as recorded.
    func load(from store: Store) throws -> Evidence {
        for digest in try everything(in: store) { try store.verify(digest) }
        return Evidence(
            spec: try store.read(RunSpec.self, from: spec), result: try store.read(RunResult.self, from: result))
    }

    /// Every blob of the run: what the statement names, and what those documents name.
    func everything(in store: Store) throws -> [Digest] {
        var all = Set(others)
        let manifest = try store.manifest(image)
        all.insert(manifest.config.digest)
        all.formUnion(manifest.layers.map(\.digest))
        all.formUnion(try store.read(RunResult.self, from: result).outputs.map(\.digest))
        return all.sorted()
    }
}
