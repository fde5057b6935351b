import IbidModel
import Testing

struct RunResultTests {
    /// What is written output by output is what the encoder gives.
    @Test func canonicalBytesAreThoseOfTheEncoder() throws {
        let digest = Digest(bytes: [UInt8](repeating: 7, count: 32))
        let outputs = ["a/\"quoted\"", "new\\x0aline", "schön \u{1F600}", "/outputs/x"].enumerated().map {
            RunOutput(
                path: $1, kind: $0 == 1 ? .symlink : .file, digest: digest, size: Int64($0) << 40, executable: $0 == 2)
        }
        for result in [
            RunResult(status: .succeeded, exitCode: 0, outputs: outputs, stdout: digest, stderr: digest),
            RunResult(
                status: .killed, exitCode: nil, reason: "memory limit \"64 MiB\"\n", outputs: [], stdout: digest,
                stderr: digest),
            RunResult(status: .failed, exitCode: 139, outputs: [outputs[0]], stdout: digest, stderr: digest),
        ] {
            let encoded = try CanonicalJSON.encode(result)
            #expect(result.canonicalBytes == encoded)
        }
    }
}
