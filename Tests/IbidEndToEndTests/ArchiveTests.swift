import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// A run whose outputs have names and contents that no page, shell or list of digests may stumble over.
    private static let hostile = #"""
        import os, pathlib
        print(open("/inputs/data.txt").read())
        pathlib.Path("result.csv").write_text("name,score\nmodel,0.731\n")
        pathlib.Path("other.txt").write_text("result\n")
        for name in ["a%20b", " lead", "trail ", "<img src=x onerror=alert(1)>", "größe 😀", "e\u0301", "\u00e9", "rtl\u202egnp.exe",
                     "new\nline", "back\\slash", "'\"$(id)`id`", "x" * 250]:
            pathlib.Path(name).write_text("</pre><script>alert(2)</script>" + name)
        open(b"raw\xff\xfe", "wb").write(b"\0\1")
        os.symlink("/etc/passwd", "link")
        pathlib.Path("/outputs/elsewhere.json").write_text('{"score": 0.731}')
        """#
    private static let inputs = [
        "data.txt": "the data\n", "job.toml": "[inputs.\"data.txt\"]\npath = \"data.txt\"\n",
    ]
    private static let root = FilePath(#filePath).removingLastComponent().removingLastComponent()
        .removingLastComponent()
    private static let foreign = root.appending("Tests/IbidEndToEndTests/Foreign")
    private static let verifier = root.appending("audit/verify.py").string

    /// Submits the hostile job, its commit signed with SSH, and exports it.
    private func export(_ bench: Bench, to name: String, _ options: String...) throws -> String {
        try bench.job(Self.hostile, files: Self.inputs)
        try bench.sh(
            """
            [ -e ../key ] || ssh-keygen -q -t ed25519 -N '' -f ../key
            git -c gpg.format=ssh -c user.signingkey=../key commit -q --amend --allow-empty -S -m signed
            """)
        let run = try bench.json("submit", ".")
        #expect(run["outputs"].array.count == 17)
        #expect(try bench.json("replay", "@last")["verdict"].string == "identical")
        let archive = bench.root.appending(name).string
        let exported = try bench.call(["export", "@last", "-o", archive] + options)
        try #require(exported.status == 0, "\(exported.stderr)")
        return archive
    }

    @Test(.enabled(if: has("ssh-keygen"), "openssh-client is not installed"))
    func archiveIsWholeAndTheSameAgain() throws {
        try Bench.with { bench in
            let archive = try export(bench, to: "run.tar")
            #expect(try bench.call("export", "@last", "-o", archive + ".2").status == 0)
            #expect(try shell(["cmp", archive, archive + ".2"]).status == 0)
            let stranger = ["IBID_HOME": bench.root.appending("stranger").string]
            let verified = try bench.json("verify", archive, environment: stranger)
            #expect(
                verified["proved"].array.contains { $0.string?.contains("the source is the tree of commit") == true })
            // What is unpacked is what ran, under names that say so.
            try Bench.run(["mkdir", "unpacked"], in: bench.root.string)
            try Bench.run(["tar", "-xf", archive, "-C", "unpacked", "--strip-components=1"], in: bench.root.string)
            let unpacked = bench.root.appending("unpacked").string
            for (form, path) in [("tar", archive), ("directory", unpacked)] {
                let checked = try shell(["python3", Self.verifier, path])
                #expect(checked.status == 0, "\(form): \(checked.stdout)\(checked.stderr)")
            }
            #expect(try bench.call(["verify", unpacked], environment: stranger).status == 0)
            let schema = Self.root.appending("audit/files.schema.json").string
            try Bench.run(
                [
                    "/usr/bin/python3", "-c",
                    "import json, jsonschema, sys; jsonschema.validate(*(json.load(open(p)) for p in sys.argv[1:]))",
                    unpacked + "/data/files.json", schema,
                ], in: "/")
            let pinned = try shell([
                "python3", Self.verifier, archive, "--key", unpacked + "/data/keys/attestor.pub.pem", "--key",
                unpacked + "/data/keys/ledger.vkey",
            ])
            #expect(pinned.status == 0 && !pinned.stdout.contains("whose keys"))
            // The page: text stays text, whatever it says.
            let page = try String(contentsOfFile: unpacked + "/data/index.html", encoding: .utf8)
            #expect(!page.contains("<script") && !page.contains("<img src=x") && !page.contains("\u{202e}"))
            #expect(page.contains("&lt;img src=x") && page.contains("<td>0.731</td>"))
            try judgeCommits(bench, archive)
            // Secrets stay in.
            try bench.job(Self.secrets)
            _ = try bench.json("submit", ".")
            let refused = try bench.call("export", "@last", "-o", archive + ".3")
            #expect(refused.status == 1 && refused.stderr.contains("outputs/.netrc, line 2: a password of .netrc"))
            #expect(!FileManager.default.fileExists(atPath: archive + ".3"))
            let warned = try bench.call("export", "@last", "--allow-secrets", "-o", archive + ".3")
            #expect(warned.status == 0)
            let named = Set(warned.stderr.matches(of: /outputs\/(\S+), line/).map { String($0.1) })
            #expect(named == Set((1...18).map { "s\($0)" } + [".netrc"]))
        }
    }

    @Test(
        .enabled(if: has("ssh-keygen"), "openssh-client is not installed"),
        .enabled(if: ForeignVerifiers.python != nil, "this machine cannot reach PyPI, and has not the packages"),
        .enabled(if: ForeignVerifiers.tlogcheck != nil, "golang-go and golang-golang-x-mod-dev are not installed"))
    func strangersAcceptTheArchiveAndRefuseItsTwins() throws {
        let python = try #require(ForeignVerifiers.python)
        let offline = try shell(["unshare", "-rn", "true"]).status == 0 ? ["unshare", "-rn"] : []
        try Bench.with { bench in
            let archive = try export(bench, to: "run.tar")
            let other = try export(try bench.otherHome("other"), to: "other.tar")
            try Bench.run(["mkdir", "unpacked", "work"], in: bench.root.string)
            try Bench.run(["tar", "-xf", archive, "-C", "unpacked", "--strip-components=1"], in: bench.root.string)
            let environment = [
                "TLOGCHECK": try #require(ForeignVerifiers.tlogcheck), "IBID_HOME": bench.root.appending("none").string,
            ]
            let script = Self.foreign.appending("foreign.py").string
            let accepted = try Bench.run(
                offline + [python, script, bench.root.appending("unpacked").string], in: "/", environment: environment)
            let lines = accepted.split(separator: "\n")
            #expect(lines.count == 13)
            for line in lines { #expect(line.hasSuffix(" 1"), "\(line)") }

            let twins = try Bench.run(
                offline + [
                    python, Self.foreign.appending("twins.py").string, archive, other, bench.ibid.string,
                    Self.verifier, script, bench.root.appending("work").string,
                ], in: "/", environment: environment
            ).split(separator: "\n").map { $0.split(separator: "\t") }
            #expect(twins.count > 80)
            for twin in twins where twin.count == 4 {
                #expect(twin[1] == "5" && twin[2] == "1" && twin[3] == "-", "\(twin.joined(separator: ", "))")
            }
            #expect(twins.allSatisfy { $0.count == 4 })

            // The container, names, spellings, signatures and keys, in a stranger's hands.
            try bench.job("print('another run')")
            _ = try bench.json("submit", ".")
            let same = bench.root.appending("same.tar").string
            #expect(try bench.call("export", "@last", "-o", same).status == 0)
            // And what somebody with keys of their own signs, who contradicts themselves.
            let strangers = try ["strangers.py", "forgers.py"].flatMap { script in
                try Bench.run(
                    offline + [
                        python, Self.foreign.appending(script).string, archive, other, same, bench.ibid.string,
                        Self.verifier, bench.root.appending("work").string,
                    ], in: "/", environment: environment
                ).split(separator: "\n").map { $0.split(separator: "\t") }
            }
            #expect(strangers.count > 240)
            for twin in strangers {
                let wanted = twin.last == "accept" ? ["0", "0"] : ["5", "1"]
                #expect(twin.count == 4 && twin[1...2].map(String.init) == wanted, "\(twin.joined(separator: ", "))")
            }

            let flips = ProcessInfo.processInfo.environment["IBID_FLIPS"] ?? "60"
            let flipped = try Bench.run(
                offline + [
                    python, Self.foreign.appending("twins.py").string, "--flips", flips, archive, bench.ibid.string,
                    Self.verifier, bench.root.appending("work").string,
                ], in: "/", environment: environment)
            #expect(!flipped.contains("missed"), "\(flipped)")
        }
    }

    @Test(.enabled(if: has("ssh-keygen"), "openssh-client is not installed"))
    func archiveWithItsImageIsReplayedElsewhereWithoutNetwork() throws {
        try Bench.with { bench in
            let archive = try export(bench, to: "run.tar", "--with-image")
            let run = try #require(try bench.json("runs").array.first?["run"].string)
            let empty = ["IBID_HOME": bench.root.appending("empty").string]
            func call(_ arguments: String...) throws -> ShellResult {
                try shell(["unshare", "-n", bench.ibid.string] + arguments, in: "/", environment: empty)
            }
            let imported = try call("import", archive)
            try #require(imported.status == 0, "\(imported.stderr)")
            // What the run needs is named by its own statements only, and those came packed.
            #expect(try call("gc", "--force", "--all").status == 0)
            let replay = try call("replay", run, "--json")
            #expect(try JSONReader(replay.stdout)["verdict"].string == "identical", "\(replay.stdout)\(replay.stderr)")
            #expect(try call("verify").status == 0)
            #expect(try call("show", run, "--provenance").stdout.contains("replay  identical"))
            #expect(try call("import", archive).stderr.contains("was here already"))
            // Handed on as it came, after a collection too, and so is its record.
            let again = bench.root.appending("again.tar").string
            #expect(try call("export", run, "--with-image", "-o", again).status == 0)
            #expect(try shell(["cmp", archive, again]).status == 0)
            #expect(try call("export", run, "-o", again + ".json").status == 0)
            #expect(try call("verify", again + ".json").status == 0)
            for format in ["statement", "prov", "record", "csv"] {
                func words(_ name: String) -> [String] {
                    ["export"] + (format == "csv" ? [] : [run]) + ["--format", format, "-o", again + name]
                }
                #expect(try bench.call(words(".1")).status == 0)
                #expect(try bench.call(words(".2")).status == 0)
                #expect(try shell(["cmp", again + ".1", again + ".2"]).status == 0, "\(format)")
            }
            let result = bench.root.appending("result.csv").string
            try "name,score\nmodel,0.731\n".write(toFile: result, atomically: true, encoding: .utf8)
            #expect(try call("trace", result).stdout.contains(run))
        }
    }

    /// The script in the archive gives the same digests with podman, without a network.
    ///
    /// `Tests/Rerun/check` does this with more kinds of runs, and with docker.
    @Test(.enabled(if: has("podman"), "podman is not installed"))
    func scriptInTheArchiveDoesTheRunAgain() throws {
        try Bench.with { bench in
            // podman takes no long paths.
            let place = "/var/tmp/ibid-\(UUID().uuidString.prefix(8))"
            defer { _ = try? shell(["rm", "-rf", place]) }
            let engine = bench.root.appending("engine").string
            // podman asks for more open files and processes than some hosts allow anybody.
            let settings = bench.root.appending("containers.conf").string
            try "[containers]\ndefault_ulimits=[\"nofile=20000:20000\",\"nproc=1000:1000\"]\n"
                .write(toFile: settings, atomically: true, encoding: .utf8)
            try """
            #!/bin/sh
            export CONTAINERS_CONF=\(settings)
            exec podman --root \(place)/data --runroot \(place)/run --storage-driver overlay --cgroup-manager cgroupfs \
                --events-backend none --runtime "$(command -v crun)" "$@"
            """.write(toFile: engine, atomically: true, encoding: .utf8)
            try Bench.run(["chmod", "755", engine], in: "/")
            // Process ids, clock, randomness, addresses: what the strict profile holds still, the script does.
            let strict = """
                import os, time, uuid
                print(os.getpid(), os.cpu_count(), time.time(), uuid.uuid4(), id(object()), open("/inputs/data.txt").read())
                open("strict.txt", "w").write(str(uuid.uuid4()))
                """
            try bench.job(strict, files: ["data.txt": "x\n", "job.toml": Self.strictJob])
            _ = try bench.json("submit", ".")
            let archives = [
                ("strict", bench.root.appending("strict.tar").string, 4),
                ("hostile", bench.root.appending("hostile.tar").string, 20),
            ]
            #expect(try bench.call("export", "@last", "--with-image", "-o", archives[0].1).status == 0)
            _ = try export(bench, to: "hostile.tar", "--with-image")
            for (name, archive, count) in archives {
                let bag = bench.root.appending(name).string
                try Bench.run(["mkdir", bag], in: "/")
                try Bench.run(["tar", "-xf", archive, "-C", bag, "--strip-components=1"], in: "/")
                // On a host with both versions of control groups runtimes refuse to start, unless the newer is gone.
                let script = """
                    [ ! -d /sys/fs/cgroup/unified ] || mount -t tmpfs none /sys/fs/cgroup/unified
                    "$1" info >/dev/null && exec sh "$2/data/rerun/run.sh" "$1"
                    """
                let again = try shell(
                    ["unshare", "-nm", "--propagation", "private", "sh", "-c", script, "sh", engine, bag],
                    environment: ["NO_LIMITS": "1"])
                #expect(again.status == 0, "\(name): \(again.stdout)\(again.stderr)")
                #expect(again.stdout.hasSuffix("verdict: identical (\(count) compared)\n"), "\(name): \(again.stdout)")
            }
        }
    }

    /// The commit's own signature, by keys that somebody trusts: Ibid and verify.py say the same.
    private func judgeCommits(_ bench: Bench, _ signedBySSH: String) throws {
        func judge(_ archive: String, _ keys: String, _ wanted: (Int32, Int32)) throws {
            let place = bench.root.appending(keys).string
            let ibid = try bench.call("verify", archive, "--commit-keys", place)
            let python = try shell(["python3", Self.verifier, archive, "--commit-keys", place])
            #expect((ibid.status, python.status) == wanted, "\(keys): \(ibid.stdout)\(python.stdout)\(python.stderr)")
        }
        try bench.sh(
            """
            ssh-keygen -q -t ed25519 -N '' -f ../other
            printf 'a@example.org namespaces="git" %s\\n' "$(cat ../key.pub)" > ../allowed
            printf 'a@example.org namespaces="file" %s\\n' "$(cat ../key.pub)" > ../allowed-elsewhere
            """)
        try judge(signedBySSH, "key.pub", (0, 0))
        try judge(signedBySSH, "allowed", (0, 0))
        try judge(signedBySSH, "allowed-elsewhere", (5, 1))
        try judge(signedBySSH, "other.pub", (5, 1))
        #expect(try bench.call("verify", signedBySSH, "--commit-keys", "/none").status == 10)
        guard has("gpg") else { return print("gpg is not installed: signatures of OpenPGP were not tried") }
        try bench.job("print('signed')")
        try bench.sh(
            """
            export GNUPGHOME=$(mktemp -d)
            for name in one two; do
                gpg -q --batch --passphrase '' --quick-generate-key $name@example.org ed25519 sign never 2> /dev/null
                gpg -q --batch --export $name@example.org > ../$name.gpg
            done
            gpg -q --batch --armor --export one@example.org > ../one.asc
            git -c user.signingkey=one@example.org commit -q --amend --allow-empty -S -m signed
            gpgconf --kill all; rm -rf "$GNUPGHOME"
            """)
        _ = try bench.json("submit", ".")
        let archive = bench.root.appending("gpg.tar").string
        #expect(try bench.call("export", "@last", "-o", archive).status == 0)
        try judge(archive, "one.gpg", (0, 0))
        try judge(archive, "one.asc", (0, 0))
        try judge(archive, "two.gpg", (5, 1))
        #expect(try bench.call("verify", archive).stdout.contains("signed, not judged"))
    }

    /// A file for each form of a secret, put together only as it runs; and one with what merely looks like one.
    private static let secrets = #"""
        import pathlib
        a = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" * 2
        key, word = "PRIV" + "ATE KEY", "pass" + "word"
        for number, text in enumerate([
            f"machine example.org login me {word} hunter2secret", "https://me:" + "s3cr3tpw@example.org/x",
            f"  -----BEGIN OPENSSH {key}-----", f"-----BEGIN PGP {key} BLOCK-----", "aws_sec" + "ret_access_key = " + a[40:80],
            "x AK" + "IAIOSFODNN7ABCDEFQ y", "gh" + "p_" + a[:36], "github" + "_pat_" + a[:60], "py" + "pi-AgEI" + a[:80],
            f'{word} = "correcthorse99"', f"DB_{word.upper()}=correcthorse99", "eyJ" + a[:20] + ".eyJ" + a[:20] + "." + a[:20],
            "sk" + "_live_" + a[:24], '{"private_key":"-----BEGIN ' + key + '-----\\nMIIE"}', "//host/:_authToken=np" + "m_" + a[:36],
            '{"auth":"' + a[:20] + '=="}', "Authorization: Bea" + "rer " + a[:30], "AccountK" + "ey=" + a[:86] + "==",
        ], 1):
            pathlib.Path(f"s{number}").write_text(text + "\n")
        pathlib.Path(".netrc").write_text(f"machine example.org\nlogin me {word} s3cr3tpass\n")
        pathlib.Path("clean").write_text('the token count is: 12345678\nsecretary: "somebody else"\ntokens = tokenizer("hello")\n'
            + f'{word} = getpass()\n' + '{"max_tokens": "unlimited"}\nhttps://example.org/a:b@c\nnext_token = last_token_seen_2\n'
            + f'{word}: str\n{word} = ${{SECRET}}\n')
        """#

    private static let strictJob = """
        determinism = "strict"
        [inputs."data.txt"]
        path = "data.txt"
        """
}
