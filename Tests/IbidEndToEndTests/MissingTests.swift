import Foundation
import IbidLedger
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidEngine

extension EndToEndTests {
    /// What a replay needs and does not find is a verdict that says what it is, and is entered; an image that is gone is
    /// built again where that can be done.
    @Test func replayWithoutWhatItNeeds() throws {
        try Bench.withoutBase { bench in
            // Base, runtime and input are the test's own, and can go.
            try bench.addTinyBase()
            try bench.sh("cp \"$(command -v crun)\" ../crun")
            let crun = bench.root.appending("crun").string
            try bench.job(
                "",
                files: [
                    "Dockerfile": "FROM tiny\nWORKDIR /job\nCOPY script ./\nCMD [\"/bin/sh\", \"script\"]\n",
                    "script": "cat /inputs/d.txt > out.txt\n", "d.txt": "data",
                    "job.toml": "[inputs.\"d.txt\"]\npath = \"d.txt\"\n",
                ])
            let run = try bench.json("submit", ".", "--runtime", crun)
            let image = try bench.blob(run["image"].string)
            let layers = try JSONReader(String(contentsOfFile: image.string, encoding: .utf8))["layers"].array
            let base = try #require(
                try bench.json("base", "ls").array.first { $0["name"].string == "tiny" }?["image"].string)

            func unverifiable(_ words: String, _ options: String...) throws {
                let result = try bench.call(["replay", "@last", "--json"] + options)
                #expect(result.status == 5, "\(words): \(result.stdout)\(result.stderr)")
                let replay = try JSONReader(result.stdout)
                #expect(replay["verdict"].string == "unverifiable")
                #expect(replay["reason"].string?.contains(words) == true, "\(words): \(replay["reason"].string ?? "")")
                #expect(replay["ledger"]["leafIndex"].int != nil)
            }
            func without(_ file: FilePath, _ body: () throws -> Void) throws {
                try Bench.run(["mv", file.string, file.string + ".away"], in: "/")
                try body()
                try Bench.run(["mv", file.string + ".away", file.string], in: "/")
            }

            // The image, or a layer of it: said by name, and built again where that is asked for.
            for (file, words) in [
                (image, "the image's manifest is gone"),
                (try bench.blob(layers.last?["digest"].string), "layer 3 of the image is gone"),
            ] {
                try without(file) {
                    try unverifiable(words)
                    try unverifiable("'ibid replay --rebuild' builds the image again")
                    #expect(try bench.json("replay", "@last", "--rebuild")["verdict"].string == "identical")
                }
            }
            // It cannot be built: the base, or the source, is gone. Without that the recorded image does.
            try without(try bench.blob(base)) {
                #expect(try bench.json("replay", "@last")["verdict"].string == "identical")
                let words = "the image cannot be built again: Dockerfile:1: the base 'tiny' is gone"
                try unverifiable(words, "--rebuild")
                try without(image) { try unverifiable(words, "--rebuild") }
            }
            let engine = try Engine.open(Home(bench.home))
            let source = try engine.report(for: try #require(run["run"].string.flatMap { RunID($0) })).source.layer
            try without(try bench.blob("\(source)")) {
                try unverifiable("the source is gone", "--rebuild")
                try unverifiable(" is gone: blob \(source)", "--deep")
            }
            try without(try bench.blob(run["inputs"][0]["digest"].string)) { try unverifiable("input d.txt is gone") }
            try without(FilePath(crun)) { try unverifiable("the container runtime '\(crun)' is not installed") }
            #expect(try bench.json("replay", "@last", "--deep", "--rebuild")["verdict"].string == "identical")

            try bench.enterAsOfAnotherPlatform(try #require(run["run"].string))
            try unverifiable("the run is for linux/\(Bench.otherArchitecture)")
            try bench.requireSoundLedger()
        }
    }
}

extension Bench {
    #if arch(x86_64)
        static let (architecture, otherArchitecture) = ("amd64", "arm64")
    #else
        static let (architecture, otherArchitecture) = ("arm64", "amd64")
    #endif

    /// Enters a copy of a run as a machine of the other architecture would have recorded it; its image is for that one.
    func enterAsOfAnotherPlatform(_ run: String) throws {
        let engine = try Engine.open(Home(home))
        let recorded = try #require(RunID(run))
        let statement = try engine.outcome(of: recorded).readStatement()
        let report = try engine.report(for: recorded)
        // Each document names the one before it by digest.
        func other(_ digest: Digest, _ changes: [String: String] = [:]) throws -> Digest {
            var text = String(decoding: try engine.store.read(digest), as: UTF8.self)
            for (old, new) in changes.merging([Self.architecture: Self.otherArchitecture], uniquingKeysWith: { $1 }) {
                text = text.replacingOccurrences(of: old, with: new)
            }
            return try engine.store.put(Array(text.utf8))
        }
        let config = try engine.store.manifest(report.image).config.digest
        let image = try other(report.image, [config.hex: try other(config).hex])
        let spec = try other(report.spec, [report.image.hex: image.hex])
        let next = try engine.moment.runID()
        var text = String(decoding: statement.canonicalBytes, as: UTF8.self)
        for (old, new) in [report.image.hex: image.hex, report.spec.hex: spec.hex, run: "\(next)"] {
            text = text.replacingOccurrences(of: old, with: new)
        }
        _ = try engine.ledger.append(try #require(Statement(json: try CanonicalJSON.parse(Array(text.utf8)))))
    }
}
