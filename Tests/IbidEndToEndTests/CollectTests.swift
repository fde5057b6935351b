import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    @Test("gc removes what nothing names, keeps what runs need, and waits for nobody")
    func collect() throws {
        try Bench.with { bench in
            // What the tests' own template left, whose ledger it lost.
            #expect(try bench.call("gc", "--force").status == 0)
            try bench.job("print('kept')")
            let run = try bench.json("submit")
            // An image that no run used, and whose name is taken away.
            try bench.job(
                "print('gone')", files: ["Dockerfile": "FROM python:3.11\nRUN head -c 3000000 /dev/zero > /big\n"])
            let gone = try bench.json("image", "build", ".")
            let layer = try #require(gone["steps"][0]["layer"].string)
            #expect(try bench.call("image", "rm", try #require(gone["ref"].string)).status == 0)
            // Its build is in the ledger, so its blobs stay all the same; only its unpacked layer is of no use.
            #expect(FileManager.default.fileExists(atPath: try bench.blob(layer).string))
            let unnamed = try #require(try bench.json("gc")["blobs"]["count"].int)
            try bench.sh(
                "head -c 100000 /dev/urandom > loose; cp loose \(bench.store)/blobs/sha256/$(sha256sum < loose | cut -c -64)"
            )

            let plan = try bench.json("gc")
            #expect(plan["removed"].bool == false && plan["blobs"]["count"].int == unnamed + 1)
            #expect(try #require(plan["layers"]["bytes"].int) > 3_000_000)
            let before = try bench.sh("find \(bench.home) -type f | sort | sha256sum")
            #expect(try bench.call("gc").stderr.contains("nothing was removed; 'ibid gc --force' frees"))
            #expect(try bench.sh("find \(bench.home) -type f | sort | sha256sum") == before)

            // While a build is going on nothing is removed.
            try bench.job("print('busy')", files: ["Dockerfile": "FROM python:3.11\nRUN sleep 3\n"])
            let script = """
                "$IBID" image build . > /dev/null 2>&1 & build=$!
                for _ in $(seq 100); do [ -n "$(ls "$IBID_HOME"/runs | grep '^build[.]')" ] && break; sleep 0.02; done
                "$IBID" gc --force --json; echo "status $?"; wait $build; echo "build $?"
                """
            let busy = try shell(
                ["bash", "-c", script], in: bench.repository.string,
                environment: ["IBID_HOME": bench.home.string, "IBID": bench.ibid.string])
            #expect(busy.stdout.contains("home-busy") && busy.stdout.hasSuffix("status 1\nbuild 0\n"), "\(busy.stdout)")

            let done = try bench.json("gc", "--force", "--all")
            #expect(done["removed"].bool == true && done["blobs"]["count"].int ?? 0 > unnamed)
            #expect(FileManager.default.fileExists(atPath: try bench.blob(layer).string))
            #expect(try bench.json("gc", "--all")["bytes"].int == 0)
            let unpacked = bench.home.appending("layers/\(layer.dropFirst(7))").string
            #expect(!FileManager.default.fileExists(atPath: unpacked))
            #expect(try bench.json("verify", "--store")["ok"].bool == true)
            #expect(try bench.json("replay", try #require(run["run"].string))["verdict"].string == "identical")
            try bench.requireSoundLedger()
        }
    }
}
