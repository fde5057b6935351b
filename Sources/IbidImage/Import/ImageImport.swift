import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Takes foreign images into the store: layers are unpacked, checked against what the image says of them, and the
/// manifest is written anew over the uncompressed layers. The configuration keeps its bytes, and so the image its ID.
///
/// Nothing of the image is trusted: each document has a largest length, each blob has to be what its descriptor says,
/// each layer what the configuration says. A refused image leaves blobs without a name, which `ibid gc` removes.
struct ImageImport {
    let store: Store
    /// What the user named, for messages.
    let source: String
    var limits = ImportLimits()
    var isCancelled: () -> Bool = { false }
    var progress: (String) -> Void = { _ in }

    /// The part of a configuration that counts here; everything else stays as it is.
    private struct Config: Decodable {
        struct RootFS: Decodable {
            var diffIDs: [Digest]
            enum CodingKeys: String, CodingKey { case diffIDs = "diff_ids" }
        }
        var rootfs: RootFS
        var architecture: String
        var os: String
    }

    /// What a configuration says the layers are.
    func diffIDs(_ configuration: [UInt8]) throws -> [Digest] {
        let config = try decode(Config.self, configuration, "configuration")
        guard config.os == "linux", config.architecture == BaseCatalog.architecture else {
            throw IbidError.badImage(
                source,
                "it is for \(config.os)/\(config.architecture), this machine is linux/\(BaseCatalog.architecture)")
        }
        return config.rootfs.diffIDs
    }

    /// The image of a configuration and of layers that may be packed.
    ///
    /// - Parameter layer: gives the file of a layer by its number from 0; asked only for layers that the store lacks.
    func image(
        configuration bytes: [UInt8], layerCount: Int, layer: (Int) throws -> ImportFile
    ) throws -> OCI.Descriptor {
        let layers = try self.layers(configuration: bytes, count: layerCount, layer: layer)
        let digest = try store.put(bytes)
        let manifest = OCI.Manifest(
            config: OCI.Descriptor(mediaType: OCI.MediaType.config, digest: digest, size: Int64(bytes.count)),
            layers: layers)
        let encoded = try CanonicalJSON.encode(manifest)
        return OCI.Descriptor(
            mediaType: OCI.MediaType.manifest, digest: try store.put(encoded), size: Int64(encoded.count))
    }

    /// Stores the layers that a configuration lists.
    func layers(
        configuration bytes: [UInt8], count: Int, layer: (Int) throws -> ImportFile
    ) throws -> [OCI.Descriptor] {
        let diffIDs = try diffIDs(bytes)
        guard diffIDs.count == count else {
            throw IbidError.badImage(
                source, "its configuration speaks of \(diffIDs.count) layers, it has \(count)")
        }
        guard count <= limits.layers else {
            throw IbidError.badImage(source, "it has \(count) layers; \(limits.layers) are the most")
        }
        var layers: [OCI.Descriptor] = []
        for (index, diffID) in diffIDs.enumerated() {
            if isCancelled() { throw IbidError.interrupted }
            if store.contains(diffID) {
                try store.verify(diffID)
                layers.append(
                    OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: diffID, size: try store.size(of: diffID)))
                continue
            }
            progress("unpacking layer \(index + 1) of \(count)")
            let found = try unpacked(try layer(index))
            guard found.digest == diffID else {
                throw IbidError.badImage(
                    source, "layer \(index + 1) unpacks to \(found.digest), its configuration says \(diffID)")
            }
            layers.append(found)
        }
        return layers
    }

    /// Stores a layer without its compression.
    func unpacked(_ file: ImportFile) throws -> OCI.Descriptor {
        let writer = try store.writer()
        try file.unpacked(limit: limits.layerBytes(freeIn: store.root)) { try writer.write($0) }
        let (digest, size) = try writer.finish()
        return OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: digest, size: size)
    }

    /// Decodes one of the image's documents.
    func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ what: String) throws -> T {
        do {
            return try CanonicalJSON.decode(type, from: bytes)
        } catch DecodingError.keyNotFound(let key, _) {
            throw IbidError.badImage(source, "its \(what) has no '\(key.stringValue)'")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw IbidError.badImage(source, "its \(what) has something else than expected at '\(Self.path(context))'")
        } catch DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty {
            throw IbidError.badImage(
                source, "its \(what) is wrong at '\(Self.path(context))': \(context.debugDescription)")
        } catch {
            throw IbidError.badImage(source, "its \(what) is no JSON document")
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    }
}
