import CLinux
import Glibc
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// A directory or a tar archive that files are added to, one after the other.
final class ExportPlace {
    private enum Form {
        case directory(FilePath)
        case archive(TarWriter, FileDescriptor)
    }

    private var form: Form
    private var made: Set<String> = []

    private init(_ form: Form) { self.form = form }

    deinit { if case .archive(_, let file) = form { try? file.close() } }

    static func directory(at path: FilePath) throws -> ExportPlace {
        try makeDirectories(path)
        return ExportPlace(.directory(path))
    }

    static func archive(at path: FilePath) throws -> ExportPlace {
        let file = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: FilePermissions(rawValue: 0o644))
        return ExportPlace(.archive(TarWriter { try file.writeAll($0) }, file))
    }

    /// Adds a file of these bytes.
    func add(_ name: String, _ bytes: [UInt8]) throws {
        try add(name, size: Int64(bytes.count)) { sink in try bytes.withUnsafeBytes(sink) }
    }

    /// Adds a copy of a file.
    func add(_ name: String, file: FilePath) throws {
        guard let size = fileSize(file) else { throw IbidError.system("read", file.string, "it is not there") }
        try add(name, size: size) { sink in try forEachChunk(of: file, sink) }
    }

    private func add(
        _ name: String, size: Int64, _ content: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        // The same layer may be in an image twice.
        guard made.insert(name).inserted else { return }
        switch form {
        case .directory(let root):
            let path = root.appending(name)
            try makeDirectories(path.removingLastComponent())
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o644))
            defer { try? file.close() }
            try content { try file.writeAll($0) }
        case .archive(var tar, let file):
            try tar.add(TarEntry(path: Array(name.utf8), kind: .file(size: size), mode: 0o644, mtime: 0))
            if size > 0 { try content { try tar.content($0) } }
            form = .archive(tar, file)
        }
    }

    /// Ends it, with everything on disk.
    func finish() throws {
        switch form {
        case .directory(let root):
            let descriptor = open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw IbidError.system("open", root.string, lastError()) }
            defer { close(descriptor) }
            let flushed = cl_syncfs(descriptor)
            guard flushed == 0 else { throw IbidError.system("flush", root.string, errorText(flushed)) }
        case .archive(var tar, let file):
            try tar.finish()
            guard fsync(file.rawValue) == 0 else { throw IbidError.system("flush", "the archive", lastError()) }
        }
    }
}
