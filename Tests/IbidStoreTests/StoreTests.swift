import Foundation
import IbidCrypto
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct StoreTests {
    @Test func storesBytesUnderTheirDigest() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            let digest = try store.put(Array("hello\n".utf8))
            // Oracle: sha256sum of the file that was made.
            let path = store.path(of: digest).string
            let sum = try shell(["sha256sum", path]).stdout.prefix(64)
            #expect(String(sum) == digest.hex)
            #expect(digest.hex == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
            #expect(try store.read(digest) == Array("hello\n".utf8))
            #expect(try store.put(Array("hello\n".utf8)) == digest)
        }
    }

    @Test func namesWhatIsMissingAndWhatWasAltered() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let absent = Digest.sha256(of: "absent")
            #expect(throws: IbidError.missingBlob(absent)) { try store.read(absent) }
            let digest = try store.put(Array("right".utf8))
            try shell(["chmod", "644", store.path(of: digest).string])
            try Data("wrong".utf8).write(to: URL(fileURLWithPath: store.path(of: digest).string))
            let error = #expect(throws: IbidError.self) { try store.read(digest) }
            #expect(error?.code == "corrupt-blob")
            #expect(error?.exit == .verificationFailed)
            #expect(try store.verifyAll().map(\.what) == ["blob \(digest)"])
        }
    }

    @Test func rewritesABlobThatAPowerFailureCutShort() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let digest = try store.put(Array("whole".utf8))
            try shell(["chmod", "644", store.path(of: digest).string])
            try Data().write(to: URL(fileURLWithPath: store.path(of: digest).string))
            try store.put(Array("whole".utf8))
            #expect(try store.read(digest) == Array("whole".utf8))
        }
    }

    @Test func anUnfinishedWriterLeavesNothing() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            do {
                let writer = try store.writer()
                try writer.write([UInt8](repeating: 1, count: 3 << 20))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.string + "/blobs/sha256") == [])
        }
    }

    /// Oracle: sha256sum. A large blob is written by a thread of its own, past the page cache; its end never fits that.
    @Test(arguments: [0, 1, 4 << 20, (4 << 20) + 1, (13 << 20) + 4_097])
    func writesBlobsForLater(size: Int) throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 / 251) }
            let writer = try store.writer(forLater: true)
            // In pieces that end nowhere in particular.
            for start in stride(from: 0, to: size, by: 700_001) {
                try writer.write(Array(bytes[start..<min(start + 700_001, size)]))
            }
            let (digest, written) = try writer.finish()
            #expect(written == Int64(size))
            #expect(try String(shell(["sha256sum", store.path(of: digest).string]).stdout.prefix(64)) == digest.hex)
            let abandoned = try store.writer(forLater: true)
            try abandoned.write(bytes)
        }
    }

    @Test func manyWritersOfOneIndexLoseNoName() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let digest = try store.put(Array("{}".utf8))
            DispatchQueue.concurrentPerform(iterations: 24) { index in
                do {
                    let descriptor = OCI.Descriptor(mediaType: OCI.MediaType.manifest, digest: digest, size: 2)
                    try store.tag(descriptor, as: "image-\(index)")
                } catch {
                    Issue.record(error)
                }
            }
            #expect(try store.references().count == 24)
            try store.untag("image-3")
            #expect(try store.resolve("image-3") == nil)
            #expect(try store.resolve("image-4")?.digest == digest)
        }
    }

    @Test(.enabled(if: has("skopeo"), "skopeo is not installed"))
    func skopeoReadsTheLayout() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let config = OCI.ImageConfig(
                created: "1980-01-01T00:00:00Z", architecture: "amd64", os: "linux", config: OCI.Execution(),
                rootfs: OCI.RootFS(diffIDs: []), history: [])
            let image = try store.putImage(config: config, layers: [])
            try store.tag(image, as: "python:3.11")
            let inspect = try shell(["skopeo", "inspect", "oci:\(scratch):python:3.11"])
            #expect(inspect.status == 0, "\(inspect.stderr)")
            #expect(inspect.stdout.contains(image.digest.description))
        }
    }
}
