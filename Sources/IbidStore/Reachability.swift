public import IbidModel
import SystemPackage

/// Which blobs are needed: those that something names, and those that needed documents name.
///
/// Every document of Ibid and of OCI is JSON and names other blobs by their 64 digits. So a document is searched for
/// digits, whatever its kind: a kind that this version does not know keeps what it names, too. What is kept for a
/// coincidence does no harm; what is removed by mistake would.
public struct Reachability {
    /// A document longer than this is data.
    private static let longestDocument: Int64 = 256 << 20

    private let store: Store
    private let known: Set<Digest>
    /// The blobs found so far.
    public private(set) var reached: Set<Digest> = []

    /// Nothing is reached yet.
    public init(store: Store) throws {
        self.store = store
        known = Set(try store.digests())
    }

    /// Every blob of the store.
    public var all: Set<Digest> { known }

    /// Reaches what a document outside the store names, and all that follows from it.
    public mutating func add(document: [UInt8]) throws { try add(Self.digests(in: document)) }

    /// Reaches blobs, and all that follows from them.
    public mutating func add(_ digests: some Sequence<Digest>) throws {
        var open = digests.filter { known.contains($0) }
        while let digest = open.popLast() {
            guard reached.insert(digest).inserted, try isDocument(digest) else { continue }
            // An altered document may name anything; that it is altered is for 'ibid verify' to say.
            let bytes = try readIfPresent(store.path(of: digest)) ?? []
            open += Self.digests(in: bytes).filter { known.contains($0) && !reached.contains($0) }
        }
    }

    private func isDocument(_ digest: Digest) throws -> Bool {
        guard try store.size(of: digest) <= Self.longestDocument else { return false }
        let file = try FileDescriptor.open(store.path(of: digest), .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        var first: UInt8 = 0
        let count = try withUnsafeMutableBytes(of: &first) { try file.read(into: $0) }
        return count == 1 && [UInt8(ascii: "{"), UInt8(ascii: "[")].contains(first)
    }

    /// Every run of exactly 64 lower-case hexadecimal digits in a text.
    public static func digests(in bytes: [UInt8]) -> Set<Digest> {
        var found: Set<Digest> = []
        bytes.withUnsafeBufferPointer { bytes in
            var length = 0
            for index in 0...bytes.count {
                let byte = index < bytes.count ? bytes[index] : 0
                if (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) {
                    length += 1
                    continue
                }
                if length == 64, let digest = Digest(hex: String(decoding: bytes[index - 64..<index], as: UTF8.self)) {
                    found.insert(digest)
                }
                length = 0
            }
        }
        return found
    }
}
