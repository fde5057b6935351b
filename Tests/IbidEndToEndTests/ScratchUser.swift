import Foundation
import IbidTestSupport
import SystemPackage
import Testing

/// An ordinary user with an empty home, and a job whose image is what the test puts into it.
struct ScratchUser {
    let user: OrdinaryUser
    let home: FilePath
    let job: FilePath
    let ibid: FilePath

    static let isPossible = OrdinaryUser.isPossible && has("crun") && has("git")
    static let requirement = "needs root, util-linux, uidmap, crun and git"

    init(_ ids: OrdinaryUser.IDs, in scratch: FilePath) throws {
        (home, job) = (scratch.appending("home"), scratch.appending("job"))
        let bin = scratch.appending("bin")
        ibid = bin.appending("ibid")
        for directory in [home, job, bin] {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
        // The build directory may lie where an ordinary user does not come.
        for name in ["ibid", "ibid-sandbox", "ibid-init"] {
            try FileManager.default.copyItem(atPath: builtProgram(name).string, toPath: bin.appending(name).string)
        }
        user = try OrdinaryUser(ids, lists: scratch.appending("lists"))
        try Bench.run(["chmod", "755", scratch.string], in: "/")
        try Bench.run(["git", "init", "-q", "-b", "main", job.string], in: "/")
    }

    /// Commits the job's files, those that lie there and these.
    func commit(_ files: [String: String]) throws {
        for (name, text) in files {
            try Data(text.utf8).write(to: URL(fileURLWithPath: job.appending(name).string))
        }
        let owner = "\(OrdinaryUser.id):\(OrdinaryUser.id)"
        try Bench.run(
            ["sh", "-ec", "umask 022; chown -R 0:0 .; git add -A; git commit -qm job; chown -R $0 . \(home)", owner],
            in: job.string)
    }

    /// Commits a shell script, on an image with nothing but a shell.
    func commitShell(_ script: String) throws {
        try Bench.run(["cp", "/bin/busybox", job.string], in: "/")
        try commit([
            "script": script,
            "Dockerfile": """
            FROM scratch
            COPY busybox /bin/busybox
            COPY busybox /bin/sh
            WORKDIR /work
            COPY script /script
            ENTRYPOINT ["/bin/sh", "/script"]
            """,
        ])
    }

    /// The command line that calls `ibid` in the job's directory.
    func words(_ arguments: [String]) -> [String] { user.command([ibid.string] + arguments) }

    /// Calls `ibid`.
    func call(_ arguments: [String], under wrapper: [String] = []) throws -> ShellResult {
        try shell(wrapper + words(arguments), in: job.string, environment: environment)
    }

    var environment: [String: String] { ["IBID_HOME": home.string, "HOME": job.string] }
}
