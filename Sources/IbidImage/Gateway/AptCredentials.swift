import IbidStore
import SystemPackage

/// Users and passwords by archive, as apt's `auth.conf` has them (apt_auth.conf(5)). They stay on this host.
struct AptCredentials {
    private struct Entry {
        var machine: String
        var login: String?
        var password: String?
    }

    private var entries: [Entry] = []

    /// - Parameter root: where `auth.conf` and `auth.conf.d` are.
    static func ofHost(root: FilePath = "/etc/apt") -> AptCredentials {
        let parts = root.appending("auth.conf.d")
        // What is not there or not readable says nothing, as for apt.
        let names = ((try? names(in: parts)) ?? []).filter { $0.hasSuffix(".conf") }.sorted()
        var credentials = AptCredentials()
        for file in names.map({ parts.appending($0) }) + [root.appending("auth.conf")] {
            guard let bytes = try? readIfPresent(file) else { continue }
            credentials.read(String(decoding: bytes, as: UTF8.self))
        }
        return credentials
    }

    private mutating func read(_ text: String) {
        let words = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(whereSeparator: \.isWhitespace).map(String.init) }
        for (word, value) in zip(words, words.dropFirst()) {
            switch word {
            case "machine": entries.append(Entry(machine: value))
            case "login" where !entries.isEmpty: entries[entries.count - 1].login = value
            case "password" where !entries.isEmpty: entries[entries.count - 1].password = value
            default: continue
            }
        }
    }

    /// An archive's address with its user and password, when there are any.
    func applied(to site: String) -> String {
        guard let parts = Address.split(site) else { return site }
        let place = parts.authority + parts.rest
        for entry in entries {
            var machine = entry.machine
            if let scheme = machine.firstRange(of: "://") {
                guard machine[..<scheme.lowerBound] == parts.scheme else { continue }
                machine = String(machine[scheme.upperBound...])
            } else if parts.scheme != "https" {
                // Without a scheme a password is for encrypted connections only.
                continue
            }
            let isHost = !machine.contains("/") && !machine.contains(":")
            let matches =
                isHost ? Address.host(of: site) == machine.lowercased() : (place + "/").hasPrefix(machine)
            if matches { return Address.with(user: entry.login, password: entry.password, in: site) }
        }
        return site
    }
}
