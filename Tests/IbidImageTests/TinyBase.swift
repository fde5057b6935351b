import Foundation
import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Whether builds on the `tiny` base can run here.
let canBuildTiny = isRoot && has("crun") && has("busybox") && has("umoci")

/// The base `tiny`: a static busybox under the names of all its programs, two users, a link, made 2020-09-13.
enum TinyBase {
    static func add(to f: BuildFixture) throws {
        let root = f.home.appending("tiny")
        let made = try shell([
            "sh", "-c",
            """
            set -e; umask 022; mkdir -p '\(root)'/usr/bin '\(root)'/etc '\(root)'/home/ana; cd '\(root)'
            cp "$(command -v busybox)" usr/bin/busybox; ln -s usr/bin bin; ln -s /home homes; mkdir -m 1777 tmp
            for n in $(busybox --list); do [ $n = busybox ] || ln -s busybox usr/bin/$n; done
            printf 'root:x:0:0::/root:/bin/sh\\nana:x:1000:1001::/home/ana:/bin/sh\\n' > etc/passwd
            printf 'root:x:0:\\nana:x:1001:\\nlab:x:2000:\\n' > etc/group; chown 1000:1001 home/ana
            tar --sort=name --mtime=@1600000000 -cf ../tiny.tar .
            """,
        ])
        guard made.status == 0 else { throw IbidError("test-setup", made.stderr) }
        _ = try f.builder.bases.add(name: "tiny", from: .rootArchive(f.home.appending("tiny.tar")))
    }
}

/// A home that has the base `tiny`.
func withTiny<T>(_ name: String = #function, _ body: (BuildFixture) throws -> T) throws -> T {
    try withBuilder(name, base: false) { f in
        try TinyBase.add(to: f)
        return try body(f)
    }
}

extension BuildFixture {
    /// How containers of an image start.
    func execution(_ build: ImageBuild) throws -> OCI.Execution {
        let config = try store.imageConfig(try store.manifest(build.image))
        #expect(config.created == "2020-09-13T12:26:40Z")
        return try #require(config.config)
    }

    /// The image built last, looked at with other eyes: unpacked by umoci.
    func unpacked() throws -> FilePath {
        let bundle = home.appending("bundle-\(UUID().uuidString)")
        let result = try shell(["umoci", "unpack", "--image", "\(store.root):test", bundle.string])
        guard result.status == 0 else { throw IbidError("test", result.stderr) }
        return bundle.appending("rootfs")
    }

    /// A file's text.
    func text(_ path: FilePath) throws -> String { try String(contentsOfFile: path.string, encoding: .utf8) }

    /// Permissions, owner and time.
    func stat(_ path: FilePath) throws -> String {
        try shell(["stat", "-c", "%a %u:%g %Y", path.string]).stdout.trimmingCharacters(in: .newlines)
    }

    /// The names below a directory, directories with a slash.
    func listing(_ path: FilePath) throws -> [String] {
        try shell([
            "sh", "-c",
            "cd '\(path)' && find . -mindepth 1 -printf '%P%y\\n' | sed 's/d$/\\//; s/[^\\/]$//' | LC_ALL=C sort",
        ])
        .stdout.split(separator: "\n").map(String.init)
    }
}
