public import IbidModel
public import SystemPackage

extension AuditRecord {
    /// Checks the record from its own bytes.
    ///
    /// - Parameters:
    ///   - pinned: keys that the caller trusts; none, and the record is only held against the keys it encloses.
    ///   - outputs: a directory that holds the run's outputs under their paths, to be held
    ///     against them: a changed, a missing and a foreign file are problems.
    public func verify(pinned: PinnedKeys = .none, outputs: FilePath? = nil) -> VerificationReport {
        var verifier = AuditRecordVerifier(self, pinned: pinned)
        verifier.run()
        var report = verifier.report
        if let outputs { OutputDirectory(outputs).verify(against: self.outputs, into: &report) }
        return report
    }

    /// Checks the bytes of a record; bytes that are no record are a problem.
    public static func verify(
        _ bytes: [UInt8], pinned: PinnedKeys = .none, outputs: FilePath? = nil
    ) -> VerificationReport {
        do { return try AuditRecord(decoding: bytes).verify(pinned: pinned, outputs: outputs) } catch {
            var report = VerificationReport()
            report.add("the record", got: (error as? IbidError)?.message ?? "\(error)", want: "an audit record")
            return report
        }
    }

    /// The run's outputs by their paths: the outcome's subjects named `outputs/…`, or, when there are too many to be
    /// subjects, those that the enclosed result lists.
    public var outputs: [Statement.Subject] {
        let subjects = entries.last { $0.role == .outcome }?.envelope.statement?.subjects ?? []
        let named = subjects.filter { $0.name.hasPrefix(Self.outputPrefix) }.map {
            Statement.Subject(name: String($0.name.dropFirst(Self.outputPrefix.utf8.count)), digest: $0.digest)
        }
        guard named.isEmpty, let result = subjects.first(where: { $0.name == "result.json" }),
            let document = documents[result.digest].flatMap({ try? CanonicalJSON.parse($0) })
        else { return named }
        return (document["outputs"]?.array ?? []).compactMap { output in
            guard let path = output["path"]?.string, let digest = output["digest"]?.string.flatMap({ Digest($0) })
            else { return nil }
            return Statement.Subject(name: path, digest: digest)
        }
    }

    private static let outputPrefix = "outputs/"
}
