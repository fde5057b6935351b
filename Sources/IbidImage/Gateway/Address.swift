/// As much of RFC 3986 as an index page needs.
enum Address {
    /// Scheme, authority and the rest; nil for a relative reference.
    static func split(_ url: String) -> (scheme: String, authority: String, rest: String)? {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else { return nil }
        let start = url.index(colon, offsetBy: 3)
        let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
        return (String(url[..<colon]), String(url[start..<end]), String(url[end...]))
    }

    /// The host, without user and port, lower case.
    static func host(of url: String) -> String {
        guard let parts = split(url) else { return "" }
        let host = parts.authority.split(separator: "@").last ?? ""
        if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }.dropFirst()).lowercased() }
        return String(host.prefix { $0 != ":" }).lowercased()
    }

    /// The address up to its last slash, without secrets.
    static func directory(of url: String) -> String {
        let plain = withoutSecrets(url)
        return plain.lastIndex(of: "/").map { String(plain[...$0]) } ?? plain
    }

    /// The last part of the path, decoded; nil when there is none.
    static func lastName(of url: String) -> String? {
        let plain = withoutSecrets(url)
        return plain.lastIndex(of: "/").flatMap { decoded(plain[plain.index(after: $0)...]) }
    }

    /// Resolves a reference found in a page.
    static func resolve(_ reference: String, against page: String) -> String {
        if split(reference) != nil { return reference }
        guard let base = split(page) else { return reference }
        let root = base.scheme + "://" + base.authority
        if reference.hasPrefix("//") { return base.scheme + ":" + reference }
        if reference.hasPrefix("/") { return root + withoutDots(reference) }
        let path = base.rest.prefix { $0 != "?" && $0 != "#" }
        let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "/"
        return root + withoutDots(directory + reference)
    }

    private static func withoutDots(_ path: String) -> String {
        let end = path.firstIndex { $0 == "?" || $0 == "#" } ?? path.endIndex
        var segments: [Substring] = []
        for segment in path[..<end].split(separator: "/", omittingEmptySubsequences: false) {
            switch segment {
            case ".": continue
            case "..": if segments.count > 1 { segments.removeLast() }
            default: segments.append(segment)
            }
        }
        return segments.joined(separator: "/") + path[end...]
    }

    /// The user and password of `from` put into `url` when both are on the same server and `url` has none, as pip does.
    static func withCredentials(_ url: String, of from: String) -> String {
        guard let target = split(url), let source = split(from), !target.authority.contains("@"),
            let at = source.authority.lastIndex(of: "@"), source.scheme == target.scheme,
            source.authority[source.authority.index(after: at)...] == target.authority
        else { return url }
        return target.scheme + "://" + source.authority + target.rest
    }

    /// The URL with a user and password, unless it has its own.
    static func with(user: String?, password: String?, in url: String) -> String {
        guard user != nil || password != nil, let parts = split(url), !parts.authority.contains("@") else { return url }
        let word = password.map { ":" + encoded($0) } ?? ""
        return parts.scheme + "://" + encoded(user ?? "") + word + "@" + parts.authority + parts.rest
    }

    /// The URL without user, password, query and fragment: for messages.
    static func withoutSecrets(_ url: String) -> String {
        guard let parts = split(url) else { return url }
        let host = parts.authority.split(separator: "@").last.map(String.init) ?? ""
        return parts.scheme + "://" + host + parts.rest.prefix { $0 != "?" && $0 != "#" }
    }

    /// Undoes percent encoding; nil when it is malformed or not UTF-8.
    static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Percent-encodes everything but unreserved characters, `+` and `!`.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"), UInt8(ascii: "!"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }
}
