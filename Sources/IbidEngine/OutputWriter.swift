import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Puts recorded outputs back on disk, below one directory.
struct OutputWriter {
    let store: Store
    let root: FilePath

    func write(_ output: RunOutput) throws {
        guard let bytes = output.rawPath else {
            throw IbidError("impossible-path", "the output '\(output.path)' has an escape that means nothing")
        }
        let parts = bytes.split(separator: UInt8(ascii: "/"))
        guard !parts.isEmpty, parts.allSatisfy({ !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8) }) else {
            throw IbidError("impossible-path", "the output '\(output.path)' has no place below a directory")
        }
        var directory = open(root.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw IbidError.system("open", root.string, lastError()) }
        defer { close(directory) }
        for part in parts.dropLast() {
            let name = part.map { CChar(bitPattern: $0) } + [0]
            let made = cl_mkdir_at(directory, name, 0o755)
            guard made == 0 || made == -EEXIST else { throw IbidError.system("create", output.path, errorText(made)) }
            let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw IbidError.system("create", output.path, lastError()) }
            close(directory)
            directory = next
        }
        let name = (parts.last ?? []).map { CChar(bitPattern: $0) } + [0]
        switch output.kind {
        case .symlink:
            let target = try store.read(output.digest).map { CChar(bitPattern: $0) } + [0]
            let made = cl_symlink_at(target, directory, name)
            guard made == 0 else { throw IbidError.system("create", output.path, errorText(made)) }
        case .file:
            let mode: mode_t = output.executable ? 0o755 : 0o644
            let file = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode)
            guard file >= 0 else { throw IbidError.system("create", output.path, lastError()) }
            defer { close(file) }
            try store.verify(output.digest)
            try forEachChunk(of: store.path(of: output.digest)) { chunk in
                var rest = chunk
                while !rest.isEmpty {
                    let count = Glibc.write(file, rest.baseAddress, rest.count)
                    if count < 0 && errno == EINTR { continue }
                    guard count >= 0 else { throw IbidError.system("write", output.path, lastError()) }
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                }
            }
        }
    }
}
