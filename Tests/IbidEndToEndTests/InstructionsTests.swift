import Glibc
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// Dockerfiles whose images docker's BuildKit made once: the same files and configuration. `Tests/Corpus/compare` asks
    /// it again, and buildah.
    @Test(.enabled(if: getuid() == 0 && has("busybox") && has("crun"), "needs root, busybox and crun"))
    func instructionsMeanWhatTheyMeanToBuildKit() throws {
        let some = [
            "add-archive", "arg", "chown", "copy-dot", "copy-links", "crlf-heredoc", "dockerignore", "env-same-line",
            "heredoc-run", "mount-bind", "onbuild", "run-fails", "stage-chain", "user-owns", "whiteouts",
            "workdir-user",
        ]
        let program = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Corpus/compare")
        let result = try shell([program.string, "--recorded", "--ibid", try builtProgram("ibid").string] + some)
        #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
        #expect(result.stdout.contains("\(some.count) of \(some.count) the same"))
    }
}
