import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    @Test("image build --verify names the file, exits with 4, and enters the verdict")
    func verifyBuild() throws {
        try Bench.with { bench in
            try bench.job(
                "print('x')",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    WORKDIR /job
                    COPY main.py ./
                    RUN echo $$ > pid && useradd -m ana && date > /var/log/dpkg.log
                    RUN bash -c 'echo $RANDOM > /random'
                    ENTRYPOINT ["python", "main.py"]
                    """
                ])
            let build = try bench.json("image", "build", ".", "--verify", status: 4)
            let verdicts = build["steps"].array.map { $0["verdict"].string }
            #expect(
                verdicts == [
                    "reproduced", "reproduced", "reproduced after normalisation", "irreproducible", "reproduced",
                ])
            #expect(build["steps"][3]["differences"][0]["path"].string == "/random")
            #expect(build["steps"][2]["differences"].array.allSatisfy { $0["normalised"].bool == true })
            let varied = build["verification"]["varied"].array.compactMap(\.string).joined(separator: "; ")
            for what in ["umask", "time zone", "host name", "unpacked layers"] { #expect(varied.contains(what)) }
            // Without --verify the same keys are there.
            let plain = try bench.json("image", "build", ".")
            #expect(plain.keys == build.keys && plain["steps"][0].keys == build["steps"][0].keys)
            #expect(plain["steps"][0]["verdict"].isNull && plain["image"].string == build["image"].string)
            // The statement of the image has it, for anybody who reads the ledger.
            let payload = try bench.sh(
                "sqlite3 \(bench.ledger) \"SELECT CAST(payload AS TEXT) FROM statements WHERE payload LIKE '%irreproducible%'\""
            )
            let internals = try JSONReader(payload)["predicate"]["buildDefinition"]["internalParameters"]
            #expect(internals["steps"][3]["differences"][0]["cause"].string == "random number, process id or count")
            #expect(try bench.json("submit")["status"].string == "succeeded")
            try bench.requireSoundLedger()

            try bench.job("print('y')")
            let good = try bench.call("image", "build", ".", "--verify")
            #expect(good.status == 0 && good.stderr.contains("COPY main.py ./: reproduced"), "\(good.stderr)")
        }
    }

    @Test("replay --rebuild takes the Dockerfile that the image was built from")
    func rebuildFromAnotherDockerfile() throws {
        try Bench.withoutBase { bench in
            try bench.addTinyBase()
            try bench.job(
                "",
                files: [
                    "Dockerfile": "FROM tiny\nRUN exit 9\n",
                    "docker/analysis.Dockerfile":
                        "FROM tiny\nWORKDIR /job\nRUN echo other > /which\nCMD read x < /which; echo $x > out.txt\n",
                ])
            #expect(try bench.call("submit", ".", "--json").status == 1)
            let run = try bench.json("submit", ".", "-f", "docker/analysis.Dockerfile")
            // Without its manifest the image is there only when it was built again.
            try Bench.run(["rm", try bench.blob(run["image"].string).string], in: "/")
            let replay = try bench.json("replay", "@last", "--rebuild")
            #expect(replay["verdict"].string == "identical")
            #expect(replay["image"]["actual"].string == run["image"].string)
        }
    }
}
