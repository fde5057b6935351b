import Foundation
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// One test's own home and repository, and the program under test, called as a user calls it.
struct Bench {
    let root: FilePath
    /// `IBID_HOME`.
    var home: FilePath
    /// A git repository with a job in it.
    let repository: FilePath
    let ibid: FilePath

    var store: FilePath { home.appending("store") }
    var ledger: FilePath { home.appending("ledger.sqlite") }

    /// Runs a test in a directory of its own, which is removed afterwards (`IBID_KEEP_SCRATCH=1` keeps it).
    static func with(_ body: (Bench) throws -> Void) throws {
        let template = try BaseCache.home()
        // Beside the template, so that blobs and layers are links to it instead of copies.
        let root = BaseCache.directory.appending("work-\(UUID().uuidString.prefix(8))")
        defer {
            if ProcessInfo.processInfo.environment["IBID_KEEP_SCRATCH"] == nil {
                _ = try? shell(["rm", "-rf", root.string])
            }
        }
        try run(["mkdir", "-p", root.string + "/repository"], in: "/")
        let bench = Bench(
            root: root, home: root.appending("home"), repository: root.appending("repository"),
            ibid: try builtProgram("ibid"))
        try run(["cp", "-al", template.string, bench.home.string], in: "/")
        try run(["git", "init", "-q", "-b", "main", "."], in: bench.repository.string)
        try body(bench)
    }

    /// The same with an empty home, for jobs that are no more than one static program.
    static func withoutBase(_ body: (Bench) throws -> Void) throws {
        try withScratch { root in
            let bench = Bench(
                root: root, home: root.appending("home"), repository: root.appending("repository"),
                ibid: try builtProgram("ibid"))
            try run(["git", "init", "-q", "-b", "main", bench.repository.string], in: "/")
            try body(bench)
        }
    }

    /// Adds a base of the test's own, `tiny`: a shell and `cat`, nothing else.
    func addTinyBase() throws {
        try sh(
            """
            mkdir -p ../tiny/bin; cp /bin/busybox ../tiny/bin/sh; cp /bin/busybox ../tiny/bin/cat
            tar -C ../tiny -cf ../tiny.tar bin
            """)
        try Self.run(
            [ibid.string, "base", "add", "tiny", "--from", root.appending("tiny.tar").string], in: "/",
            environment: ["IBID_HOME": home.string])
    }

    /// Commits a job that is a shell script, on an image with nothing but a shell.
    func shellJob(_ script: String, files: [String: String] = [:]) throws {
        try sh("cp -u /bin/busybox .")
        try job(
            "",
            files: files.merging([
                "script": script,
                "Dockerfile": """
                FROM scratch
                COPY busybox /bin/busybox
                COPY busybox /bin/sh
                WORKDIR /work
                COPY script /script
                CMD ["/bin/sh", "/script"]
                """,
            ]) { $1 })
    }

    /// The same with an empty second home beside it.
    func otherHome(_ name: String) throws -> Bench {
        var other = self
        other.home = root.appending(name)
        try Self.run(["cp", "-al", try BaseCache.home().string, other.home.string], in: "/")
        return other
    }

    /// Runs a command that has to succeed.
    @discardableResult
    static func run(_ command: [String], in directory: String, environment: [String: String] = [:]) throws -> String {
        let identity = [
            "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        ]
        let result = try shell(command, in: directory, environment: identity.merging(environment) { $1 })
        try #require(result.status == 0, "\(command.joined(separator: " ")): \(result.stderr)")
        return result.stdout
    }

    @discardableResult
    func sh(_ script: String) throws -> String { try Self.run(["bash", "-ec", script], in: repository.string) }

    /// Commits a job: a Dockerfile on the Python base, `main.py`, and what else is given by name.
    func job(_ python: String, files: [String: String] = [:]) throws {
        var files = files
        files["main.py"] = files["main.py"] ?? python
        files["Dockerfile"] =
            files["Dockerfile"] ?? """
                FROM python:3.11
                WORKDIR /job
                COPY main.py ./
                ENTRYPOINT ["python", "main.py"]
                """
        for (name, text) in files {
            let file = URL(fileURLWithPath: repository.appending(name).string)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try sh("git add -A; git commit -qm job --allow-empty")
    }

    /// Calls `ibid` with this home, in the repository.
    func call(_ arguments: String..., environment: [String: String] = [:]) throws -> ShellResult {
        try call(arguments, environment: environment)
    }

    func call(_ arguments: [String], environment: [String: String] = [:]) throws -> ShellResult {
        try shell(
            [ibid.string] + arguments, in: repository.string,
            environment: ["IBID_HOME": home.string].merging(environment) { $1 })
    }

    /// Calls `ibid … --json`, which has to end with a status, and reads its stdout.
    func json(_ arguments: String..., status: Int32 = 0, environment: [String: String] = [:]) throws -> JSONReader {
        // Before the words after --, which are not ours.
        let words = arguments.firstIndex(of: "--") ?? arguments.endIndex
        let result = try call(arguments[..<words] + ["--json"] + arguments[words...], environment: environment)
        try #require(
            result.status == status, "\(arguments) ended with \(result.status): \(result.stdout)\(result.stderr)")
        return try JSONReader(result.stdout)
    }

    /// The file of a blob that is named `sha256:<hex>`.
    func blob(_ digest: String?) throws -> FilePath {
        let digest = try #require(digest)
        return store.appending("blobs/sha256/\(digest.dropFirst(7))")
    }

    /// The ledger must be whole, by Ibid's own account.
    func requireSoundLedger() throws {
        #expect(try json("verify", "--ledger")["ok"].bool == true)
    }
}

/// The whole program on real containers. One after the other: each takes a core or more.
@Suite(.serialized, .enabled(if: BaseCache.isPossible, Comment(rawValue: BaseCache.requirement)))
struct EndToEndTests {}
