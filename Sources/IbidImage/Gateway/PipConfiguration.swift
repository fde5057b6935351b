import Glibc
import IbidStore
import SystemPackage

/// How this host's pip reaches its indexes. Addresses and passwords stay on this host.
struct PipConfiguration: Hashable, Sendable {
    /// Index addresses, best first; without a slash at the end.
    var indexes: [String] = []
    /// Directories with distribution files.
    var directories: [FilePath] = []
    /// How servers are reached.
    var access = UpstreamAccess()

    /// Whether the public index is among them.
    var usesPyPI: Bool { indexes.contains { Address.host(of: $0) == "pypi.org" } }

    /// The configuration of the user who runs Ibid: pip's files in pip's order, then `PIP_*`; where pip has no index of
    /// its own, uv's.
    static func ofHost(environment: [String: String]) -> PipConfiguration {
        var settings: [String: String] = [:]
        if environment["PIP_CONFIG_FILE"] != "/dev/null" {
            for file in files(environment) {
                // A file that is not there or not readable says nothing, as for pip itself.
                guard let bytes = try? readIfPresent(file) else { continue }
                settings.merge(parse(String(decoding: bytes, as: UTF8.self))) { $1 }
            }
        }
        for (name, value) in environment where name.hasPrefix("PIP_") && !value.isEmpty {
            settings[name.dropFirst(4).lowercased().replacing("_", with: "-")] = value
        }
        let uv = UVConfiguration.ofHost(environment: environment)
        if settings["index-url"] == nil { settings["index-url"] = uv.index }
        let extra = ([settings["extra-index-url"] ?? ""] + uv.extraIndexes).joined(separator: " ")
        if !extra.isEmpty { settings["extra-index-url"] = extra }
        var configuration = PipConfiguration(settings: settings, home: environment["HOME"] ?? "/root")
        configuration.access.netrc = environment["NETRC"].flatMap { $0.isEmpty ? nil : $0 }
        return configuration
    }

    private init(settings: [String: String], home: String) {
        let index = settings["index-url"] ?? "https://pypi.org/simple"
        let isOff = ["1", "true", "yes", "on"].contains(settings["no-index"]?.lowercased() ?? "")
        indexes =
            isOff
            ? []
            : ([index] + Self.list(settings["extra-index-url"])).map(Self.trimmed).reduce(into: []) {
                if !$0.contains($1) { $0.append($1) }
            }
        directories = Self.list(settings["find-links"]).compactMap { place in
            if place.hasPrefix("file://") { return FilePath(String(place.dropFirst(7))) }
            return place.contains("://") ? nil : FilePath(Self.expanded(place, home: home))
        }
        access.authorities = settings["cert"].map { Self.expanded($0, home: home) }
        access.clientCertificate = settings["client-cert"].map { Self.expanded($0, home: home) }
        access.proxy = settings["proxy"]
        access.trustedHosts = Set(
            Self.list(settings["trusted-host"]).map { String($0.prefix { $0 != ":" }).lowercased() })
        access.stallSeconds = max(
            5, settings["timeout"].flatMap { Int($0) } ?? settings["default-timeout"].flatMap { Int($0) } ?? 60)
    }

    private static func files(_ environment: [String: String]) -> [FilePath] {
        let home = environment["HOME"] ?? "/root"
        let config = environment["XDG_CONFIG_HOME"] ?? home + "/.config"
        let system = (environment["XDG_CONFIG_DIRS"] ?? "/etc/xdg").split(separator: ":").map { "\($0)/pip/pip.conf" }
        let all =
            system + ["/etc/pip.conf", home + "/.pip/pip.conf", config + "/pip/pip.conf"]
            + (environment["VIRTUAL_ENV"].map { ["\($0)/pip.conf"] } ?? [])
        return (all + (environment["PIP_CONFIG_FILE"].map { [$0] } ?? [])).map { FilePath($0) }
    }

    /// `[global]`, then what is special to installing; of a value over several lines, the lines.
    private static func parse(_ text: String) -> [String: String] {
        var sections: [String: [String: String]] = [:]
        var section = ""
        var key: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let content = DockerfileReader.trimmed(String(line))
            if content.isEmpty || content.hasPrefix("#") || content.hasPrefix(";") { continue }
            if line.first == " " || line.first == "\t", let key {
                sections[section, default: [:]][key, default: ""] += "\n" + content
            } else if content.hasPrefix("["), content.hasSuffix("]") {
                section = String(content.dropFirst().dropLast()).lowercased()
                key = nil
            } else if let separator = content.firstIndex(where: { $0 == "=" || $0 == ":" }) {
                let name = DockerfileReader.trimmed(String(content[..<separator])).lowercased().replacing(
                    "_", with: "-")
                sections[section, default: [:]][name] = DockerfileReader.trimmed(
                    String(content[content.index(after: separator)...]))
                key = name
            }
        }
        return (sections["global"] ?? [:]).merging(sections["install"] ?? [:]) { $1 }
    }

    private static func list(_ value: String?) -> [String] {
        (value ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private static func trimmed(_ url: String) -> String { url.hasSuffix("/") ? String(url.dropLast()) : url }

    private static func expanded(_ path: String, home: String) -> String {
        path.hasPrefix("~/") ? home + path.dropFirst() : path
    }
}
