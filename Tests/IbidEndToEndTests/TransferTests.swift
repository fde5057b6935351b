import Foundation
import IbidCrypto
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// podman with its storage in a directory of its own, in a mount namespace of its own.
    private func podman(_ directory: FilePath, _ arguments: String) throws -> ShellResult {
        let script = """
            set -eu
            files=$(ulimit -Hn)
            p="podman --root \(directory)/root --runroot \(directory)/run --cgroup-manager cgroupfs --events-backend none \
            --runtime $(command -v runc crun | head -n 1)"
            limits="--network none --log-driver none --ulimit nofile=$files:$files --ulimit nproc=4096:4096"
            \(arguments)
            $p rmi --all --force > /dev/null
            """
        return try shell(["unshare", "-m", "--propagation", "private", "bash", "-c", script])
    }

    @Test(
        "a pushed or exported image has the same digest for everybody, and podman runs it to the same words",
        .enabled(
            if: Registry.obstacle == nil && has("podman") && has("umoci"),
            "this machine lacks docker-registry, podman or umoci"))
    func transfer() throws {
        try Bench.with { bench in
            try bench.job("import hashlib; print(hashlib.sha256(b'ibid').hexdigest())")
            let run = try bench.json("submit", "--fresh")
            let printed = try String(contentsOfFile: try bench.blob(run["stdout"].string).string, encoding: .utf8)
            let image = try #require(run["image"].string)
            let ref = try #require(run["build"]["ref"].string)

            let registry = try Registry(in: bench.root.appending("registry"))
            let name = "\(registry.host)/lab/job"
            let trust = ["--authfile", registry.authFile.string, "--cert-dir", registry.certificates.string]
            let pushed = try bench.call(["image", "push", ref, "docker://\(name):1"] + trust)
            #expect(pushed.status == 0 && pushed.stdout == "\(name):1@\(image)\n", "\(pushed.stderr)")

            // What the README says of skopeo: out of the store, through the registry, and back.
            let (auth, certs) = (registry.authFile, registry.certificates)
            try bench.sh(
                """
                skopeo copy -q --preserve-digests --dest-authfile \(auth) --dest-cert-dir \(certs) \
                    oci:\(bench.store):\(ref) docker://\(name):2
                skopeo copy -q --preserve-digests --src-authfile \(auth) --src-cert-dir \(certs) \
                    --dest-oci-accept-uncompressed-layers docker://\(name):2 oci:\(bench.root)/back:x
                skopeo inspect --raw oci:\(bench.root)/back:x | sha256sum | grep -q \(image.dropFirst(7))
                """)
            let other = try bench.otherHome("other")
            let pulled = try other.call(["image", "pull", "docker://\(name):2", "--as", "job:2", "--json"] + trust)
            #expect(try JSONReader(pulled.stdout)["image"].string == image)
            #expect(try other.json("base", "ls").array.contains { $0["name"].string == "job:2" } == true)

            let ran = try podman(
                bench.root.appending("podman"),
                """
                $p pull -q --authfile \(auth) --cert-dir \(certs) \(name):1 > /dev/null
                $p run --rm $limits \(name):1
                """)
            #expect(ran.status == 0 && ran.stdout == printed, "\(ran.stderr)")
            #expect(try shell(["grep", "-rlF", Registry.password, bench.home.string, other.home.string]).stdout == "")
            try exports(bench, ref: ref, image: image, printed: printed)
        }
    }

    private func exports(_ bench: Bench, ref: String, image: String, printed: String) throws {
        func export(_ format: String, _ name: String) throws -> FilePath {
            let path = bench.root.appending(name)
            let report = try bench.json("image", "export", ref, "--format", format, "-o", path.string)
            #expect(report["path"].string == path.string && report["image"].string == image)
            return path
        }
        let layout = try export("oci", "layout")
        try bench.sh("skopeo inspect --raw oci:\(layout):\(ref) | sha256sum | grep -q \(image.dropFirst(7))")
        let archives = try [export("oci", "a.tar"), export("oci", "b.tar")].map {
            Digest.sha256(of: Array(try Data(contentsOf: URL(fileURLWithPath: $0.string))))
        }
        #expect(archives[0] == archives[1])
        try bench.sh("skopeo inspect oci-archive:\(bench.root)/a.tar > /dev/null")
        let packed = try export("oci-gzip", "packed")
        try bench.sh(
            "umoci unpack --image \(packed):\(ref) \(bench.root)/unpacked; test -e \(bench.root)/unpacked/rootfs/job/main.py"
        )
        let saved = try export("docker-archive", "saved.tar")
        let ran = try podman(
            bench.root.appending("podman"),
            "$p load -q -i \(saved) > /dev/null; $p run --rm $limits localhost/\(ref) || $p run --rm $limits \(ref)")
        #expect(ran.status == 0 && ran.stdout == printed, "\(ran.stderr)")
        let again = try bench.call("image", "export", ref, "-o", saved.string)
        #expect(again.status == 1 && again.stderr.contains("there is something at"))
        // Back from the archive: the configuration kept its bytes, so the image is the same.
        let home = try bench.otherHome("third")
        #expect(
            try home.json("base", "add", "job", "--from", "docker-archive:\(saved)")["image"].string == image)
        let removed = try bench.json("image", "rm", ref)
        #expect(removed["removed"].array.first?["ref"].string == ref)
        #expect(try bench.call("image", "rm", ref).status == 10)
    }
}
