import Glibc
import IbidModel

/// Where this host gets Debian from: its own mirrors, as its own configuration names them.
///
/// The names stay on this host: images and locks know only the canonical archive.
struct DebianMirrors: Hashable, Sendable {
    /// The archive that everybody knows.
    static let canonical = "http://deb.debian.org/debian"
    /// Its security updates.
    static let canonicalSecurity = "http://deb.debian.org/debian-security"

    /// The site of a suite, without a slash at its end; every suite asked for has one.
    let sites: [String: String]

    /// The suites of a release.
    static func suites(of release: String) -> [String] { [release, "\(release)-updates", "\(release)-security"] }

    static func canonicalSite(of suite: String) -> String {
        suite.hasSuffix("-security") ? canonicalSecurity : canonical
    }

    /// Asks the host's apt; what it does not say comes from the canonical archive.
    static func ofHost(release: String) -> DebianMirrors {
        var sites: [String: String] = [:]
        for suite in suites(of: release) {
            sites[suite] = site(of: suite) ?? canonicalSite(of: suite)
        }
        return DebianMirrors(sites: sites)
    }

    /// The lines of a one-line sources list.
    func sources(keyring: String?) -> String {
        sites.keys.sorted().map { suite in
            let options = keyring.map { "[signed-by=\($0)] " } ?? ""
            return "deb \(options)\(sites[suite] ?? Self.canonicalSite(of: suite)) \(suite) main\n"
        }.joined()
    }

    /// The list that an image carries, whatever the host's is.
    static func canonicalSources(release: String) -> String {
        suites(of: release).map { "deb \(canonicalSite(of: $0)) \($0) main\n" }.joined()
    }

    private static func site(of suite: String) -> String? {
        // Release information tells Debian from others who publish a suite of the same name. It is missing while
        // /var/lib/apt/lists is empty; then the address has to do.
        let known = targets(["$(SITE)"], filters: ["Release: \(suite)", "Component: main", "Origin: Debian"])
        if let site = known.first { return trimmed(site) }
        let configured = targets(
            ["$(SITE)"], options: ["--no-release-info"], filters: ["Release: \(suite)", "Component: main"])
        return configured.first { $0.lowercased().contains("debian") }.map(trimmed)
    }

    private static func targets(_ format: [String], options: [String] = [], filters: [String]) -> [String] {
        let arguments =
            ["indextargets"] + options + ["--format", format.joined(separator: " "), "Created-By: Packages"] + filters
        // No apt here, or none that answers: the canonical archive it is.
        guard let apt = try? ChildProcess("apt-get", package: "apt", arguments: arguments),
            let result = try? apt.run(), result.status == 0
        else { return [] }
        return String(decoding: result.stdout, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("http://") || $0.hasPrefix("https://") || $0.hasPrefix("file:") }
    }

    private static func trimmed(_ site: String) -> String { site.hasSuffix("/") ? String(site.dropLast()) : site }
}
