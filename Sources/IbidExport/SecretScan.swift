import IbidLayer
public import IbidModel
public import IbidStore

/// Looks for what must not leave the machine: private keys, access tokens, passwords.
///
/// It finds what has a known form, or a telling name and a literal value. A secret that looks like any other text is
/// not found, and neither is one inside a compressed file.
public struct SecretScan {
    /// One find. The secret itself is not repeated.
    public struct Find: Hashable, Sendable {
        /// The file, and the member where it is an archive.
        public var file: String
        /// The line, from 1.
        public var line: Int
        /// What it looks like.
        public var kind: String
    }

    // A form: what it begins with, and what has to follow.
    private struct Form: Sendable {
        var kind: String
        var prefix: [UInt8]
        var least: Int
        var isFollowed: @Sendable (UInt8) -> Bool

        init(
            _ kind: String, _ prefix: String, _ least: Int,
            _ isFollowed: @escaping @Sendable (UInt8) -> Bool = { Form.isToken($0) }
        ) {
            self.kind = kind
            self.prefix = Array(prefix.utf8)
            self.least = least
            self.isFollowed = isFollowed
        }

        static func isToken(_ byte: UInt8) -> Bool {
            isAlphanumeric(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
        }
        static func isUpper(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) }
        static func isAlphanumeric(_ byte: UInt8) -> Bool { isUpper(byte) || (0x61...0x7a).contains(byte) }
    }

    private static let forms = [
        Form("an AWS access key", "AKIA", 16, { Form.isUpper($0) }),
        Form("an AWS access key", "ASIA", 16, { Form.isUpper($0) }),
        Form("a GitHub token", "ghp_", 36), Form("a GitHub token", "gho_", 36), Form("a GitHub token", "ghs_", 36),
        Form("a GitHub token", "github_pat_", 50), Form("a GitLab token", "glpat-", 20),
        Form("a Slack token", "xoxb-", 20), Form("a Slack token", "xoxp-", 20),
        Form("a Hugging Face token", "hf_", 34, { Form.isAlphanumeric($0) }), Form("a PyPI token", "pypi-AgEI", 50),
        Form("an API key", "sk-proj-", 40), Form("an API key", "sk-ant-", 40),
        Form("a GitHub token", "ghu_", 36), Form("a GitHub token", "ghr_", 36), Form("a Slack token", "xapp-", 20),
        Form("a Google API key", "AIza", 35), Form("a Google token", "ya29.", 30), Form("an npm token", "npm_", 36),
        Form("a Stripe key", "sk_live_", 20), Form("a Stripe key", "rk_live_", 20),
        Form("a SendGrid key", "SG.", 50, { Form.isToken($0) || $0 == UInt8(ascii: ".") }),
        Form("an Azure key", "AccountKey=", 60, { Form.isAlphanumeric($0) || "+/=".utf8.contains($0) }),
    ]
    private static let firstBytes = Set(forms.compactMap(\.prefix.first))

    /// What was found, in order.
    public private(set) var finds: [Find] = []

    /// Starts a scan.
    public init() {}

    /// Looks through bytes.
    public mutating func scan(_ bytes: [UInt8], file: String) {
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            // UTF-16: what is looked for is ASCII.
            return scan(bytes.dropFirst(2).filter { $0 != 0 }, file: file)
        }
        let isText = !bytes.prefix(8_192).contains(0)
        let name = file.split { $0 == "/" || $0 == " " }.last ?? ""
        var line = 1
        for text in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
            defer { line += 1 }
            if let kind = Self.form(in: text) ?? (isText ? Self.words(in: text, of: name) : nil) {
                finds.append(Find(file: file, line: line, kind: kind))
            }
        }
    }

    /// Looks through the members of a layer, or of any other uncompressed archive in the store.
    public mutating func scan(layer: Digest, in store: Store, file: String) throws {
        let tar = try TarReader(file: store.path(of: layer))
        while let entry = try tar.next() {
            guard case .file(let size) = entry.kind, size <= Self.largestFile else { continue }
            var bytes: [UInt8] = []
            try tar.readContent { bytes.append(contentsOf: $0) }
            scan(bytes, file: "\(file): \(entry.displayPath)")
        }
    }

    /// Larger files are data, and are not looked through, in bytes.
    public static let largestFile: Int64 = 64 << 20

    private static func form(in line: ArraySlice<UInt8>) -> String? {
        if line.count < 65_536, line.contains(UInt8(ascii: "-")) {
            let text = String(decoding: line, as: UTF8.self)
            if text.contains("-----BEGIN "), text.contains("PRIVATE KEY") { return "a private key" }
        }
        var before: UInt8 = 0x20
        for (index, byte) in zip(line.indices, line) {
            defer { before = byte }
            guard firstBytes.contains(byte), !Form.isAlphanumeric(before) else { continue }
            let rest = line[index...]
            for form in forms where rest.starts(with: form.prefix) {
                let length = rest.dropFirst(form.prefix.count).prefix { form.isFollowed($0) }.count
                if length >= form.least { return form.kind }
            }
        }
        return nil
    }

    private static let names = ["password", "passwd", "secret", "api_key", "apikey", "access_key", "token", "auth"]

    // Regular expressions are slow, and most lines have none of the words.
    private static func has(_ line: ArraySlice<UInt8>, _ word: String) -> Bool {
        guard let first = word.utf8.first else { return true }
        var rest = line
        while let place = rest.firstIndex(of: first) {
            if rest[place...].starts(with: word.utf8) { return true }
            rest = rest[(place + 1)...]
        }
        return false
    }

    // What only words give away: NAME = "value", NAME: 'value', NAME=value, headers, addresses, files of passwords.
    private static func words(in line: ArraySlice<UInt8>, of file: Substring) -> String? {
        guard line.count < 2_048 else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        let isNetrc = file.hasSuffix("netrc")
        if has(line, "password"), isNetrc || (has(line, "machine ") && has(line, "login ")),
            let match = text.firstMatch(of: /(?:^|\s)password\s+(\S+)/), !isPlaceholder(match.1)
        {
            return "a password of .netrc"
        }
        if file.hasSuffix(".pgpass"), text.firstMatch(of: /^[^#:]+:[^:]*:[^:]*:[^:]*:\S+/) != nil {
            return "a password of .pgpass"
        }
        if has(line, "eyJ"),
            text.firstMatch(of: /eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/) != nil
        {
            return "a JSON web token"
        }
        guard line.contains(where: { $0 == 0x3d || $0 == 0x3a }) else { return nil }
        if has(line, "://"), has(line, "@"),
            let match = text.firstMatch(of: /[a-z][a-z0-9+.-]*:\/\/[^\/\s:@"']+:([^\/\s@"']{3,})@/),
            !isPlaceholder(match.1)
        {
            return "an address with a password"
        }
        return assignment(in: text)
    }

    private static func assignment(in text: String) -> String? {
        let lower = text.lowercased()
        guard let name = names.first(where: { lower.contains($0) }) else { return nil }
        if let match = text.firstMatch(
            of: /(?i)authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+([A-Z0-9._~+\/=-]{16,})/),
            !isPlaceholder(match.1)
        {
            return "a literal authorization"
        }
        if let match = text.firstMatch(of: /"auth"\s*:\s*"([A-Za-z0-9+\/]{8,}={0,2})"/), !isPlaceholder(match.1) {
            return "a password of a registry"
        }
        if let match = text.firstMatch(
            of:
                /(?i)[A-Z0-9_\-]*(?:password|passwd|secret|api_?key|access_key|token)(?!s|iz)[A-Z0-9_\-]*["']?\s*[:=]\s*["']([^"'\s]{8,})["']/
        ), !isPlaceholder(match.1) {
            return "a literal \(name)"
        }
        if let match = text.wholeMatch(
            of: /(?:export )?[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_KEY|TOKEN)[A-Z0-9_]*=(\S{8,})\s*/),
            !isPlaceholder(match.1)
        {
            return "a literal \(name)"
        }
        // Without quotes and capitals, as in aws' credentials: a value of letters and digits that is no identifier.
        if let match = text.wholeMatch(
            of:
                /(?i)\s*[A-Z0-9_.-]*(?:password|passwd|secret|api_?key|access_key|_token)[A-Z0-9_]*\s*[:=]\s*([A-Z0-9+\/=_-]{12,})\s*/
        ),
            !isPlaceholder(match.1), match.1.contains(where: \.isNumber), match.1.contains(where: \.isLetter),
            match.1.wholeMatch(of: /[a-z_][a-z0-9]*(?:_[a-z0-9]+)+/) == nil
        {
            return "a literal \(name)"
        }
        return nil
    }

    private static func isPlaceholder(_ value: Substring) -> Bool {
        let lower = value.lowercased()
        return ["$", "<", "{", "*", "xxx", "...", "example", "changeme", "your", "placeholder", "redacted"]
            .contains { lower.hasPrefix($0) } || Set(lower).count < 4
    }
}
