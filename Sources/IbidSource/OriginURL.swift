/// What may be recorded of a remote's address: it is kept for ever and shown to strangers.
enum OriginURL {
    /// The address without user name, password, query and fragment where those can hold a secret.
    ///
    /// Over ssh the user name is part of the address (`git@`) and stays; a password does not.
    static func withoutCredentials(_ url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        // Otherwise it is a path, or host:path over ssh.
        guard parts.count == 3, parts[0].hasSuffix(":"), parts[1].isEmpty else { return url }
        let scheme = parts[0].lowercased()
        var rest = parts[2]
        if scheme != "file:", let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) { rest = rest[..<end] }
        let authority = rest.prefix { $0 != "/" }
        var user = ""
        if let at = authority.lastIndex(of: "@") {
            if scheme.hasSuffix("ssh:") { user = authority[..<at].prefix { $0 != ":" } + "@" }
            rest = rest[rest.index(after: at)...]
        }
        return parts[0] + "//" + user + rest
    }
}
