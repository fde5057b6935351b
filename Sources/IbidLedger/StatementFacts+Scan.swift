import IbidModel

extension StatementFacts {
    /// Reads the facts straight out of the bytes of a statement in canonical form; nil when they are not one, which
    /// says nothing about what they are.
    init?(scanning payload: [UInt8]) {
        let found = payload.withUnsafeBufferPointer { bytes -> StatementFacts? in
            let scan = StatementScan()
            guard let scanner = scan.read(bytes) else { return nil }
            return scan.facts(scanner)
        }
        guard let found else { return nil }
        self = found
    }
}

/// Where in a statement's bytes its facts stand: nothing is copied, so one scan serves after another.
///
/// Members come in the order of their names, so what they mean is known only at the end.
// A class: the closures below all fill the same one, and copies of a struct would copy its array.
final class StatementScan {
    typealias Text = CanonicalScanner.Text
    private typealias Malformed = CanonicalScanner.NotCanonical

    /// A digest that the statement names.
    struct Artifact {
        var role: Role
        var position: Int
        /// Without one the name is empty.
        var name: Text?
        var digest: Text
    }

    /// In the order in which the ledger lists them.
    enum Role: String, CaseIterable {
        case subject, dependency, byproduct, configuration
    }

    private(set) var predicateType: Text?
    private(set) var buildType: Text?
    private(set) var artifacts: [Artifact] = []
    private(set) var run: Text?
    private(set) var replayed: Text?
    private(set) var noted: Text?
    private(set) var notedAt: Text?
    private(set) var startedAt: Text?
    private(set) var finishedAt: Text?
    private(set) var job: Text?
    private(set) var commit: Text?
    private(set) var status: Text?
    private(set) var tag: Text?
    private(set) var untag: Text?
    private var members = 0

    /// Reads a statement; nil when the bytes are none in canonical form. What was found before is forgotten.
    func read(_ bytes: UnsafeBufferPointer<UInt8>) -> CanonicalScanner? {
        artifacts.removeAll(keepingCapacity: true)
        (predicateType, buildType, members) = (nil, nil, 0)
        (run, replayed, noted, notedAt, startedAt, finishedAt) = (nil, nil, nil, nil, nil, nil)
        (job, commit, status, tag, untag) = (nil, nil, nil, nil, nil)
        var scanner = CanonicalScanner(bytes)
        do { try readStatement(&scanner) } catch { return nil }
        guard scanner.isAtEnd, members == 4, predicateType != nil, artifacts.contains(where: { $0.role == .subject }),
            scanner.isASCII || String(validating: bytes, as: UTF8.self) != nil
        else { return nil }
        return scanner
    }

    /// What was found, as values.
    func facts(_ scanner: CanonicalScanner) -> StatementFacts? {
        func text(_ place: Text?) -> String? { place.map { scanner.value(of: $0) } }
        func list(_ role: Role) -> [StatementFacts.Artifact] {
            artifacts.filter { $0.role == role }.map {
                .init(
                    role: role.rawValue, position: $0.position, name: text($0.name) ?? "",
                    digest: scanner.value(of: $0.digest))
            }
        }
        func words(_ places: [(String, Text?)]) -> [StatementFacts.Term] {
            places.compactMap { role, place in text(place).map { .init(text: $0, role: role) } }
        }
        guard let predicateType = text(predicateType) else { return nil }
        var facts = StatementFacts(payload: nil)
        facts.artifacts = list(.subject)
        switch predicateType {
        case Statement.PredicateType.provenance:
            (facts.startedAt, facts.finishedAt) = (text(startedAt), text(finishedAt))
            facts.artifacts += list(.dependency) + list(.byproduct)
            facts.words = words([("job", job), ("commit", commit), ("status", status)])
            facts.classify(buildType: text(buildType), run: text(run))
        case Statement.PredicateType.testResult:
            facts.artifacts += list(.configuration)
            facts.classify(replayed: text(replayed))
        case BuildType.note:
            facts.classify(noted: text(noted), at: text(notedAt))
            facts.words = words([("tag", tag), ("untag", untag)])
        default: break
        }
        return facts
    }

    private func readStatement(_ scanner: inout CanonicalScanner) throws(CanonicalScanner.NotCanonical) {
        try scanner.object { (scanner, key) throws(Malformed) in
            self.members += 1
            if scanner.matches(key, "_type") {
                let type = try scanner.string()
                guard scanner.matches(type, "https://in-toto.io/Statement/v1") else { throw Malformed() }
            } else if scanner.matches(key, "predicate") {
                try self.readPredicate(&scanner)
            } else if scanner.matches(key, "predicateType") {
                self.predicateType = try Self.text(&scanner)
            } else if scanner.matches(key, "subject") {
                var position = 0
                try scanner.array { scanner throws(Malformed) in
                    try self.readSubject(&scanner, position)
                    position += 1
                }
            } else {
                throw Malformed()
            }
        }
    }

    private func readSubject(_ scanner: inout CanonicalScanner, _ position: Int) throws(Malformed) {
        var (name, hex, members): (Text?, Text?, Int) = (nil, nil, 0)
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
        guard members == 3, let name, let hex, scanner.isHex(hex, count: 64) else { throw Malformed() }
        artifacts.append(Artifact(role: .subject, position: position, name: name, digest: hex))
    }

    private func readPredicate(_ scanner: inout CanonicalScanner) throws(Malformed) {
        guard scanner.isAtObject else { return try scanner.skip() }
        try scanner.object { (scanner, key) throws(Malformed) in
            if scanner.matches(key, "buildDefinition"), scanner.isAtObject {
                try scanner.object { (scanner, key) throws(Malformed) in
                    if scanner.matches(key, "buildType") {
                        self.buildType = try Self.text(&scanner)
                    } else if scanner.matches(key, "externalParameters") {
                        try Self.member("job", of: &scanner) { scanner throws(Malformed) in
                            self.job = try Self.text(&scanner)
                        }
                    } else if scanner.matches(key, "internalParameters") {
                        try Self.member("snapshot", of: &scanner) { scanner throws(Malformed) in
                            try Self.member("commit", of: &scanner) { scanner throws(Malformed) in
                                self.commit = try Self.text(&scanner)
                            }
                        }
                    } else if scanner.matches(key, "resolvedDependencies") {
                        try self.readList(&scanner, .dependency)
                    } else {
                        try scanner.skip()
                    }
                }
            } else if scanner.matches(key, "runDetails"), scanner.isAtObject {
                try self.readDetails(&scanner)
            } else if scanner.matches(key, "configuration") {
                try self.readList(&scanner, .configuration)
            } else if scanner.matches(key, "run") {
                self.noted = try Self.text(&scanner)
            } else if scanner.matches(key, "at") {
                self.notedAt = try Self.text(&scanner)
            } else if scanner.matches(key, "tag") {
                self.tag = try Self.text(&scanner)
            } else if scanner.matches(key, "untag") {
                self.untag = try Self.text(&scanner)
            } else {
                try scanner.skip()
            }
        }
    }

    private func readDetails(_ scanner: inout CanonicalScanner) throws(Malformed) {
        try scanner.object { (scanner, key) throws(Malformed) in
            if scanner.matches(key, "byproducts") {
                try self.readList(&scanner, .byproduct)
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
    private func readList(_ scanner: inout CanonicalScanner, _ role: Role) throws(Malformed) {
        guard scanner.isAtArray else { return try scanner.skip() }
        var position = -1
        try scanner.array { scanner throws(Malformed) in
            position += 1
            guard scanner.isAtObject else { return try scanner.skip() }
            var (name, hex): (Text?, Text?) = (nil, nil)
            try scanner.object { (scanner, key) throws(Malformed) in
                if scanner.matches(key, "name") {
                    name = try Self.text(&scanner)
                } else if scanner.matches(key, "uri"), role == .configuration {
                    let uri = try Self.text(&scanner)
                    if let uri, scanner.value(of: uri).hasPrefix(BuildType.runPrefix) { self.replayed = uri }
                } else if scanner.matches(key, "digest"), scanner.isAtObject {
                    try scanner.object { (scanner, key) throws(Malformed) in
                        if scanner.matches(key, "sha256") { hex = try Self.text(&scanner) } else { try scanner.skip() }
                    }
                } else if scanner.matches(key, "annotations"), role == .byproduct, position == 0 {
                    try Self.member("status", of: &scanner) { scanner throws(Malformed) in
                        self.status = try Self.text(&scanner)
                    }
                } else {
                    try scanner.skip()
                }
            }
            if let hex {
                self.artifacts.append(Artifact(role: role, position: position, name: name, digest: hex))
            }
        }
    }

    // Reads one member of an object, and forgets whatever else there is.
    private static func member(
        _ name: StaticString, of scanner: inout CanonicalScanner,
        _ read: (inout CanonicalScanner) throws(Malformed) -> Void
    ) throws(Malformed) {
        guard scanner.isAtObject else { return try scanner.skip() }
        try scanner.object { (scanner, key) throws(Malformed) in
            if scanner.matches(key, name) { try read(&scanner) } else { try scanner.skip() }
        }
    }

    private static func text(_ scanner: inout CanonicalScanner) throws(Malformed) -> Text? {
        guard scanner.isAtString else {
            try scanner.skip()
            return nil
        }
        return try scanner.string()
    }
}
