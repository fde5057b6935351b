import Foundation
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct LayerTests {
    static let epoch = Timestamp(seconds: 1_700_000_000)

    /// A tree with what a layer can hold, made by the shell.
    static func makeTree(_ path: FilePath, order: [String] = ["b", "a", "a-b", "c"]) throws {
        try shell(["mkdir", "-p", path.string])
        for name in order { try Data(name.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
        let script = """
            umask 022; chmod 644 *; mkdir -p d/sub tmp run var/log; echo x > d/sub/file
            ln b d/hard; ln -s ../a d/link; mkfifo d/pipe
            echo log > var/log/dpkg.log; echo t > tmp/t; chmod 4755 a; chown 5:6 c
            """
        let result = try shell(["sh", "-euc", script], in: path.string)
        #expect(result.status == 0, "\(result.stderr)")
    }

    @Test(.enabled(if: isRoot, "needs root to own files as others"))
    func theSameTreeGivesTheSameLayer() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            try Self.makeTree(scratch.appending("one"))
            try Self.makeTree(scratch.appending("two"), order: ["c", "a-b", "b", "a"])
            let normaliser = Normaliser(epoch: Self.epoch)
            let one = try captureLayer(upper: scratch.appending("one"), normaliser: normaliser, into: store)
            let two = try captureLayer(upper: scratch.appending("two"), normaliser: normaliser, into: store)
            #expect(one != nil)
            #expect(one == two)
            // Oracle: GNU tar lists it.
            let path = store.path(of: try #require(one).digest).string
            let listing = try shell(["tar", "--numeric-owner", "-tf", path]).stdout
            #expect(
                listing.split(separator: "\n") == [
                    "a", "a-b", "b", "c", "d/", "d/hard", "d/link", "d/pipe", "d/sub/", "d/sub/file", "var/",
                    "var/log/",
                ])
            let verbose = try shell(["tar", "--numeric-owner", "--utc", "-tvf", path]).stdout
            #expect(verbose.contains("-rwsr-xr-x 0/0"))
            #expect(verbose.contains("5/6"))
            #expect(!verbose.contains("2026"))
        }
    }

    @Test(.enabled(if: isRoot, "needs root to own files as others"))
    func unpacksWhatItCaptured() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            try Self.makeTree(scratch.appending("one"))
            let normaliser = Normaliser(epoch: Self.epoch)
            let layer = try #require(
                try captureLayer(upper: scratch.appending("one"), normaliser: normaliser, into: store))
            let cache = LayerCache(root: scratch.appending("layers"), store: store)
            let directory = try cache.directory(for: layer.digest)
            let again = try captureLayer(upper: directory, normaliser: normaliser, into: store)
            #expect(again == layer)
            #expect(try shell(["stat", "-c", "%a %u %Y", "\(directory)/a"]).stdout == "4755 0 1700000000\n")
        }
    }

    @Test(.enabled(if: isRoot, "needs root to make whiteouts"))
    func whiteoutsGoThereAndBack() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            let upper = scratch.appending("upper")
            try shell(["mkdir", "-p", "\(upper)/d"])
            try shell(["mknod", "\(upper)/gone", "c", "0", "0"])
            try shell(["python3", "-c", "import os; os.setxattr('\(upper)/d', 'trusted.overlay.opaque', b'y')"])
            let normaliser = Normaliser(epoch: Self.epoch)
            let layer = try #require(try captureLayer(upper: upper, normaliser: normaliser, into: store))
            let listing = try shell(["tar", "-tf", store.path(of: layer.digest).string]).stdout
            #expect(listing == "d/\nd/.wh..wh..opq\n.wh.gone\n")
            let cache = LayerCache(root: scratch.appending("layers"), store: store)
            let directory = try cache.directory(for: layer.digest)
            #expect(
                try shell(["stat", "-c", "%F %t %T", "\(directory)/gone"]).stdout == "character special file 0 0\n")
            #expect(try captureLayer(upper: directory, normaliser: normaliser, into: store) == layer)
        }
    }

    @Test(.enabled(if: isRoot, "needs root to make whiteouts"))
    func anAdoptedLayerIsWhatUnpackingGives() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            let upper = scratch.appending("upper")
            try Self.makeTree(upper)
            let script = """
                umask 022; mkdir -p var/lib/apt/lists/deep root/.cache/x etc opaque; echo 1 > var/lib/apt/lists/deep/f
                echo id > etc/machine-id; touch -d @1000000000.5 old; mknod gone c 0 0; chmod 1777 opaque; chown 7:8 opaque
                ln tmp/t kept; python3 -c "
                import os, socket
                socket.socket(socket.AF_UNIX).bind('d/socket')
                os.setxattr('opaque', 'trusted.overlay.opaque', b'y')
                os.setxattr('d', 'trusted.overlay.impure', b'y')
                os.setxattr('c', 'trusted.overlay.origin', b'abc')
                os.setxattr('c', 'user.note', b'mine')
                os.setxattr('a-b', 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))"
                """
            let made = try shell(["sh", "-euc", script], in: upper.string)
            #expect(made.status == 0, "\(made.stderr)")
            let normaliser = Normaliser(epoch: Self.epoch)
            let layer = try #require(try captureLayer(upper: upper, normaliser: normaliser, into: store))
            let unpacking = LayerCache(root: scratch.appending("unpacked"), store: store)
            let adopting = LayerCache(root: scratch.appending("adopted"), store: store)
            #expect(try adopting.adopt(upper, as: layer.digest, normaliser: normaliser))
            #expect(access(upper.string, F_OK) != 0)
            let directories = try [unpacking, adopting].map { try $0.directory(for: layer.digest) }
            #expect(try adopting.verify(layer.digest).isEmpty)
            let find = """
                find . -mindepth 1 -type c -printf '%P %y\\n'
                find . -mindepth 1 ! -type c -printf '%P %y %m %U %G %T@ %s %n %l\\n' | sort
                find . -mindepth 1 ! -type l | sort | python3 -c "
                import os, sys
                for path in map(str.strip, sys.stdin):
                    print(path, {k: os.getxattr(path, k) for k in sorted(os.listxattr(path))})"
                """
            let listings = try directories.map { try shell(["sh", "-c", find], in: $0.string).stdout }
            #expect(listings[0] == listings[1])
            #expect(listings[0].contains("./c {'user.note': b'mine'}"))
            #expect(listings[0].contains("etc/machine-id f 644 0 0 1700000000.0000000000 0"))
        }
    }

    @Test func aLayerThatWritesThroughALinkIsRefused() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            let outside = scratch.appending("outside")
            try shell(["mkdir", outside.string])
            let file = scratch.appending("evil.tar")
            try TarTests.write(
                [
                    (TarEntry(path: Array("way".utf8), kind: .symlink(Array(outside.string.utf8)), mode: 0o777), []),
                    (TarEntry(path: Array("way/in".utf8), kind: .file(size: 1), mode: 0o644), [1]),
                ], to: file)
            let digest = try store.put(file: file).digest
            let cache = LayerCache(root: scratch.appending("layers"), store: store)
            let error = #expect(throws: IbidError.self) { try cache.directory(for: digest) }
            #expect(error?.code == "unpack-layer")
            #expect(try FileManager.default.contentsOfDirectory(atPath: outside.string) == [])
            // Nothing half-made is left under a good name.
            let left = try FileManager.default.contentsOfDirectory(atPath: scratch.string + "/layers")
            #expect(left.allSatisfy { $0.hasPrefix(".lock-") })
        }
    }

    @Test func removesATreeOfAnyDepth() throws {
        try withScratch { scratch in
            let script = """
                import os
                os.mkdir('\(scratch)/deep'); os.chdir('\(scratch)/deep')
                for i in range(1500):
                    os.mkdir('d' * 20); open('f', 'w').close(); os.chdir('d' * 20)
                """
            #expect(try shell(["python3", "-c", script]).status == 0)
            try removeTree(scratch.appending("deep"))
            #expect(!FileManager.default.fileExists(atPath: "\(scratch)/deep"))
        }
    }
}

extension LayerTests {
    @Test(.enabled(if: isRoot, "needs root to own files as others"))
    func namesWhatWasChangedInAnUnpackedLayer() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            try Self.makeTree(scratch.appending("one"))
            let layer = try #require(
                try captureLayer(
                    upper: scratch.appending("one"), normaliser: Normaliser(epoch: Self.epoch), into: store))
            let cache = LayerCache(root: scratch.appending("layers"), store: store)
            let directory = try cache.directory(for: layer.digest)
            #expect(try cache.verify(layer.digest) == [])
            let changes = [
                "printf y > \(directory)/d/sub/file", "touch \(directory)/d/new", "chmod 600 \(directory)/c",
                "rm \(directory)/a-b", "ln -sfn b \(directory)/d/link",
            ]
            for (index, change) in changes.enumerated() {
                #expect(try shell(["sh", "-c", change]).status == 0)
                #expect(try cache.verify(layer.digest).count == index + 1, "\(change)")
            }
        }
    }
}

extension LayerTests {
    @Test func aLayerOfAnEarlierBootIsUnpackedAgain() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch.appending("store"))
            let file = scratch.appending("layer.tar")
            try TarTests.write(
                [(TarEntry(path: [0x61], kind: .file(size: 5), mode: 0o644), Array("whole".utf8))], to: file)
            let digest = try store.put(file: file).digest
            let cache = LayerCache(root: scratch.appending("layers"), store: store)
            let directory = try cache.directory(for: digest)
            // What a power failure leaves: a file with a hole, and the mark of the boot before.
            try Data().write(to: URL(fileURLWithPath: "\(directory)/a"))
            #expect(try shell(["cat", "\(try cache.directory(for: digest))/a"]).stdout == "")
            try Data("another boot\n".utf8).write(to: URL(fileURLWithPath: "\(scratch)/layers/.\(digest.hex).boot"))
            #expect(try shell(["cat", "\(try cache.directory(for: digest))/a"]).stdout == "whole")
        }
    }
}
