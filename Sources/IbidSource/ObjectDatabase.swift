import CGit2
import IbidModel
import SystemPackage

/// The objects of one repository, by id. One handle belongs to one thread: shared ones are slower than none.
///
/// Each object's bytes are checked against its id by libgit2 when they are read.
final class ObjectDatabase {
    enum Kind: String {
        case commit, tree, blob, tag
    }

    /// The `objects` directory.
    let directory: FilePath
    private let handle: OpaquePointer

    /// Opens the objects in a directory (and their alternates).
    init(objects directory: FilePath) throws {
        try GitLibrary.ensureStarted()
        var handle: OpaquePointer?
        try GitLibrary.check(git_odb_open(&handle, directory.string))
        guard let handle else { throw GitFailure(code: -1, kind: 0, message: "no object database in \(directory)") }
        self.handle = handle
        self.directory = directory
    }

    deinit { git_odb_free(handle) }

    /// Whether an object is there.
    func contains(_ id: GitObjectID) -> Bool {
        var oid = id.raw
        return git_odb_exists(handle, &oid) == 1
    }

    /// A blob's length in bytes, without reading it.
    func size(of id: GitObjectID) throws(GitFailure) -> Int {
        var (oid, size, type) = (id.raw, 0, GIT_OBJECT_ANY)
        try GitLibrary.check(git_odb_read_header(&size, &type, handle, &oid))
        return size
    }

    /// An object's content.
    func read(_ id: GitObjectID) throws(GitFailure) -> ObjectContent {
        var object: OpaquePointer?
        var oid = id.raw
        try GitLibrary.check(git_odb_read(&object, handle, &oid))
        guard let object else { throw GitFailure(code: GIT_ENOTFOUND.rawValue, kind: 0, message: "no object \(id)") }
        return ObjectContent(object)
    }
}

/// The content of one object, borrowed from libgit2 without a copy.
///
/// Sendable: libgit2 counts the references to an object atomically and never changes its bytes.
final class ObjectContent: @unchecked Sendable {
    private let object: OpaquePointer

    fileprivate init(_ object: OpaquePointer) { self.object = object }

    deinit { git_odb_object_free(object) }

    var kind: ObjectDatabase.Kind? {
        switch git_odb_object_type(object) {
        case GIT_OBJECT_COMMIT: .commit
        case GIT_OBJECT_TREE: .tree
        case GIT_OBJECT_BLOB: .blob
        case GIT_OBJECT_TAG: .tag
        default: nil
        }
    }

    var count: Int { git_odb_object_size(object) }

    func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try withExtendedLifetime(self) {
            try body(UnsafeRawBufferPointer(start: git_odb_object_data(object), count: count))
        }
    }

    var bytes: [UInt8] { withBytes { Array($0) } }
}

extension GitObjectID {
    /// As libgit2 takes it.
    var raw: git_oid {
        var oid = git_oid()
        git_oid_fromstrn(&oid, hex, 40)
        return oid
    }

    /// From 20 raw bytes.
    init?(raw bytes: some Sequence<UInt8>) { self.init(Hex.encode(bytes)) }

    /// From libgit2's form.
    init?(_ oid: git_oid) { self.init(raw: withUnsafeBytes(of: oid) { Array($0) }) }
}
