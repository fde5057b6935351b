import IbidCrypto
import IbidLedger
import IbidModel
import IbidTestSupport
import SystemPackage

/// Statements as the engine makes them, and a ledger in a scratch home.
enum Fixture {
    static func digest(_ text: String) -> Digest { .sha256(of: text) }

    static func runID(_ number: Int) -> RunID {
        RunID(milliseconds: 1_767_322_800_000 + UInt64(number) * 1000, random: UInt128(number) << 64 | 0x5eed)
    }

    static let image = digest("image manifest")

    private static func specText(_ number: Int) -> String {
        #"{"command":["python","iris.py"],"params":{"rows":"\#(number)"},"schema":"ibid.run-spec.v1"}"#
    }

    private static func resultText(_ number: Int) -> String {
        let outputs = [
            #"{"digest":"\#(digest("sepal,petal\n"))","path":"results/head.csv"}"#,
            #"{"digest":"\#(digest("42 \(number)\n"))","path":"results/größe \#u{1F600}.txt"}"#,
        ]
        return
            #"{"exitCode":0,"outputs":[\#(outputs.joined(separator: ","))],"schema":"ibid.run-result.v1","status":"succeeded","stdout":"\#(digest("stdout"))"}"#
    }

    static func spec(_ number: Int) -> Digest { digest(specText(number)) }

    static func result(_ number: Int) -> Digest { digest(resultText(number)) }

    /// The small documents that the statements of a run name.
    static func documents(_ number: Int) -> [Digest: [UInt8]] {
        [spec(number): Array(specText(number).utf8), result(number): Array(resultText(number).utf8)]
    }

    static func intent(_ number: Int) -> Statement {
        provenance(
            number, buildType: BuildType.intent, subjects: [.init(name: "spec.json", digest: spec(number))],
            ended: false)
    }

    static func outcome(_ number: Int, output: String = "sepal,petal\n") -> Statement {
        provenance(
            number, buildType: BuildType.run,
            subjects: [
                .init(name: "outputs/results/head.csv", digest: digest(output)),
                .init(name: "outputs/results/größe \u{1F600}.txt", digest: digest("42 \(number)\n")),
                .init(name: "result.json", digest: result(number)),
            ], ended: true)
    }

    private static func provenance(
        _ number: Int, buildType: String, subjects: [Statement.Subject], ended: Bool
    ) -> Statement {
        let commit = String(Fixture.digest("commit").hex.prefix(40))
        let dependencies: JSONValue = [
            ["uri": "git+https://example.org/iris@refs/heads/main", "digest": ["gitCommit": .string(commit)]],
            [
                "name": "image", "uri": "oci:store", "digest": ["sha256": .string(image.hex)],
                "mediaType": .string(OCI.MediaType.manifest),
            ],
            ["name": "inputs/iris.csv", "digest": ["sha256": .string(digest("iris").hex)]],
            ["name": "spec.json", "digest": ["sha256": .string(spec(number).hex)]],
        ]
        var metadata: [String: JSONValue] = [
            "invocationId": .string(runID(number).text), "startedOn": "2026-01-02T03:04:05Z",
        ]
        if ended { metadata["finishedOn"] = "2026-01-02T03:04:06.5Z" }
        return Statement(
            subjects: subjects, predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(buildType),
                    "externalParameters": [
                        "source": ["uri": "git+https://example.org/iris", "ref": "main"],
                        "entrypoint": ["python", "iris.py"], "parameters": ["rows": .string("\(number)")],
                    ],
                    "internalParameters": ["platform": "linux/amd64", "env": ["LANG": "C.UTF-8"]],
                    "resolvedDependencies": dependencies,
                ],
                "runDetails": [
                    "builder": ["id": "urn:ibid:builder:root", "version": ["ibid": "0.1.0"]],
                    "metadata": .object(metadata),
                    "byproducts": [["name": "logs/stdout.txt", "digest": ["sha256": .string(digest("stdout").hex)]]],
                ],
            ])
    }

    static func imageBuild() -> Statement {
        Statement(
            subjects: [.init(name: "image", digest: image)], predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(BuildType.image), "externalParameters": ["recipe": "Dockerfile"],
                    "resolvedDependencies": [["name": "base", "digest": ["sha256": .string(digest("base").hex)]]],
                ],
                "runDetails": ["builder": ["id": "urn:ibid:builder:root"], "metadata": [:]],
            ])
    }

    static func replay(_ number: Int) -> Statement {
        Statement(
            subjects: [.init(name: "result.json", digest: result(number))],
            predicateType: Statement.PredicateType.testResult,
            predicate: [
                "result": "PASSED", "passedTests": ["results/head.csv"],
                "configuration": [
                    [
                        "uri": .string(BuildType.runPrefix + runID(number).text),
                        "digest": ["sha256": .string(image.hex)],
                    ]
                ],
            ])
    }
}

extension Ledger {
    /// A ledger in a home of its own.
    static func scratch(_ home: FilePath) throws -> Ledger {
        try open(at: home.appending("ledger.sqlite"), keys: home.appending("keys"))
    }
}
