import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// Takes foreign images into the store: layers are unpacked, checked against what the image says of them, and the
/// manifest is written anew over the uncompressed layers. The configuration keeps its bytes, and so the image its ID.
struct ImageImport {
    let store: Store
    /// What the user named, for messages.
    let source: String

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

    // MARK: OCI layout

    func layout(_ directory: FilePath, ref: String?) throws -> OCI.Descriptor {
        guard let bytes = try readIfPresent(directory.appending("index.json")) else {
            throw IbidError.badImage(source, "it is no OCI image layout: index.json is missing")
        }
        let index = try decode(OCI.Index.self, bytes, "index.json")
        let named = index.manifests.filter {
            ref == nil || $0.annotations?["org.opencontainers.image.ref.name"] == ref || "\($0.digest)" == ref
        }
        guard let chosen = named.first, named.count == 1 || ref != nil else {
            let names = index.manifests.compactMap { $0.annotations?["org.opencontainers.image.ref.name"] }
            throw IbidError.badImage(
                source,
                (named.isEmpty ? "it has no such image" : "it has more than one image")
                    + "; its images are \(names.joined(separator: ", "))")
        }
        let manifest = try manifest(chosen, in: directory, depth: 0)
        let config = try blob(manifest.config, in: directory)
        let layers = manifest.layers
        return try image(config: config, layerCount: layers.count) { index in
            let path = directory.appending("blobs/sha256").appending(layers[index].digest.hex)
            guard fileSize(path) != nil else {
                throw IbidError.badImage(source, "it lacks the layer \(layers[index].digest)")
            }
            return path
        }
    }

    /// The manifest of this machine's platform.
    private func manifest(_ descriptor: OCI.Descriptor, in directory: FilePath, depth: Int) throws -> OCI.Manifest {
        let bytes = try blob(descriptor, in: directory)
        guard descriptor.mediaType.contains("index") || descriptor.mediaType.contains("manifest.list") else {
            return try decode(OCI.Manifest.self, bytes, "manifest")
        }
        guard depth < 5 else { throw IbidError.badImage(source, "its indexes are nested too deeply") }
        let index = try decode(OCI.Index.self, bytes, "index")
        let architecture = BaseCatalog.architecture
        guard
            let own = index.manifests.first(where: {
                $0.platform?.os == "linux" && $0.platform?.architecture == architecture
            }) ?? (index.manifests.count == 1 ? index.manifests.first : nil)
        else { throw IbidError.badImage(source, "it has no image for linux/\(architecture)") }
        return try manifest(own, in: directory, depth: depth + 1)
    }

    private func blob(_ descriptor: OCI.Descriptor, in directory: FilePath) throws -> [UInt8] {
        let path = directory.appending("blobs/sha256").appending(descriptor.digest.hex)
        guard let size = fileSize(path), size <= 16 << 20, let bytes = try readIfPresent(path) else {
            throw IbidError.badImage(source, "it lacks the blob \(descriptor.digest)")
        }
        let got = Digest.sha256(of: bytes)
        guard got == descriptor.digest else { throw IbidError.corruptBlob(descriptor.digest, got: got) }
        return bytes
    }

    // MARK: docker save

    private struct DockerManifest: Decodable {
        var config: String
        var layers: [String]
        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case layers = "Layers"
        }
    }

    func dockerArchive(_ file: FilePath, scratch: FilePath) throws -> OCI.Descriptor {
        // Names in the archive name nothing on disk: each member becomes a numbered file.
        var members: [String: FilePath] = [:]
        var links: [String: String] = [:]
        let reader = try TarReader(file: file)
        while let entry = try reader.next() {
            switch entry.kind {
            case .file:
                let path = scratch.appending("\(members.count)")
                try write(to: path) { sink in try reader.readContent(sink) }
                members[entry.displayPath] = path
            case .symlink(let target):
                let parent = String(decoding: entry.path.parentPath, as: UTF8.self)
                links[entry.displayPath] = Self.joined(parent, String(decoding: target, as: UTF8.self))
            case .hardlink(let target): links[entry.displayPath] = String(decoding: target, as: UTF8.self)
            default: break
            }
        }
        func member(_ name: String) throws -> FilePath {
            var name = name
            for _ in 0..<10 {
                if let path = members[name] { return path }
                guard let next = links[name] else { break }
                name = next
            }
            throw IbidError.badImage(source, "it lacks '\(name)'")
        }
        guard let bytes = try members["manifest.json"].flatMap({ try readIfPresent($0) }) else {
            throw IbidError.badImage(source, "it was not written by 'docker save': manifest.json is missing")
        }
        let images = try decode([DockerManifest].self, bytes, "manifest.json")
        guard let image = images.first, images.count == 1 else {
            throw IbidError.badImage(source, "it has \(images.count) images; save one by itself")
        }
        let config = try readIfPresent(try member(image.config)) ?? []
        return try self.image(config: config, layerCount: image.layers.count) { try member(image.layers[$0]) }
    }

    private static func joined(_ directory: String, _ target: String) -> String {
        var parts: [Substring] = []
        for part in (directory + "/" + target).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private func write(
        to path: FilePath, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let descriptor = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec], permissions: [.ownerReadWrite])
        defer { try? descriptor.close() }
        try body { try descriptor.writeAll($0) }
    }

    // MARK: root file system

    func rootArchive(_ file: FilePath) throws -> OCI.Descriptor {
        let layer = try unpacked(file)
        // The archive's own dates are all there is to know when it was made.
        let reader = try TarReader(file: store.path(of: layer.digest))
        var newest: Int64 = 0
        while let entry = try reader.next() { newest = max(newest, entry.mtime) }
        let epoch = Timestamp(seconds: max(newest, ImageEpoch.earliest))
        try ImageEpoch.check(epoch.seconds, of: source)
        var execution = OCI.Execution()
        execution.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        let config = OCI.ImageConfig(
            created: "\(epoch)", architecture: BaseCatalog.architecture, os: "linux", config: execution,
            rootfs: OCI.RootFS(diffIDs: [layer.digest]),
            history: [OCI.History(created: "\(epoch)", createdBy: "root file system archive")])
        return try store.putImage(config: config, layers: [layer])
    }

    // MARK: both

    private func image(
        config bytes: [UInt8], layerCount: Int, layer: (Int) throws -> FilePath
    ) throws -> OCI.Descriptor {
        let config = try decode(Config.self, bytes, "configuration")
        guard config.os == "linux", config.architecture == BaseCatalog.architecture else {
            throw IbidError.badImage(
                source,
                "it is for \(config.os)/\(config.architecture), this machine is linux/\(BaseCatalog.architecture)")
        }
        guard config.rootfs.diffIDs.count == layerCount else {
            throw IbidError.badImage(
                source, "its configuration speaks of \(config.rootfs.diffIDs.count) layers, it has \(layerCount)")
        }
        var layers: [OCI.Descriptor] = []
        for (index, diffID) in config.rootfs.diffIDs.enumerated() {
            if store.contains(diffID) {
                try store.verify(diffID)
                layers.append(
                    OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: diffID, size: try store.size(of: diffID)))
                continue
            }
            let found = try unpacked(try layer(index))
            guard found.digest == diffID else {
                throw IbidError.badImage(
                    source, "layer \(index + 1) unpacks to \(found.digest), its configuration says \(diffID)")
            }
            layers.append(found)
        }
        let digest = try store.put(bytes)
        let manifest = OCI.Manifest(
            config: OCI.Descriptor(mediaType: OCI.MediaType.config, digest: digest, size: Int64(bytes.count)),
            layers: layers)
        let encoded = try CanonicalJSON.encode(manifest)
        return OCI.Descriptor(
            mediaType: OCI.MediaType.manifest, digest: try store.put(encoded), size: Int64(encoded.count))
    }

    /// Stores a layer without its compression.
    private func unpacked(_ file: FilePath) throws -> OCI.Descriptor {
        var head: [UInt8] = []
        let descriptor = try open(file)
        defer { try? descriptor.close() }
        head = try [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = try descriptor.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        let stored: (digest: Digest, size: Int64)
        if let program = ArchiveKind(head)?.program {
            var process = try ChildProcess(program.name, package: program.package, arguments: ["-dc"])
            process.stdin = descriptor.rawValue
            let writer = try store.writer()
            let result = try process.run { try writer.write($0) }
            guard result.status == 0 else {
                throw IbidError.badImage(source, "a layer does not unpack: \(result.reason)")
            }
            stored = try writer.finish()
        } else {
            stored = try store.put(file: file)
        }
        return OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: stored.digest, size: stored.size)
    }

    private func open(_ file: FilePath) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        } catch let error as Errno {
            throw IbidError.badImage(source, "cannot open \(file): \(error)")
        }
    }

    private func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], _ what: String) throws -> T {
        do {
            return try CanonicalJSON.decode(type, from: bytes)
        } catch {
            throw IbidError.badImage(source, "its \(what) is not what it should be")
        }
    }
}
