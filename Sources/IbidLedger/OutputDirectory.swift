import Glibc
import IbidCrypto
import IbidModel
import SystemPackage

/// A directory of files that somebody says are a run's outputs.
struct OutputDirectory {
    private let root: FilePath

    init(_ root: FilePath) { self.root = root }

    /// Holds each file against the output of its name.
    func verify(against expected: [Statement.Subject], into report: inout VerificationReport) {
        // By bytes: two spellings of one accented letter are two names.
        let found: [[UInt8]: FilePath]
        do { found = try files(root, "") } catch {
            return report.add(
                "the outputs \(root)", got: (error as? IbidError)?.message ?? "\(error)", want: "readable")
        }
        let before = report.problems.count
        var names: Set<[UInt8]> = []
        for output in expected {
            // A name in a foreign record must not lead out of the directory; what lies in it has been listed.
            let name = Array(output.name.utf8.drop { $0 == UInt8(ascii: "/") })
            names.insert(name)
            guard let path = found[name] else {
                report.add("output \(output.name)", got: "missing", want: "\(output.digest)")
                continue
            }
            do {
                let digest = try self.digest(path)
                if digest != output.digest {
                    report.add("output \(output.name)", got: "\(digest)", want: "\(output.digest)")
                }
            } catch {
                report.add(
                    "output \(output.name)", got: (error as? IbidError)?.message ?? "\(error)", want: "readable")
            }
        }
        for name in Set(found.keys).subtracting(names).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let name = String(decoding: name, as: UTF8.self)
            report.add("file \(name)", got: "in the directory of outputs", want: "no file that the run did not give")
        }
        if report.problems.count == before {
            report.proved.append("\(expected.count) files in \(root) are the run's outputs, and no other file is there")
        }
    }

    // Everything that is no directory, by its relative name as records write it.
    private func files(_ directory: FilePath, _ prefix: String) throws -> [[UInt8]: FilePath] {
        guard let handle = directory.withPlatformString({ opendir($0) }) else { throw failure("list", directory) }
        defer { closedir(handle) }
        var found: [[UInt8]: FilePath] = [:]
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            guard name != Array(".".utf8), name != Array("..".utf8) else { continue }
            let path = (name + [0]).withUnsafeBytes { bytes in
                bytes.assumingMemoryBound(to: CChar.self).baseAddress.map {
                    directory.appending(FilePath(platformString: $0).components)
                }
            }
            guard let path else { continue }
            var status = stat()
            guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw failure("look at", path) }
            let relative = prefix + Self.text(of: name)
            if status.st_mode & S_IFMT == S_IFDIR {
                found.merge(try files(path, relative + "/")) { $1 }
            } else {
                found[Array(relative.utf8)] = path
            }
        }
        return found
    }

    // As `RunOutput.path` writes names: `\xNN` for bytes that are not UTF-8, for backslashes and control characters.
    private static func text(of name: [UInt8]) -> String {
        var text = ""
        var rest = name[...]
        while let byte = rest.first {
            let scalar = (1...4).lazy.compactMap { String(validating: rest.prefix($0), as: UTF8.self) }.first
            if let scalar, byte >= 0x20, byte != 0x5c, byte != 0x7f {
                text += scalar
                rest = rest.dropFirst(scalar.utf8.count)
            } else {
                text += "\\x" + Hex.encode([byte])
                rest = rest.dropFirst()
            }
        }
        return text
    }

    private func digest(_ path: FilePath) throws -> Digest {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else { throw failure("look at", path) }
        if status.st_mode & S_IFMT == S_IFLNK {
            var target = [UInt8](repeating: 0, count: 4096)
            let count = path.withPlatformString { link in
                target.withUnsafeMutableBytes { bytes in
                    bytes.baseAddress.map { readlink(link, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
                }
            }
            guard count >= 0 else { throw failure("read", path) }
            return .sha256(of: Array(target.prefix(count)))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw IbidError.system("read", path.string, "it is no file") }
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
        guard descriptor >= 0 else { throw failure("read", path) }
        defer { close(descriptor) }
        var hasher = SHA256Hasher()
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return hasher.finish() }
            buffer.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    private func failure(_ operation: String, _ path: FilePath) -> IbidError {
        .system(operation, path.string, String(cString: strerror(errno)))
    }
}
