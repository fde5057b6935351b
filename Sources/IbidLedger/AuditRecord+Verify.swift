public import IbidModel
public import SystemPackage

extension AuditRecord {
    /// Checks the record from its own bytes.
    ///
    /// - Parameters:
    ///   - pinned: keys that the caller trusts; none, and the record is only held against the keys it encloses.
    ///   - outputs: a directory that holds the run's outputs under the names of the outcome's subjects, to be held
    ///     against them: a changed, a missing and a foreign file are problems.
    public func verify(pinned: PinnedKeys = .none, outputs: FilePath? = nil) -> VerificationReport {
        var verifier = AuditRecordVerifier(self, pinned: pinned)
        verifier.run()
        var report = verifier.report
        if let outputs { OutputDirectory(outputs).verify(against: subjects, into: &report) }
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

    /// What the run's outcome is about: its outputs by name.
    public var subjects: [Statement.Subject] {
        entries.last { $0.role == .outcome }?.envelope.statement?.subjects ?? []
    }
}
