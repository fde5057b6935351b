import IbidCrypto
import IbidModel

/// The canonical names of what steps ask for; they stand in locks.
enum GatewayRequest {
    /// The place of a project's files on the host's Python indexes, whichever they are.
    static func project(_ project: String) -> String { "pypi/" + project + "/" }

    /// A distribution file on the host's Python indexes, or with `.metadata` its metadata.
    static func python(project: String, file: String) -> String { Self.project(project) + file }

    /// What is told of one release of a project.
    static func release(project: String, version: String) -> String { Self.project(project) + version + "/json" }

    /// Something at an address that the recipe names itself.
    ///
    /// A query is told apart and not told: it may be what gives access.
    static func address(_ url: String) -> String {
        let plain = Address.withoutSecrets(url)
        guard let query = url.split(separator: "#", maxSplits: 1).first?.split(separator: "?", maxSplits: 1),
            query.count == 2
        else { return plain }
        return plain + "?sha256:" + Digest.sha256(of: String(query[1])).hex.prefix(16)
    }

    /// The place of the files that an index page at an address lists.
    static func page(_ url: String) -> String {
        let name = address(url)
        return name.hasSuffix("/") ? name : name + "/"
    }
}
