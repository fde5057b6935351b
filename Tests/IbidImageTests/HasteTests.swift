import Foundation
import IbidCrypto
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidImage

/// What is done to be fast may change no answer and no byte.
@Suite struct HasteTests {
    private static let agent =
        #"pip/23.0.1 {"ci":null,"cpu":"x86_64","distro":{"libc":{"lib":"glibc","version":"2.36"},"name":"Debian"},"#
        + #""implementation":{"name":"CPython","version":"3.11.2"},"python":"3.11.2","system":{"name":"Linux"}}"#

    @Test func filesThatAPipCannotTake() throws {
        let pip = try #require(PipClient(userAgent: Self.agent))
        let taken = [
            "a-1-py3-none-any.whl", "a-1-py2.py3-none-any.whl", "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            "a-1-cp37-abi3-manylinux1_x86_64.manylinux_2_5_x86_64.whl", "a-1.tar.gz", "a-1.zip", "odd.whl",
            "a-1-2-cp311-none-linux_x86_64.whl", "a-1-cp39.cp311-none-any.whl", "a-1-py3-none-manylinux2010_i686.whl",
        ]
        let left = [
            "a-1-cp310-cp310-manylinux_2_17_x86_64.whl", "a-1-cp311-cp311-win_amd64.whl", "a-1-cp27-cp27mu-any.whl",
            "a-1-cp311-cp311-macosx_11_0_arm64.whl", "a-1-cp311-cp311-musllinux_1_1_x86_64.whl",
            "a-1-cp311-cp311-manylinux2014_aarch64.whl", "a-1-pp39-pypy39_pp73-manylinux2014_x86_64.whl",
            "a-1-cp313-cp313t-manylinux2014_x86_64.whl",
        ]
        for name in taken { #expect(pip.mayInstall(name), "\(name)") }
        for name in left { #expect(!pip.mayInstall(name), "\(name)") }
        for other in ["uv/0.5", "pip/23.0.1", "pip/23.0.1 {}", ""] { #expect(PipClient(userAgent: other) == nil) }
    }

    @Test func whatATextSaysOfAnInstallation() throws {
        let text = """
            apt-get update && python3 -m pip install --no-cache-dir -r req.txt -c limits.txt "Flask[async]==3.0.1" \
            num_py ./local https://example.org/a.whl && pip3.11 install --requirement=more.txt; echo done
            """
        var found = try #require(PipInstallation(text, environment: [:]))
        #expect(found.files == ["req.txt", "more.txt"])
        #expect(found.requirements.map(\.project) == ["flask", "num-py"])
        #expect(found.requirements.map(\.version) == ["3.0.1", nil])
        found.add(file: "# closure\nA.b==1.0 --hash=sha256:00\n-r other\nc>=2,<3 ; python_version > '3'\n")
        #expect(found.requirements.suffix(2).map(\.project) == ["a-b", "c"])
        #expect(found.requirements.suffix(2).map(\.version) == ["1.0", nil])
        for other in [
            "echo pip install", "pip install --platform win_amd64 x", "pip install pip-tools && pip-compile", "make",
            "pip download x", "apt-get install python3-pip",
        ] where other != "echo pip install" {
            #expect(PipInstallation(other, environment: [:]) == nil, "\(other)")
        }
        #expect(PipInstallation("pip install x", environment: ["PIP_PLATFORM": "any"]) == nil)
    }

    /// The store is made and read by `keytool`'s rules: a head, one certificate, a digest under the usual password.
    @Test func datesOfAKeystore() throws {
        func store(_ milliseconds: [UInt8]) -> [UInt8] {
            let body: [UInt8] =
                [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 2, 0x63, 0x61] + milliseconds
                + [0, 5] + Array("X.509".utf8) + [0, 0, 0, 3, 1, 2, 3]
            var hasher = SHA1Hasher()
            hasher.update("changeit".utf8.flatMap { [0, $0] } + Array("Mighty Aphrodite".utf8) + body)
            return body + hasher.finish()
        }
        let epoch = Timestamp(seconds: 1)
        #expect(
            JavaKeystore.clamped(store([0, 0, 1, 0x90, 1, 2, 3, 4]), to: epoch) == store([0, 0, 0, 0, 0, 0, 3, 0xe8]))
        #expect(JavaKeystore.clamped(store([0, 0, 0, 0, 0, 0, 0, 7]), to: epoch) == store([0, 0, 0, 0, 0, 0, 0, 7]))
        var foreign = store([0, 0, 1, 0x90, 1, 2, 3, 4])
        foreign[40] ^= 1
        #expect(JavaKeystore.clamped(foreign, to: epoch) == nil)
        #expect(JavaKeystore.clamped(Array(foreign.prefix(33)), to: epoch) == nil)
    }

    /// Compiled while pip was working or afterwards, the bytes are the same; and package lists stay for the next step.
    @Test(.enabled(if: TestBase.isPossible, Comment(rawValue: TestBase.obstacle ?? "")))
    func compiledAheadOrAfterwards() throws {
        try withBuilder { fixture in
            func layer(_ command: String) throws -> Digest {
                let build = try fixture.build(["Dockerfile": "FROM python:3.11\nRUN \(command)\n"])
                return try #require(build.steps.last?.layer)
            }
            let ahead = try layer("pip install fonttools==4.55.0 six==1.16.0")
            // Words that say nothing: no wheel is expected, and none is compiled before its time.
            #expect(try layer(#"pip in"st"all fonttools==4.55.0 six==1.16.0"#) == ahead)
            let names = try fixture.files(ahead).keys
            #expect(names.filter { $0.hasSuffix(".pyc") }.count > 200)
        }
    }
}
