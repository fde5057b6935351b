import Foundation
import Glibc
import IbidLayer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct TarTests {
    static func write(_ entries: [(TarEntry, [UInt8])], to path: FilePath) throws {
        var bytes: [UInt8] = []
        var writer = TarWriter { bytes.append(contentsOf: $0) }
        for (entry, content) in entries {
            try writer.add(entry)
            try writer.content(content)
        }
        try writer.finish()
        try Data(bytes).write(to: URL(fileURLWithPath: path.string))
    }

    static func readAll(_ path: FilePath) throws -> [(TarEntry, [UInt8])] {
        let reader = try TarReader(file: path)
        var all: [(TarEntry, [UInt8])] = []
        while let entry = try reader.next() {
            var content: [UInt8] = []
            try reader.readContent { content.append(contentsOf: $0) }
            all.append((entry, content))
        }
        return all
    }

    static let samples: [(TarEntry, [UInt8])] = {
        let long = Array(String(repeating: "directory/", count: 30).utf8) + Array("file".utf8)
        return [
            (TarEntry(path: Array("a".utf8), kind: .directory, mode: 0o755, mtime: 1_700_000_000), []),
            (
                TarEntry(path: Array("a/b".utf8), kind: .file(size: 5), mode: 0o4755, uid: 1, gid: 2, mtime: 7),
                Array("hello".utf8)
            ),
            (TarEntry(path: long, kind: .file(size: 0), mode: 0o600, uid: 3_000_000, gid: 4_000_000), []),
            (TarEntry(path: Array("a/l".utf8), kind: .symlink(long), mode: 0o777), []),
            (
                TarEntry(
                    path: Array("a/h".utf8), kind: .hardlink(Array("a/b".utf8)), mode: 0o4755, uid: 1, gid: 2, mtime: 7),
                []
            ),
            (
                TarEntry(
                    path: [0x66, 0xff, 0x0a], kind: .file(size: 1), mode: 0o644, xattrs: ["user.x": [0, 10, 255]]), [9]
            ),
            (TarEntry(path: Array("n".utf8), kind: .characterDevice(major: 1, minor: 3), mode: 0o666), []),
            (TarEntry(path: Array("p".utf8), kind: .fifo, mode: 0o644), []),
        ]
    }()

    /// Content that nobody reads is jumped over; that it is missing is noticed all the same.
    @Test func passesOverContent() throws {
        try withScratch { scratch in
            let file = scratch.appending("x.tar")
            let large = [UInt8](repeating: 7, count: 3 << 20)
            try Self.write(
                [
                    (TarEntry(path: [0x61], kind: .file(size: 3 << 20), mode: 0o644), large),
                    (TarEntry(path: [0x62], kind: .file(size: 2), mode: 0o644), [1, 2]),
                ], to: file)
            let reader = try TarReader(file: file)
            #expect(try reader.next()?.path == [0x61])
            #expect(try reader.next()?.path == [0x62])
            #expect(reader.contentOffset == 512 + (3 << 20) + 512)
            var content: [UInt8] = []
            try reader.readContent { content += $0 }
            #expect(content == [1, 2])
            #expect(try reader.next() == nil)
            #expect(truncate(file.string, 3 << 20) == 0)
            let cut = try TarReader(file: file)
            #expect(try cut.next()?.path == [0x61])
            let error = #expect(throws: IbidError.self) { try cut.next() }
            #expect(error?.message.contains("ends inside a file (at byte \(3 << 20))") == true)
        }
    }

    @Test func readsBackWhatItWrote() throws {
        try withScratch { scratch in
            let file = scratch.appending("x.tar")
            try Self.write(Self.samples, to: file)
            let read = try Self.readAll(file)
            #expect(read.map(\.0) == Self.samples.map(\.0))
            #expect(read.map(\.1) == Self.samples.map(\.1))
        }
    }

    /// Oracle: Python's tarfile, which knows nothing of ours.
    @Test(.enabled(if: has("python3"), "python3 is not installed"))
    func pythonReadsTheSame() throws {
        try withScratch { scratch in
            let file = scratch.appending("x.tar")
            try Self.write(Self.samples, to: file)
            let script = """
                import tarfile, sys
                for m in tarfile.open(sys.argv[1]):
                    print(repr(m.name.encode('utf-8', 'surrogateescape')), m.type, oct(m.mode), m.uid, m.gid, m.size, int(m.mtime), len(m.linkname))
                """
            let result = try shell(["python3", "-c", script, file.string])
            #expect(result.status == 0, "\(result.stderr)")
            let lines = result.stdout.split(separator: "\n").map(String.init)
            #expect(lines.count == Self.samples.count)
            #expect(lines[1] == "b'a/b' b'0' 0o4755 1 2 5 7 0")
            #expect(lines[2].contains("b'0' 0o600 3000000 4000000 0 0 0"))
            #expect(lines[3] == "b'a/l' b'2' 0o777 0 0 0 0 304")
            #expect(lines[4] == "b'a/h' b'1' 0o4755 1 2 0 7 3")
            #expect(lines[5] == "b'f\\xff\\n' b'0' 0o644 0 0 1 0 0")
        }
    }

    /// Oracle: GNU tar as the writer, in the three forms it has.
    @Test(arguments: ["gnu", "pax", "ustar"])
    func readsGNUTar(format: String) throws {
        try withScratch { scratch in
            let name = format == "ustar" ? "n" : String(repeating: "n", count: 120)
            try shell(["mkdir", "-p", "\(scratch)/d/sub"])
            try Data("content".utf8).write(to: URL(fileURLWithPath: "\(scratch)/d/sub/\(name)"))
            try shell(["ln", "-s", "sub/\(name)", "\(scratch)/d/link"])
            let tar = try shell([
                "tar", "--format=\(format)", "--sort=name", "-C", "\(scratch)/d", "-cf", "\(scratch)/x.tar", ".",
            ])
            #expect(tar.status == 0, "\(tar.stderr)")
            let read = try Self.readAll(scratch.appending("x.tar"))
            #expect(read.map(\.0.displayPath) == ["", "link", "sub", "sub/\(name)"])
            #expect(read.last?.1 == Array("content".utf8))
        }
    }

    @Test func refusesAnArchiveThatClimbsOut() throws {
        try withScratch { scratch in
            try shell([
                "python3", "-c",
                """
                import tarfile, io
                t = tarfile.open('\(scratch)/x.tar', 'w')
                i = tarfile.TarInfo('a/../../etc/passwd'); i.size = 1; t.addfile(i, io.BytesIO(b'x')); t.close()
                """,
            ])
            let error = #expect(throws: IbidError.self) { try Self.readAll(scratch.appending("x.tar")) }
            #expect(error?.code == "malformed-archive")
            #expect(error?.message.contains("leaves the archive") == true)
        }
    }

    @Test func everyTruncationIsAnErrorOrAnEnd() throws {
        try withScratch { scratch in
            let file = scratch.appending("x.tar")
            try Self.write(Self.samples, to: file)
            let whole = try Data(contentsOf: URL(fileURLWithPath: file.string))
            for length in stride(from: 0, to: whole.count, by: 97) {
                try whole.prefix(length).write(to: URL(fileURLWithPath: file.string))
                do {
                    #expect(try Self.readAll(file).count <= Self.samples.count)
                } catch let error as IbidError {
                    #expect(error.code == "malformed-archive")
                }
            }
        }
    }

    @Test func aFlippedByteNeverCrashes() throws {
        try withScratch { scratch in
            let file = scratch.appending("x.tar")
            try Self.write(Self.samples, to: file)
            let whole = try Data(contentsOf: URL(fileURLWithPath: file.string))
            for offset in stride(from: 0, to: whole.count, by: 11) {
                var altered = whole
                altered[offset] ^= 0xff
                try altered.write(to: URL(fileURLWithPath: file.string))
                do { _ = try Self.readAll(file) } catch let error as IbidError {
                    #expect(error.code == "malformed-archive")
                }
            }
        }
    }
}
