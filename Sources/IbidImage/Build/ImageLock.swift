public import IbidModel

/// Everything a build got from outside: the bases, and each step's requests with the bytes they were answered with.
///
/// With a lock a build needs no network, and sees nothing that the lock does not have.
public struct ImageLock: Hashable, Sendable, Codable {
    /// The version of this record's form.
    public static let currentSchema = "ibid.lock.v1"

    /// A base.
    public struct Base: Hashable, Sendable, Codable {
        /// The name after `FROM`.
        public var name: String
        /// Its manifest.
        public var manifest: Digest
        /// What it is made of, when Ibid made it.
        public var packages: BaseLock?
        /// What a registry had under that name, when it came from one: `HOST/REPO@sha256:…`.
        public var origin: String?
    }

    /// What one step asked for.
    public struct Step: Hashable, Sendable, Codable {
        /// The instruction's text (`stepName`); the second of equal instructions has ` (2)` after it.
        public var step: String
        /// Its requests, sorted.
        public var requests: [Request]
    }

    /// One request and its answer.
    public struct Request: Hashable, Sendable, Codable {
        /// What was asked for, in canonical form, free of mirrors and indexes.
        public var request: String
        /// The digest of the bytes; nil when the answer was that there is nothing of that name.
        public var sha256: Digest?
        /// Their number.
        public var size: Int64?
    }

    /// What a step is called in a lock: how its text is broken into lines and indented does not matter.
    public static func stepName(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Always `currentSchema`.
    public var schema: String
    /// The bases, sorted by name.
    public var bases: [Base]
    /// The steps that asked for something, in the order of the Dockerfile.
    public var steps: [Step]
}

/// Answers by request.
struct GatewayAnswers: Hashable, Sendable {
    /// What a request was answered with.
    enum Answer: Hashable, Sendable {
        /// A blob in the store.
        case bytes(Digest, size: Int64)
        /// That there is nothing of that name.
        case absent
    }

    var answers: [String: Answer] = [:]

    init(_ answers: [String: Answer] = [:]) { self.answers = answers }

    init(_ requests: [ImageLock.Request]) {
        for request in requests {
            if let sha256 = request.sha256 {
                answers[request.request] = .bytes(sha256, size: request.size ?? 0)
            } else {
                answers[request.request] = .absent
            }
        }
    }

    /// In the lock's form: sorted, so that the order of requests does not matter.
    var requests: [ImageLock.Request] {
        answers.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { name in
            switch answers[name] {
            case .bytes(let digest, let size): ImageLock.Request(request: name, sha256: digest, size: size)
            case .absent, nil: ImageLock.Request(request: name, sha256: nil, size: nil)
            }
        }
    }

    var isEmpty: Bool { answers.isEmpty }
}
