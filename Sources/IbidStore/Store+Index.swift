import CLinux
import Glibc
public import IbidModel
import SystemPackage

extension Store {
    /// The annotation that names an image in an index (annotations.md).
    private static let refName = "org.opencontainers.image.ref.name"

    /// Gives an image a name; the name's former image keeps its blobs.
    public func tag(_ descriptor: OCI.Descriptor, as ref: String) throws {
        try changeIndex { index in
            index.manifests.removeAll { $0.annotations?[Self.refName] == ref }
            var named = descriptor
            named.annotations = (descriptor.annotations ?? [:]).merging([Self.refName: ref]) { $1 }
            index.manifests.append(named)
        }
    }

    /// Removes a name; nothing happens when it does not exist.
    public func untag(_ ref: String) throws {
        try changeIndex { index in index.manifests.removeAll { $0.annotations?[Self.refName] == ref } }
    }

    /// The image a name stands for; nil when it stands for none.
    public func resolve(_ ref: String) throws -> OCI.Descriptor? {
        try references().first { $0.ref == ref }?.descriptor
    }

    /// Every name and its image, sorted by name.
    public func references() throws -> [(ref: String, descriptor: OCI.Descriptor)] {
        try readIndex().manifests.compactMap { descriptor in
            descriptor.annotations?[Self.refName].map { (ref: $0, descriptor: descriptor) }
        }.sorted { $0.ref < $1.ref }
    }

    private func readIndex() throws -> OCI.Index {
        let path = root.appending("index.json")
        guard let bytes = try readIfPresent(path) else { return OCI.Index(manifests: []) }
        do {
            return try CanonicalJSON.decode(OCI.Index.self, from: bytes)
        } catch {
            throw IbidError(
                "corrupt-index", "\(path) is not an OCI image index",
                hint: "restore it, or remove it: images are then named again by the next build",
                exit: .verificationFailed)
        }
    }

    // Read, change, replace under a lock: two builds at one time must not lose each other's names.
    func changeIndex(_ change: (inout OCI.Index) throws -> Void) throws {
        let lock = try FileLock(root.appending(".lock"))
        defer { lock.release() }
        var index = try readIndex()
        let before = index
        try change(&index)
        index.manifests.sort {
            ($0.annotations?[Self.refName] ?? "", $0.digest) < ($1.annotations?[Self.refName] ?? "", $1.digest)
        }
        if index == before && access(root.appending("index.json").string, F_OK) == 0 { return }
        try writeAtomically(try CanonicalJSON.encode(index), to: root.appending("index.json"), alone: true)
    }
}
