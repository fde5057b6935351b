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

    /// Asks the host's apt: where it has a suite from, and else where it has another release's from; what it does not say
    /// comes from the canonical archive.
    static func ofHost(release: String) -> DebianMirrors {
        let known = sitesOfHost()
        var sites: [String: String] = [:]
        for suite in suites(of: release) {
            // A directory on this host holds what somebody put there; an archive's server has every release.
            let kindred = known.first {
                canonicalSite(of: $0.suite) == canonicalSite(of: suite) && !$0.site.hasPrefix("file:")
            }
            sites[suite] = (known.first { $0.suite == suite } ?? kindred)?.site ?? canonicalSite(of: suite)
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

    /// The suites of Debian that the host's apt knows.
    private static func sitesOfHost() -> [(suite: String, site: String)] {
        // Release information tells Debian from others who publish a suite of the same name. It is missing while
        // /var/lib/apt/lists is empty; then the address has to do.
        let known = targets([], filters: ["Component: main", "Origin: Debian"])
        let configured =
            known.isEmpty
            ? targets(["--no-release-info"], filters: ["Component: main"])
                .filter { $0.site.lowercased().contains("debian") } : known
        return configured.map { ($0.suite, $0.site.hasSuffix("/") ? String($0.site.dropLast()) : $0.site) }
    }

    private static func targets(_ options: [String], filters: [String]) -> [(suite: String, site: String)] {
        let arguments =
            ["indextargets"] + options + ["--format", "$(RELEASE) $(SITE)", "Created-By: Packages"] + filters
        // No apt here, or none that answers: the canonical archive it is.
        guard let apt = try? ChildProcess("apt-get", package: "apt", arguments: arguments),
            let result = try? apt.run(), result.status == 0
        else { return [] }
        return String(decoding: result.stdout, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2, ["http://", "https://", "file:"].contains(where: words[1].hasPrefix) else {
                return nil
            }
            return (words[0], words[1])
        }
    }
}
