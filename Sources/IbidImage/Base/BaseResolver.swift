import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Asks the host's Debian mirrors what a base consists of today, and fetches it: the only part that needs a network.
struct BaseResolver {
    let store: Store
    let recipe: BaseRecipe
    let architecture: String
    let isCancelled: () -> Bool
    let progress: (String) -> Void

    /// Fetches the packages into the store and says which they are.
    ///
    /// - Parameter scratch: an empty directory.
    func resolve(in scratch: FilePath) throws -> BaseLock {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            try makeDirectories(scratch.appending(part), mode: 0o755)
        }
        try write("", to: scratch.appending("status"))
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        let sources = DebianMirrors.ofHost(release: recipe.release)
            .sources(keyring: access(keyring, R_OK) == 0 ? keyring : nil)
        try write(sources, to: scratch.appending("sources.list"))
        progress("reading package lists")
        try apt("apt-get", ["update"], scratch, doing: "reading the package lists")
        progress("fetching packages")
        // What mmdebstrap's "minbase" means, with what the base is for.
        let essential = "?and(?architecture(\(architecture)),?or(?essential,?priority(required)))"
        try apt(
            "apt-get", ["--yes", "--download-only", "install", essential, "apt"] + recipe.packages, scratch,
            doing: "fetching the packages")
        return try lock(scratch)
    }

    private func lock(_ scratch: FilePath) throws -> BaseLock {
        let archives = scratch.appending("cache/archives")
        let files = try names(in: archives).filter { $0.hasSuffix(".deb") }.sorted()
        let selectors = files.map { file in
            let parts = file.dropLast(4).split(separator: "_", omittingEmptySubsequences: false).map(String.init)
            return parts.count == 3 ? "\(parts[0]):\(parts[2])=\(Self.unescaped(parts[1]))" : file
        }
        let shown = try apt(
            "apt-cache", ["show", "--no-all-versions"] + selectors, scratch, doing: "describing the packages")
        var stanzas: [String: ControlStanza] = [:]
        for stanza in ControlStanza.parse(String(decoding: shown, as: UTF8.self)) {
            stanzas["\(stanza["Package"] ?? "")_\(stanza["Version"] ?? "")_\(stanza["Architecture"] ?? "")"] = stanza
        }
        var packages: [(BaseLock.Package, ControlStanza)] = []
        var epoch: Int64 = 0
        for file in files {
            let path = archives.appending(file)
            guard let stanza = stanzas[Self.unescaped(String(file.dropLast(4)))], let name = stanza["Package"],
                let version = stanza["Version"], let architecture = stanza["Architecture"],
                let sha256 = stanza["SHA256"].flatMap({ Digest(hex: $0) })
            else { throw IbidError.bootstrap("package \(file)", "the archive does not describe it") }
            let (digest, size) = try store.put(file: path)
            guard digest == sha256 else {
                throw IbidError.bootstrap("package \(file)", "its bytes hash to \(digest), the archive says \(sha256)")
            }
            epoch = max(epoch, try DebFile.date(of: path))
            packages.append(
                (
                    BaseLock.Package(
                        name: name, version: version, architecture: architecture, sha256: digest, size: size), stanza
                ))
        }
        packages.sort { $0.0.selector < $1.0.selector }
        let text = packages.map { $0.1.text + "\n\n" }.joined()
        return BaseLock(
            schema: BaseLock.currentSchema, recipe: BaseRecipe.version, ref: recipe.ref, release: recipe.release,
            architecture: architecture, include: recipe.packages, epoch: max(epoch, ImageEpoch.earliest),
            packages: packages.map(\.0), stanzas: try store.put(Array(text.utf8)))
    }

    // apt's files carry "%3a" for the colon of an epoch.
    private static func unescaped(_ text: String) -> String { text.replacing("%3a", with: ":") }

    /// apt with lists, caches and package state of its own, and the host's proxies, credentials and keys.
    @discardableResult
    private func apt(
        _ program: String, _ arguments: [String], _ scratch: FilePath, doing what: String
    ) throws -> [UInt8] {
        let options = [
            "Dir::State=\(scratch)/state", "Dir::State::status=\(scratch)/status", "Dir::Cache=\(scratch)/cache",
            "Dir::Etc::sourcelist=\(scratch)/sources.list", "Dir::Etc::sourceparts=/dev/null",
            "Dir::Etc::preferences=/dev/null", "Dir::Etc::preferencesparts=/dev/null",
            "APT::Architecture=\(architecture)", "APT::Architectures=\(architecture)",
            "APT::Install-Recommends=false", "APT::Install-Suggests=false", "Acquire::Languages=none",
            "APT::Sandbox::User=root", "APT::Update::Error-Mode=any", "Acquire::Retries=3",
        ].flatMap { ["-o", $0] }
        var process = try ChildProcess(program, package: "apt", arguments: ["-qq"] + options + arguments)
        for name in ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            if let value = getenv(name) { process.environment[name] = String(cString: value) }
        }
        process.environment["DEBIAN_FRONTEND"] = "noninteractive"
        process.isCancelled = isCancelled
        let result = try process.run()
        guard result.status == 0 else {
            throw IbidError.bootstrap(
                what, result.reason, hint: "does 'apt-get update' work on this host? its mirrors are used")
        }
        return result.stdout
    }

    private func write(_ text: String, to path: FilePath) throws { try writeAtomically(Array(text.utf8), to: path) }
}
