import Foundation
@testable import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite("COPY", .enabled(if: canBuildTiny, "needs root, crun, umoci and busybox-static"))
struct CopyTests {
    @Test("parents are kept from the root or from the pivot")
    func parents() throws {
        try withTiny { f in
            _ = try f.build([
                "Dockerfile": """
                FROM tiny AS from
                RUN mkdir -p /t/a/b/c/d /t/a/b2/c /t/a/b/e && touch /t/a/b/c/d/one /t/a/b2/c/two && chmod 700 /t/a/b/c
                FROM tiny
                COPY --parents src/*/x.py src/./m/y.txt /one/
                COPY --parents **/*.txt /two/
                COPY --from=from --parents /t/a/b/./c/d /three/
                COPY --from=from --parents --chown=ana /t/a/b*/./c/ /four/
                COPY --from=from --parents /t/a/none* /five/
                COPY --parents --exclude=**/y.* src /six/
                """,
                "src/m/x.py": "x", "src/m/y.txt": "y", "src/n/z.txt": "z", "src/n/deep/w.md": "w", "top.txt": "t",
            ])
            let root = try f.unpacked()
            #expect(try f.listing(root.appending("one")) == ["m/", "m/y.txt", "src/", "src/m/", "src/m/x.py"])
            #expect(
                try f.listing(root.appending("two")) == [
                    "src/", "src/m/", "src/m/y.txt", "src/n/", "src/n/z.txt", "top.txt",
                ])
            #expect(try f.listing(root.appending("three")) == ["c/", "c/d/", "c/d/one"])
            #expect(try f.stat(root.appending("three/c")).hasPrefix("700 0:0"))
            #expect(try f.listing(root.appending("four")) == ["c/", "c/d/", "c/d/one", "c/two"])
            #expect(try f.stat(root.appending("four/c/two")).hasPrefix("644 1000:1001"))
            #expect(try f.listing(root.appending("five")) == [])
            #expect(
                try f.listing(root.appending("six")) == [
                    "src/", "src/m/", "src/m/x.py", "src/n/", "src/n/deep/", "src/n/deep/w.md", "src/n/z.txt",
                ])
        }
    }

    @Test("a step after COPY has nothing unpacked, and sees what it would see then")
    func looksIntoArchives() throws {
        try withTiny { f in
            func build(between line: String) throws -> ImageBuild {
                try f.build([
                    "Dockerfile": """
                    FROM tiny AS from
                    RUN mkdir -p /t/sub && ln -s sub /t/link && echo \(f.home) > /t/sub/file && chmod 750 /t/sub
                    FROM tiny
                    COPY --from=from --chown=ana /t /data
                    \(line)
                    WORKDIR /data/link/new
                    COPY a /data/link/
                    COPY --from=from /t/sub/file /data/sub/other/
                    WORKDIR /data/sub/other
                    """,
                    "a": "a",
                ])
            }
            let layers = try build(between: "LABEL a=b").steps.compactMap(\.layer)
            // The first is the stage's, which the second is copied from.
            #expect(layers.count == 5)
            let cache = LayerCache(root: TestBase.cache.appending("layers"), store: f.store)
            #expect(try layers.map { try cache.isWhole($0) } == [true, false, false, false, false])
            #expect(
                try f.listing(f.unpacked().appending("data")) == [
                    "link", "sub/", "sub/a", "sub/file", "sub/new/", "sub/other/", "sub/other/file",
                ])
            #expect(try build(between: "RUN true").steps.compactMap(\.layer) == layers)
            #expect(try cache.isWhole(layers[1]))
        }
    }

    @Test("links of the image are followed, unless --link says not to; modes change by number or by letter")
    func linksAndModes() throws {
        try withTiny { f in
            let build = try f.build([
                "Dockerfile": """
                FROM tiny
                COPY --link a /homes/file
                COPY --chmod=u=rwx,go=rX dir /modes
                COPY --chmod=go-r,a+x a /modes/b
                COPY --exclude=* --exclude=!keep dir /kept
                COPY dir dir/x /merged/
                COPY dir ../dir/keep a* /merged/
                USER ana
                WORKDIR /w/x
                COPY a none* b
                """,
                "a": "A", "dir/x*": "X", "dir/keep": "K", "dir/sub/keep": "S",
            ])
            let root = try f.unpacked()
            #expect(try f.listing(root.appending("homes")) == ["file"])
            #expect(try f.stat(root.appending("modes/x")).hasPrefix("755"))
            #expect(try f.stat(root.appending("modes/keep")).hasPrefix("755"))
            #expect(try f.stat(root.appending("modes/sub")).hasPrefix("755"))
            #expect(try f.stat(root.appending("modes/b")).hasPrefix("711"))
            #expect(try f.listing(root.appending("kept")) == ["keep"])
            #expect(try f.listing(root.appending("merged")) == ["a", "keep", "sub/", "sub/keep", "x"])
            // USER owns the directory that WORKDIR makes, and not what COPY brings.
            #expect(try f.stat(root.appending("w/x")).hasPrefix("755 1000:1001"))
            #expect(try f.stat(root.appending("w/x/b")).hasPrefix("644 0:0"))
            #expect(build.steps.last?.instruction == "COPY a none* b")
        }
    }

    @Test("variables: the later of ARG and ENV counts, stages pass them on, the platform is there")
    func scopes() throws {
        try withTiny { f in
            var warnings: [String] = []
            let build = try f.build([
                "Dockerfile": """
                ARG TOP=t TARGETARCH
                FROM --platform=$BUILDPLATFORM tiny AS base
                ARG A=1 B=$A
                ENV A=env C=${A}-${B:-x}
                ARG D=d
                FROM base AS child
                ARG TOP
                ARG TARGETSTAGE
                ENV E=$D$TOP$TARGETSTAGE F=${C%%-*} G=${C/1/E}
                ARG C=late
                RUN echo "$A $B $C $D $E $F $G $http_proxy_" > /seen
                ONBUILD COPY --from=extra /x /y
                ONBUILD RUN <<EOF
                echo trigger > /z
                EOF
                FROM tiny AS extra
                RUN echo extra > /x
                FROM child AS end
                FROM scratch AS bare
                COPY --from=end /seen /y /z /
                """
            ]) {
                $0.arguments = ["D": "given", "unused": "x", "http_proxy": "http://u:p@proxy"]
            } progress: {
                if case .warning(let text) = $0 { warnings.append(text) }
            }
            let root = try f.unpacked()
            #expect(try f.text(root.appending("seen")) == "env 1 late given giventbare 1 E-1 \n")
            #expect(try f.text(root.appending("y")) == "extra\n")
            #expect(try f.text(root.appending("z")) == "trigger\n")
            #expect(warnings == ["no ARG takes the build argument 'unused'"])
            let config = try f.store.imageConfig(try f.store.manifest(build.image))
            #expect(config.config?.env == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
            #expect(config.config?.workingDir == "/")
        }
    }
}

@Suite("permissions by letter")
struct FileModeTests {
    /// Change, permissions before, after; the last is a directory. The oracle is chmod(1).
    @Test(
        arguments: [
            "u+x", "a=rX", "go-w", "u=rw,g=u,o=", "+t", "u+s,g+s", "o=g-w", "a-x+X", "=", "ug=o", "u=rwx,go=rX",
        ])
    func asChmod(_ change: String) throws {
        try withScratch { scratch in
            for mode in ["644", "755", "600", "4711"] {
                // GNU's chmod keeps the special bits of directories; BuildKit's does not.
                for (kind, make) in [("f", "touch"), ("d", "mkdir")] where kind == "f" || mode.count == 3 {
                    let name = "\(kind)\(mode)"
                    let script =
                        "umask 0; \(make) \(name) && chmod \(mode) \(name) && chmod -- \(change) \(name) && stat -c %a \(name)"
                    let result = try shell(["sh", "-c", script], in: scratch.string)
                    let expected = try #require(UInt32(result.stdout.trimmingCharacters(in: .newlines), radix: 8))
                    let before = try #require(UInt32(mode, radix: 8))
                    let after = try #require(FileMode(change)).applied(to: before, isDirectory: kind == "d")
                    #expect(after == expected, "\(change) of \(kind) \(mode)")
                    _ = try shell(["rm", "-rf", name], in: scratch.string)
                }
            }
        }
    }

    @Test(arguments: ["", "u", "rw", "u+y", "u+ug", "17777", "8", "u+x,", "+gx"])
    func noPermissions(_ text: String) { #expect(FileMode(text) == nil) }
}
