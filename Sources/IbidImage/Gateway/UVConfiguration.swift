import IbidStore
import IbidTOML
import SystemPackage

/// The indexes that this host's uv uses. Addresses and passwords stay on this host.
struct UVConfiguration: Hashable, Sendable {
    /// Instead of the public index.
    private(set) var index: String?
    /// Besides it.
    private(set) var extraIndexes: [String] = []

    /// uv's files in uv's order, then `UV_*`.
    static func ofHost(environment: [String: String]) -> UVConfiguration {
        var configuration = UVConfiguration()
        for file in files(environment) {
            // A file that is not there or not readable says nothing, as for pip's.
            guard let bytes = try? readIfPresent(file),
                let settings = try? TOMLNode.parse(String(decoding: bytes, as: UTF8.self))
            else { continue }
            configuration.read(settings, environment)
        }
        let replaced = environment["UV_DEFAULT_INDEX"] ?? environment["UV_INDEX_URL"]
        if let replaced, !replaced.isEmpty { configuration.index = address(replaced, environment) }
        let more = [environment["UV_INDEX"], environment["UV_EXTRA_INDEX_URL"]].compactMap { $0 }.joined(separator: " ")
        configuration.extraIndexes =
            more.split(whereSeparator: \.isWhitespace).map { address(String($0), environment) }
            + configuration.extraIndexes
        return configuration
    }

    private static func files(_ environment: [String: String]) -> [FilePath] {
        if let only = environment["UV_CONFIG_FILE"], !only.isEmpty { return [FilePath(only)] }
        guard environment["UV_NO_CONFIG"] == nil else { return [] }
        let user = environment["XDG_CONFIG_HOME"] ?? (environment["HOME"] ?? "/root") + "/.config"
        return ["/etc/uv/uv.toml", "\(user)/uv/uv.toml"].map { FilePath($0) }
    }

    private mutating func read(_ settings: TOMLNode, _ environment: [String: String]) {
        for table in [settings["pip"], settings].compactMap({ $0 }) {
            if let url = table["index-url"]?.string { index = url }
            extraIndexes += table["extra-index-url"]?.array?.compactMap(\.string) ?? []
        }
        for entry in settings["index"]?.array ?? [] where entry["explicit"]?.boolean != true {
            guard let url = entry["url"]?.string else { continue }
            let named = entry["name"]?.string.map { "\($0)=\(url)" } ?? url
            if entry["default"]?.boolean == true {
                index = Self.address(named, environment)
            } else {
                extraIndexes.append(Self.address(named, environment))
            }
        }
    }

    /// The address of `URL` or `NAME=URL`, with the user and password that the environment has for the name.
    private static func address(_ text: String, _ environment: [String: String]) -> String {
        guard let equals = text.firstIndex(of: "="), !text[..<equals].contains(":") else { return text }
        let url = String(text[text.index(after: equals)...])
        let name = String(text[..<equals].uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
        return Address.with(
            user: environment["UV_INDEX_\(name)_USERNAME"], password: environment["UV_INDEX_\(name)_PASSWORD"], in: url)
    }
}
