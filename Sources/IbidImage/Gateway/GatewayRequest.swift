/// The canonical names of what steps ask for; they stand in locks.
enum GatewayRequest {
    private static let python = "pypi/"

    /// A distribution file, or with `.metadata` its metadata.
    static func python(project: String, file: String) -> String { python + project + "/" + file }

    /// Project and file of a canonical name; nil when it is of another kind.
    static func python(_ request: String) -> (project: String, file: String)? {
        guard request.hasPrefix(python) else { return nil }
        let parts = request.dropFirst(python.count).split(separator: "/", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
}
