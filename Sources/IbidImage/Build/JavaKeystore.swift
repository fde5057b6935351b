import CLinux
import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Java's list of certificate authorities, which Debian's packages write anew: every entry carries the moment, and
/// a digest at the end covers it. Both are made those of the epoch; certificates and names stay as they are.
///
/// The form is JKS version 2 (sun.security.provider.JavaKeyStore): a head, entries of tag, alias, milliseconds and
/// certificate, and SHA-1 of the password in UTF-16, the words "Mighty Aphrodite" and everything before.
enum JavaKeystore {
    private static let path = "etc/ssl/certs/java/cacerts"
    private static let limit: UInt64 = 64 << 20
    /// The password that the packages use; a store with another one is somebody's own.
    private static let secret = "changeit".utf8.flatMap { [0, $0] } + Array("Mighty Aphrodite".utf8)

    /// Sets the dates of a step's keystore, when it wrote one of a known form.
    static func normalise(in upper: FilePath, epoch: Timestamp) throws {
        let root = open(upper.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw IbidError.system("open", upper.string, lastError()) }
        defer { close(root) }
        let file = cl_openat2(
            root, path, UInt64(O_RDWR | O_NOFOLLOW | O_NONBLOCK), 0, CL_RESOLVE_BENEATH | CL_RESOLVE_NO_SYMLINKS)
        // Not there, or not a plain file in plain directories.
        guard file >= 0 else { return }
        defer { close(file) }
        var status = cl_stat()
        guard cl_stat_at(file, "", 0, &status) == 0, status.mode & UInt32(S_IFMT) == UInt32(S_IFREG),
            status.size < limit
        else { return }
        var bytes = [UInt8](repeating: 0, count: Int(status.size))
        guard pread(file, &bytes, bytes.count, 0) == bytes.count, let clamped = clamped(bytes, to: epoch),
            clamped != bytes
        else { return }
        guard pwrite(file, clamped, clamped.count, 0) == clamped.count else {
            throw IbidError.system("write", path, lastError())
        }
    }

    /// The same store with no date later than the epoch; nil when it is of another form or has another password.
    static func clamped(_ bytes: [UInt8], to epoch: Timestamp) -> [UInt8]? {
        guard bytes.count > 32, bytes.starts(with: [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]),
            digest(bytes.dropLast(20)).elementsEqual(bytes.suffix(20))
        else { return nil }
        var result = bytes
        let end = bytes.count - 20
        var place = 12
        for _ in 0..<number(bytes, 8, 4) {
            // Tag 2 is a certificate; a private key is nobody's default.
            guard place + 4 <= end, number(bytes, place, 4) == 2 else { return nil }
            place += 4
            guard skip(&place, lengthOf: 2, bytes, end), place + 8 <= end else { return nil }
            let time = min(number(bytes, place, 8), UInt64(max(0, epoch.seconds)) * 1_000)
            for index in 0..<8 { result[place + index] = UInt8(truncatingIfNeeded: time >> (8 * (7 - UInt64(index)))) }
            place += 8
            // The kind of certificate, then the certificate.
            guard skip(&place, lengthOf: 2, bytes, end), skip(&place, lengthOf: 4, bytes, end) else { return nil }
        }
        guard place == end else { return nil }
        result.replaceSubrange(end..., with: digest(result[..<end]))
        return result
    }

    private static func skip(_ place: inout Int, lengthOf width: Int, _ bytes: [UInt8], _ end: Int) -> Bool {
        guard place + width <= end else { return false }
        place += width + Int(number(bytes, place, width))
        return place <= end
    }

    private static func number(_ bytes: [UInt8], _ place: Int, _ width: Int) -> UInt64 {
        bytes[place..<place + width].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func digest(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var hasher = SHA1Hasher()
        hasher.update(secret)
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finish()
    }
}
