import CLinux
import Glibc
import IbidModel
package import SystemPackage

/// Removes a directory and all below it, however deep it is and whatever its names are; one that is not there is fine.
///
/// Nothing is followed: a symbolic link is removed, not what it names. Directories below the first level are moved up
/// before they are emptied, so that neither the depth of the tree nor the length of its paths matters.
package func removeTree(_ path: FilePath) throws {
    let root = open(path.string, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard root >= 0 else {
        if errno == ENOENT { return }
        if errno == ENOTDIR || errno == ELOOP, unlink(path.string) == 0 { return }
        throw IbidError.system("remove", path.string, lastError())
    }
    defer { close(root) }
    fchmod(root, 0o700)
    var moved = 0
    while true {
        let entries = try rawNames(in: root)
        if entries.isEmpty { break }
        for entry in entries { try remove(entry, from: root, moved: &moved) }
    }
    guard rmdir(path.string) == 0 || errno == ENOENT else {
        throw IbidError.system("remove", path.string, lastError())
    }
}

private func remove(_ name: [CChar], from root: Int32, moved: inout Int) throws {
    func fail(_ result: Int32) -> IbidError {
        IbidError.system(
            "remove", String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self), errorText(result))
    }
    let plain = cl_unlink_at(root, name, 0)
    if plain == 0 || plain == -ENOENT { return }
    guard plain == -EISDIR || plain == -EPERM else { throw fail(plain) }
    let empty = cl_unlink_at(root, name, 1)
    if empty == 0 { return }
    guard empty == -ENOTEMPTY || empty == -EACCES else { throw fail(empty) }
    let child = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard child >= 0 else { throw fail(-errno) }
    defer { close(child) }
    fchmod(child, 0o700)
    for entry in try rawNames(in: child) {
        let result = cl_unlink_at(child, entry, 0)
        if result == 0 { continue }
        if cl_unlink_at(child, entry, 1) == 0 { continue }
        // A directory with content: it becomes an entry of the root under a name of ours, and its turn comes.
        var target = ""
        var renamed: Int32 = -EEXIST
        while renamed == -EEXIST {
            moved += 1
            target = ".ibid-remove-\(moved)"
            renamed = cl_renameat2(child, entry, root, target, CL_RENAME_NOREPLACE)
        }
        guard renamed == 0 else { throw fail(renamed) }
    }
    let result = cl_unlink_at(root, name, 1)
    guard result == 0 else { throw fail(result) }
}

/// The names in an open directory as they are, terminated by zero; unsorted, without `.` and `..`.
package func rawNames(in directory: Int32) throws -> [[CChar]] {
    let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else { throw IbidError.system("list", "a directory", lastError()) }
    defer { closedir(stream) }
    var names: [[CChar]] = []
    while let entry = readdir(stream) {
        let name: [CChar] = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { pointer in
                Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer) + 1))
            }
        }
        if name != [46, 0], name != [46, 46, 0] { names.append(name) }
    }
    return names
}
