import Foundation
import Glibc
@testable import IbidImage
import IbidCrypto
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// A web server of this machine that serves a directory.
private struct FileServer {
    let process = Process()
    let port: Int

    init(_ directory: FilePath) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [
            "-c",
            """
            import functools, http.server, sys
            h = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
            s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), h); print(s.server_address[1], flush=True); s.serve_forever()
            """, directory.string,
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    func stop() {
        // Not SIGTERM: the child inherits the signal mask of the test's thread, which blocks it.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}

@Suite("ADD", .enabled(if: canBuildTiny, "needs root, crun, umoci and busybox-static"))
struct AddTests {
    /// A directory of files, and a server for it.
    private func withServer<T>(_ body: (FilePath, FileServer) throws -> T) throws -> T {
        try withScratch("served") { directory in
            let server = try FileServer(directory)
            defer { server.stop() }
            return try body(directory, server)
        }
    }

    @Test("a file at an address is pinned, stored, locked, and built again without the network")
    func addresses() throws {
        try withTiny { f in
            try withServer { directory, server in
                try shell([
                    "sh", "-c",
                    "cd '\(directory)'; echo data > 'some data.csv'; mkdir t; echo in > t/in; tar -czf t.tgz t",
                ])
                let address = "http://127.0.0.1:\(server.port)"
                let secret = "http://$AUTH@127.0.0.1:\(server.port)"
                let data = Digest.sha256(of: Array("data\n".utf8))
                let unpinned = #expect(throws: IbidError.self) {
                    try f.build(["Dockerfile": "FROM tiny\nADD \(address)/some%20data.csv /x/\n"])
                }
                #expect(
                    unpinned?.message.hasPrefix("Dockerfile:2: ADD of an address without a checksum is refused") == true
                )
                #expect(unpinned?.hint?.contains("--checksum=\(data)") == true)
                let archive = Digest.sha256(
                    of: Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/t.tgz"))))
                let files = [
                    "Dockerfile": """
                    FROM tiny
                    ARG SUM=\(data) AUTH
                    ADD --checksum=$SUM \(secret)/some%20data.csv /x/
                    ADD --checksum=$SUM --chown=ana --chmod=644 \(address)/some%20data.csv?v=1 /y
                    ADD --checksum=\(archive) \(address)/t.tgz /packed/
                    ADD --checksum=\(archive) --unpack=true \(address)/t.tgz /unpacked/
                    """
                ]
                let build = try f.build(files) { $0.arguments["AUTH"] = "ana:geheim" }
                let root = try f.unpacked()
                #expect(try f.text(root.appending("x/some data.csv")) == "data\n")
                #expect(try f.stat(root.appending("x/some data.csv")) == "600 0:0 1600000000")
                #expect(try f.stat(root.appending("y")) == "644 1000:1001 1600000000")
                #expect(try f.listing(root.appending("packed")) == ["t.tgz"])
                #expect(try f.listing(root.appending("unpacked")) == ["t/", "t/in"])
                let lockDigest = try #require(build.lock)
                let lock = try f.store.read(ImageLock.self, from: lockDigest)
                #expect(lock.steps.flatMap(\.requests).map(\.sha256) == [data, data, archive, archive])
                let text = try lock.text()
                #expect(!text.contains("geheim"))
                server.stop()
                let again = try f.build(files) {
                    ($0.lock, $0.usesCache, $0.arguments["AUTH"]) = (lockDigest, false, "ana:geheim")
                }
                #expect(again.image == build.image && again.lock == build.lock)
                let missing = #expect(throws: IbidError.self) {
                    try f.build(["Dockerfile": "FROM tiny\nADD --checksum=\(data) \(address)/new /x/\n"]) {
                        $0.lock = lockDigest
                    }
                }
                #expect(missing?.message.contains("the lock does not have http://127.0.0.1") == true)
            }
        }
    }

    @Test("a server that serves other bytes, or none, is named")
    func otherBytes() throws {
        try withTiny { f in
            try withServer { directory, server in
                try shell(["sh", "-c", "echo other > '\(directory)/x'"])
                let sum = Digest.sha256(of: Array("data\n".utf8))
                for (name, problem) in [("x", "has other bytes than promised"), ("none", "there is no such file")] {
                    let error = #expect(throws: IbidError.self) {
                        try f.build([
                            "Dockerfile": "FROM tiny\nADD --checksum=\(sum) http://127.0.0.1:\(server.port)/\(name) /\n"
                        ])
                    }
                    #expect(error?.message.hasPrefix("Dockerfile:2: ") == true)
                    #expect(error?.message.contains(problem) == true, "\(error?.message ?? "")")
                }
            }
        }
    }

    @Test("a commit of a repository elsewhere comes through git; what moves is refused", .enabled(if: has("git")))
    func git() throws {
        try withTiny { f in
            try withServer { directory, server in
                let script = """
                    set -e; export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'; git init -q -b main work; cd work
                    git config user.name t; git config user.email t@t
                    mkdir sub; echo one > sub/one; echo '* export-ignore' > .gitattributes; ln -s one sub/link
                    chmod 755 sub/one; git add .; git commit -qm one; git rev-parse HEAD
                    echo two > sub/one; git commit -qam two
                    cd ..; git clone -q --bare work repo.git; git -C repo.git update-server-info
                    """
                let commit = try shell(["sh", "-c", script], in: directory.string).stdout.trimmingCharacters(
                    in: .newlines)
                let address = "http://127.0.0.1:\(server.port)/repo.git"
                let build = try f.build([
                    "Dockerfile": """
                    FROM tiny
                    ADD \(address)#\(commit) /all
                    ADD --checksum=\(commit) --chown=ana \(address)#main:sub /sub/
                    """
                ])
                let root = try f.unpacked()
                #expect(try f.listing(root.appending("all")) == [".gitattributes", "sub/", "sub/link", "sub/one"])
                #expect(try f.text(root.appending("sub/one")) == "one\n")
                #expect(try f.stat(root.appending("sub/one")) == "755 1000:1001 1600000000")
                let lock = try f.store.read(ImageLock.self, from: try #require(build.lock))
                #expect(lock.steps.flatMap(\.requests).map(\.request).first == "git+\(address)#\(commit)")
                let none = #expect(throws: IbidError.self) {
                    try f.build(["Dockerfile": "FROM tiny\nADD \(address)#\(String(commit.reversed())) /\n"])
                }
                #expect(none?.message.contains("has no commit") == true, "\(none?.message ?? "")")
            }
        }
    }

    @Test("local archives are unpacked whatever their packing; anything else is copied")
    func archives() throws {
        try withTiny { f in
            let made = try withScratch("made") { directory -> [String: [UInt8]] in
                let script = """
                    set -e; umask 022; mkdir -p a/d; echo x > a/d/x; ln a/d/x a/hard; ln -s d a/link; echo y > a/y
                    chmod 4750 a/y; mkdir bin; echo t > bin/tool
                    tar --owner=7 --group=8 --mtime=@1000000000 -cf a.tar -C a .; tar --owner=0 --group=0 --mtime=@1 -cf b.tar bin/tool
                    gzip -k a.tar; bzip2 -k a.tar; xz -k a.tar; zstd -q a.tar; echo text | gzip > t.gz
                    """
                let result = try shell(["sh", "-c", script], in: directory.string)
                #expect(result.status == 0, "\(result.stderr)")
                var files: [String: [UInt8]] = [:]
                for name in ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "b.tar", "t.gz"] {
                    files[name] = Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
                }
                return files
            }
            var files = made
            files["Dockerfile"] = Array(
                """
                FROM tiny
                ADD a.tar /tar
                ADD a.tar.gz /gz/
                ADD a.tar.bz2 /bz2/
                ADD a.tar.xz /xz/
                ADD a.tar.zst /zst/
                ADD --chown=ana:lab a.tar.gz b.tar t.gz /all/
                ADD --unpack=false a.tar /plain/
                ADD b.tar /
                COPY a.tar /copied/
                """.utf8)
            _ = try f.builder.build(snapshot: try f.snapshot(bytes: files), options: ImageBuildOptions(ref: "test"))
            let root = try f.unpacked()
            let names = ["d/", "d/x", "hard", "link", "y"]
            for name in ["tar", "gz", "bz2", "xz", "zst"] {
                #expect(try f.listing(root.appending(name)) == names, "\(name)")
                #expect(try f.stat(root.appending("\(name)/y")) == "4750 7:8 1000000000")
                let links = try shell(["stat", "-c", "%h", root.appending("\(name)/hard").string]).stdout
                #expect(links == "2\n")
            }
            #expect(try f.listing(root.appending("all")) == (names + ["bin/", "bin/tool", "t.gz"]).sorted())
            // The flag is for what is copied; an archive knows its owners.
            #expect(try f.stat(root.appending("all/y")).contains(" 7:8 "))
            #expect(try f.stat(root.appending("all/t.gz")).contains("1000:2000"))
            #expect(try f.listing(root.appending("plain")) == ["a.tar"])
            #expect(try f.listing(root.appending("copied")) == ["a.tar"])
            // Through the image's own link.
            #expect(try f.text(root.appending("usr/bin/tool")) == "t\n")
            #expect(try shell(["readlink", root.appending("bin").string]).stdout == "usr/bin\n")
        }
    }
}
