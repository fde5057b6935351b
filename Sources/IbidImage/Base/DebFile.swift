import IbidModel
import IbidStore
import SystemPackage

/// A .deb archive: an `ar` file whose first member is `debian-binary` (deb(5)).
enum DebFile {
    /// The date a package carries: the time of its first member, which `dpkg-deb` takes from the package's newest
    /// changelog entry.
    ///
    /// - Throws: `IbidError` for a file that is no .deb.
    static func date(of file: FilePath) throws -> Int64 {
        var head: [UInt8] = []
        let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        defer { try? descriptor.close() }
        head = try [UInt8](unsafeUninitializedCapacity: 68) { buffer, count in
            count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        // "!<arch>\n", then name (16), time (12), owner (6), group (6), mode (8), size (10), "`\n".
        guard head.count == 68, head.starts(with: Array("!<arch>\n".utf8)),
            head[8...].starts(with: Array("debian-binary".utf8)),
            let date = Int64(String(decoding: head[24..<36].prefix { $0 != 0x20 }, as: UTF8.self)), date > 0
        else { throw IbidError.bootstrap("package \(file.lastComponent?.string ?? "")", "it is not a .deb file") }
        return date
    }
}
