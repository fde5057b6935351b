import IbidContainer
import Glibc
import IbidLayer
import IbidLedger
import IbidModel
import IbidStore
import SystemPackage

/// Finds what a home holds and nothing needs.
struct Collector {
    let engine: Engine
    /// Whether what can be made again goes too.
    let all: Bool

    /// What may go.
    struct Garbage {
        var blobs: [Digest] = []
        var layers: [Digest] = []
        var records: [FilePath] = []
        var temporary: [FilePath] = []
        var kept = Set<Digest>()
    }

    /// Looks through the home: whatever the ledger's statements, the index and the base locks name is needed, and all
    /// that those documents name in turn.
    func find() throws -> Garbage {
        var needed = try Reachability(store: engine.store)
        try engine.ledger.forEachPayload { payload in
            try needed.add(document: payload)
            for statement in try takenIn(by: payload) { try needed.add(document: statement) }
        }
        try needed.add(document: try readIfPresent(engine.home.store.appending("index.json")) ?? [])
        var garbage = Garbage()
        let builds = try records("builds")
        if !all {
            // A build whose image has a name keeps its lock: the next build of that tree goes without a network.
            for record in builds where needed.reached.contains(where: { record.image == $0 }) {
                try needed.add(record.digests)
            }
        }
        for record in try builds + records("steps") {
            let isUseful = !record.digests.isEmpty && record.digests.allSatisfy { needed.reached.contains($0) }
            if all || !isUseful { garbage.records.append(record.path) }
        }
        garbage.kept = needed.reached
        garbage.blobs = needed.all.subtracting(needed.reached).sorted()
        let named = try all ? [] : layersOfNamedImages()
        garbage.layers = try engine.layers.unpacked().filter { !named.contains($0) }
        garbage.temporary = try temporary()
        return garbage
    }

    /// The statements of a run that was taken in from elsewhere: they stand packed in its record, where the digits of
    /// what they name do not show.
    private func takenIn(by payload: [UInt8]) throws -> [[UInt8]] {
        // Not by the ledger's index, which may be damaged: what is missed here is removed.
        guard payload.firstRange(of: Self.mark) != nil else { return [] }
        guard let json = try? CanonicalJSON.parse(payload), let statement = Statement(json: json) else {
            throw IbidError(
                "statement-damaged",
                "a statement of the ledger about a run that was taken in cannot be read, so what it needs is not known "
                    + "and nothing is collected",
                hint: "'ibid verify --ledger' says what is wrong", exit: .verificationFailed)
        }
        guard statement.predicate["buildDefinition"]?["buildType"]?.string == BuildType.imported else { return [] }
        let record: AuditRecord
        let digest = statement.subjects[0].digest
        do {
            record = try AuditRecord(decoding: try engine.store.read(digest))
        } catch {
            throw IbidError(
                "record-damaged",
                "the record \(digest) of a run that was taken in cannot be read, so what it needs is "
                    + "not known and nothing is collected",
                hint: "'ibid verify --store' says what is wrong; import the archive again", exit: .verificationFailed)
        }
        return record.entries.map(\.envelope.payload) + record.documents.values
    }

    private static let mark = Array(BuildType.imported.utf8)

    private func layersOfNamedImages() throws -> Set<Digest> {
        try engine.store.references().reduce(into: []) { layers, image in
            // An image that lost its manifest has no layers to keep; 'ibid verify --store' names it.
            guard engine.store.contains(image.descriptor.digest) else { return }
            layers.formUnion(try engine.store.manifest(image.descriptor.digest).layers.map(\.digest))
        }
    }

    // MARK: records of steps and builds

    private struct Record {
        var path: FilePath
        var digests: Set<Digest>
        var image: Digest?
    }

    private func records(_ kind: String) throws -> [Record] {
        let directory = engine.home.cache.appending(kind)
        guard access(directory.string, F_OK) == 0 else { return [] }
        return try names(in: directory).filter { Digest(hex: $0) != nil }.map { name in
            let path = directory.appending(name)
            let bytes = try readIfPresent(path) ?? []
            // A record that does not read is of no use.
            let image = (try? CanonicalJSON.parse(bytes))?["manifest"]?["digest"]?.string.flatMap { Digest($0) }
            return Record(path: path, digests: Reachability.digests(in: bytes), image: image)
        }
    }

    // MARK: what killed processes left

    private func temporary() throws -> [FilePath] {
        let (cache, layers) = (engine.home.cache, engine.home.layers)
        var found = try entries(of: cache.appending("bases")) { $0.hasPrefix("add-") || $0 == "scratch" }
        found += try entries(of: layers) { $0.hasSuffix(".partial") }
        if all {
            found += try entries(of: cache) { $0 == "git" }
            found += try entries(of: engine.home.runs) { $0 == ContainerHost.skeletons }
        }
        return found
    }

    private func entries(of directory: FilePath, _ isWanted: (String) -> Bool) throws -> [FilePath] {
        guard access(directory.string, F_OK) == 0 else { return [] }
        return try names(in: directory).filter(isWanted).sorted().map { directory.appending($0) }
    }
}
