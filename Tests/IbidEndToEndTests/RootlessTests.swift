import Foundation
import Glibc
import IbidTestSupport
import SystemPackage
import Testing

/// A bench's job at the hands of an ordinary user, with a home of their own.
private struct UserBench {
    let user: OrdinaryUser
    let home: FilePath
    let repository: FilePath
    let origin: FilePath
    let ibid: FilePath

    /// - Parameter stored: what the user's store has from the start: a home, copied without what was unpacked in it.
    init(_ bench: Bench, _ ids: OrdinaryUser.IDs, name: String, stored: FilePath) throws {
        let root = bench.root.appending(name)
        home = root.appending("home")
        repository = root.appending("repository")
        origin = bench.repository
        // The build directory may lie where an ordinary user does not come.
        ibid = root.appending("bin/ibid")
        let script = """
            set -e
            umask 022
            mkdir -p "$1/bin" "$1/home"
            cp "$2" "$(dirname "$2")/ibid-sandbox" "$(dirname "$2")/ibid-init" "$1/bin/"
            cp -r "$3/store" "$1/home/"
            chown -R \(OrdinaryUser.id):\(OrdinaryUser.id) "$1"
            """
        try Bench.run(
            ["bash", "-c", script, "setup", root.string, bench.ibid.string, stored.string], in: "/")
        user = try OrdinaryUser(ids, lists: root.appending("lists"))
        try pull()
    }

    var environment: [String: String] { ["IBID_HOME": home.string, "HOME": repository.string] }

    func call(_ arguments: String...) throws -> ShellResult {
        try user.run([ibid.string] + arguments, in: repository.string, environment: environment)
    }

    func json(_ arguments: String..., status: Int32 = 0) throws -> JSONReader {
        let result = try user.run(
            [ibid.string] + arguments.split(separator: "--", maxSplits: 1, omittingEmptySubsequences: false)[0]
                + ["--json"] + arguments.drop { $0 != "--" }, in: repository.string,
            environment: environment)
        try #require(result.status == status, "\(arguments): \(result.stdout)\(result.stderr)")
        return try JSONReader(result.stdout)
    }

    /// Takes what the bench has committed since.
    func pull() throws {
        let script = """
            set -e
            umask 022
            rm -rf "$2"
            git clone -q "$1" "$2"
            chown -R \(OrdinaryUser.id):\(OrdinaryUser.id) "$2"
            """
        try Bench.run(["bash", "-c", script, "pull", origin.string, repository.string], in: "/")
    }
}

extension EndToEndTests {
    private static let wholeDockerfile = """
        FROM python:3.11
        RUN useradd --create-home ana && mkdir -m 2770 /shared && chown ana:mail /shared && echo 1 > /shared/one
        RUN rm -r /usr/share/perl5 && mkdir /usr/share/perl5 && echo x > /usr/share/perl5/only; rm /etc/motd
        RUN echo changed >> /etc/shadow && chmod 600 /etc/shadow
        RUN mkdir /job && chown ana:ana /job
        WORKDIR /job
        COPY --chown=ana:ana main.py ./
        USER ana
        ENTRYPOINT ["python", "main.py"]
        """

    private static let hostile = """
        import os
        os.makedirs('out/deep/er'); open('out/deep/er/f', 'w').write('1'); os.symlink('/etc/shadow', 'out/link')
        os.mkfifo('out/pipe'); open('out/secret', 'w').write('2'); os.chmod('out/secret', 0o600)
        print(os.getuid(), sorted(os.listdir('/usr/share/perl5')), os.stat('/shared/one').st_gid)
        os.chmod('out/deep', 0o700); os.mkdir('shut'); os.mkdir('shut/in'); os.chmod('shut', 0)
        """

    /// Several owners, whiteouts, an opaque directory, a changed file of another group; outputs that only the
    /// container's user may read, which the sweep has to remove.
    @Test(.enabled(if: OrdinaryUser.isPossible, Comment(rawValue: OrdinaryUser.requirement)))
    func ordinaryUser() throws {
        try Bench.with { bench in
            try bench.job(
                Self.hostile, files: ["Dockerfile": Self.wholeDockerfile, "job.toml": "outputs = [\"out/**\"]\n"])
            let root = try bench.json("submit", ".")
            #expect(root["host"]["isolation"].string == "root")
            let user = try UserBench(bench, .range, name: "range", stored: BaseCache.home())
            let run = try user.json("submit", ".")
            for key in ["image", "spec", "result", "stdout"] { #expect(run[key].string == root[key].string, "\(key)") }
            #expect(run["status"].string == "succeeded" && run["outputs"].array.count == 3)
            #expect(run["host"]["isolation"].string == "rootless")
            #expect(run["host"]["limits"].string == "memory=watched cpu=none pids=rlimit")
            #expect(try user.json("replay", "@last")["verdict"].string == "identical")
            #expect(try user.call("verify").status == 0)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: user.home.appending("runs").string)
                    .allSatisfy { $0.hasPrefix(".") })
            // Never less than what is asked for, and never somebody else's home.
            #expect(try user.json("submit", ".", "--min-isolation", "rootless")["cached"].bool == true)
            let refused = try user.json("submit", ".", "--min-isolation", "root", status: 1)
            #expect(refused["error"]["code"].string == "isolation-too-weak")
            let stranger = try user.json("base", "add", "x", "--from", "dir:\(bench.repository)", status: 1)
            #expect(stranger["error"]["code"].string == "owner-unknown")
            var other = bench
            other.home = user.home
            #expect(try other.json("runs", status: 1)["error"]["code"].string == "home-of-another-user")
            try memoryAndProcesses(bench, user)
            try killed(bench, user)
        }
    }

    // Without control groups the limits are held otherwise, and still named.
    private func memoryAndProcesses(_ bench: Bench, _ user: UserBench) throws {
        try bench.job(
            "",
            files: [
                "main.py": """
                import os, sys
                if sys.argv[1] == 'memory':
                    held = [bytearray(os.urandom(1 << 20)) for _ in range(4096)]
                made = 0
                try:
                    while made < 100:
                        if os.fork() == 0: os.pause() if hasattr(os, 'pause') else __import__('signal').pause()
                        made += 1
                except OSError: pass
                print(made < 20)
                """
            ])
        try user.pull()
        let memory = try user.json("submit", ".", "--memory", "64MiB", "--", "memory", status: 3)
        #expect(memory["status"].string == "killed" && memory["reason"].string == "memory limit 64 MiB")
        let processes = try user.call("submit", ".", "--pids-limit", "16", "--", "processes")
        #expect(processes.stdout == "True\n", "\(processes.stderr)")
    }

    // Of a killed ibid nothing stays, and the next command says so.
    private func killed(_ bench: Bench, _ user: UserBench) throws {
        try bench.job("", files: ["main.py": "import time; print('here', flush=True); time.sleep(600)"])
        try user.pull()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = user.user.command([user.ibid.string, "submit", "."])
        process.currentDirectoryURL = URL(fileURLWithPath: user.repository.string)
        process.environment = ProcessInfo.processInfo.environment.merging(user.environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        #expect(output.fileHandleForReading.availableData.starts(with: Data("here".utf8)))
        // The words before it have become ibid by exec.
        let family = try Self.family(of: process.processIdentifier)
        // ibid, its sandbox, the runtime, the init, the analysis.
        #expect(family.count >= 4)
        // Whose the container's ids are, as the host sees it.
        let analyses = try shell(["pgrep", "-u", "\(OrdinaryUser.id)", "-f", "^python main.py"]).stdout
        let analysis = try #require(analyses.split(separator: "\n").first { family.contains(Int32($0) ?? 0) })
        let map = try String(contentsOfFile: "/proc/\(analysis)/uid_map", encoding: .utf8)
        #expect(
            map.split(whereSeparator: \.isWhitespace).map(String.init) == [
                "0", "\(OrdinaryUser.id)", "1", "1", "\(OrdinaryUser.firstSubordinate)", "65535",
            ])
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        // Until the kernel has taken its namespaces apart; on a busy machine that can take seconds.
        for _ in 0..<3_000 where family.contains(where: Self.isThere) { usleep(10_000) }
        #expect(!family.contains(where: Self.isThere))
        let last = try user.json("show", "@last")
        #expect(last["status"].string == "killed" && last["reason"].string?.hasPrefix("interrupted") == true)
        #expect(try user.call("verify").status == 0)
    }

    private static func isThere(_ process: Int32) -> Bool { Glibc.kill(process, 0) == 0 }

    // A process and all that came from it. Other tests run as the same user.
    private static func family(of process: Int32) throws -> Set<Int32> {
        let pairs = try shell(["ps", "-eo", "pid=,ppid="]).stdout.split(separator: "\n").map {
            $0.split(separator: " ").compactMap { Int32($0) }
        }
        var family: Set = [process]
        while true {
            let more = pairs.filter { family.contains($0[1]) && !family.contains($0[0]) }.map { $0[0] }
            if more.isEmpty { return family }
            family.formUnion(more)
        }
    }

    /// With one id: what can be the same is the same, what cannot is refused.
    @Test(.enabled(if: OrdinaryUser.isPossible, Comment(rawValue: OrdinaryUser.requirement)))
    func userWithOneID() throws {
        try Bench.with { bench in
            try bench.job(
                "import os; os.makedirs('out'); open('out/a', 'w').write('1'); print(os.getuid())",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    RUN echo changed >> /etc/shadow && chmod 600 /etc/shadow
                    RUN mkdir -p /opt/x && rm -r /usr/share/perl5
                    WORKDIR /job
                    COPY main.py ./
                    ENTRYPOINT ["python", "main.py"]
                    """
                ])
            let root = try bench.json("submit", ".")
            let user = try UserBench(bench, .one, name: "one", stored: BaseCache.home())
            let run = try user.json("submit", ".")
            for key in ["image", "spec", "result"] { #expect(run[key].string == root[key].string, "\(key)") }
            #expect(run["host"]["isolation"].string == "rootless-single-id")
            #expect(try user.call("submit", ".").stderr.contains("isolation level rootless-single-id"))
            #expect(try user.call("verify").status == 0)
            let doctor = try user.call("doctor")
            #expect(doctor.stdout.contains("usermod --add-subuids"))
            for (line, words) in [
                ("RUN chown 33:33 /opt", "Invalid argument"),
                ("RUN echo x > /var/mail/new", "gives its group to new files"),
                ("USER nobody", "one user root"),
            ] {
                try bench.job("print(1)", files: ["Dockerfile": "FROM python:3.11\n\(line)\nCMD [\"true\"]\n"])
                try user.pull()
                let refused = try user.call("submit", ".")
                #expect(refused.status == 1 && refused.stderr.contains(words), "\(line): \(refused.stderr)")
            }
        }
    }

    /// The base itself, put together by an ordinary user without a network, and a step that installs a package.
    @Test(
        .enabled(if: OrdinaryUser.isPossible, Comment(rawValue: OrdinaryUser.requirement)),
        .enabled(
            if: ProcessInfo.processInfo.environment["IBID_TEST_OFFLINE"] == nil, "IBID_TEST_OFFLINE is set"))
    func baseOfAnOrdinaryUser() throws {
        try Bench.with { bench in
            var bench = bench
            bench.home = bench.root.appending("made")
            try Bench.run(["cp", "-r", try BaseCache.madeHome().string, bench.home.string], in: "/")
            try bench.job(
                "import six; print(six.__version__)",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    RUN pip install six==1.16.0
                    COPY main.py ./
                    CMD ["python", "/main.py"]
                    """
                ])
            let locked = try bench.json("lock")
            try bench.sh("git add -A; git commit -qm lock")
            let root = try bench.json("submit", ".")
            // Of all that is stored, what the lock names: packages, no image.
            let script = """
                mkdir -p bytes/store/blobs/sha256
                cp made/store/oci-layout bytes/store/
                echo '{"schemaVersion":2,"manifests":[]}' > bytes/store/index.json
                grep -o '[0-9a-f]\\{64\\}' repository/ibid.lock | sort -u | while read blob; do
                    [ $blob = "$1" ] || [ ! -e made/store/blobs/sha256/$blob ] ||
                        cp made/store/blobs/sha256/$blob bytes/store/blobs/sha256/
                done
                """
            let base = try #require(root["build"]["base"].string)
            try Bench.run(["bash", "-ec", script, "copy", String(base.dropFirst(7))], in: bench.root.string)
            let user = try UserBench(bench, .range, name: "range", stored: bench.root.appending("bytes"))
            let result = try shell(
                ["unshare", "--net"] + user.user.command([user.ibid.string, "submit", ".", "--json"]),
                in: user.repository.string, environment: user.environment)
            try #require(result.status == 0, "\(result.stdout)\(result.stderr)")
            #expect(result.stderr.contains("base unpacking"))
            let run = try JSONReader(result.stdout)
            #expect(run["build"]["base"].string == base && run["image"].string == locked["image"].string)
            for key in ["image", "spec", "result"] { #expect(run[key].string == root[key].string, "\(key)") }
        }
    }
}
