import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// A repository named by address, as `docker build` takes it: `https://host/project.git#revision:directory`.
///
/// The program `git` fetches it, with the user's own configuration and credentials, into a bare copy in the cache.
struct RemoteRepository {
    /// The address that git is given.
    let address: String
    /// The revision after `#`; nil for the default branch.
    let revision: String?
    /// The directory after `:`; empty for the root.
    let subdirectory: String

    /// Reads an address; nil for what is a path on this machine.
    init?(_ text: String) {
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let schemes = ["https://", "http://", "ssh://", "git://", "file://"]
        // Most are paths: the expression costs as much as a part of the start.
        let isShort = text.contains("@") && text.firstMatch(of: /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^\/].*/) != nil
        guard schemes.contains(where: { text.hasPrefix($0) }) || isShort else { return nil }
        address = parts[0]
        let fragment = parts.count > 1 ? parts[1] : ""
        let pieces = fragment.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        revision = pieces.first.flatMap { $0.isEmpty ? nil : $0 }
        subdirectory = pieces.count > 1 ? pieces[1] : ""
    }

    /// Brings the copy up to date and gives its path.
    ///
    /// - Throws: `clone-failed` with what git said.
    func fetch(into cache: FilePath) throws -> FilePath {
        let directory = cache.appending("git")
        try makeDirectories(directory)
        let name = Digest.sha256(of: address).hex.prefix(24) + ".git"
        let path = directory.appending(String(name))
        let lock = try FileLock(directory.appending(".\(name).lock"))
        defer { lock.release() }
        if access(path.string, F_OK) == 0 {
            try git(
                "-C", path.string, "fetch", "--quiet", "--prune", "origin", "+refs/heads/*:refs/heads/*",
                "+refs/tags/*:refs/tags/*")
            return path
        }
        let aside = directory.appending(".\(name).partial")
        try removeTree(aside)
        try git("clone", "--quiet", "--bare", "--", address, aside.string)
        guard rename(aside.string, path.string) == 0 else { throw IbidError.system("create", path.string, lastError()) }
        return path
    }

    private func git(_ arguments: String...) throws {
        let done = try ToolRun(Self.asUser + ["git"] + arguments)
        if done.isMissing { throw IbidError("git-missing", "cannot start git", hint: "apt-get install git") }
        guard done.status == 0 else {
            throw IbidError(
                "clone-failed", "git could not fetch \(Self.withoutCredentials(address)): \(done.complaint)",
                hint: "check the address with 'git ls-remote'")
        }
    }

    // ssh looks for keys in the home directory that the list of users gives for its user id: in a namespace where an
    // ordinary user is root, it has to be that user again.
    private static var asUser: [String] {
        guard let (user, group) = IDMap.current.outside else { return [] }
        return ["unshare", "--user", "--map-user=\(user)", "--map-group=\(group)"]
    }

    // A message may end up in a log; a password in an address must not.
    private static func withoutCredentials(_ address: String) -> String {
        address.replacing(/\/\/[^\/@]*@/, with: "//")
    }
}
