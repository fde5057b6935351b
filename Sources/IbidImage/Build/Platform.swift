import IbidModel

/// Platforms as `FROM --platform` names them.
enum Platform {
    /// Whether a name (`linux`, `linux/amd64`, `x86_64`, `linux/arm64/v8`) is what this machine builds for.
    static func isOwn(_ name: String) -> Bool {
        var parts = name.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.first == "linux" { parts.removeFirst() } else if parts.count > 1 { return false }
        if parts.isEmpty { return true }
        guard parts.count <= 2, normalised(parts[0]) == BaseCatalog.architecture else { return false }
        // The first variant of each is the architecture itself.
        return parts.count == 1 || ["amd64/v1", "arm64/v8"].contains(BaseCatalog.architecture + "/" + parts[1])
    }

    /// - Throws: `platform` for a platform that is not this machine's.
    static func require(_ name: String?) throws {
        guard let name, !isOwn(name) else { return }
        throw IbidError(
            "platform", "the platform '\(name)' is not this machine's, linux/\(BaseCatalog.architecture)",
            hint: "steps run as they are, on this machine's processor: build it on a machine of that kind", exit: .usage
        )
    }

    private static func normalised(_ architecture: String) -> String {
        switch architecture {
        case "x86_64", "x86-64": "amd64"
        case "aarch64": "arm64"
        default: architecture
        }
    }
}
