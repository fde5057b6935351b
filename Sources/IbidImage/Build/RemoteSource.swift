import IbidModel

/// What `ADD` takes from an address: a file whose digest is known, or a commit of a git repository.
struct RemoteSource: Hashable {
    enum Kind: Hashable {
        case file(url: String, digest: Digest)
        case git(address: String, commit: String, subdirectory: String)
    }

    /// Why it cannot be taken.
    enum Problem: Error {
        /// The file has no checksum.
        case unpinned(url: String)
        case other(String, hint: String?)
    }

    let kind: Kind

    /// What it is to the byte, without passwords: its name in locks and keys.
    var name: String {
        switch kind {
        case .file(let url, let digest): "\(Address.withoutSecrets(url))#\(digest)"
        case .git(let address, let commit, let subdirectory):
            "git+\(Address.withoutSecrets(address))#\(commit)" + (subdirectory.isEmpty ? "" : ":\(subdirectory)")
        }
    }

    /// The name of a file, from the path of its address, as BuildKit gives it.
    var fileName: String {
        guard case .file(let url, _) = kind, let rest = Address.split(url)?.rest else { return "" }
        let path = rest.prefix { $0 != "?" && $0 != "#" }
        let name = (Address.decoded(path) ?? String(path)).split(separator: "/").last.map(String.init) ?? ""
        return name.isEmpty || name == "." || name == ".." || name.utf8.contains(0) ? "__unnamed__" : name
    }

    /// Whether a source argument is an address at all.
    static func isAddress(_ text: String) -> Bool {
        ["http://", "https://", "git://", "ssh://"].contains { text.hasPrefix($0) } || isShortAddress(text)
    }

    // `git@host:path`, as ssh has it.
    private static func isShortAddress(_ text: String) -> Bool {
        text.firstMatch(of: /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\/].*/) != nil
    }

    /// Reads an address.
    ///
    /// - Parameters:
    ///   - checksum: the instruction's `--checksum`, expanded.
    ///   - keepsGit: `--keep-git-dir`.
    init(_ text: String, checksum: String?, keepsGit: Bool) throws(Problem) {
        let withoutFragment = text.prefix { $0 != "#" }
        let path = withoutFragment.prefix { $0 != "?" }
        let isWeb = text.hasPrefix("http://") || text.hasPrefix("https://")
        guard isWeb, !path.hasSuffix(".git") else {
            kind = try Self.git(text, checksum: checksum, keepsGit: keepsGit)
            return
        }
        guard let checksum, !checksum.isEmpty else { throw .unpinned(url: text) }
        guard let digest = Digest(checksum) else {
            throw .other("'\(checksum)' is no checksum", hint: "write --checksum=sha256: and 64 hexadecimal digits")
        }
        kind = .file(url: String(withoutFragment), digest: digest)
    }

    /// `ADDRESS[?key=value&…][#REF[:DIRECTORY]]`
    private static func git(_ text: String, checksum: String?, keepsGit: Bool) throws(Problem) -> Kind {
        var rest = text[...]
        var (reference, subdirectory) = ("", "")
        if let hash = rest.firstIndex(of: "#") {
            let parts = rest[rest.index(after: hash)...].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            reference = parts.first.map(String.init) ?? ""
            subdirectory = parts.count > 1 ? String(parts[1]) : ""
            rest = rest[..<hash]
        }
        var commit = checksum ?? ""
        var keepsGit = keepsGit
        if let question = rest.firstIndex(of: "?") {
            for field in rest[rest.index(after: question)...].split(separator: "&") {
                let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let value = parts.count > 1 ? Address.decoded(parts[1]) ?? parts[1] : ""
                switch parts[0] {
                case "ref", "tag", "branch": if reference.isEmpty { reference = value }
                case "checksum", "commit": commit = value
                case "subdir": subdirectory = value
                case "keep-git-dir": keepsGit = value != "false" && value != "0"
                case "submodules", "mtime", "fetch-by-commit": break
                default: throw .other("the address of a git repository has no option '\(parts[0])'", hint: nil)
                }
            }
            rest = rest[..<question]
        }
        if keepsGit {
            throw .other(
                "a .git directory is not the same twice, so --keep-git-dir is refused",
                hint: "write what is needed of it into a file of the repository")
        }
        if commit.isEmpty { commit = reference }
        guard commit.utf8.count == 40, Hex.decode(commit.lowercased()) != nil else {
            throw .other(
                "ADD of a git repository needs a full commit id: '\(commit.isEmpty ? "HEAD" : commit)' moves",
                hint: "add #COMMIT with its 40 digits, or --checksum=COMMIT")
        }
        let parts = subdirectory.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { throw .other("'\(subdirectory)' leaves the repository", hint: nil) }
        return .git(
            address: String(rest), commit: commit.lowercased(), subdirectory: parts.joined(separator: "/"))
    }
}
