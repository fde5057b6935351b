import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// The corpus: some hundred outputs, each of which knows what makes it irreproducible, if anything does.
    @Test func corpus() throws {
        try Bench.with { bench in
            let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("Corpus/main.py")
            try bench.job(try String(contentsOf: program, encoding: .utf8))
            let listed = try JSONReader(try Bench.run(["python3", program.path, "--causes"], in: "/"))
            let causes = Dictionary(uniqueKeysWithValues: listed.keys.map { ($0, listed[$0].string) })
            #expect(causes.count >= 90)
            #expect(Set(causes.values.compactMap { $0 }).count >= 7)

            // The default profile: environment alone.
            let run = try bench.json("submit", ".")
            #expect(Set(run["outputs"].array.compactMap { $0["path"].string }) == Set(causes.keys))
            let page = bench.root.appending("why.html").string
            let replay = try bench.json("replay", "@last", "--explain", "--report", page, status: 4)
            let verdicts = Self.verdicts(replay).filter { causes[$0.key] != nil }
            let identical = verdicts.values.count { $0 == "identical" }
            #expect(Double(identical) >= 0.62 * Double(causes.count), "default: \(identical) of \(causes.count)")

            // Every other with its true cause, and with what to do about it.
            var right = 0
            let different = replay["outputs"].array.filter {
                $0["verdict"].string == "different" && causes[$0["path"].string ?? ""] != nil
            }
            for output in different {
                let path = try #require(output["path"].string)
                let layers = output["cause"]["layers"].array.compactMap { $0.string }
                #expect(output["cause"]["advice"].string?.contains("job.toml") == true, "\(path)")
                if let truth = causes[path] ?? nil, layers.contains(truth), layers.count <= 2 {
                    right += 1
                } else {
                    print("corpus: \(path) has the cause \(layers), in truth \((causes[path] ?? nil) ?? "none")")
                }
            }
            #expect(different.count >= 30)
            #expect(Double(right) >= 0.9 * Double(different.count), "\(right) of \(different.count) causes are right")
            let html = try String(contentsOfFile: page, encoding: .utf8)
            #expect(html.contains("results/clock/now.json") && !html.contains("<script"))

            // The strict profile.
            let strict = try bench.json("submit", "--determinism", "strict", ".")
            #expect(strict["spec"].string != run["spec"].string)
            let again = Self.verdicts(try bench.json("replay", "@last", status: 4)).filter { causes[$0.key] != nil }
            let same = again.values.count { $0 == "identical" }
            #expect(Double(same) >= 0.9 * Double(causes.count), "strict: \(same) of \(causes.count)")
            for (path, verdict) in again where verdict != "identical" {
                let truth = (causes[path] ?? nil) ?? "none"
                // Addresses too: where something lies also depends on what threads allocated before.
                #expect(
                    ["elapsed time", "inode numbers", "scheduling", "addresses"].contains(truth),
                    "strict: \(path), \(truth)")
            }
            print(
                "corpus: of \(causes.count) outputs, default \(identical) and strict \(same) identical; "
                    + "\(right) of \(different.count) causes right")
            try bench.requireSoundLedger()
        }
    }

    /// A sample of the jobs whose causes were written down before Ibid saw them; `Tests/Causes/check` takes all.
    @Test func causesOfOthers() throws {
        try Bench.with { bench in
            let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Causes/check").path
            let result = try shell(
                [
                    "python3", script, "--ibid", bench.ibid.string, "--work", bench.root.appending("work").string,
                    "--home", bench.home.string, "--profile", "default", "database", "dates", "ids", "named_by_time",
                ], in: bench.root.string)
            #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
            print("causes: " + (result.stdout.split(separator: "\n").last ?? ""))
        }
    }
}
