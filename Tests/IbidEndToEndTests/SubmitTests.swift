import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// What a job sees and what it leaves: everything that must not depend on the machine is in here.
    private static let curious = """
        import os, pathlib, sys, time
        print("hello", sorted(os.environ))
        print(len({"a", "b", "c"} | {str(i) for i in range(50)}), list({str(i) for i in range(50)})[:5])
        print(os.umask(0), time.tzname, sys.flags.hash_randomization, file=sys.stderr)
        results = pathlib.Path("results"); results.mkdir()
        (results / "a.txt").write_text("a\\n")
        (results / "größe.txt").write_text("ü\\n")
        (results / "run.sh").write_text("x"); os.chmod(results / "run.sh", 0o755)
        os.symlink("a.txt", results / "link")
        """

    @Test func twoHomesGiveTheSameDigests() throws {
        try Bench.with { bench in
            try bench.job(Self.curious)
            let first = try bench.json("submit", ".")
            #expect(first["status"].string == "succeeded")
            #expect(first["exitCode"].int == 0)
            #expect(first["cached"].bool == false)
            #expect(first["commit"].string == (try bench.sh("git rev-parse HEAD")).trimmingCharacters(in: .newlines))
            #expect(
                first["tree"].string == (try bench.sh("git rev-parse HEAD^{tree}")).trimmingCharacters(in: .newlines))
            let paths = first["outputs"].array.compactMap { $0["path"].string }
            #expect(paths == ["results/a.txt", "results/größe.txt", "results/link", "results/run.sh"])
            #expect(
                first["outputs"][0]["digest"].string
                    == "sha256:87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7")

            let other = try bench.otherHome("elsewhere")
            let result = try shell(
                ["bash", "-c", "umask 077; exec \"$0\" submit . --json", bench.ibid.string],
                in: bench.repository.string,
                environment: [
                    "IBID_HOME": other.home.string, "TZ": "Asia/Kathmandu", "LANG": "tr_TR.UTF-8", "LC_ALL": "C",
                    "PYTHONHASHSEED": "7", "FOO": "leak",
                ])
            let second = try JSONReader(result.stdout)
            for key in ["image", "spec", "result", "tree", "commit"] {
                #expect(first[key].string == second[key].string, "\(key)")
                #expect(first[key].string != nil)
            }
            #expect(first["run"].string != second["run"].string)
        }
    }

    @Test func secondSubmitDoesNothingAgain() throws {
        try Bench.with { bench in
            try bench.job(Self.curious)
            let first = try bench.json("submit", ".")
            let start = Date()
            let second = try bench.json("submit", ".")
            #expect(Date().timeIntervalSince(start) < 5)
            #expect(second["cached"].bool == true)
            #expect(second["run"].string == first["run"].string)
            #expect(try bench.json("runs").array.count == 1)
            // Run again, but nothing is built again.
            let fresh = try bench.json("submit", "--fresh", ".")
            #expect(fresh["cached"].bool == false)
            #expect(fresh["run"].string != first["run"].string)
            #expect(fresh["result"].string == first["result"].string)
            let steps = fresh["build"]["steps"].array
            #expect(!steps.isEmpty && steps.allSatisfy { $0["cached"].bool == true })
            // Another commit with the same tree is the same experiment.
            try bench.sh("git commit -q --allow-empty -m again")
            #expect(try bench.json("submit", "--fresh", ".")["spec"].string == first["spec"].string)
        }
    }

    @Test func failureIsARecordedResult() throws {
        try Bench.with { bench in
            try bench.job("import sys; print('before'); print('why', file=sys.stderr); sys.exit(7)")
            let report = try bench.json("submit", ".", status: 3)
            #expect(report["status"].string == "failed")
            #expect(report["exitCode"].int == 7)
            #expect(try bench.json("runs")[0]["run"].string == report["run"].string)
            let logs = try bench.call("logs", "@last")
            #expect(logs.stdout == "before\n")
            #expect(logs.stderr.contains("why\n"))
            // A failure is not an answer to be kept: the next submit runs it again.
            #expect(try bench.json("submit", ".", status: 3)["cached"].bool == false)
            #expect(try bench.json("replay", report["run"].string ?? "")["verdict"].string == "identical")
            try bench.requireSoundLedger()
        }
    }

    @Test func whatCannotStartIsRecordedAsRefused() throws {
        try Bench.with { bench in
            try bench.job("", files: ["job.toml": "command = [\"no-such-program\"]\n"])
            let error = try bench.json("submit", ".", status: 1)
            #expect(error["error"]["code"].string == "command-not-found")
            let run = try bench.json("show", "@last")
            #expect(run["status"].string == "refused")
            #expect(run["exitCode"].isNull)
            #expect(run["reason"].string?.contains("no-such-program") == true)
            try bench.requireSoundLedger()
        }
    }

    @Test func limitsAreNamed() throws {
        try Bench.with { bench in
            try bench.job(
                "b = []\nwhile True: b.append(bytearray(8 << 20))",
                files: ["job.toml": "[limits]\nmemory = \"64MiB\"\nwall = \"2m\"\n"])
            let memory = try bench.json("submit", ".", status: 3)
            #expect(memory["status"].string == "killed")
            #expect(memory["exitCode"].isNull)
            #expect(memory["reason"].string?.contains("memory") == true, "\(memory["reason"])")
            let shown = try bench.call("show", "@last")
            #expect(shown.stdout.contains("memory limit"))

            try bench.job("import time; time.sleep(60)", files: ["main.py": "import time; time.sleep(60)"])
            let wall = try bench.json("submit", ".", "--wall", "2s", status: 3)
            #expect(wall["status"].string == "killed")
            #expect(wall["reason"].string?.contains("2 s") == true, "\(wall["reason"])")
            #expect((wall["wallSeconds"].double ?? 99) < 20)
            try bench.requireSoundLedger()
        }
    }

    @Test func parametersInputsAndCommands() throws {
        try Bench.with { bench in
            let program = """
                import sys
                print(sys.argv[1:], open("/inputs/data.csv").read().strip())
                try: open("/inputs/data.csv", "a")
                except OSError: print("read-only")
                """
            try bench.job(
                program,
                files: [
                    "data.csv": "1,2\n",
                    "job.toml": """
                    command = ["python", "main.py", "{greeting}", "--rows={rows}"]
                    [params]
                    greeting = "hello world"
                    rows = 5
                    [inputs."data.csv"]
                    path = "data.csv"
                    """,
                ])
            let first = try bench.json("submit", ".")
            #expect(
                try bench.call("logs", "--stdout", "@last").stdout
                    == "['hello world', '--rows=5'] 1,2\nread-only\n")
            let changed = try bench.json("submit", ".", "-p", "rows=7")
            #expect(changed["params"]["rows"].string == "7")
            #expect(changed["spec"].string != first["spec"].string)
            #expect(changed["image"].string == first["image"].string)
            #expect(
                try bench.json("submit", ".", "-p", "row=7", status: 64)["error"]["code"].string == "unknown-parameter")
            try bench.sh("echo 3,4 > ../mine.csv")
            let given = try bench.json("submit", ".", "--input", "data.csv=../mine.csv")
            #expect(given["inputs"][0]["digest"].string != first["inputs"][0]["digest"].string)
            #expect(try bench.call("logs", "--stdout", "@last").stdout.contains("3,4"))
            _ = try bench.json("submit", ".", "--", "python", "-c", "print('other')")
            #expect(try bench.call("logs", "--stdout", "@last").stdout == "other\n")
        }
    }

    @Test func outputsComeBackAsTheyWere() throws {
        try Bench.with { bench in
            try bench.job(Self.curious)
            let report = try bench.json("submit", ".")
            let out = bench.root.appending("out").string
            #expect(try bench.call("outputs", "@last", "-o", out).status == 0)
            for output in report["outputs"].array where output["kind"].string == "file" {
                let path = try #require(output["path"].string)
                let sum = try Bench.run(["sha256sum", path], in: out)
                #expect("sha256:" + sum.prefix(64) == output["digest"].string)
            }
            #expect(try Bench.run(["readlink", "results/link"], in: out) == "a.txt\n")
            #expect(try Bench.run(["stat", "-c", "%A", "results/run.sh"], in: out).hasPrefix("-rwx"))
        }
    }

    @Test func refusals() throws {
        try Bench.with { bench in
            try bench.job("print(1)")
            func error(_ status: Int32, _ arguments: String...) throws -> String? {
                let result = try bench.call(arguments + ["--json"])
                #expect(result.status == status, "\(arguments): \(result.status) \(result.stdout)")
                let error = try JSONReader(result.stdout)["error"]
                #expect(error.keys == ["code", "message", "hint"])
                return error["code"].string
            }
            #expect(try error(10, "submit", ".", "--rev", "nowhere") == "revision-not-found")
            #expect(try error(10, "show", "01nosuchrun") != nil)
            #expect(try error(10, "submit", "nowhere") == "directory-not-found")
            #expect(try error(1, "submit", bench.root.string) == "not-a-repository")
            #expect(try error(10, "submit", "no/such/place") == "directory-not-found")
            #expect(try error(64, "submit", "--no-such-option") == "usage")
            try bench.sh("echo more >> main.py; echo new > new.py")
            #expect(try error(1, "submit", ".") == "dirty-tree")
            let dirty = try bench.call("submit", ".")
            #expect(dirty.stderr.contains("main.py (modified), new.py (untracked)"))
            #expect(dirty.stdout.isEmpty)
            try bench.sh("git checkout -q main.py; printf 'nmae = 1\\n' > job.toml; git add -A; git commit -qm typo")
            let typo = try bench.call("submit", ".")
            #expect(typo.stderr.contains("job.toml:1: unknown key 'nmae'"))
            #expect(typo.stderr.contains("did you mean 'name'?"))
            #expect(try bench.json("runs").array.isEmpty)
        }
    }

    @Test func dirtyStateIsMarked() throws {
        try Bench.with { bench in
            try bench.job("print('committed')")
            try bench.sh("echo \"print('changed')\" > main.py")
            let report = try bench.json("submit", ".", "--allow-dirty")
            #expect(report["dirty"].bool == true)
            #expect(try bench.call("logs", "@last").stdout == "changed\n")
            let committed = try bench.json("submit", ".", "--rev", "HEAD")
            #expect(committed["dirty"].bool == false)
            #expect(try bench.call("logs", "@last").stdout == "committed\n")
        }
    }
}
