import Foundation
import IbidImage
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite("RUN --mount", .enabled(if: canBuildTiny, "needs root, crun, umoci and busybox-static"))
struct MountTests {
    @Test("files of the source tree, of stages and of images are there for one step, and leave no trace")
    func binds() throws {
        try withTiny { f in
            let files = [
                "Dockerfile": """
                FROM tiny AS made
                RUN mkdir -p /out/deep && echo one > /out/deep/one && chmod 700 /out/deep/one
                RUN echo two > /out/two
                FROM tiny
                WORKDIR /work
                ARG WHERE=/run2/src
                RUN --mount=type=bind,target=$WHERE --mount=target=rel,source=src/a.txt --mount=from=made,source=/out,target=/made \\
                    cat $WHERE/src/a.txt rel /made/deep/one /made/two > /seen; ls $WHERE > /names; \\
                    stat -c '%a %u %Y' $WHERE $WHERE/src /made/deep/one > /modes; touch $WHERE/new 2>/dev/null || echo kept > /ro
                RUN --mount=target=/src,rw --mount=from=tiny,source=/etc,target=/image touch /src/new && cat /image/group > /group
                RUN --mount=target=/src ls /src > /again; test ! -e /made -a ! -e /run2 -a ! -e rel
                """,
                ".dockerignore": "*.log\n", "src/a.txt": "A\n", "x.log": "",
            ]
            let build = try f.build(files)
            let root = try f.unpacked()
            #expect(try f.text(root.appending("seen")) == "A\nA\none\ntwo\n")
            #expect(try f.text(root.appending("names")) == "Dockerfile\nsrc\n")
            #expect(try f.text(root.appending("again")) == "Dockerfile\nsrc\n")
            #expect(try f.text(root.appending("ro")) == "kept\n")
            let modes = try f.text(root.appending("modes"))
            #expect(modes == "755 0 1600000000\n755 0 1600000000\n700 0 1600000000\n", "\(modes)")
            #expect(try f.text(root.appending("group")).contains("lab:x:2000"))
            let layer = try #require(build.steps.first { $0.instruction.contains("rel,source") }?.layer)
            #expect(try f.files(layer).keys.sorted() == ["modes", "names", "ro", "seen"])
            // What a mount shows is part of the key, and nothing else of the tree is.
            var other = files
            other["src/a.txt"] = "B\n"
            #expect(try f.build(other).steps.filter { !$0.cached }.count == 3)
        }
    }

    @Test("memory is empty and limited; a cache is a directory of the step's own")
    func memoryAndCaches() throws {
        try withTiny { f in
            _ = try f.build([
                "Dockerfile": """
                FROM tiny AS warm
                RUN mkdir /warm && echo warm > /warm/file
                FROM tiny
                RUN --mount=type=tmpfs,target=/m,size=1m head -c 2000000 /dev/zero > /m/x || echo full > /full; stat -c %a /m > /mode
                RUN --mount=type=cache,target=/c,id=x,sharing=locked,mode=0700,uid=1000,gid=1001 stat -c '%a %u:%g' /c > /c.mode; echo 1 > /c/left
                RUN --mount=type=cache,target=/c,id=x ls /c > /c.list
                RUN --mount=type=cache,target=/c,from=warm,source=/warm cat /c/file > /c.warm; echo more >> /c/file
                RUN --network=none --mount=type=cache,target=/root/.cache true
                """
            ])
            let root = try f.unpacked()
            #expect(try f.text(root.appending("full")) == "full\n")
            #expect(try f.text(root.appending("mode")) == "1777\n")
            #expect(try f.text(root.appending("c.mode")) == "700 1000:1001\n")
            #expect(try f.text(root.appending("c.list")) == "")
            #expect(try f.text(root.appending("c.warm")) == "warm\n")
            #expect(!FileManager.default.fileExists(atPath: root.appending("c").string))
        }
    }

    @Test("a secret is seen by its step and by nobody else")
    func secrets() throws {
        try withTiny { f in
            let (file, variable) = ("pa55-\(UUID().uuidString)", "t0ken-\(UUID().uuidString)")
            let secrets = [
                "file": BuildSecret(bytes: Array((file + "\n").utf8)), "var": BuildSecret(bytes: Array(variable.utf8)),
            ]
            let recipe = """
                FROM tiny
                USER ana
                RUN --mount=type=secret,id=file,uid=1000,mode=0440 --mount=type=secret,id=var,env=TOKEN --mount=type=secret,id=none \\
                    stat -c '%a %u' /run/secrets/file > /tmp/x; cat /tmp/x; cat /run/secrets/file; echo "<$TOKEN>"; test ! -e /run/secrets/none
                USER root
                RUN --mount=type=secret,id=file,target=/etc/key stat -c '%a %u' /etc/key > /mode; head -c 5 /etc/key > /head
                RUN test ! -e /etc/key && test -z "$TOKEN" && env > /env
                """
            var output = ""
            let build = try f.build(["Dockerfile": recipe]) {
                $0.secrets = secrets
            } progress: {
                if case .output(let bytes) = $0 { output += String(decoding: bytes, as: UTF8.self) }
            }
            #expect(output.contains("440 1000\n***\n<***>\n"), "\(output)")
            let root = try f.unpacked()
            #expect(try f.text(root.appending("mode")) == "400 0\n")
            #expect(try f.text(root.appending("head")) == "pa55-")
            // Another secret of the same name is no other build.
            let again = try f.build(["Dockerfile": recipe]) { $0.secrets = ["file": BuildSecret(bytes: [1, 2, 3])] }
            #expect(again.image == build.image && again.steps.allSatisfy(\.cached))
            let leak = #expect(throws: IbidError.self) {
                try f.build([
                    "Dockerfile":
                        "FROM tiny\nRUN --mount=type=secret,id=file mkdir -p /a && cat /run/secrets/file > /a/b\n"
                ]) { $0.secrets = secrets }
            }
            #expect(leak?.message.contains("Dockerfile:2: the step wrote the secret 'file' to '/a/b'") == true)
            let failed = #expect(throws: IbidError.self) {
                try f.build(["Dockerfile": "FROM tiny\nRUN --mount=type=secret,id=file cat /run/secrets/file; false\n"])
                {
                    $0.secrets = secrets
                }
            }
            #expect(failed?.message.hasSuffix("\n***") == true, "\(failed?.message ?? "")")
            for word in [file, variable] {
                let found = try shell(["grep", "-rlF", word, f.home.string])
                #expect(found.stdout == "")
            }
        }
    }
}
