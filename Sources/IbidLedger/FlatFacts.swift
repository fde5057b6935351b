import IbidModel

/// `StatementFacts` as places in the payload; nil for the few statements that need building to be understood.
struct FlatFacts {
    private(set) var kind: StaticString = "other"
    private(set) var run: CanonicalScanner.Text?
    private(set) var image: CanonicalScanner.Text?
    private(set) var startedAt: CanonicalScanner.Text?
    private(set) var finishedAt: CanonicalScanner.Text?
    /// Whether the entry is one with which a run begins here.
    private(set) var opens = false
    private var isProvenance = false
    private var isTestResult = false
    private var isNote = false

    init?(_ scan: StatementScan, _ scanner: CanonicalScanner) {
        guard let type = scan.predicateType else { return nil }
        if scanner.matches(type, "https://slsa.dev/provenance/v1") {
            isProvenance = true
            (startedAt, finishedAt) = (scan.startedAt, scan.finishedAt)
            guard classify(scan, scanner) else { return nil }
        } else if scanner.matches(type, "https://in-toto.io/attestation/test-result/v0.1") {
            isTestResult = true
            guard let uri = scan.replayed else { return }
            // "urn:ibid:run:" and the id.
            let name = uri.lowerBound + 13..<max(uri.lowerBound + 13, uri.upperBound)
            guard isRun(name, scanner) else { return nil }
            (kind, run) = ("replay", name)
        } else if scanner.matches(type, "urn:ibid:note:v1") {
            guard let noted = scan.noted, isRun(noted, scanner) else { return nil }
            (kind, run, finishedAt, isNote) = ("note", noted, scan.notedAt, true)
        }
    }

    /// Adds everything by which the entry is found; false when that has to be built to be known.
    func addTerms(
        _ scan: StatementScan, _ scanner: CanonicalScanner, _ leafIndex: Int64, to sum: inout TermSums.Sum
    ) -> Bool {
        func add(_ text: CanonicalScanner.Text, _ role: StaticString, _ position: Int) -> Bool {
            guard let plain = scanner.plain(text) else { return false }
            let role = UnsafeRawBufferPointer(start: role.utf8Start, count: role.utf8CodeUnitCount)
            sum.add(plain, role: role, leafIndex: leafIndex, position: Int64(position))
            return true
        }
        for artifact in scan.artifacts where lists(artifact.role) {
            guard add(artifact.digest, artifact.role.name, artifact.position) else { return false }
        }
        func add(_ word: CanonicalScanner.Text?, _ role: StaticString) -> Bool {
            word.map { add($0, role, 0) } ?? true
        }
        if isProvenance {
            return add(scan.job, "job") && add(scan.commit, "commit") && add(scan.status, "status")
        }
        return !isNote || add(scan.tag, "tag") && add(scan.untag, "untag")
    }

    // Whether digests in that role are listed for a statement of this type.
    private func lists(_ role: StatementScan.Role) -> Bool {
        switch role {
        case .subject: true
        case .dependency, .byproduct: isProvenance
        case .configuration: isTestResult
        }
    }

    private mutating func classify(_ scan: StatementScan, _ scanner: CanonicalScanner) -> Bool {
        guard let type = scan.buildType else { return true }
        if scanner.matches(type, "urn:ibid:image:v1") {
            kind = "image"
            image = scan.artifacts.first { $0.role == .subject }?.digest
            return true
        }
        if scanner.matches(type, "urn:ibid:run:v1") {
            kind = "run"
        } else if scanner.matches(type, "urn:ibid:run-intent:v1") {
            kind = "run-intent"
        } else if scanner.matches(type, "urn:ibid:import:v1") {
            kind = "import"
        } else {
            return true
        }
        guard let name = scan.run, isRun(name, scanner) else { return false }
        (run, opens) = (name, true)
        for artifact in scan.artifacts where artifact.role == .dependency {
            if let name = artifact.name, scanner.matches(name, "image") {
                guard scanner.isHex(artifact.digest, count: 64) else { return false }
                image = artifact.digest
                break
            }
        }
        return true
    }

    private func isRun(_ text: CanonicalScanner.Text, _ scanner: CanonicalScanner) -> Bool {
        scanner.plain(text).flatMap { RunKey($0) } != nil
    }
}

extension StatementScan.Role {
    /// The name in the table of artifacts.
    var name: StaticString {
        switch self {
        case .subject: "subject"
        case .dependency: "dependency"
        case .byproduct: "byproduct"
        case .configuration: "configuration"
        }
    }
}
