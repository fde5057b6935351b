import Glibc
import IbidCrypto
import IbidLedger
public import IbidModel
import IbidStore
import SystemPackage

/// A run that knows some bytes.
public struct TraceFind: Hashable, Sendable {
    /// `made` or `used`.
    public var relation: String
    /// The run; nil for the build of an image.
    public var run: RunID?
    /// The name under which it knows the bytes.
    public var name: String
    /// The entry of the ledger that says so.
    public var leafIndex: Int64
}

extension Engine {
    /// Which runs made some bytes, and which used them.
    ///
    /// - Parameter text: a file, or a digest.
    /// - Throws: `not-a-file`, `file-not-found`.
    public func trace(_ text: String) throws -> (digest: Digest, finds: [TraceFind]) {
        let digest = try Digest(text) ?? self.digest(ofFile: text)
        var finds: [TraceFind] = []
        for found in try ledger.entries(naming: digest) {
            let kind = try ledger.entry(at: found.leafIndex).kind
            // The intent says no more than the outcome, and a verdict names what it compared.
            let isOpen = try kind.run.map { try outcomeIfAny(of: $0) == nil } ?? false
            switch kind {
            case .run, .image: break
            case .intent where isOpen: break
            default: continue
            }
            let made = found.role == "subject" || found.role == "byproduct"
            finds.append(
                TraceFind(
                    relation: made ? "made" : "used", run: kind.run, name: found.name, leafIndex: found.leafIndex))
        }
        return (digest, finds + (try listedElsewhere(digest)))
    }

    // Outputs in great number are not in the statement but in the result, and those of runs that were taken in are in
    // their records.
    private func listedElsewhere(_ digest: Digest) throws -> [TraceFind] {
        try ledger.runs().flatMap { run -> [TraceFind] in
            guard let outcome = try outcomeIfAny(of: run.run), let statement = outcome.statement else { return [] }
            let isImported = run.outcomeIndex == nil
            let hasNames = statement.subjects.contains { $0.name.hasPrefix("outputs/") }
            guard isImported || !hasNames else { return [] }
            let recorded = RecordedRun(statement: statement)
            guard store.contains(recorded.result) else { return [] }
            let outputs = try store.read(RunResult.self, from: recorded.result).outputs.filter { $0.digest == digest }
            var finds = outputs.map {
                TraceFind(relation: "made", run: run.run, name: "outputs/" + $0.path, leafIndex: outcome.leafIndex)
            }
            let inputs = statement.predicate["buildDefinition"]?["resolvedDependencies"]?.array ?? []
            for input in inputs where isImported && input["digest"]?["sha256"]?.string == digest.hex {
                finds.append(
                    TraceFind(
                        relation: "used", run: run.run, name: input["name"]?.string ?? "",
                        leafIndex: outcome.leafIndex))
            }
            return finds
        }
    }

    private func digest(ofFile text: String) throws -> Digest {
        var status = stat()
        guard stat(text, &status) == 0 else {
            throw IbidError(
                "file-not-found", "there is no file '\(text)', and it is no digest",
                hint: "name a file, or sha256: and 64 digits", exit: .notFound)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw IbidError("not-a-file", "'\(text)' is not a file", hint: "trace the files in it", exit: .usage)
        }
        var hasher = SHA256Hasher()
        try forEachChunk(of: FilePath(text)) { hasher.update($0) }
        return hasher.finish()
    }
}
