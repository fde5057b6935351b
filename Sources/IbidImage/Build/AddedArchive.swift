import Glibc
import IbidLayer
import IbidModel
import SystemPackage

/// An archive that `ADD` unpacks: its tar, uncompressed, in a file without a name.
struct AddedArchive {
    /// Its name, for messages.
    let name: String
    let file: ScratchFile

    /// What one archive may unpack to.
    struct Limits {
        /// The most.
        var largestBytes: Int64 = 64 << 30
        /// A larger one than this may not be more than `largestRatio` times its packed form.
        var unsuspiciousBytes: Int64 = 1 << 30
        var largestRatio: Int64 = 200

        func allow(_ size: Int64, packed: Int64) -> Bool {
            size <= min(largestBytes, max(unsuspiciousBytes, packed * largestRatio))
        }
    }

    /// Reads a file that may be an archive.
    ///
    /// As with Docker, what is inside decides and not the name: a tar, plain or packed by gzip, bzip2, xz or zstd.
    ///
    /// - Parameter scratch: a directory for temporary files.
    /// - Returns: nil when it is something else, which is copied as it is.
    /// - Throws: `CopyProblem` for an archive that is damaged or unpacks to too much.
    init?(
        _ content: CopyPlan.Content, name: String, scratch: FilePath, limits: Limits = Limits(),
        isCancelled: @escaping () -> Bool
    ) throws {
        let head = try Self.head(of: content)
        guard let kind = ArchiveKind(head) ?? (TarReader.isHeader(head) ? .tar : nil) else { return nil }
        self.name = name
        let packed = try ScratchFile(in: scratch)
        try CopyPlan.read(content) { try packed.write($0) }
        guard let program = kind.program else {
            file = packed
            return
        }
        packed.rewind()
        let unpacked = try ScratchFile(in: scratch)
        guard
            try Self.unpack(
                packed, with: program, into: unpacked, name: name, limits: limits, isCancelled: isCancelled)
        else { return nil }
        file = unpacked
    }

    /// A reader of the archive, at its first member.
    func reader() -> TarReader {
        file.rewind()
        return TarReader(descriptor: FileDescriptor(rawValue: file.descriptor), name: name)
    }

    private static func head(of content: CopyPlan.Content) throws -> [UInt8] {
        struct Enough: Error {}
        var head: [UInt8] = []
        do {
            try CopyPlan.read(content) {
                head += $0.prefix(512 - head.count)
                if head.count == 512 { throw Enough() }
            }
        } catch is Enough {}
        return head
    }

    /// - Returns: false when there is no tar in it.
    private static func unpack(
        _ packed: ScratchFile, with program: (name: String, package: String), into unpacked: ScratchFile, name: String,
        limits: Limits, isCancelled: @escaping () -> Bool
    ) throws -> Bool {
        struct NoArchive: Error {}
        var child = try ChildProcess(program.name, package: program.package, arguments: ["-dc"])
        child.stdin = packed.descriptor
        child.isCancelled = isCancelled
        var head: [UInt8] = []
        do {
            let result = try child.run { piece in
                if head.count < 512 {
                    head += piece.prefix(512 - head.count)
                    if head.count == 512, !TarReader.isHeader(head) { throw NoArchive() }
                }
                let size = unpacked.size + Int64(piece.count)
                guard limits.allow(size, packed: packed.size) else {
                    throw CopyProblem(
                        problem: "'\(name)' unpacks to more than \(unpacked.size >> 20) MiB, which is out of proportion"
                    )
                }
                try unpacked.write(piece)
            }
            if head.count < 512 { return false }
            guard result.status == 0 else {
                throw CopyProblem(problem: "'\(name)' cannot be unpacked: \(result.reason)")
            }
        } catch is NoArchive {
            return false
        }
        return true
    }
}
