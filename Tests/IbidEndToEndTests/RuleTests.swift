import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// What a run wrote counts by the rules that were sealed with it; rules of later commits have no say.
    @Test func rulesAreSealedWithTheRun() throws {
        try Bench.with { bench in
            // Numbers with an error in the eleventh digit, a log with a time, a file that changes at will.
            let program = """
                import json, os, pathlib, random, sys
                near = lambda v: v * (1 + random.uniform(1, 9) * 1e-11)
                out = pathlib.Path("results"); out.mkdir()
                (out / "near.csv").write_text("name,value\\nx,%.17g\\n" % near(2.5))
                (out / "near.json").write_text(json.dumps({"a": [near(1.0), "text"]}))
                (out / "far.csv").write_text("value\\n%.17g\\n" % random.random())
                (out / "run.log").write_text("pid 1\\ntook %d s\\ndone\\n" % random.randrange(10**9))
                (out / "scratch").write_bytes(os.urandom(9))
                svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><!--%d--><path d="M%.9f 5h9v9z"/></svg>'
                for name, by in ("calm", 1e-6), ("moved", 20), ("shown", 20):
                    (out / (name + ".svg")).write_text(svg % (random.randrange(10**9), 5 + by * random.uniform(0.5, 1)))
                (out / "broken.svg").write_text("<svg" + str(random.random()))
                (out / "opaque.bin").write_bytes(bytes(40) + os.urandom(9))
                print("took", random.randrange(10**9))
                """
            let rules = """
                [compare]
                "results/near.*" = { rule = "numeric", rtol = 1e-9 }
                "results/far.csv" = { rule = "numeric", rtol = 1e-9 }
                "**/*.log" = { rule = "text", drop = '''took \\d+ s''' }
                "results/scratch" = "ignore"
                "results/[cmb]*.svg" = { rule = "image", threshold = 0.02 }
                "<stdout>" = { rule = "text", drop = '''\\d+''' }
                """
            try bench.job(program, files: ["job.toml": rules])
            let run = try bench.json("submit", ".")
            // A tolerance that would pass everything, committed afterwards.
            try bench.job("", files: ["job.toml": "[compare]\n\"**\" = \"ignore\"\n"])
            let replay = try bench.json("replay", "@last", status: 4)
            #expect(replay["verdict"].string == "different")
            #expect(replay["replayOf"].string == run["run"].string)
            let verdicts = Self.verdicts(replay)
            #expect(verdicts["results/near.csv"] == "equivalent")
            #expect(verdicts["results/near.json"] == "equivalent")
            #expect(verdicts["results/far.csv"] == "different")
            #expect(verdicts["results/run.log"] == "equivalent")
            #expect(verdicts["results/scratch"] == "equivalent")
            #expect(verdicts["<stdout>"] == "equivalent")
            // Drawings are compared as they look; what only other programs understand is explained by them.
            #expect(verdicts["results/calm.svg"] == "equivalent")
            for name in ["moved", "shown", "broken"] { #expect(verdicts["results/\(name).svg"] == "different") }
            func words(_ path: String) -> String {
                let output = replay["outputs"].array.first { $0["path"].string == path }
                return ([output?["detail"].string] + (output?["differences"].array.map(\.string) ?? []))
                    .compactMap { $0 }.joined(separator: "\n")
            }
            #expect(words("results/moved.svg").contains("pixels differ"))
            #expect(words("results/shown.svg").contains("drawn, "))
            #expect(words("results/broken.svg").contains("could not be read as SVG: it cannot be drawn"))
            #expect(words("results/opaque.bin").contains("diffoscope: "))
            let near = replay["outputs"].array.first { $0["path"].string == "results/near.csv" }
            #expect(near?["rule"].string == "numeric rtol=1e-9")
            #expect(near?["detail"].string?.contains("1 of 4 values differ, at most") == true)
            // There is no option that gives a rule, and a spec that was altered is no longer the recorded one.
            #expect(try bench.call("replay", "@last", "--rtol", "1").status == 64)
            let spec = try bench.blob(run["spec"].string).string
            try Bench.run(["sed", "-i", "s/1e-9/1e+9/g", spec], in: "/")
            let altered = try bench.json("replay", "@last", status: 5)
            #expect(altered["verdict"].string == "unverifiable")
            #expect(altered["reason"].string?.contains("the spec was altered") == true)
            try bench.requireSoundLedger()
        }
    }

    /// Several runs at a time: one table, one status, one entry each; what is gone is said by name.
    @Test func replayOfMany() throws {
        try Bench.with { bench in
            let program = """
                import os, sys
                open("/outputs/n.txt", "w").write(os.environ["IBID_PARAM_N"])
                if os.environ["IBID_PARAM_N"] == "1": open("/outputs/r", "wb").write(os.urandom(8))
                """
            let job = "[params]\nn = 0\n[inputs.\"d.txt\"]\npath = \"d.txt\"\n"
            try bench.job(program, files: ["job.toml": job, "d.txt": "data"])
            for number in 0..<3 { _ = try bench.json("submit", ".", "-p", "n=\(number)") }
            let all = try bench.json("replay", "--all", "--jobs", "2", status: 4).array
            #expect(all.map { $0["verdict"].string } == ["identical", "different", "identical"])
            #expect(try bench.json("replay", "--job", "repository", "-n", "1", "--deep", "--rebuild").array.count == 1)
            #expect(try bench.json("replay", "--since", "2999-01-01").array.isEmpty)
            let shown = try bench.call("replay", "--all")
            #expect(shown.status == 4)
            #expect(shown.stdout.contains("3 runs: 2 identical, 1 different"))
            #expect(shown.stdout.contains("/outputs/r: "))
            // An input that is gone.
            let run = try bench.json("show", "@last")
            try FileManager.default.removeItem(atPath: bench.blob(run["inputs"][0]["digest"].string).string)
            let gone = try bench.json("replay", "@last", status: 5)
            #expect(gone["verdict"].string == "unverifiable")
            #expect(gone["reason"].string?.hasPrefix("input d.txt is gone") == true)
            try bench.requireSoundLedger()
        }
    }

    static func verdicts(_ replay: JSONReader) -> [String: String] {
        Dictionary(
            replay["outputs"].array.compactMap { output in
                output["path"].string.flatMap { path in output["verdict"].string.map { (path, $0) } }
            }, uniquingKeysWith: { first, _ in first })
    }
}
