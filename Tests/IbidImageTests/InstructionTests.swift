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
            let config = try f.execution(build)
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
            #expect(FileManager.default.fileExists(atPath: try f.unpacked().appending("work/sub").string))
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
            let root = try f.unpacked()
            #expect(try f.text(root.appending("x/y/renamed.txt")) == "A\n")
            #expect(try f.text(root.appending("dir/a.txt")) == "A\n")
            #expect(try f.stat(root.appending("dir/b.sh")) == "755 0:0 1600000000")
            #expect(try f.stat(root.appending("dir/a.txt")) == "644 0:0 1600000000")
            #expect(try f.text(root.appending("all/deep/d.c")) == "D\n")
            // Through a link of the image, into what it names; the link stays.
            #expect(try f.text(root.appending("home/ana/a.txt")) == "A\n")
            #expect(try f.text(root.appending("usr/bin/tool")) == "A\n")
            #expect(try shell(["readlink", root.appending("bin").string]).stdout == "usr/bin\n")
            // A directory that is only passed keeps its owner.
            #expect(try f.stat(root.appending("home/ana")).hasPrefix("755 1000:1001"))
            #expect(try f.stat(root.appending("owned/a")) == "600 1000:2000 1600000000")
            let names = try FileManager.default.contentsOfDirectory(atPath: root.appending("globbed").string).sorted()
            #expect(names == ["a.txt", "b.sh", "m.c"])
            #expect(try f.stat(root.appending("globbed/m.c")).hasPrefix("644 7:7"))
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
            let root = try f.unpacked()
            #expect(try f.text(root.appending("copied/d/e")) == "deep\n")
            #expect(try shell(["readlink", root.appending("copied/link").string]).stdout == "file\n")
            #expect(try f.text(root.appending("followed")) == "made\n")
            #expect(try f.text(root.appending("users")).hasPrefix("root:"))
            #expect(try f.text(root.appending("texts/one")) == "hello world\n")
            #expect(try f.text(root.appending("texts/two")) == "hello $NAME\n")
            #expect(try f.text(root.appending("said")) == "world\n")
            #expect(try f.text(root.appending("cat")) == "1\n2\n")
            #expect(try f.text(root.appending("note")) == "N\n")
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
            let home = try f.unpacked().appending("home/ana")
            let environment = try f.text(home.appending("env.txt"))
            for line in ["GIVEN=given", "HOMEMADE=1", "HOME=/home/ana", "SOURCE_DATE_EPOCH=1600000000", "TZ=UTC"] {
                #expect(environment.contains(line + "\n"), "\(line)")
            }
            #expect(!environment.contains("leaked"))
            #expect(try f.text(home.appending("id.txt")).hasPrefix("uid=1000(ana) gid=1001(ana)"))
            #expect(try f.text(home.appending("pwd.txt")) == "/home/ana\n")
            #expect(try f.text(home.appending("name.txt")) == "ibid\n")
            #expect(try f.text(home.appending("umask.txt")) == "0022\n")
            #expect(try f.stat(home.appending("env.txt")) == "644 1000:1001 1600000000")
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
            #expect(try names(in: f.home.appending("runs")).filter { !$0.hasPrefix(".") } == [])
        }
    }

    static let refused: [(text: String, line: Int, problem: String)] = [
        ("FROM nothing/such:1\n", 1, "there is no base 'nothing/such:1'"),
        ("FROM python:2.7\n", 1, "there is no base 'python:2.7'"),
        ("FROM $X\n", 1, "the base's name is empty"),
        ("FROM --platform=linux/s390x tiny\n", 1, "the platform 'linux/s390x' is not supported"),
        ("FROM tiny\nCOPY absent /\n", 2, "'absent' is not in the source tree"),
        ("FROM tiny\nCOPY ../../etc/passwd /\n", 2, "'../../etc/passwd' is not in the source tree"),
        ("FROM tiny\nCOPY Dockerfile Dockerfile /x\n", 2, "must therefore be a directory"),
        ("FROM tiny\nCOPY [ /\n", 2, "no pattern"),
        ("FROM tiny\nCOPY --from=nobody a /\n", 2, "there is no base 'nobody'"),
        (
            "FROM tiny\nCOPY --from=later a /\nFROM tiny AS later\nFROM tiny\nCOPY --from=0 /x /y\n", 2,
            "not before this"
        ),
        ("FROM tiny\nCOPY --from=$x a /\n", 2, "--from cannot hold a variable"),
        ("FROM tiny\nCOPY --chown=nobody:x Dockerfile /\n", 2, "no user 'nobody'"),
        ("FROM tiny\nCOPY --chmod=u+y Dockerfile /\n", 2, "'u+y' are no permissions"),
        ("FROM tiny\nCOPY --chmod=17777 Dockerfile /\n", 2, "'17777' are no permissions"),
        ("FROM tiny\nCOPY --parents absent /\n", 2, "'absent' is not in the source tree"),
        ("FROM tiny\nCOPY --parents ../x /\n", 2, "has '..'"),
        ("FROM tiny\nCOPY http://example.org/x /\n", 2, "COPY takes no address"),
        ("FROM tiny\nADD --checksum=sha256:12 http://127.0.0.1:1/x /\n", 2, "is no checksum"),
        ("FROM tiny\nADD --checksum=sha256:12 Dockerfile /\n", 2, "--checksum needs one source"),
        ("FROM tiny\nADD https://example.org/x.git#main /\n", 2, "needs a full commit id: 'main' moves"),
        ("FROM tiny\nADD --keep-git-dir=true git@example.org:x.git /\n", 2, "--keep-git-dir is refused"),
        ("FROM tiny\nCOPY Dockerfile /etc/passwd/x\n", 2, "is not a directory"),
        ("FROM tiny\nADD http://127.0.0.1:1/x /\n", 2, "ADD of an address without a checksum is refused"),
        ("FROM tiny\nRUN --mount=type=ssh true\n", 2, "--mount=type=ssh is refused"),
        ("FROM tiny\nRUN --mount=type=cache,target=/ true\n", 2, "nothing can be mounted on /"),
        ("FROM tiny\nRUN --mount=type=tmpfs,target=/x,size=big true\n", 2, "is no size: 'big'"),
        ("FROM tiny\nRUN --mount=target=/x,source=absent true\n", 2, "'absent' is not in the source tree"),
        ("FROM tiny\nRUN --mount=type=secret,id=s,required=true true\n", 2, "requires the secret 's'"),
        ("FROM tiny\nRUN --security=insecure true\n", 2, "--security=insecure is not supported"),
        ("FROM tiny\nRUN --device=gpu true\n", 2, "--device=gpu is not supported"),
        ("FROM tiny\nSTOPSIGNAL SIGNAL\n", 2, "'SIGNAL' is no signal"),
        ("FROM tiny\nADD --chown=ana:lab:x Dockerfile /\n", 2, "no group 'lab:x'"),
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
                    try g.builder.bases.list().map(\.name).filter { !$0.hasPrefix("bootstrap/") } == [
                        "d", "ibid/datascience:bookworm", "l",
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
