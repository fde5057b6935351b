import Foundation
@testable import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Dockerfiles, ignore files and archives that mean harm. Each is refused with its line, or taken and kept in its place.
@Suite("hostile input", .enabled(if: canBuildTiny, "needs root, crun, umoci and busybox-static"))
struct HostileTests {
    /// The archives, and a directory outside with one file that nobody may touch.
    private func withArchives<T>(_ body: ([String: [UInt8]], FilePath) throws -> T) throws -> T {
        try withScratch("archives") { scratch in
            let script = FilePath(#filePath).removingLastComponent().appending("hostile.py").string
            let (place, outside) = (scratch.appending("tars"), scratch.appending("outside"))
            let made = try shell([
                "sh", "-c",
                "mkdir '\(place)' '\(outside)' && echo alive > '\(outside)/canary' && python3 '\(script)' '\(place)' '\(outside)'",
            ])
            #expect(made.status == 0, "\(made.stderr)")
            var archives: [String: [UInt8]] = [:]
            for name in try names(in: place) {
                archives[name] = Array(try Data(contentsOf: URL(fileURLWithPath: place.appending(name).string)))
            }
            let result = try body(archives, outside)
            #expect(try names(in: outside) == ["canary"])
            #expect(try String(contentsOfFile: outside.appending("canary").string, encoding: .utf8) == "alive\n")
            return result
        }
    }

    @Test("archives that ADD unpacks")
    func added() throws {
        try withArchives { archives, _ in
            #expect(archives.count >= 70)
            try withTiny { f in
                for (name, bytes) in archives.sorted(by: { $0.key < $1.key }) where !name.hasPrefix("bomb") {
                    let files = ["Dockerfile": Array("FROM tiny\nADD \(name) /into/\n".utf8), name: bytes]
                    let build: ImageBuild
                    do {
                        build = try f.builder.build(
                            snapshot: try f.snapshot(bytes: files), options: ImageBuildOptions(ref: "test"))
                    } catch let error as IbidError {
                        #expect(name.hasPrefix("refused-"), "\(name): \(error.message)")
                        #expect(error.message.hasPrefix("Dockerfile:2: "), "\(name): \(error.message)")
                        continue
                    }
                    #expect(!name.hasPrefix("refused-"), "\(name) was taken")
                    let layer = try #require(build.steps.last?.layer)
                    // The layer itself is one that unpacks, and holds a plain file when there was no archive.
                    let directory = try LayerCache(root: f.home.appending("layers"), store: f.store).directory(
                        for: layer)
                    let isPlain = try names(in: directory.appending("into")) == [name]
                    #expect(isPlain == name.hasPrefix("plain-"), "\(name)")
                }
            }
        }
    }

    @Test("the same archives as layers of an image")
    func layers() throws {
        try withArchives { archives, _ in
            try withScratch("unpacked") { scratch in
                let store = try Store.open(at: scratch.appending("store"))
                let cache = LayerCache(root: scratch.appending("layers"), store: store)
                for (name, bytes) in archives where name.hasSuffix(".tar") {
                    let digest = try store.put(bytes)
                    // In a layer whiteouts are meant; everything else that is refused there is refused here.
                    let isWhiteout = name.contains("whiteout") || name.contains("opaque")
                    do {
                        _ = try cache.directory(for: digest)
                        #expect(!name.hasPrefix("refused-") || isWhiteout, "\(name) was unpacked")
                    } catch let error as IbidError {
                        #expect(!error.message.isEmpty && !error.message.contains("\n"), "\(name)")
                        #expect(try !names(in: scratch.appending("layers")).contains(digest.hex))
                    }
                }
            }
        }
    }

    @Test("an archive that unpacks to too much is stopped")
    func bomb() throws {
        try withArchives { archives, outside in
            let bytes = try #require(archives["bomb.tar.gz"])
            #expect(bytes.count < 100_000)
            let error = #expect(throws: CopyProblem.self) {
                try AddedArchive(
                    .bytes(bytes), name: "bomb.tar.gz", scratch: outside.removingLastComponent().appending("scratch"),
                    limits: AddedArchive.Limits(unsuspiciousBytes: 8 << 20)
                ) { false }
            }
            #expect(error?.problem.contains("unpacks to more than") == true)
        }
    }

    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    /// Dockerfiles that would take all memory, all time or the stack, or that name files outside.
    static let dockerfiles: [(text: String, line: Int, problem: String)] = [
        ("FROM tiny\nENV a=0123456789abcdef\n" + repeated("ENV a=$a$a\n", 60), 19, "more than 1 MiB"),
        ("FROM tiny\nARG a=0123456789abcdef\n" + repeated("ARG a=\"$a$a\"\n", 60), 19, "more than 1 MiB"),
        ("FROM tiny\nENV a=" + repeated("x", 200_000) + "\nLABEL b=${a//x/xxxxxxxx}\n", 3, "too long for a"),
        (
            "FROM tiny\nENV a=" + repeated("x", 200_000) + "\nLABEL b=${a%" + repeated("?*", 5_000) + "y}\n", 3,
            "too long for a"
        ),
        ("FROM tiny\nENV a=" + repeated("${b:-", 20_000) + "\n", 2, "nested too deeply"),
        ("FROM tiny\nRUN " + repeated("x", 300_000) + "\n", 2, "longer than 256 KiB"),
        ("FROM tiny\nCOPY " + repeated("--exclude=x ", 5_000) + "a b\n", 2, "more than 500 flags"),
        ("FROM tiny\nRUN " + repeated("<<A ", 3_000) + "\n", 2, "does not end"),
        ("FROM tiny\nCMD " + repeated("[", 5_000) + repeated("]", 5_000) + "\nCOPY none /\n", 3, "is not in"),
        ("FROM tiny\nCOPY ../../../../etc/shadow /\n", 2, "is not in the source tree"),
        ("FROM tiny\nCOPY --from=tiny ../../../../etc/shadow /\n", 2, "is not in"),
        ("FROM tiny\nCOPY /proc/self/environ /\n", 2, "is not in the source tree"),
        ("FROM tiny\nADD file:///etc/shadow /\n", 2, "is not in the source tree"),
        ("FROM tiny\nADD --checksum=sha256:\(repeated("0", 64)) file:///etc/shadow /\n", 2, "needs one source"),
        ("FROM tiny\nADD ext::sh%20-c%20true.git#\(repeated("0", 40)) /\n", 2, "is not in the source tree"),
        ("FROM tiny\nADD ssh://-oProxyCommand=touch%20x/y.git#\(repeated("0", 40)) /\n", 2, "git cannot get"),
        ("FROM tiny\nADD https://h/x.git#\(repeated("0", 40)):../../etc /\n", 2, "leaves the repository"),
        ("FROM tiny\nCOPY Dockerfile /.wh.etc\n", 2, "a name that a layer cannot hold"),
        ("FROM tiny\nCOPY <<.wh.etc /\nx\n.wh.etc\n", 2, "a name that a layer cannot hold"),
        ("FROM tiny\nRUN touch /.wh.etc\n", 2, "a name that a layer cannot hold"),
        ("FROM tiny\nWORKDIR /" + repeated("d/", 3_000) + "\n", 2, "a path is longer"),
        ("FROM tiny\nCOPY Dockerfile /" + repeated("n", 300) + "\n", 2, "a name in it"),
        ("FROM tiny\nRUN --mount=target=/etc/passwd/x true\n", 2, "cannot mount at"),
        ("FROM tiny\nRUN --mount=target=/../../x,source=../../../etc,from=tiny false\n", 2, "exit status 1"),
        ("FROM tiny\nRUN --mount=type=tmpfs,target=/x,size=9999999999999t true\n", 2, "is no size"),
        ("FROM tiny\nRUN --mount=type=secret,id=../../etc/shadow,required=true true\n", 2, "requires the secret"),
        ("FROM tiny\nENV a=1 =2\n", 2, "no name"),
        ("FROM tiny\nENV \"a=b\"=c\n", 2, "not closed"),
        ("FROM tiny\nARG n=a=b\nENV $n=c\n", 3, "cannot name a variable"),
        ("FROM tiny\nUSER nobody-here\nRUN true\n", 3, "has no user"),
        ("FROM tiny\nUSER 99999999999\nRUN true\n", 3, "has no user"),
        ("FROM tiny\nRUN [\"/nothing\"]\n", 2, "has no command"),
        ("FROM tiny\nEXPOSE 0-99999\n", 2, "is no port"),
        ("FROM b AS a\nFROM a AS b\nCOPY --from=b x y\n", 3, "not before this"),
        ("FROM tiny AS x\nCOPY --from=x a b\n", 2, "not before this"),
    ]

    @Test("Dockerfiles that would take all memory or time, or reach outside")
    func recipes() throws {
        try withTiny { f in
            for sample in Self.dockerfiles {
                let started = Date()
                let start = sample.text.prefix(60)
                let error = #expect(throws: IbidError.self, "\(start)") {
                    try f.build(["Dockerfile": sample.text])
                }
                let message = error?.message ?? ""
                #expect(message.contains(sample.problem), "\(start): \(message.prefix(200))")
                #expect(
                    message.hasPrefix("Dockerfile:\(sample.line): ") || sample.problem.isEmpty, "\(message.prefix(200))"
                )
                #expect(Date().timeIntervalSince(started) < 20, "\(start)")
            }
        }
    }

    /// Ignore files: what is in them, and the line at fault; 0 when it can be taken.
    static let ignoreFiles: [(bytes: [UInt8], line: Int)] = [
        (Array("[\n".utf8), 1), (Array("ok\n!\n".utf8), 2), (Array("a\\\n".utf8), 1), (Array("[z-a]\n".utf8), 1),
        (Array("[]\n".utf8), 1), (Array((repeated("*a", 5_000) + "\n").utf8), 1),
        (Array(repeated("a*\n", 10_001).utf8), 10_001), ([UInt8](repeating: 0x61, count: 5 << 20), 1),
        (Array("../../..\n/..\n..\n!../x\n".utf8), 0), ([0xff, 0xfe, 0x00, 0x0a], 0),
        ([0xef, 0xbb, 0xbf] + Array("# x\n*.log\r\n".utf8), 0), (Array("**/**/**/**/x\n!**\n".utf8), 0), ([], 0),
    ]

    @Test("ignore files", arguments: ignoreFiles.indices)
    func ignored(_ index: Int) throws {
        let sample = Self.ignoreFiles[index]
        try withTiny("ignored\(index)") { f in
            let files = [
                "Dockerfile": Array("FROM tiny\nCOPY a.txt /\n".utf8), ".dockerignore": sample.bytes,
                "a.txt": Array("a".utf8),
            ]
            let snapshot = try f.snapshot(bytes: files)
            do {
                _ = try f.builder.build(snapshot: snapshot, options: ImageBuildOptions(ref: "test"))
                #expect(sample.line == 0)
            } catch let error as IbidError {
                #expect(
                    sample.line > 0 && error.message.hasPrefix(".dockerignore:\(sample.line): "),
                    "\(error.message.prefix(200))")
            }
        }
    }
}
