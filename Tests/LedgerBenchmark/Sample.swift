import IbidLedger
import IbidModel

import struct IbidModel.Statement

/// What the benchmark enters.
enum Sample {
    /// How many entries are appended one by one.
    static let appended = 2_048

    /// A digest of nothing, which like real ones is in no order.
    static func digest(_ number: Int, _ salt: Int) -> Digest {
        // SplitMix64.
        var state = UInt64(truncatingIfNeeded: number << 8 | salt)
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = (state ^ state >> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
            withUnsafeBytes(of: word ^ word >> 31) { bytes += $0 }
        }
        return Digest(bytes: bytes)
    }

    static func runID(_ number: Int) -> RunID {
        RunID(milliseconds: 1_767_322_800_000 + UInt64(number / 2), random: UInt128(number / 2))
    }

    /// Intent and outcome in turn, of the size that real ones have.
    static func statement(_ number: Int) -> Statement {
        func digest(_ salt: Int) -> JSONValue { ["sha256": .string(Self.digest(number, salt).hex)] }
        let outputs = (0..<3).map { output in
            Statement.Subject(
                name: "outputs/results/\(output).csv", digest: Self.digest(number, output))
        }
        let dependencies = ["image", "source", "source-proof", "spec.json", "inputs/iris.csv"].enumerated().map {
            ["name": .string($1), "digest": digest($0 + 10)] as JSONValue
        }
        return Statement(
            subjects: outputs, predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(number.isMultiple(of: 2) ? BuildType.intent : BuildType.run),
                    "externalParameters": [
                        "job": "iris", "command": ["python", "iris.py", "--rows", "5"], "parameters": ["rows": "5"],
                        "source": ["uri": "https://example.org/iris.git", "ref": "main", "subdirectory": "jobs/iris"],
                    ],
                    "internalParameters": [
                        "platform": "linux/amd64", "determinism": "default",
                        "snapshot": [
                            "commit": .string(String(Self.digest(number, 30).hex.prefix(40)))
                        ],
                    ],
                    "resolvedDependencies": .array(dependencies),
                ],
                "runDetails": [
                    "builder": ["id": "urn:ibid:builder:v1", "version": ["ibid": "0.1.0", "kernel": "6.18.0"]],
                    "metadata": [
                        "invocationId": .string(runID(number).text), "startedOn": "2026-01-02T03:04:05Z",
                        "finishedOn": "2026-01-02T03:04:06Z",
                    ],
                    "byproducts": [
                        [
                            "name": "logs/stdout.txt", "digest": digest(20),
                            "annotations": ["exitCode": 0, "status": .string(number == 1 ? "failed" : "succeeded")],
                        ]
                    ],
                ],
            ])
    }
}
