import IbidImage
import IbidLayer
import IbidModel
import IbidStore
import IbidTestSupport
import Testing

@Suite struct SourceArchiveTests {
    @Test("a file of a snapshot is read from its archive, through links that stay inside")
    func files() throws {
        try withScratch { scratch in
            let store = try Store.open(at: scratch)
            let writer = try store.writer()
            var tar = TarWriter { try writer.write($0) }
            for (path, target) in [("again", "again"), ("job.toml", "../conf/link"), ("out", "/etc/hostname")] {
                try tar.add(TarEntry(path: Array(path.utf8), kind: .symlink(Array(target.utf8)), mode: 0o777))
            }
            try tar.add(TarEntry(path: Array("conf".utf8), kind: .directory, mode: 0o755))
            try tar.add(TarEntry(path: Array("conf/link".utf8), kind: .symlink(Array("real".utf8)), mode: 0o777))
            try tar.add(TarEntry(path: Array("conf/real".utf8), kind: .file(size: 4), mode: 0o644))
            try tar.content(Array("text".utf8))
            try tar.finish()
            let layer = try writer.finish().digest
            func read(_ path: String, limit: Int = 100) throws -> [UInt8]? {
                try SourceArchive.file(path, of: layer, in: store, limit: limit)
            }
            #expect(try read("conf/real") == Array("text".utf8))
            #expect(try read("job.toml") == Array("text".utf8))
            #expect(try read("none") == nil)
            #expect(try read("out") == nil)
            #expect(throws: IbidError.self) { try read("conf") }
            #expect(throws: IbidError.self) { try read("again") }
            #expect(throws: IbidError.self) { try read("job.toml", limit: 3) }
        }
    }
}
