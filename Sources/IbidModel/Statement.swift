/// An in-toto Statement v1: what is claimed (`predicate`) of which bytes (`subject`).
public struct Statement: Hashable, Sendable {
    /// `https://in-toto.io/Statement/v1`.
    public static let type = "https://in-toto.io/Statement/v1"
    /// The media type of a statement inside a DSSE envelope.
    public static let payloadType = "application/vnd.in-toto+json"

    /// Predicate types that Ibid writes.
    public enum PredicateType {
        /// SLSA Provenance v1: runs and image builds.
        public static let provenance = "https://slsa.dev/provenance/v1"
        /// Test result v0.1: replays.
        public static let testResult = "https://in-toto.io/attestation/test-result/v0.1"
    }

    /// One subject: bytes by digest, and a name for people.
    public struct Subject: Hashable, Sendable {
        /// A name, unique within the statement.
        public var name: String
        /// The digest of the bytes.
        public var digest: Digest

        /// Makes a subject.
        public init(name: String, digest: Digest) {
            self.name = name
            self.digest = digest
        }
    }

    /// At least one.
    public var subjects: [Subject]
    /// What kind of claim it is.
    public var predicateType: String
    /// The claim.
    public var predicate: JSONValue

    /// Makes a statement.
    public init(subjects: [Subject], predicateType: String, predicate: JSONValue) {
        precondition(!subjects.isEmpty, "an in-toto statement has at least one subject")
        self.subjects = subjects
        self.predicateType = predicateType
        self.predicate = predicate
    }

    /// The statement as JSON.
    public var json: JSONValue {
        [
            "_type": .string(Self.type),
            "subject": .array(
                subjects.map { ["name": .string($0.name), "digest": ["sha256": .string($0.digest.hex)]] }),
            "predicateType": .string(predicateType),
            "predicate": predicate,
        ]
    }

    /// The RFC 8785 bytes that are signed.
    public var canonicalBytes: [UInt8] { CanonicalJSON.bytes(json) }

    /// Reads a statement back; nil when it is not one.
    public init?(json: JSONValue) {
        guard json["_type"]?.string == Self.type, let list = json["subject"]?.array, !list.isEmpty,
            let predicateType = json["predicateType"]?.string, let predicate = json["predicate"]
        else { return nil }
        var subjects: [Subject] = []
        for item in list {
            guard let hex = item["digest"]?["sha256"]?.string, let digest = Digest(hex: hex) else { return nil }
            subjects.append(Subject(name: item["name"]?.string ?? "", digest: digest))
        }
        self.init(subjects: subjects, predicateType: predicateType, predicate: predicate)
    }
}
