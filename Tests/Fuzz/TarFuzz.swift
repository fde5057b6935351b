import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A directory in memory with a file that nothing may touch, and beside it the place that archives are unpacked into.
private let place: FilePath = {
    var template = Array("/dev/shm/ibid-fuzz-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fatalError("cannot make a directory") }
    let path = FilePath(String(cString: made))
    atexit { _ = system("rm -rf /dev/shm/ibid-fuzz-*") }
    return path
}()

/// One input as an archive: read to its end, then unpacked as a layer. What it names may only appear in its place.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTar(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let file = cl_memfd("archive")
    defer { close(file) }
    _ = write(file, start, count)
    lseek(file, 0, SEEK_SET)
    let reader = TarReader(descriptor: FileDescriptor(rawValue: file), name: "archive")
    var size: Int64 = 0
    do {
        while let entry = try reader.next() {
            let path = entry.path
            precondition(path.first != UInt8(ascii: "/") && !path.contains(0), "a path that leads out")
            precondition(
                !path.split(separator: UInt8(ascii: "/")).contains(Array("..".utf8)[...]), "a path that leads out")
            try reader.readContent { size += Int64($0.count) }
        }
    } catch {}
    precondition(size <= Int64(count), "more content than bytes")
    lseek(file, 0, SEEK_SET)
    let into = place.appending("into")
    do {
        try removeTree(into)
        try makeDirectories(into)
        try unpackArchive(TarReader(descriptor: FileDescriptor(rawValue: file), name: "archive"), into: into)
    } catch {}
    precondition((try? names(in: place)) == ["into"], "something appeared outside")
    return 0
}
