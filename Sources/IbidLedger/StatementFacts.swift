import IbidModel

/// What the ledger reads out of a statement, to find it again; everything else in it is opaque here.
struct StatementFacts: Hashable {
    /// What a statement is about.
    enum Kind: String {
        /// A run is about to start.
        case intent = "run-intent"
        /// A run ended.
        case run
        /// An image was built.
        case image
        /// A run was done again and compared.
        case replay
        /// A run was taken in from an archive.
        case imported = "import"
        /// Somebody said something about a run: a tag, a comment.
        case note
        case other
    }

    /// Bytes that a statement names, at that place of the list that its role stands for.
    struct Artifact: Hashable {
        var role: String
        var position: Int
        var name: String
        var digest: String
    }

    /// Something by which the entry is found.
    struct Term: Hashable {
        var text: String
        var role: String
        var position = 0
    }

    var kind = Kind.other
    var run: RunID?
    var image: Digest?
    var startedAt: String?
    var finishedAt: String?
    var artifacts: [Artifact] = []
    /// A run's job, commit and status, a note's tag: role and text.
    var words: [Term] = []

    /// Everything by which the entry is found.
    var terms: [Term] {
        artifacts.map { Term(text: $0.digest, role: $0.role, position: $0.position) } + words
    }

    /// Reads a payload in whatever form it is.
    init(reading payload: [UInt8]) {
        self = StatementFacts(scanning: payload) ?? StatementFacts(payload: try? CanonicalJSON.parse(payload))
    }

    /// Reads a payload; whatever is not a statement of Ibid's has the kind `other`.
    init(payload: JSONValue?) {
        guard let payload, let statement = Statement(json: payload) else { return }
        artifacts = statement.subjects.enumerated().map {
            Artifact(role: "subject", position: $0, name: $1.name, digest: $1.digest.hex)
        }
        let predicate = statement.predicate
        switch statement.predicateType {
        case Statement.PredicateType.provenance: readProvenance(predicate)
        case Statement.PredicateType.testResult: readTestResult(predicate)
        case BuildType.note:
            classify(noted: predicate["run"]?.string, at: predicate["at"]?.string)
            add(word: predicate["tag"], as: "tag")
            add(word: predicate["untag"], as: "untag")
        default: break
        }
    }

    private mutating func readProvenance(_ predicate: JSONValue) {
        let (definition, details) = (predicate["buildDefinition"], predicate["runDetails"])
        startedAt = details?["metadata"]?["startedOn"]?.string
        finishedAt = details?["metadata"]?["finishedOn"]?.string
        add(definition?["resolvedDependencies"], as: "dependency")
        add(details?["byproducts"], as: "byproduct")
        add(word: definition?["externalParameters"]?["job"], as: "job")
        add(word: definition?["internalParameters"]?["snapshot"]?["commit"], as: "commit")
        add(word: details?["byproducts"]?.array?.first?["annotations"]?["status"], as: "status")
        classify(buildType: definition?["buildType"]?.string, run: details?["metadata"]?["invocationId"]?.string)
    }

    private mutating func readTestResult(_ predicate: JSONValue) {
        add(predicate["configuration"], as: "configuration")
        let uris = (predicate["configuration"]?.array ?? []).compactMap { $0["uri"]?.string }
        classify(replayed: uris.last { $0.hasPrefix(BuildType.runPrefix) })
    }

    /// Says what a provenance statement is about; its artifacts are known already.
    mutating func classify(buildType: String?, run text: String?) {
        switch buildType {
        case BuildType.intent: kind = .intent
        case BuildType.run: kind = .run
        case BuildType.imported: kind = .imported
        case BuildType.image:
            kind = .image
            image = artifacts.first.flatMap { Digest(hex: $0.digest) }
            return
        default: return
        }
        run = text.flatMap { RunID($0) }
        image = artifacts.first { $0.role == "dependency" && $0.name == "image" }.flatMap { Digest(hex: $0.digest) }
    }

    /// Says which run a note is about.
    mutating func classify(noted text: String?, at time: String?) {
        run = text.flatMap { RunID($0) }
        guard run != nil else { return }
        kind = .note
        finishedAt = time
    }

    /// Says which run a test result is about.
    mutating func classify(replayed uri: String?) {
        run = uri.flatMap { RunID(String($0.dropFirst(BuildType.runPrefix.count))) }
        if run != nil { kind = .replay }
    }

    private mutating func add(word: JSONValue?, as role: String) {
        if let word = word?.string { words.append(Term(text: word, role: role)) }
    }

    private mutating func add(_ list: JSONValue?, as role: String) {
        for (position, item) in (list?.array ?? []).enumerated() {
            guard let hex = item["digest"]?["sha256"]?.string else { continue }
            artifacts.append(
                Artifact(role: role, position: position, name: item["name"]?.string ?? "", digest: hex))
        }
    }
}

/// The names by which the ledger tells statements apart.
public enum BuildType {
    /// `buildDefinition.buildType` of the statement made before a run.
    public static let intent = "urn:ibid:run-intent:v1"
    /// `buildDefinition.buildType` of the statement made after a run.
    public static let run = "urn:ibid:run:v1"
    /// `buildDefinition.buildType` of an image's statement; its first subject is the image manifest.
    public static let image = "urn:ibid:image:v1"
    /// `buildDefinition.buildType` of the statement made when an archive is taken in; its subject is the record.
    public static let imported = "urn:ibid:import:v1"
    /// `predicateType` of a tag or a comment; `predicate.run` names the run, `predicate.at` the time.
    public static let note = "urn:ibid:note:v1"
    /// `predicateType` of the first statement of a ledger that continues a restored one.
    public static let renewal = "urn:ibid:renewal:v1"
    /// How a test result names the run it is about: `uri` of one element of its `configuration`, before the run's id.
    public static let runPrefix = "urn:ibid:run:"
}
