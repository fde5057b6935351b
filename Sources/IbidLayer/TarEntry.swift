/// One member of a tar archive, as bytes: file names are not text.
public struct TarEntry: Hashable, Sendable {
    /// What the member is.
    public enum Kind: Hashable, Sendable {
        /// A regular file and its length in bytes.
        case file(size: Int64)
        /// A directory.
        case directory
        /// A symbolic link and its target.
        case symlink([UInt8])
        /// Another name of an earlier member.
        case hardlink([UInt8])
        /// A character device.
        case characterDevice(major: UInt32, minor: UInt32)
        /// A block device.
        case blockDevice(major: UInt32, minor: UInt32)
        /// A named pipe.
        case fifo
    }

    /// The path, without a slash at either end; empty for the root directory.
    public var path: [UInt8]
    /// What it is.
    public var kind: Kind
    /// Permission bits, 07777.
    public var mode: UInt32
    /// Owner.
    public var uid: UInt32
    /// Group.
    public var gid: UInt32
    /// Seconds since 1970.
    public var mtime: Int64
    /// Extended attributes by full name.
    public var xattrs: [String: [UInt8]]

    /// Makes an entry; owner root, no attributes unless given.
    public init(
        path: [UInt8], kind: Kind, mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0, mtime: Int64 = 0,
        xattrs: [String: [UInt8]] = [:]
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.xattrs = xattrs
    }

    /// The path as text for messages; bytes that are not UTF-8 are shown as replacement characters.
    public var displayPath: String { String(decoding: path, as: UTF8.self) }
}
