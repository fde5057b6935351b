/// How a file is packed, from its first bytes.
enum ArchiveKind {
    case tar
    case gzip
    case zstd
    case xz
    case bzip2

    init?(_ head: [UInt8]) {
        if head.starts(with: [0x1f, 0x8b]) {
            self = .gzip
        } else if head.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
            self = .zstd
        } else if head.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
            self = .xz
        } else if head.starts(with: Array("BZh".utf8)) {
            self = .bzip2
        } else if head.count >= 262, head[257..<262].elementsEqual(Array("ustar".utf8)) {
            self = .tar
        } else {
            return nil
        }
    }

    /// The program that unpacks it to stdout, and its Debian package; nil for what is not packed.
    var program: (name: String, package: String)? {
        switch self {
        case .tar: nil
        case .gzip: ("gzip", "gzip")
        case .zstd: ("zstd", "zstd")
        case .xz: ("xz", "xz-utils")
        case .bzip2: ("bzip2", "bzip2")
        }
    }
}
