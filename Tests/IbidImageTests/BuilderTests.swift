import Foundation
import IbidCrypto
import IbidImage
import IbidModel
import IbidStore
import IbidTestSupport
import Synchronization
import SystemPackage
import Testing

@Suite(
    "images from Dockerfiles", .enabled(if: TestBase.isPossible, "needs root, mmdebstrap, crun, skopeo and umoci"),
    .serialized)
struct BuilderTests {
    static let quickstart = [
        "Dockerfile": """
        FROM python:3.11
        WORKDIR /work
        COPY requirements.txt ./
        RUN pip install --no-cache-dir -r requirements.txt
        COPY . .
        ENTRYPOINT ["python", "main.py"]
        """,
        "requirements.txt": "six==1.16.0\n",
        "main.py": "import six\nprint(six.__version__)\n",
    ]

    @Test("pip install works unchanged, and two homes get one image")
    func pip() throws {
        var images: [Digest] = []
        // Another umask is tried from the shell (EndToEndTests): here it would be that of every test beside this one.
        for zone in ["UTC", "Asia/Tokyo"] {
            setenv("TZ", zone, 1)
            defer { unsetenv("TZ") }
            try withBuilder { f in
                let build = try f.build(Self.quickstart)
                images.append(build.image)
                #expect(build.steps.count == 5)
                let layers = build.steps.filter { $0.layer != nil }
                #expect(layers.map(\.cached) == [false, false, false, false])
                let pip = try #require(build.steps[2].layer)
                let files = try f.files(pip)
                #expect(files["usr/local/lib/python3.11/dist-packages/six.py"] != nil)
                // Hash-based bytecode: flag 3, so that clamped times do not make it stale.
                let tar = f.store.path(of: pip).string
                let pyc = "usr/local/lib/python3.11/dist-packages/__pycache__/six.cpython-311.pyc"
                let flags = try shell(["sh", "-c", "tar -xOf '\(tar)' '\(pyc)' | od -An -tu4 -j4 -N4"])
                #expect(flags.stdout.trimmingCharacters(in: .whitespaces.union(.newlines)) == "3")
                let lockDigest = try #require(build.lock)
                let lock = try f.store.read(ImageLock.self, from: lockDigest)
                #expect(lock.steps.map(\.step) == ["RUN pip install --no-cache-dir -r requirements.txt"])
                let requests = lock.steps.flatMap(\.requests).map(\.request)
                #expect(requests.contains("pypi/six/six-1.16.0-py2.py3-none-any.whl"))
                let again = try f.build(Self.quickstart)
                #expect(again.image == build.image && again.lock == build.lock)
                #expect(again.steps.map(\.cached) == [true, true, true, true, true])

                let inspected = try shell(["skopeo", "inspect", "oci:\(f.store.root):test"])
                #expect(inspected.status == 0, "\(inspected.stderr)")
                let unpacked = try shell(
                    ["umoci", "unpack", "--image", "\(f.store.root):test", f.home.appending("bundle").string])
                #expect(unpacked.status == 0, "\(unpacked.stderr)")
                let main = try String(
                    contentsOfFile: f.home.appending("bundle/rootfs/work/main.py").string, encoding: .utf8)
                #expect(main == Self.quickstart["main.py"])
            }
        }
        #expect(images.count == 2 && images[0] == images[1])
    }

    /// A second home that has the blobs a lock names, and a network that leads nowhere.
    private func withLockOnly<T>(
        _ f: BuildFixture, _ lock: Digest, _ body: (BuildFixture) throws -> T
    ) throws -> T {
        let record = try f.store.read(ImageLock.self, from: lock)
        return try withBuilder("locked") { g in
            for blob in record.steps.flatMap(\.requests).compactMap(\.sha256) + [lock] {
                try g.store.put(file: f.store.path(of: blob))
            }
            setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple", 1)
            defer { unsetenv("PIP_INDEX_URL") }
            return try body(g)
        }
    }

    @Test("with the lock another home needs no network, and is told what the lock does not have")
    func locked() throws {
        try withBuilder { f in
            let build = try f.build(Self.quickstart)
            let lock = try #require(build.lock)
            try withLockOnly(f, lock) { g in
                let again = try g.build(Self.quickstart) { $0.lock = lock }
                #expect(again.image == build.image && again.lock == lock)
                var other = Self.quickstart
                other["requirements.txt"] = "six==1.16.0\npackaging\n"
                let error = #expect(throws: IbidError.self) { try g.build(other) { $0.lock = lock } }
                let message = try #require(error).message
                #expect(message.hasPrefix("Dockerfile:4: the step failed"))
                #expect(message.contains("pip asked for packaging, which the lock does not have"))
            }
        }
    }

    @Test("a committed lock is what a build sees, and stays out of the image")
    func committedLock() throws {
        try withBuilder { f in
            let build = try f.build(Self.quickstart)
            let lock = try #require(build.lock)
            let text = try f.store.read(ImageLock.self, from: lock).text()
            var files = Self.quickstart
            files["ibid.lock"] = text
            try withLockOnly(f, lock) { g in
                let again = try g.build(files)
                #expect(again.image == build.image && again.lock == lock)
                #expect(try g.build(files).steps.map(\.cached) == [true, true, true, true, true])
                files["requirements.txt"] = "six==1.16.0\npackaging\n"
                let error = #expect(throws: IbidError.self) { try g.build(files) }
                #expect(try #require(error).message.contains("pip asked for packaging, which the lock does not have"))
                #expect(error?.hint == "make the lock again with 'ibid lock', or remove it")
            }
            files["ibid.lock"] = text.replacing("ibid.lock.v1", with: "ibid.lock.v9")
            #expect(throws: IbidError.self) { try f.build(files) }
            #expect(try f.build(files) { $0.usesCommittedLock = false }.lock != nil)
        }
    }

    @Test("apt-get works unchanged, and with the lock without a network")
    func apt() throws {
        let files = [
            "Dockerfile": """
            FROM python:3.11
            RUN apt-get update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*
            RUN jq --version > /version
            """
        ]
        try withBuilder { f in
            let build = try f.build(files)
            let lock = try #require(build.lock)
            #expect(try f.files(try #require(build.steps[1].layer))["version"] == "jq-1.6\n")
            let names = try f.store.read(ImageLock.self, from: lock).steps.flatMap(\.requests).map(\.request)
            #expect(names.contains("http://deb.debian.org/debian/dists/bookworm/InRelease"))
            try withLockOnly(f, lock) { g in
                let again = try g.build(files) { $0.lock = lock }
                #expect(again.image == build.image)
            }
        }
    }

    @Test("a directory without a Dockerfile is built from its requirements")
    func derived() throws {
        try withBuilder { f in
            let files = ["requirements.txt": "six==1.16.0\n", "main.py": "import six\n", "test_main.py": ""]
            let build = try f.build(files)
            let recipe = String(decoding: try f.store.read(build.recipe), as: UTF8.self)
            #expect(
                recipe == """
                    FROM python:3.11
                    WORKDIR /work
                    COPY requirements.txt ./
                    RUN pip install -r requirements.txt
                    COPY . .
                    CMD ["python", "main.py"]

                    """)
            let config = try f.store.imageConfig(try f.store.manifest(build.image))
            #expect(config.config?.cmd == ["python", "main.py"])
        }
    }

    @Test("no password of the host's pip configuration is in the home")
    func secrets() throws {
        try withUpstream { scratch, _, upstream in
            try withBuilder { f in
                setenv("PIP_INDEX_URL", "http://ana:s3cret-w0rd@127.0.0.1:\(upstream.port)/simple", 1)
                defer { unsetenv("PIP_INDEX_URL") }
                let build = try f.build(["Dockerfile": "FROM python:3.11\nRUN pip install alpha && env\n"])
                #expect(build.lock != nil)
                for word in ["s3cret-w0rd", "127.0.0.1:\(upstream.port)"] {
                    let found = try shell(["grep", "-rlF", word, f.home.string])
                    #expect(found.stdout == "", "\(word)")
                }
            }
        }
    }
}
