import CLinux
import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// The files of a commit of a repository somewhere else, brought here by the host's git with its own configuration and
/// credentials.
struct GitTree {
    /// Where bare copies of repositories are kept.
    let cache: FilePath
    let scratch: FilePath
    let isCancelled: () -> Bool

    /// Stores the commit's files as an archive: the same bytes on every host.
    ///
    /// - Throws: `git-fetch` when the repository cannot be reached or does not have the commit, or has submodules.
    func archive(_ address: String, commit: String, into store: Store) throws -> (digest: Digest, size: Int64) {
        try makeDirectories(cache, mode: 0o700)
        let name = "\(Digest.sha256(of: address).hex.prefix(24)).git"
        let lock = try FileLock(cache.appending(".\(name).lock"))
        defer { lock.release() }
        let repository = cache.appending(name)
        try git(["init", "--quiet", "--bare", "--", repository.string], address)
        // What .gitattributes say of archives and line ends is for other purposes: the files are taken as they are.
        try makeDirectories(repository.appending("info"), mode: 0o755)
        try writeAtomically(
            Array("* -export-ignore -export-subst -text -ident -filter !eol !working-tree-encoding\n".utf8),
            to: repository.appending("info/attributes"))
        try fetch(commit, from: address, into: repository)
        try refuseSubmodules(commit, in: repository, address)
        let tar = try ScratchFile(in: scratch)
        try git(["-C", repository.string, "archive", "--format=tar", commit], address) { try tar.write($0) }
        let tree = try SourceTree(archive: FilePath("/proc/self/fd/\(tar.descriptor)"), asSource: true)
        let writer = try store.writer()
        var output = TarWriter { try writer.write($0) }
        try write(tree, [], to: &output)
        try output.finish()
        return try writer.finish(durable: false)
    }

    private func fetch(_ commit: String, from address: String, into repository: FilePath) throws {
        let place = ["-C", repository.string]
        func isThere() throws -> Bool { try run(place + ["cat-file", "-e", commit + "^{tree}"]).status == 0 }
        if try isThere() { return }
        // Most servers give a commit by its id; from others everything has to come.
        let one = place + ["fetch", "--quiet", "--no-tags", "--depth=1", "--", address, commit]
        if try run(one).status == 0, try isThere() { return }
        try git(
            place + [
                "fetch", "--quiet", "--force", "--", address, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*",
            ], address)
        guard try isThere() else {
            throw IbidError(
                "git-fetch", "\(Address.withoutSecrets(address)) has no commit \(commit)",
                hint: "no branch or tag of it leads to that commit")
        }
    }

    private func refuseSubmodules(_ commit: String, in repository: FilePath, _ address: String) throws {
        var listing: [UInt8] = []
        try git(["-C", repository.string, "ls-tree", "-r", "-z", commit], address) { listing += $0 }
        for line in listing.split(separator: 0) where line.starts(with: Array("160000 ".utf8)) {
            let name = line.split(separator: UInt8(ascii: "\t"), maxSplits: 1).last ?? []
            throw IbidError(
                "git-fetch",
                "\(Address.withoutSecrets(address)) has the submodule '\(String(decoding: name, as: UTF8.self))'",
                hint: "ADD the submodule's repository by itself")
        }
    }

    private func write(_ tree: SourceTree, _ path: [UInt8], to output: inout TarWriter) throws {
        for name in tree.names(in: path) {
            let child = path.child(name)
            guard let node = tree.node(child) else { continue }
            switch node.kind {
            case .special: continue
            case .directory:
                try output.add(TarEntry(path: child, kind: .directory, mode: node.mode))
                try write(tree, child, to: &output)
            case .symlink(let target):
                try output.add(TarEntry(path: child, kind: .symlink(target), mode: 0o777))
            case .file(let size):
                try output.add(TarEntry(path: child, kind: .file(size: size), mode: node.mode))
                try tree.read(child) { try output.content($0) }
            }
        }
    }

    private func git(
        _ arguments: [String], _ address: String, output: ((UnsafeRawBufferPointer) throws -> Void)? = nil
    ) throws {
        let result = try run(arguments, output: output)
        guard result.status == 0 else {
            // git may repeat the address with its password.
            let reason = result.reason.replacing(address, with: Address.withoutSecrets(address))
            throw IbidError(
                "git-fetch", "git cannot get \(Address.withoutSecrets(address)): \(reason)",
                hint: "check the address with 'git ls-remote'")
        }
    }

    private func run(
        _ arguments: [String], output: ((UnsafeRawBufferPointer) throws -> Void)? = nil
    ) throws -> ChildProcess.Result {
        var child = try ChildProcess("git", package: "git", arguments: arguments)
        child.environment = HostEnvironment.variables.merging([
            "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8",
            "GIT_SSH_COMMAND": HostEnvironment.variables["GIT_SSH_COMMAND"] ?? "ssh -oBatchMode=yes",
        ]) { $1 }
        // Not the repository of whoever calls.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] { child.environment[name] = nil }
        child.isCancelled = isCancelled
        return try child.run(output: output)
    }
}
