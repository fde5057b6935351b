/// Where Debian's archive and its security updates are for this host.
struct DebianAccess: Hashable, Sendable {
    /// What stands for `http://deb.debian.org/debian`.
    var archive: String
    /// What stands for `http://deb.debian.org/debian-security`.
    var security: String
    /// How they are reached.
    var access = UpstreamAccess()

    /// As the host's apt has it.
    static func ofHost() -> DebianAccess {
        let release = DebianRelease.preferred.codename
        let mirrors = DebianMirrors.ofHost(release: release)
        var access = UpstreamAccess()
        access.proxy = proxyOfHost()
        let credentials = AptCredentials.ofHost()
        return DebianAccess(
            archive: credentials.applied(to: mirrors.sites[release] ?? DebianMirrors.canonical),
            security: credentials.applied(
                to: mirrors.sites["\(release)-security"] ?? DebianMirrors.canonicalSecurity), access: access)
    }

    /// The canonical address of what an apt asks for; nil when it is no archive that the gateway serves.
    static func canonical(_ url: String) -> String? {
        guard let parts = Address.split(url), ["http", "https"].contains(parts.scheme) else { return nil }
        let host = Address.host(of: url)
        let path = String(parts.rest.prefix { $0 != "?" && $0 != "#" })
        guard let plain = Address.decoded(path), !plain.split(separator: "/").contains("..") else { return nil }
        if host.hasSuffix(".ubuntu.com") { return "http://\(host)\(path)" }
        guard host.hasSuffix(".debian.org") else { return nil }
        if path.hasPrefix("/debian-security/") || path.hasPrefix("/debian/") { return "http://deb.debian.org\(path)" }
        return host == "security.debian.org" ? "http://deb.debian.org/debian-security\(path)" : nil
    }

    /// Where this host finds a canonical address.
    func location(of address: String) -> String {
        for (canonical, site) in [
            (DebianMirrors.canonicalSecurity, security), (DebianMirrors.canonical, archive),
        ] where address.hasPrefix(canonical + "/") {
            return site + address.dropFirst(canonical.count)
        }
        return address
    }

    private static func proxyOfHost() -> String? {
        // Without apt there is no proxy of apt's; the environment's still counts.
        guard
            let process = try? ChildProcess(
                "apt-config", package: "apt", arguments: ["shell", "PROXY", "Acquire::http::Proxy"]),
            let result = try? process.run(), result.status == 0
        else { return nil }
        let text = DockerfileReader.trimmed(String(decoding: result.stdout, as: UTF8.self))
        guard text.hasPrefix("PROXY='"), text.hasSuffix("'"), text.count > 8 else { return nil }
        let value = String(text.dropFirst(7).dropLast())
        return value == "DIRECT" ? nil : value
    }
}
