import Foundation
import Glibc
import IbidContainer
import IbidCrypto
import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import Synchronization
import SystemPackage
import Testing

/// What the instructions do, on the smallest base there is: one static program.
@Suite("instructions", .enabled(if: isRoot && has("crun") && has("busybox"), "needs root, crun and busybox-static"))
struct InstructionTests {
    /// A home whose `tiny` base is a busybox.
    private func withTiny<T>(_ name: String = #function, _ body: (BuildFixture) throws -> T) throws -> T {
        try withBuilder(name, base: false) { f in
            let root = f.home.appending("tiny")
            try shell([
                "sh", "-c",
                """
                set -e; umask 022; mkdir -p '\(root)'/usr/bin '\(root)'/etc '\(root)'/home/ana '\(root)'/var/run2; cd '\(root)'
                cp "$(command -v busybox)" usr/bin/busybox; ln -s usr/bin bin; ln -s /home homes; mkdir -m 1777 tmp
                for n in sh cat id ls env mkdir echo touch ln rm sleep pwd stat head true; do ln -s busybox usr/bin/$n; done
                printf 'root:x:0:0::/root:/bin/sh\nana:x:1000:1001::/home/ana:/bin/sh\n' > etc/passwd
                printf 'root:x:0:\nana:x:1001:\nlab:x:2000:\n' > etc/group; chown 1000:1001 home/ana
                tar --sort=name --mtime=@1600000000 -cf ../tiny.tar .
                """,
            ])
            _ = try f.builder.bases.add(name: "tiny", from: .rootArchive(f.home.appending("tiny.tar")))
            return try body(f)
        }
    }

    private func config(_ f: BuildFixture, _ build: ImageBuild) throws -> OCI.Execution {
        let config = try f.store.imageConfig(try f.store.manifest(build.image))
        #expect(config.created == "2020-09-13T12:26:40Z")
        return try #require(config.config)
    }

    /// The output of a command of the image, looked at with other eyes: unpacked by umoci.
    private func unpacked(_ f: BuildFixture) throws -> FilePath {
        let bundle = f.home.appending("bundle-\(UUID().uuidString)")
        let result = try shell(["umoci", "unpack", "--image", "\(f.store.root):test", bundle.string])
        guard result.status == 0 else { throw IbidError("test", result.stderr) }
        return bundle.appending("rootfs")
    }

    private func text(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

    private func stat(_ path: FilePath) throws -> String {
        try shell(["stat", "-c", "%a %u:%g %Y", path.string]).stdout.trimmingCharacters(in: .newlines)
    }

    @Test func configuration() throws {
        try withTiny { f in
            let build = try f.build([
                "Dockerfile": """
                ARG WHO=ana
                FROM tiny AS base
                ENV A=1 B="two words" C=$A
                ENV A=2 D=$A
                LABEL org.x="y z" v=${D:-none}
                EXPOSE 80 8000-8001/udp
                VOLUME ["/data"]
                STOPSIGNAL SIGINT
                HEALTHCHECK --retries=2 CMD ["true"]
                SHELL ["/bin/sh", "-e", "-c"]
                CMD echo hi
                FROM base
                ARG WHO
                USER ${WHO}:lab
                WORKDIR /work
                WORKDIR sub/./x/..
                ENTRYPOINT ["/bin/echo"]
                ONBUILD RUN true
                """
            ])
            let config = try config(f, build)
            #expect(config.env?.suffix(4) == ["A=2", "B=two words", "C=", "D=1"])
            #expect(config.labels == ["org.x": "y z", "v": "1"])
            #expect(config.exposedPorts?.keys.sorted() == ["80/tcp", "8000/udp", "8001/udp"])
            #expect(config.volumes?.keys.sorted() == ["/data"])
            #expect(config.stopSignal == "SIGINT")
            #expect(config.healthcheck?.test == ["CMD", "true"] && config.healthcheck?.retries == 2)
            #expect(config.shell == ["/bin/sh", "-e", "-c"])
            #expect(config.user == "ana:lab")
            #expect(config.workingDir == "/work/sub")
            #expect(config.entrypoint == ["/bin/echo"])
            // A new entry point takes away the command of the image below.
            #expect(config.cmd == nil)
            #expect(config.onBuild == ["RUN true"])
            #expect(FileManager.default.fileExists(atPath: try unpacked(f).appending("work/sub").string))
        }
    }

    @Test func copyPlacesFilesAsBuildKitDoes() throws {
        try withTiny { f in
            _ = try f.build([
                "Dockerfile": """
                FROM tiny
                COPY a.txt /x/y/renamed.txt
                COPY a.txt b.sh /dir/
                COPY src /all
                COPY a.txt /homes/ana/
                COPY a.txt /bin/tool
                COPY --chown=ana:lab --chmod=600 a.txt /owned/a
                COPY --chown=7 src/*.c [ab].* /globbed/
                COPY --exclude=*.h src /some
                COPY . /everything/
                """,
                ".dockerignore": "*.log\n!keep.log\nsecret\n",
                "a.txt": "A\n", "b.sh*": "B\n", "src/m.c": "C\n", "src/m.h": "H\n", "src/deep/d.c": "D\n",
                "x.log": "no\n", "keep.log": "yes\n", "secret/key": "no\n",
            ])
            let root = try unpacked(f)
            #expect(try text(root.appending("x/y/renamed.txt")) == "A\n")
            #expect(try text(root.appending("dir/a.txt")) == "A\n")
            #expect(try stat(root.appending("dir/b.sh")) == "755 0:0 1600000000")
            #expect(try stat(root.appending("dir/a.txt")) == "644 0:0 1600000000")
            #expect(try text(root.appending("all/deep/d.c")) == "D\n")
            // Through a link of the image, into what it names; the link stays.
            #expect(try text(root.appending("home/ana/a.txt")) == "A\n")
            #expect(try text(root.appending("usr/bin/tool")) == "A\n")
            #expect(try shell(["readlink", root.appending("bin").string]).stdout == "usr/bin\n")
            // A directory that is only passed keeps its owner.
            #expect(try stat(root.appending("home/ana")).hasPrefix("755 1000:1001"))
            #expect(try stat(root.appending("owned/a")) == "600 1000:2000 1600000000")
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appending("globbed").string).sorted()
            #expect(names == ["a.txt", "b.sh", "m.c"])
            #expect(try stat(root.appending("globbed/m.c")).hasPrefix("644 7:7"))
            #expect(
                try shell(["find", root.appending("some").string, "-type", "f"]).stdout.split(separator: "\n").count
                    == 2)
            let all = try FileManager.default.contentsOfDirectory(atPath: root.appending("everything").string).sorted()
            #expect(all == [".dockerignore", "Dockerfile", "a.txt", "b.sh", "keep.log", "src"])
        }
    }

    @Test func stagesHereDocumentsAndTriggers() throws {
        try withTiny { f in
            let build = try f.build([
                "Dockerfile": """
                FROM tiny AS unused
                RUN false
                FROM tiny AS made
                WORKDIR /out
                RUN echo made > file && ln -s file link && mkdir d && echo deep > d/e
                ONBUILD COPY note.txt /note
                FROM made
                ARG NAME=world
                COPY --from=made /out /copied
                COPY --from=made /out/link /followed
                COPY --from=tiny /etc/passwd /users
                COPY <<one <<"two" /texts/
                hello $NAME
                one
                hello $NAME
                two
                RUN <<EOF
                echo "$NAME" > /said
                id -u > /uid
                EOF
                RUN cat <<A > /cat && cat <<B >> /cat
                1
                A
                2
                B
                RUN <<SCRIPT
                #!/bin/cat
                printed
                SCRIPT
                """,
                "note.txt": "N\n",
            ])
            let root = try unpacked(f)
            #expect(try text(root.appending("copied/d/e")) == "deep\n")
            #expect(try shell(["readlink", root.appending("copied/link").string]).stdout == "file\n")
            #expect(try text(root.appending("followed")) == "made\n")
            #expect(try text(root.appending("users")).hasPrefix("root:"))
            #expect(try text(root.appending("texts/one")) == "hello world\n")
            #expect(try text(root.appending("texts/two")) == "hello $NAME\n")
            #expect(try text(root.appending("said")) == "world\n")
            #expect(try text(root.appending("cat")) == "1\n2\n")
            #expect(try text(root.appending("note")) == "N\n")
            #expect(build.steps.contains { $0.instruction == "COPY note.txt /note" })
            #expect(!build.steps.contains { $0.instruction == "RUN false" })
        }
    }

    @Test("a step sees the same surroundings everywhere, and none of the host's")
    func surroundings() throws {
        try withTiny { f in
            setenv("IBID_TEST_LEAK", "leaked", 1)
            defer { unsetenv("IBID_TEST_LEAK") }
            _ = try f.build([
                "Dockerfile": """
                FROM tiny
                ARG GIVEN=d
                ENV HOMEMADE=1
                USER ana
                WORKDIR /home/ana
                RUN env > env.txt; id > id.txt; pwd > pwd.txt; cat /proc/sys/kernel/hostname > name.txt; umask > umask.txt
                """
            ]) { $0.arguments = ["GIVEN": "given"] }
            let home = try unpacked(f).appending("home/ana")
            let environment = try text(home.appending("env.txt"))
            for line in ["GIVEN=given", "HOMEMADE=1", "HOME=/home/ana", "SOURCE_DATE_EPOCH=1600000000", "TZ=UTC"] {
                #expect(environment.contains(line + "\n"), "\(line)")
            }
            #expect(!environment.contains("leaked"))
            #expect(try text(home.appending("id.txt")).hasPrefix("uid=1000(ana) gid=1001(ana)"))
            #expect(try text(home.appending("pwd.txt")) == "/home/ana\n")
            #expect(try text(home.appending("name.txt")) == "ibid\n")
            #expect(try text(home.appending("umask.txt")) == "0022\n")
            #expect(try stat(home.appending("env.txt")) == "644 1000:1001 1600000000")
        }
    }

    @Test("a failing step is named with its line, its status and the end of its output")
    func failure() throws {
        try withTiny { f in
            let error = #expect(throws: IbidError.self) {
                try f.build(["Dockerfile": "FROM tiny\n\nRUN echo before && \\\n  sh -c 'echo sorry >&2; exit 7'\n"])
            }
            let message = try #require(error).message
            #expect(message.hasPrefix("Dockerfile:3: the step failed: exit status 7"))
            #expect(message.contains("before") && message.contains("sorry"))
            #expect(try names(in: f.home.appending("runs")) == [])
        }
    }

    static let refused: [(text: String, line: Int, problem: String)] = [
        ("FROM nothing/such:1\n", 1, "there is no base 'nothing/such:1'"),
        ("FROM python:2.7\n", 1, "there is no base 'python:2.7'"),
        ("FROM $X\n", 1, "the base's name is empty"),
        ("FROM --platform=linux/s390x tiny\n", 1, "the platform 'linux/s390x' is not supported"),
        ("FROM tiny\nCOPY absent /\n", 2, "'absent' is not in the source tree"),
        ("FROM tiny\nCOPY ../../etc/passwd /\n", 2, "'../../etc/passwd' is not in the source tree"),
        ("FROM tiny\nCOPY *.none /\n", 2, "'*.none' is not in the source tree"),
        ("FROM tiny\nCOPY [ /\n", 2, "no pattern"),
        ("FROM tiny\nCOPY --from=nobody a /\n", 2, "there is no base 'nobody'"),
        ("FROM tiny\nCOPY --from=later a /\nFROM tiny AS later\nFROM tiny\nCOPY --from=0 /x /y\n", 1, "not before it"),
        ("FROM tiny\nCOPY --chown=nobody:x Dockerfile /\n", 2, "no user 'nobody'"),
        ("FROM tiny\nCOPY --chmod=u+x Dockerfile /\n", 2, "--chmod=u+x is not supported"),
        ("FROM tiny\nCOPY --parents Dockerfile /\n", 2, "--parents is not supported"),
        ("FROM tiny\nCOPY Dockerfile /etc/passwd/x\n", 2, "is not a directory"),
        ("FROM tiny\nADD https://example.org/x /\n", 2, "ADD of an address is not supported"),
        ("FROM tiny\nRUN --mount=type=cache,target=/c true\n", 2, "--mount=type=cache is not supported"),
        ("FROM tiny\nRUN --network=host true\n", 2, "--network=host is not supported"),
        ("FROM tiny\nENV a=\"${b:?must be set}\"\n", 2, "b: must be set"),
        ("FROM tiny\nENV a=\"x\n", 2, "not closed"),
        ("FROM tiny\nEXPOSE http\n", 2, "'http' is no port"),
        ("FROM tiny\nWORKDIR /etc/passwd\n", 2, "is not a directory"),
        ("FROM tiny\nWORKDIR $nothing\n", 2, "WORKDIR is empty"),
    ]

    @Test("what cannot be done is refused with file and line")
    func refusals() throws {
        try withTiny { f in
            for sample in Self.refused {
                let error = #expect(throws: IbidError.self) { try f.build(["Dockerfile": sample.text]) }
                let message = error?.message ?? ""
                #expect(message.hasPrefix("Dockerfile:\(sample.line): "), "\(message)")
                #expect(message.contains(sample.problem), "\(message)")
            }
            #expect(throws: IbidError.self) { try f.build(["README": "x"]) }
            let bad = #expect(throws: IbidError.self) {
                try f.build(["Dockerfile": "FROM tiny\n", ".dockerignore": "ok\na[\n"])
            }
            #expect(bad?.message.hasPrefix(".dockerignore:2: ") == true)
        }
    }

    @Test("a step is keyed by what it depends on, and by nothing else")
    func cache() throws {
        try withTiny { f in
            var seen: [[Bool]] = []
            func build(_ files: [String: String], usesCache: Bool = true) throws {
                let steps = try f.build(files) { $0.usesCache = usesCache }.steps
                seen.append(steps.filter { $0.layer != nil }.map(\.cached))
            }
            var files = ["Dockerfile": "FROM tiny\nCOPY a /a\nRUN cat /a > /b\nCOPY . /c/\n", "a": "1", "other": "1"]
            try build(files)
            try build(files)
            files["other"] = "2"
            try build(files)
            files["Dockerfile"] = "# words\nFROM tiny\nLABEL x=y\nCOPY ./a /a\nRUN cat /a > /b\n"
            try build(files)
            files["a"] = "2"
            try build(files)
            try build(files, usesCache: false)
            #expect(
                seen == [
                    [false, false, false], [true, true, true], [true, true, false], [true, true], [false, false],
                    [false, false],
                ])
        }
    }

    @Test("two builds at one time in one home do each step once")
    func concurrent() throws {
        try withTiny { f in
            let files = ["Dockerfile": "FROM tiny\nRUN sleep 1; echo x > /x\n"]
            let results = Mutex<[ImageBuild]>([])
            let threads = (0..<2).map { _ in
                Thread { if let build = try? f.build(files) { results.withLock { $0.append(build) } } }
            }
            for thread in threads { thread.start() }
            while !threads.allSatisfy(\.isFinished) { usleep(20_000) }
            let builds = results.withLock { $0 }
            #expect(builds.count == 2)
            #expect(Set(builds.map(\.image)).count == 1)
            #expect(builds.compactMap { $0.steps.first }.filter { !$0.cached }.count == 1)
        }
    }

    @Test("a step has no network but the gateway")
    func network() throws {
        try withTiny { f in
            let error = #expect(throws: IbidError.self) {
                try f.build([
                    "Dockerfile": "FROM tiny\nRUN busybox wget -q -O- http://example.org/data.csv\n"
                ])
            }
            #expect(error?.message.contains("asked for http://example.org/data.csv") == true)
        }
    }

    @Test("images come in from docker save, from layouts with packed layers, and back")
    func added() throws {
        try withTiny { f in
            let build = try f.build(["Dockerfile": "FROM tiny\nRUN echo x > /x\nCMD [\"/bin/cat\", \"/x\"]\n"])
            let archive = f.home.appending("saved.tar").string
            let saved = try shell(["skopeo", "copy", "oci:\(f.store.root):test", "docker-archive:\(archive):x:1"])
            #expect(saved.status == 0, "\(saved.stderr)")
            let packed = f.home.appending("packed").string
            let copied = try shell([
                "skopeo", "copy", "--dest-compress-format", "gzip", "oci:\(f.store.root):test", "oci:\(packed):p",
            ])
            #expect(copied.status == 0, "\(copied.stderr)")
            try withBuilder("other", base: false) { g in
                let fromDocker = try g.builder.bases.add(
                    name: "d", from: try BaseOrigin.parse("docker-archive:" + archive))
                let fromLayout = try g.builder.bases.add(name: "l", from: try BaseOrigin.parse("oci:\(packed):p"))
                let original = try f.store.manifest(build.image).layers.map(\.digest)
                #expect(try g.store.manifest(fromDocker.manifest.digest).layers.map(\.digest) == original)
                #expect(fromLayout.manifest.digest == build.image)
                #expect(
                    try g.builder.bases.list().map(\.name) == [
                        "bootstrap/debian:bookworm", "bootstrap/python:3.11-bookworm", "d", "l",
                    ])
                let next = try g.build(["Dockerfile": "FROM l\nRUN cat /x > /y\n"])
                #expect(try g.files(try #require(next.steps[0].layer))["y"] == "x\n")
            }
        }
    }

    @Test("what is no image is refused")
    func notAnImage() throws {
        try withBuilder(base: false) { f in
            let bases = f.builder.bases
            try Data("no archive at all, only words".utf8).write(
                to: URL(fileURLWithPath: f.home.appending("x.tar").string))
            for origin in [
                "oci:/nonexistent", "docker-archive:/nonexistent", "/nonexistent.tar", "oci:\(f.store.root):none",
                "docker-archive:\(f.home)/x.tar", "\(f.home)/x.tar",
            ] {
                #expect(throws: IbidError.self, "\(origin)") {
                    try bases.add(name: "x", from: try BaseOrigin.parse(origin))
                }
            }
            for text in ["", "oci:", "docker-archive:", "ftp:x", "x.zip"] {
                #expect(throws: IbidError.self, "\(text)") { try BaseOrigin.parse(text) }
            }
            #expect(try f.store.references().isEmpty)
        }
    }
}
