import IbidCrypto
public import IbidMerkle
public import IbidModel

/// The statement of OpenSSF Model Signing about the directory of outputs: one stock command checks its files, missing
/// and foreign ones included.
public enum OutputsStatement {
    /// The statement; nil when there are no outputs, which the format cannot say.
    ///
    /// - Parameter outputs: the files of the archive's `outputs` directory with their digests.
    public static func make(_ outputs: [(file: String, digest: Digest)]) -> Statement? {
        guard !outputs.isEmpty else { return nil }
        let sorted = outputs.sorted { $0.file.unicodeScalars.lexicographicallyPrecedes($1.file.unicodeScalars) }
        let resources: [JSONValue] = sorted.map {
            ["name": .string($0.file), "algorithm": "sha256", "digest": .string($0.digest.hex)]
        }
        let root = Digest.sha256(of: sorted.flatMap(\.digest.bytes))
        return Statement(
            subjects: [.init(name: "outputs", digest: root)], predicateType: "https://model_signing/signature/v1.0",
            predicate: [
                "serialization": [
                    "method": "files", "hash_type": "sha256", "allow_symlinks": false, "ignore_paths": [],
                ],
                "resources": .array(resources),
            ])
    }
}

/// Sigstore bundles (v0.3) with a bare key in place of a certificate.
public enum SigstoreBundle {
    /// The bundle of a run's outcome, with its proof.
    public static func document(
        of outcome: RunEvidence.Attestation, attestorPEM: String, checkpoint: SignedNote, ledgerKey: NoteKey
    ) -> JSONValue {
        document(
            envelope: outcome.envelope, attestorPEM: attestorPEM, entries: [entry(outcome, checkpoint, ledgerKey)])
    }

    /// The bundle of an envelope that is in no log.
    public static func document(envelope: JSONValue, attestorPEM: String) -> JSONValue {
        document(envelope: envelope, attestorPEM: attestorPEM, entries: [])
    }

    static func document(envelope: JSONValue, attestorPEM: String, entries: [JSONValue]) -> JSONValue {
        [
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": [
                // Model Signing looks the key up by the digest of its PEM text.
                "publicKey": ["hint": .string(Digest.sha256(of: attestorPEM).hex)], "tlogEntries": .array(entries),
            ],
            "dsseEnvelope": envelope,
        ]
    }

    /// The proof of an entry as Rekor v2 writes it.
    static func entry(
        _ attestation: RunEvidence.Attestation, _ checkpoint: SignedNote, _ ledgerKey: NoteKey
    ) -> JSONValue {
        let lines = checkpoint.text.split(separator: "\n")
        return [
            "logIndex": .string(String(attestation.leafIndex)),
            "logId": ["keyId": .string(Base64.encode(ledgerKey.hash))],
            "kindVersion": ["kind": "hashedrekord", "version": "0.0.2"],
            "inclusionProof": [
                "logIndex": .string(String(attestation.leafIndex)), "rootHash": .string(String(lines[2])),
                "treeSize": .string(String(lines[1])),
                "hashes": .array(attestation.proof.path.map { .string($0.base64) }),
                "checkpoint": ["envelope": .string(checkpoint.description)],
            ],
            "canonicalizedBody": .string(Base64.encode(attestation.leaf)),
        ]
    }
}
