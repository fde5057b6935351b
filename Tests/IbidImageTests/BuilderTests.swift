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
        for mask in [0o022, 0o077] as [mode_t] {
            let old = umask(mask)
            setenv("TZ", mask == 0o077 ? "Asia/Tokyo" : "UTC", 1)
            defer {
                umask(old)
                unsetenv("TZ")
            }
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
}
