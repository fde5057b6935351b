import IbidModel
import IbidStore
import Synchronization

/// The digests that an outcome statement names.
struct RecordedRun {
    let job: String
    let spec: Digest
    let result: Digest
    let image: Digest
    /// Facts of the machine that it ran on.
    let host: [String: String]
    /// Everything else that belongs to the run, each with what it is: source, proof, lock, recipe, inputs, outputs,
    /// streams.
    let others: [Digest: String]

    /// The image's lock; nil for an image that was built without fetching anything.
    var lock: Digest? { others.first { $0.value == "lock.json" }?.key }

    /// The text of the image's Dockerfile, the source's own or derived; nil in old records.
    var recipe: Digest? { others.first { $0.value == "Dockerfile" }?.key }

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
        job = definition?["externalParameters"]?["job"]?.string ?? ""
        spec = digest("spec")
        image = digest("image")
        host = statement.predicate["runDetails"]?["builder"]?["version"]?.object?.compactMapValues(\.string) ?? [:]
        result = statement.subjects.first { $0.name == "result.json" }?.digest ?? Self.none
        let dependencies = definition?["resolvedDependencies"]?.array ?? []
        let byproducts = statement.predicate["runDetails"]?["byproducts"]?.array ?? []
        var others: [Digest: String] = [:]
        for item in dependencies + byproducts {
            guard let digest = item["digest"]?["sha256"]?.string.flatMap({ Digest(hex: $0) }) else { continue }
            others[digest] = item["name"]?.string ?? "a dependency"
        }
        for subject in statement.subjects { others[subject.digest] = subject.name }
        self.others = others
    }

    private static let none = Digest(bytes: [UInt8](repeating: 0, count: 32))

    /// Hashes every byte that running it again depends on, and reads its spec and result.
    ///
    /// Outputs are not among them: their digests are in the result.
    ///
    /// - Parameter verified: what has been hashed by this process already is not hashed again.
    /// - Throws: `evidence-missing` or `evidence-altered`, saying what it is that is not as recorded.
    func load(from store: Store, verified: VerifiedBlobs) throws -> Evidence {
        func check(_ digest: Digest, _ what: String) throws { try verified.check(digest, what, in: store) }
        try check(spec, "the spec")
        try check(result, "the result")
        do {
            try check(image, "the image's manifest")
            let manifest = try store.manifest(image)
            try check(manifest.config.digest, "the image's configuration")
            for (index, layer) in manifest.layers.enumerated() {
                try check(layer.digest, "layer \(index + 1) of the image")
            }
        } catch let error as IbidError where error.code == "evidence-missing" {
            throw IbidError(
                error.code, "\(error.message); 'ibid replay --rebuild' builds the image again from its source and lock",
                hint: error.hint, exit: error.exit)
        }
        let evidence = Evidence(
            spec: try store.read(RunSpec.self, from: spec), result: try store.read(RunResult.self, from: result))
        for (name, input) in evidence.spec.inputs.sorted(by: { $0.key < $1.key }) {
            try check(input.digest, "input \(name)")
        }
        return evidence
    }

    /// Hashes every byte that the record names, outputs, source and lock included.
    func proveEverything(in store: Store, verified: VerifiedBlobs) throws {
        let named = others.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (digest, name) in named { try verified.check(digest, name, in: store) }
        for digest in try everything(in: store) { try verified.check(digest, others[digest] ?? "an output", in: store) }
    }

    /// Every blob of the run: what the statement names, and what those documents name.
    func everything(in store: Store) throws -> [Digest] {
        var all = Set(others.keys)
        let manifest = try store.manifest(image)
        all.insert(manifest.config.digest)
        all.formUnion(manifest.layers.map(\.digest))
        all.formUnion(try store.read(RunResult.self, from: result).outputs.map(\.digest))
        return all.sorted()
    }
}

/// The blobs that this process has hashed: runs that share an image need not hash it once each.
final class VerifiedBlobs: Sendable {
    private let known = Mutex<Set<Digest>>([])

    /// Compares a blob with its name.
    ///
    /// - Parameter what: how a message calls it.
    func check(_ digest: Digest, _ what: String, in store: Store) throws {
        if known.withLock({ $0.contains(digest) }) { return }
        do {
            try store.verify(digest)
        } catch let error as IbidError where error.exit == .verificationFailed {
            let isGone = !store.contains(digest)
            throw IbidError(
                isGone ? "evidence-missing" : "evidence-altered",
                "\(what) \(isGone ? "is gone" : "was altered"): \(error.message)", hint: error.hint,
                exit: .verificationFailed)
        }
        known.withLock { _ = $0.insert(digest) }
    }
}
