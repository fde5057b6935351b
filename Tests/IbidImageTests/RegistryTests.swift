import Foundation
import IbidCrypto
@testable import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite(
    "registries",
    .enabled(
        if: Registry.obstacle == nil && isRoot && has("crun") && has("busybox"),
        "\(Registry.obstacle ?? "needs root, crun and busybox")"),
    .serialized)
struct RegistryTests {
    private func access(_ registry: Registry) -> RegistryAccess {
        var access = RegistryAccess()
        access.authFile = registry.authFile
        access.certificates = registry.certificates
        return access
    }

    /// An image on a root file system of busybox alone.
    private func image(_ f: BuildFixture) throws -> ImageBuild {
        try TinyBase.add(to: f)
        return try f.build(["Dockerfile": "FROM tiny\nRUN echo made > /made\nCMD [\"/bin/cat\", \"/made\"]\n"])
    }

    @Test("pushed and pulled back: one digest, with a password and a certificate, here and for skopeo")
    func roundTrip() throws {
        try withBuilder(base: false) { f in
            let registry = try Registry(in: f.home.appending("registry"))
            let build = try image(f)
            var bases = f.builder.bases
            bases.registry = access(registry)
            let name = "\(registry.host)/lab/made:1"
            let descriptor = try #require(try f.store.resolve("test"))
            #expect(try bases.push(descriptor, to: try ImageReference(parsing: name)) == build.image)
            let skopeo = ["--authfile", registry.authFile.string, "--cert-dir", registry.certificates.string]
            let raw = try shell(["skopeo", "inspect", "--raw"] + skopeo + ["docker://\(name)"])
            #expect(Digest.sha256(of: Array(raw.stdout.utf8)) == build.image)

            try withBuilder("other", base: false) { g in
                var options = ImageBuildOptions(ref: "next")
                options.registry = access(registry)
                let files = ["Dockerfile": "FROM \(name)\nRUN cat /made > /again\n"]
                let next = try g.builder.build(snapshot: try g.snapshot(files), options: options)
                #expect(next.base == build.image)
                #expect(try g.files(try #require(next.steps[0].layer))["again"] == "made\n")
                // The lock says what the name stood for, and no registry is asked again.
                let lock = try #require(next.lock)
                let record = try g.store.read(ImageLock.self, from: lock)
                #expect(record.bases.map(\.origin) == ["\(registry.host)/lab/made@\(build.image)"])
                let offline = try g.builder.build(
                    snapshot: try g.snapshot(files), options: ImageBuildOptions(ref: "offline", usesCache: false))
                #expect(offline.image == next.image)
                // A third home has the lock alone: what the registry's digest names is the same image.
                try withBuilder("third", base: false) { h in
                    try h.store.put(file: g.store.path(of: lock))
                    options.lock = lock
                    let locked = try h.builder.build(snapshot: try h.snapshot(files), options: options)
                    #expect(locked.image == next.image)
                }
                let grep = try shell(["grep", "-rl", Registry.password, g.home.string])
                #expect(grep.stdout == "")
            }
            #expect(try shell(["grep", "-rl", Registry.password, f.store.root.string]).stdout == "")
        }
    }

    @Test("an image of packed layers and several platforms is taken by its index's digest")
    func foreign() throws {
        try withBuilder(base: false) { f in
            let registry = try Registry(in: f.home.appending("registry"))
            let build = try image(f)
            let name = "\(registry.host)/lab/packed"
            let skopeo = ["--dest-authfile", registry.authFile.string, "--dest-cert-dir", registry.certificates.string]
            let copied = try shell(
                ["skopeo", "copy", "-q", "--format", "v2s2"] + skopeo
                    + ["oci:\(f.store.root):test", "docker://\(name):v2"])
            #expect(copied.status == 0, "\(copied.stderr)")
            var bases = f.builder.bases
            bases.registry = access(registry)
            let pulled = try bases.pull(try ImageReference(parsing: name + ":v2"))
            // Docker's own kind of manifest over gzip: other bytes there, the same image here.
            #expect(pulled.manifest.digest == build.image)
            #expect(pulled.origin?.hasSuffix("\(build.image)") == false)
            let found = try bases.find(
                "\(name)@\(try ImageReference(parsing: try #require(pulled.origin)).digest?.description ?? "")")
            #expect(found?.manifest.digest == build.image)
        }
    }

    @Test("what goes wrong is said with the registry's name and what to do")
    func refusals() throws {
        try withBuilder(base: false) { f in
            let registry = try Registry(in: f.home.appending("registry"))
            let good = access(registry)
            var (anonymous, unknown) = (good, good)
            try Data(#"{"auths":{}}"#.utf8).write(to: URL(fileURLWithPath: f.home.appending("none.json").string))
            anonymous.authFile = f.home.appending("none.json")
            unknown.certificates = nil
            let cases: [(RegistryAccess, String, String, String)] = [
                (anonymous, "\(registry.host)/a:1", "registry-denied", "docker login \(registry.host)"),
                (unknown, "\(registry.host)/a:1", "registry-certificate", "/etc/docker/certs.d/\(registry.host)"),
                (good, "\(registry.host)/a:1", "image-not-found", "the tag"),
                (good, "127.0.0.1:1/a:1", "registry-unreachable", "ibid base add '127.0.0.1:1/a:1' --from"),
            ]
            for (access, name, code, hint) in cases {
                let error = #expect(throws: IbidError.self, "\(name)") {
                    var options = ImageBuildOptions(ref: "x")
                    options.registry = access
                    return try f.builder.build(
                        snapshot: try f.snapshot(["Dockerfile": "# base\nFROM \(name)\n"]), options: options)
                }
                #expect(error?.code == code, "\(error?.description ?? "")")
                #expect(error?.message.hasPrefix("Dockerfile:2: ") == true)
                #expect(error?.hint?.contains(hint) == true, "\(error?.description ?? "")")
            }
        }
    }
}

@Suite("names of images in registries")
struct ImageReferenceTests {
    @Test(arguments: [
        ("ubuntu", "docker.io/library/ubuntu:latest", "ubuntu:latest"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04", "ubuntu:22.04"),
        ("jupyter/scipy-notebook", "docker.io/jupyter/scipy-notebook:latest", "jupyter/scipy-notebook:latest"),
        ("index.docker.io/library/x:1", "docker.io/library/x:1", "x:1"),
        ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
        ("r.example.org:5000/a/b__c:T_1", "r.example.org:5000/a/b__c:T_1", "r.example.org:5000/a/b__c:T_1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
    ])
    func read(_ text: String, _ whole: String, _ familiar: String) throws {
        let reference = try ImageReference(parsing: text)
        #expect(reference.description == whole && reference.familiar == familiar)
        #expect(try ImageReference(parsing: reference.familiar) == reference)
    }

    @Test func digestCounts() throws {
        let digest = Digest.sha256(of: Array("x".utf8))
        let reference = try ImageReference(parsing: "ubuntu:22.04@\(digest)")
        #expect(reference.description == "docker.io/library/ubuntu@\(digest)")
    }

    @Test(arguments: [
        "", "A", "a/", "/a", "a//b", "a:", "a:b:c", "a@sha256:12", "a b", "-a", "a/B:x", "a@b", "http://x/y",
    ])
    func refused(_ text: String) { #expect(throws: IbidError.self) { try ImageReference(parsing: text) } }

    @Test func passwordsAreNotRepeated() {
        let error = #expect(throws: IbidError.self) { try ImageReference(parsing: "me:s3cret@r.example.org/a:1") }
        #expect(error?.description.contains("s3cret") == false)
    }
}
