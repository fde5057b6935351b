import IbidModel

extension StatementFacts {
    /// Reads the facts straight out of the bytes of a statement in canonical form; nil when they are not one, which
    /// says nothing about what they are.
    init?(scanning payload: [UInt8]) {
        guard String(validating: payload, as: UTF8.self) != nil else { return nil }
        let found = payload.withUnsafeBufferPointer { bytes -> StatementFacts? in
            var scanner = CanonicalScanner(bytes)
            let parts = Parts()
            do { try parts.readStatement(&scanner) } catch { return nil }
            return scanner.isAtEnd ? parts.facts : nil
        }
        guard let found else { return nil }
        self = found
    }
}

/// What a scan collects: members come in the order of their names, so what they mean is known only at the end.
// A class: the closures below all fill the same one, and copies of a struct would copy its arrays.
private final class Parts {
    private typealias Malformed = CanonicalScanner.NotCanonical

    private var members = 0
    private var predicateType: String?
    private var subjects: [StatementFacts.Artifact] = []
    private var buildType: String?
    private var dependencies: [StatementFacts.Artifact] = []
    private var byproducts: [StatementFacts.Artifact] = []
    private var configuration: [StatementFacts.Artifact] = []
    private var run: String?
    private var replayed: String?
    private var noted: String?
    private var notedAt: String?
    private var startedAt: String?
    private var finishedAt: String?

    var facts: StatementFacts? {
        guard members == 4, let predicateType, !subjects.isEmpty else { return nil }
        var facts = StatementFacts(payload: nil)
        facts.artifacts = subjects
        switch predicateType {
        case Statement.PredicateType.provenance:
            (facts.startedAt, facts.finishedAt) = (startedAt, finishedAt)
            facts.artifacts += dependencies + byproducts
            facts.classify(buildType: buildType, run: run)
        case Statement.PredicateType.testResult:
            facts.artifacts += configuration
            facts.classify(replayed: replayed)
        case BuildType.note: facts.classify(noted: noted, at: notedAt)
        default: break
        }
        return facts
    }

    func readStatement(_ scanner: inout CanonicalScanner) throws(CanonicalScanner.NotCanonical) {
        try scanner.object { (scanner, key) throws(Malformed) in
            self.members += 1
            if scanner.matches(key, "_type") {
                let type = try scanner.string()
                guard scanner.value(of: type) == Statement.type else { throw Malformed() }
            } else if scanner.matches(key, "predicate") {
                try self.readPredicate(&scanner)
            } else if scanner.matches(key, "predicateType") {
                self.predicateType = try Self.text(&scanner)
            } else if scanner.matches(key, "subject") {
                try scanner.array { scanner throws(Malformed) in try self.readSubject(&scanner) }
            } else {
                throw Malformed()
            }
        }
    }

    private func readSubject(_ scanner: inout CanonicalScanner) throws(Malformed) {
        var (name, hex, members): (String?, String?, Int) = (nil, nil, 0)
        try scanner.object { (scanner, key) throws(Malformed) in
            members += 1
            if scanner.matches(key, "name") {
                name = try Self.text(&scanner)
            } else if scanner.matches(key, "digest") {
                try scanner.object { (scanner, key) throws(Malformed) in
                    members += 1
                    if scanner.matches(key, "sha256") { hex = try Self.text(&scanner) } else { try scanner.skip() }
                }
            } else {
                throw Malformed()
            }
        }
        // Exactly name and digest, exactly SHA-256: what `Statement` writes.
        guard members == 3, let name, let hex, Hex.isLowercase(hex, count: 64) else { throw Malformed() }
        subjects.append(StatementFacts.Artifact(role: "subject", name: name, digest: hex))
    }

    private func readPredicate(_ scanner: inout CanonicalScanner) throws(Malformed) {
        guard scanner.isAtObject else { return try scanner.skip() }
        try scanner.object { (scanner, key) throws(Malformed) in
            if scanner.matches(key, "buildDefinition"), scanner.isAtObject {
                try scanner.object { (scanner, key) throws(Malformed) in
                    if scanner.matches(key, "buildType") {
                        self.buildType = try Self.text(&scanner)
                    } else if scanner.matches(key, "resolvedDependencies") {
                        self.dependencies = try self.readList(&scanner, "dependency")
                    } else {
                        try scanner.skip()
                    }
                }
            } else if scanner.matches(key, "runDetails"), scanner.isAtObject {
                try self.readDetails(&scanner)
            } else if scanner.matches(key, "configuration") {
                self.configuration = try self.readList(&scanner, "configuration")
            } else if scanner.matches(key, "run") {
                self.noted = try Self.text(&scanner)
            } else if scanner.matches(key, "at") {
                self.notedAt = try Self.text(&scanner)
            } else {
                try scanner.skip()
            }
        }
    }

    private func readDetails(_ scanner: inout CanonicalScanner) throws(Malformed) {
        try scanner.object { (scanner, key) throws(Malformed) in
            if scanner.matches(key, "byproducts") {
                self.byproducts = try self.readList(&scanner, "byproduct")
            } else if scanner.matches(key, "metadata"), scanner.isAtObject {
                try scanner.object { (scanner, key) throws(Malformed) in
                    if scanner.matches(key, "invocationId") {
                        self.run = try Self.text(&scanner)
                    } else if scanner.matches(key, "startedOn") {
                        self.startedAt = try Self.text(&scanner)
                    } else if scanner.matches(key, "finishedOn") {
                        self.finishedAt = try Self.text(&scanner)
                    } else {
                        try scanner.skip()
                    }
                }
            } else {
                try scanner.skip()
            }
        }
    }

    // Resource descriptors: those with a SHA-256 digest, under their names.
    private func readList(
        _ scanner: inout CanonicalScanner, _ role: String
    ) throws(Malformed) -> [StatementFacts.Artifact] {
        var found: [StatementFacts.Artifact] = []
        guard scanner.isAtArray else {
            try scanner.skip()
            return found
        }
        var lastRun: String?
        try scanner.array { scanner throws(Malformed) in
            guard scanner.isAtObject else { return try scanner.skip() }
            var (name, hex) = ("", String?.none)
            try scanner.object { (scanner, key) throws(Malformed) in
                if scanner.matches(key, "name") {
                    name = try Self.text(&scanner) ?? ""
                } else if scanner.matches(key, "uri") {
                    let uri = try Self.text(&scanner)
                    if let uri, uri.hasPrefix(BuildType.runPrefix) { lastRun = uri }
                } else if scanner.matches(key, "digest"), scanner.isAtObject {
                    try scanner.object { (scanner, key) throws(Malformed) in
                        if scanner.matches(key, "sha256") { hex = try Self.text(&scanner) } else { try scanner.skip() }
                    }
                } else {
                    try scanner.skip()
                }
            }
            if let hex { found.append(StatementFacts.Artifact(role: role, name: name, digest: hex)) }
        }
        if role == "configuration" { replayed = lastRun }
        return found
    }

    private static func text(_ scanner: inout CanonicalScanner) throws(Malformed) -> String? {
        guard scanner.isAtString else {
            try scanner.skip()
            return nil
        }
        return scanner.value(of: try scanner.string())
    }
}
