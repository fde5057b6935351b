import Foundation
@testable import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite(
    "verifying builds", .enabled(if: isRoot && has("crun") && has("busybox"), "needs root, crun and busybox-static"))
struct VerifyTests {
    /// Steps by what is to be said of them, and the files that are to be named with their cause.
    static let steps: [(step: String, verdict: StepVerdict, files: [String: String])] = [
        ("WORKDIR /work", .reproduced, [:]),
        ("COPY main.py ./", .reproduced, [:]),
        ("RUN echo the same > same; touch now; umask > umask; hostname > host", .reproduced, [:]),
        // The first build's files lie on a disk, the second's in memory: they list their names in other orders.
        (
            "RUN mkdir /m && cd /m && for i in 3 1 c 2 a b 9 7 e; do echo > $i; done && find / -xdev > /found",
            .reproduced, [:]
        ),
        ("RUN echo $RANDOM > /random", .irreproducible, ["/random": "random number, process id or count"]),
        (
            "RUN date > day; date +%s > seconds; tar -cf t.tar day", .irreproducible,
            ["/work/day": "time stamp", "/work/seconds": "time stamp", "/work/t.tar": "packed content"]
        ),
        (
            "RUN cat /proc/sys/kernel/random/uuid > uuid; head -c 64 /dev/urandom > bytes; mktemp -d /opt.XXXXXX",
            .irreproducible, ["/work/uuid": "random (UUID)", "/work/bytes": "random"]
        ),
        (
            "RUN echo x > /tmp/$RANDOM; mkdir -p /var/log/apt; date > /var/log/apt/term.log", .normalised,
            ["/var/log/apt/term.log": "left out"]
        ),
        ("RUN cat /random > copy", .reproduced, [:]),
        ("LABEL a=b", .reproduced, [:]),
    ]

    @Test("each step gets its verdict, and each file that differs its cause")
    func verdicts() throws {
        try withBuilder(base: false) { f in
            try TinyBase.add(to: f)
            let text = "FROM tiny\n" + Self.steps.map { $0.step + "\n" }.joined()
            let options = ImageBuildOptions(ref: "test")
            let build = try f.builder.verify(
                snapshot: try f.snapshot(["Dockerfile": text, "main.py": "print(1)\n"]), options: options,
                ownsProcess: false)
            try #require(build.steps.count == Self.steps.count)
            for (step, expected) in zip(build.steps, Self.steps) {
                #expect(step.verdict == expected.verdict, "\(step.instruction): \(step.differences ?? [])")
                for (path, cause) in expected.files {
                    let found = step.differences?.first { $0.path == path }
                    #expect(found?.cause == cause, "\(path): \(step.differences ?? [])")
                    #expect(found?.isNormalised == (expected.verdict == .normalised))
                }
            }
            #expect(
                build.steps[6].differences?.filter { $0.path.hasPrefix("/opt.") }.map(\.cause) == ["random", "random"])
            #expect(build.variation?.varied.contains { $0.hasPrefix("host name") } == true)
            // The image is an ordinary one, the next build has every step in its cache, and nothing else is left.
            let again = try f.build(["Dockerfile": text, "main.py": "print(1)\n"])
            #expect(again.image == build.image && again.steps.allSatisfy(\.cached))
            #expect(try f.store.references().map(\.ref) == ["test", "tiny"])
        }
    }
}

@Suite("causes of differences")
struct DifferenceTests {
    private let inspector = DifferenceInspector(
        firstTime: 1_795_776_400...1_795_776_402, secondTime: 1_795_776_410...1_795_776_412, processors: (2, 1))

    static let texts: [(String, String, String)] = [
        ("built 2026-11-27 10:00:01\n", "built 2026-11-27 10:00:09\n", "time stamp"),
        ("a\nat 1795776401.25 s\n", "a\nat 1795776411.5 s\n", "time stamp"),
        ("a 1795776401\n", "a 1234567890\n", "random number, process id or count"),
        ("[\"x\", \"y\", \"z\"]", "[\"z\", \"x\", \"y\"]", "order"),
        ("one\ntwo\n", "two\none\n", "order"),
        ("jobs=2\n", "jobs=1\n", "other text"),
        ("jobs: 2\n", "jobs: 1\n", "number of processors"),
        ("-----BEGIN PRIVATE KEY-----\nMIIa\n", "-----BEGIN PRIVATE KEY-----\nMIIb\n", "random"),
        ("x = 0.12345\n", "x = 0.54321\n", "random or measured number"),
        ("dir /var/tmp/tmpabcd\n", "dir /var/tmp/tmpefgh\n", "random (temporary name)"),
        ("colour\n", "color\n", "other text"),
    ]

    @Test(arguments: texts.indices)
    func text(_ index: Int) {
        let (first, second, cause) = Self.texts[index]
        #expect(inspector.content("f", Array(first.utf8), Array(second.utf8)).name == cause)
    }

    /// Two files that a command writes at two times, with the bytes of each kind's real writer.
    @Test(
        arguments: [
            ("x.gz", "gzip -c < text > x.gz", "time stamp"),
            ("x.tar", "tar -cf x.tar text", "time stamp"),
            ("x.zip", "python3 -c \"import zipfile; zipfile.ZipFile('x.zip', 'w').write('text')\"", "time stamp"),
            (
                "x.pyc",
                "cp text x.py; touch -r text x.py; python3 -c \"import py_compile; py_compile.compile('x.py', cfile='x.pyc')\"",
                "time stamp"
            ),
            ("x.tar", "tar -cf x.tar text $(basename $PWD)", "packed content"),
            ("x.bin", "printf '\\1\\2\\0\\3\\4' > x.bin; echo $(basename $PWD) >> x.bin", "other bytes"),
        ])
    func files(_ name: String, _ command: String, _ cause: String) throws {
        try withScratch { scratch in
            let versions = try [("a", 1_795_776_401), ("b", 1_795_776_411)].map { directory, time in
                let result = try shell([
                    "bash", "-ec",
                    """
                    mkdir \(scratch)/\(directory); cd \(scratch)/\(directory); echo 'x = 1' > text; echo \(directory) > \(directory)
                    touch -d @\(time) text \(directory); \(command)
                    """,
                ])
                #expect(result.status == 0, "\(result.stderr)")
                return Array(try Data(contentsOf: URL(fileURLWithPath: "\(scratch)/\(directory)/\(name)")))
            }
            #expect(versions[0] != versions[1])
            #expect(inspector.content(name, versions[0], versions[1]).name == cause)
        }
    }
}
