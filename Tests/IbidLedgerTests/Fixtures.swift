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

    /// The small documents that the statements of a run name.
    static func documents(_ number: Int) -> [Digest: [UInt8]] {
        let texts = [#"{"command":["python","iris.py"],"run":\#(number)}"#, #"{"exitCode":0,"run":\#(number)}"#]
        return Dictionary(texts.map { (digest($0), Array($0.utf8)) }, uniquingKeysWith: { $1 })
    }

    private static func document(_ number: Int, _ marker: String) -> JSONValue {
        let found = documents(number).first { String(decoding: $0.value, as: UTF8.self).contains(marker) }
        return .string(found?.key.hex ?? "")
    }

    static func intent(_ number: Int) -> Statement {
        provenance(
            number, buildType: BuildType.intent, subjects: [.init(name: "ibid:spec", digest: image)], ended: false)
    }

    static func outcome(_ number: Int, output: String = "sepal,petal\n") -> Statement {
        provenance(
            number, buildType: BuildType.run,
            subjects: [
                .init(name: "results/head.csv", digest: digest(output)),
                .init(name: "results/größe \u{1F600}.txt", digest: digest("42 \(number)\n")),
                .init(name: "ibid:result", digest: digest(#"{"exitCode":0,"run":\#(number)}"#)),
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
            ["name": "spec", "digest": ["sha256": document(number, "command")]],
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
                        "entrypoint": ["python", "iris.py"], "parameters": ["rows": "5"],
                    ],
                    "internalParameters": ["platform": "linux/amd64", "env": ["LANG": "C.UTF-8"]],
                    "resolvedDependencies": dependencies,
                ],
                "runDetails": [
                    "builder": ["id": "urn:ibid:builder:root", "version": ["ibid": "0.1.0"]],
                    "metadata": .object(metadata),
                    "byproducts": [["name": "stdout", "digest": ["sha256": .string(digest("stdout").hex)]]],
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
            subjects: [.init(name: "ibid:replay", digest: digest("replay \(number)"))],
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
