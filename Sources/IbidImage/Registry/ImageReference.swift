public import IbidModel

/// A registry's name of an image, `HOST[:PORT]/PATH[:TAG][@sha256:…]`, by the rules of Docker's reference grammar.
///
/// A short name is Docker Hub's, as for docker: `ubuntu` is `docker.io/library/ubuntu:latest`.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// `HOST[:PORT]`.
    public let registry: String
    /// The path at the registry.
    public let repository: String
    /// The tag; nil only beside a digest.
    public let tag: String?
    /// The digest of a manifest or an index: then the tag means nothing.
    public let digest: Digest?

    private static let hub = "docker.io"

    private init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// Reads a name.
    ///
    /// - Throws: `bad-reference`. A password in the text is not repeated.
    public init(parsing text: String) throws {
        var rest = text[...]
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            guard let found = Digest(String(rest[rest.index(after: at)...])) else {
                throw IbidError.badReference(
                    rest[rest.index(after: at)...].contains("/") ? nil : text,
                    "what follows '@' is the digest of an image: sha256 and 64 digits; a password goes into an auth file"
                )
            }
            digest = found
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        var registry = Self.hub
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first == "localhost" || first.contains(".") || first.contains(":")
                || first.contains(where: \.isUppercase)
            {
                registry = first == "index.docker.io" ? Self.hub : String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        var repository = String(rest)
        if registry == Self.hub, !repository.contains("/") { repository = "library/" + repository }
        guard Self.isHost(registry) else {
            throw IbidError.badReference(text, "'\(registry)' is no host[:port]")
        }
        guard repository.utf8.count <= 255, repository.wholeMatch(of: Self.path) != nil else {
            throw IbidError.badReference(text, "a name has lower-case letters, digits, and . _ - / between them")
        }
        if let tag, tag.utf8.count > 128 || tag.wholeMatch(of: Self.tag) == nil {
            throw IbidError.badReference(text, "'\(tag)' is no tag: letters, digits, and _ . - after the first")
        }
        self.init(
            registry: registry, repository: repository, tag: tag ?? (digest == nil ? "latest" : nil), digest: digest)
    }

    // Literals of Regex are not Sendable; a computed one is cheap enough for the few names of a build.
    private static var path: Regex<Substring> {
        /[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*)*/
    }
    private static var tag: Regex<Substring> { /[A-Za-z0-9_][A-Za-z0-9_.\-]*/ }

    private static func isHost(_ text: String) -> Bool {
        text.wholeMatch(of: /(?:[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?/) != nil
    }

    /// The whole name.
    public var description: String { "\(registry)/\(repository)" + suffix }

    /// The name as people write it: without what is understood.
    public var familiar: String {
        guard registry == Self.hub else { return description }
        return (repository.hasPrefix("library/") ? String(repository.dropFirst(8)) : repository) + suffix
    }

    private var suffix: String { digest.map { "@\($0)" } ?? tag.map { ":\($0)" } ?? "" }

    /// The same repository's image with that digest.
    func pinned(to digest: Digest) -> ImageReference {
        ImageReference(registry: registry, repository: repository, tag: nil, digest: digest)
    }

    /// Whether another name is of the same repository.
    func isSibling(of other: ImageReference) -> Bool {
        registry == other.registry && repository == other.repository
    }
}

extension IbidError {
    /// - Parameter text: what was written; nil when it may hold a password.
    static func badReference(_ text: String?, _ problem: String) -> IbidError {
        IbidError(
            "bad-reference",
            (text.map { "'\($0)' is no name of an image" } ?? "that is no name of an image") + ": \(problem)",
            hint: "for example debian:bookworm, or registry.example.org/team/image:tag", exit: .usage)
    }
}
