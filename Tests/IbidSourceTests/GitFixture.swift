import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// A git repository made for one test, and a store beside it.
struct GitFixture {
    let scratch: FilePath
    let root: FilePath
    let store: Store

    /// Makes an empty repository.
    init(_ scratch: FilePath, name: String = "repository", options: [String] = []) throws {
        self.scratch = scratch
        root = scratch.appending(name)
        store = try Store.open(at: scratch.appending("store"))
        try Self.run(["git", "init", "-q", "-b", "main"] + options + [root.string], in: scratch.string)
    }

    /// Wraps a repository that is there already.
    init(_ scratch: FilePath, existing: FilePath) throws {
        self.scratch = scratch
        root = existing
        store = try Store.open(at: scratch.appending("store"))
    }

    static let environment = [
        "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
        "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always",
    ]

    /// Runs a command that has to succeed; gives its output without the last newline.
    @discardableResult
    static func run(_ command: [String], in directory: String, environment extra: [String: String] = [:]) throws
        -> String
    {
        let result = try shell(command, in: directory, environment: environment.merging(extra) { $1 })
        try #require(result.status == 0, "\(command.joined(separator: " ")): \(result.stderr)")
        return result.stdout.hasSuffix("\n") ? String(result.stdout.dropLast()) : result.stdout
    }

    @discardableResult
    func git(_ arguments: String..., environment: [String: String] = [:]) throws -> String {
        try Self.run(["git"] + arguments, in: root.string, environment: environment)
    }

    @discardableResult
    func sh(_ script: String) throws -> String { try Self.run(["bash", "-ec", script], in: root.string) }

    func write(_ path: String, _ text: String) throws {
        let file = URL(fileURLWithPath: root.string).appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @discardableResult
    func commit(_ message: String = "change") throws -> String {
        try git("add", "-A")
        try git("commit", "-q", "--allow-empty", "-m", message)
        return try git("rev-parse", "HEAD")
    }

    func snapshot(
        _ directory: String = "", revision: String? = nil, allowDirty: Bool = false
    ) throws -> SourceSnapshot {
        let place = directory.isEmpty ? root : root.appending(directory)
        return try SourceRepository.open(containing: place)
            .snapshot(directory: place, revision: revision, allowDirty: allowDirty, store: store)
    }

    /// The error that a snapshot ends with.
    func refusal(
        _ directory: String = "", revision: String? = nil, allowDirty: Bool = false
    ) throws -> IbidError {
        try #require(
            #expect(throws: IbidError.self) {
                try snapshot(directory, revision: revision, allowDirty: allowDirty)
            })
    }

    /// What GNU tar makes of an archive: kind, mode, path and link target of each member, and the files' digests.
    func listing(ofTar file: FilePath) throws -> String {
        let out = scratch.appending("out-\(UUID().uuidString)")
        try Self.run(["mkdir", out.string], in: scratch.string)
        try Self.run(["tar", "-xpf", file.string, "-C", out.string], in: scratch.string)
        return try Self.listing(of: out)
    }

    static func listing(of directory: FilePath) throws -> String {
        try run(
            [
                "bash", "-ec",
                """
                export LC_ALL=C
                find . -mindepth 1 -printf '%y %m %P %l\\n' | sort
                find . -type f -print0 | sort -z | xargs -0r sha256sum
                """,
            ], in: directory.string)
    }

    /// Checks layer and proof of a snapshot with a program that shares no code with Ibid.
    func prove(_ snapshot: SourceSnapshot) throws {
        let script = scratch.appending("prove.py")
        try Data(ProofOracle.script.utf8).write(to: URL(fileURLWithPath: script.string))
        try Self.run(
            [
                "python3", script.string, store.path(of: snapshot.layer).string,
                store.path(of: snapshot.proof).string, snapshot.commit.hex, snapshot.rootTree.hex, snapshot.tree.hex,
                snapshot.subdirectory, snapshot.dirty ? "dirty" : "clean",
            ], in: scratch.string)
    }
}
