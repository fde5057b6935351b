import IbidCrypto
import IbidModel

/// Whether the statements of a record agree with one another, and with the documents that they name.
///
/// Each is signed by one key, so a contradiction means that whoever has the key wrote two things, and a reader would
/// take one or the other for what happened. What only one of them says is no contradiction.
struct RecordAgreement {
    private let record: AuditRecord
    private let statements: [AuditRecord.Role: JSONValue]
    private(set) var problems: [VerificationProblem] = []

    init(_ record: AuditRecord) {
        self.record = record
        var statements: [AuditRecord.Role: JSONValue] = [:]
        for entry in record.entries where entry.role != .replay {
            statements[entry.role] = try? CanonicalJSON.parse(entry.envelope.payload)
        }
        self.statements = statements
    }

    mutating func check() {
        let (intent, outcome) = (statements[.intent], statements[.outcome])
        if let intent = definition(intent), let outcome = definition(outcome), intent != outcome {
            add("the intent", got: "announced another run", want: "what the outcome says ran")
        }
        for statement in [intent, outcome].compactMap(\.self) { checkSpec(statement) }
        if let outcome { checkResult(outcome) }
        checkReplays()
    }

    private mutating func add(_ what: String, got: String, want: String) {
        problems.append(VerificationProblem(what: what, got: got, want: want))
    }

    // What ran, but for the word that tells an intent from an outcome.
    private func definition(_ statement: JSONValue?) -> [String: JSONValue]? {
        var definition = statement?["predicate"]?["buildDefinition"]?.object
        definition?["buildType"] = nil
        return definition
    }

    // MARK: What was asked

    private mutating func checkSpec(_ statement: JSONValue) {
        let definition = statement["predicate"]?["buildDefinition"]
        let (external, internals) = (definition?["externalParameters"], definition?["internalParameters"])
        let named = digests(definition?["resolvedDependencies"])
        let spec = document("spec.json", named)
        let snapshot = internals?["snapshot"]
        compare("the command", external?["command"], spec?["command"])
        compare("the parameters", external?["parameters"], spec?["params"])
        compare("the platform", internals?["platform"], spec?["platform"])
        compare("the determinism profile", internals?["determinism"], spec?["determinism"])
        compare("the image", internals?["image"], spec?["image"])
        compare("the image", internals?["image"], reference(named["image"]))
        compare("the spec", internals?["spec"], reference(named["spec.json"]))
        compare("the source", snapshot?["layer"], reference(named["source"]))
        compare("the source's proof", snapshot?["proof"], reference(named["source-proof"]))
        for (name, input) in (spec?["inputs"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            if input["digest"]?.string != named["inputs/" + name].map({ "sha256:" + $0 }) {
                add("input \(name)", got: "another in the spec", want: "the one that the statement names")
            }
        }
        if let spec, named.keys.count(where: { $0.hasPrefix("inputs/") }) != spec["inputs"]?.object?.count ?? 0,
            spec["inputs"] != nil
        {
            add("the inputs", got: "others in the spec", want: "those that the statement names")
        }
    }

    // MARK: What came of it

    private mutating func checkResult(_ outcome: JSONValue) {
        let subjects = digests(outcome["subject"])
        guard let result = document("result.json", subjects) else { return }
        // By bytes: two spellings of one accented letter are two names.
        var names: Set<[UInt8]> = []
        let listed = (result["outputs"]?.array ?? []).map { output in
            (name: "outputs/" + (output["path"]?.string ?? ""), digest: output["digest"]?.string ?? "")
        }
        for output in listed where !names.insert(Array(output.name.utf8)).inserted {
            add(output.name, got: "twice in the result", want: "once")
        }
        let named = (outcome["subject"]?.array ?? []).compactMap { subject -> (name: String, digest: String)? in
            guard let name = subject["name"]?.string, name != "result.json",
                let hex = subject["digest"]?["sha256"]?.string
            else { return nil }
            return (name, "sha256:" + hex)
        }
        // A statement that would name too many names the result alone.
        if !named.isEmpty || listed.count <= 1_000 {
            let (left, right) = (Self.lines(named), Self.lines(listed))
            for line in left.symmetricDifference(right).sorted(by: { $0.lexicographicallyPrecedes($1) }).prefix(10) {
                add(
                    "the result, on \(String(decoding: line, as: UTF8.self))",
                    got: right.contains(line) ? "in the result alone" : "in the statement alone", want: "in both")
            }
        }
        let byproducts = outcome["predicate"]?["runDetails"]?["byproducts"]
        let logs = digests(byproducts)
        compare("standard output", reference(logs["logs/stdout.txt"]), result["stdout"])
        compare("standard error", reference(logs["logs/stderr.txt"]), result["stderr"])
        let ending = byproducts?.array?.first?["annotations"]
        compare("the status", ending?["status"], result["status"])
        compare("the exit code", ending?["exitCode"], result["exitCode"])
    }

    private static func lines(_ digests: [(name: String, digest: String)]) -> Set<[UInt8]> {
        Set(digests.map { Array("\($0.name) \($0.digest)".utf8) })
    }

    // MARK: What was said of it later

    private mutating func checkReplays() {
        guard let outcome = record.entries.first(where: { $0.role == .outcome }) else { return }
        let digest = Digest.sha256(of: outcome.envelope.payload)
        for replay in record.entries where replay.role == .replay {
            let name = "the replay, entry \(replay.leafIndex),"
            if replay.leafIndex < outcome.leafIndex {
                add(name, got: "before the outcome", want: "after it")
            }
            let statement = try? CanonicalJSON.parse(replay.envelope.payload)
            let original = digests(statement?["predicate"]?["configuration"])["original"]
            if let original, original != digest.hex {
                add(name, got: "of the outcome sha256:\(original)", want: "of \(digest)")
            }
        }
    }

    // MARK: Values

    private mutating func compare(_ what: String, _ statement: JSONValue?, _ document: JSONValue?) {
        guard let statement, let document, statement != document else { return }
        add(what, got: "one in a statement, another in what it names", want: "the same")
    }

    private func reference(_ hex: String?) -> JSONValue? { hex.map { .string("sha256:" + $0) } }

    private mutating func document(_ name: String, _ digests: [String: String]) -> JSONValue? {
        guard let digest = digests[name].flatMap({ Digest(hex: $0) }), let bytes = record.documents[digest] else {
            return nil
        }
        guard let document = try? CanonicalJSON.parse(bytes) else {
            add(name, got: "not JSON", want: "the document that the statement names")
            return nil
        }
        return document
    }

    private func digests(_ list: JSONValue?) -> [String: String] {
        var digests: [String: String] = [:]
        for item in list?.array ?? [] {
            if let name = item["name"]?.string, let hex = item["digest"]?["sha256"]?.string { digests[name] = hex }
        }
        return digests
    }
}
