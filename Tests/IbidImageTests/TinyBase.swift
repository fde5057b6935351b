import IbidImage
import IbidModel
import IbidTestSupport
import SystemPackage

/// The base `tiny`: a static busybox under the names of all its programs, made 2020-09-13.
enum TinyBase {
    static func add(to f: BuildFixture) throws {
        let root = f.home.appending("tiny")
        let made = try shell([
            "sh", "-c",
            """
            set -e; umask 022; mkdir -p '\(root)'/usr/bin '\(root)'/etc; cd '\(root)'
            cp "$(command -v busybox)" usr/bin/busybox; ln -s usr/bin bin; mkdir -m 1777 tmp
            for n in $(busybox --list); do [ $n = busybox ] || ln -s busybox usr/bin/$n; done
            printf 'root:x:0:0::/root:/bin/sh\n' > etc/passwd
            printf 'root:x:0:\n' > etc/group
            tar --sort=name --mtime=@1600000000 -cf ../tiny.tar .
            """,
        ])
        guard made.status == 0 else { throw IbidError("test-setup", made.stderr) }
        _ = try f.builder.bases.add(name: "tiny", from: .rootArchive(f.home.appending("tiny.tar")))
    }
}
