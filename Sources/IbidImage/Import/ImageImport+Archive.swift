import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

extension ImageImport {
    private struct DockerManifest: Decodable {
        var config: String
        var layers: [String]
        var names: [String]?
        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case layers = "Layers"
            case names = "RepoTags"
        }
    }

    /// The members of an archive. Names in it name nothing on disk: each file is a numbered one.
    private struct Members {
        var files: [String: FilePath] = [:]
        var links: [String: String] = [:]

        func path(_ name: String) -> FilePath? {
            var name = name
            for _ in 0..<10 {
                if let path = files[name] { return path }
                guard let next = links[name] else { return nil }
                name = next
            }
            return nil
        }
    }

    /// What `docker save` and `podman save` write, packed or not.
    ///
    /// - Parameter name: one of its `RepoTags`; nil for the only image.
    func dockerArchive(_ file: FilePath, name: String?, scratch: FilePath) throws -> OCI.Descriptor {
        let members = try members(of: file, in: scratch)
        func member(_ name: String) throws -> ImportFile {
            guard let path = members.path(name) else { throw IbidError.badImage(source, "it lacks '\(name)'") }
            return try ImportFile(path, source: source)
        }
        guard members.path("manifest.json") != nil else {
            let isLayout = members.path("index.json") != nil
            throw IbidError.badImage(
                source,
                isLayout
                    ? "it is an OCI layout in an archive: write oci-archive:\(file)"
                    : "it was not written by 'docker save' or 'podman save': manifest.json is missing")
        }
        let bytes = try member("manifest.json").read(limit: limits.manifestBytes, what: "manifest.json")
        let images = try decode([DockerManifest].self, bytes, "manifest.json")
        let wanted =
            name.map { name in
                images.filter { $0.names?.contains { BaseName.familiar($0) == BaseName.familiar(name) } ?? false }
            } ?? images
        guard let image = wanted.first, wanted.count == 1 else {
            let names = images.flatMap { $0.names ?? [] }.prefix(20).joined(separator: ", ")
            throw IbidError.badImage(
                source,
                wanted.isEmpty
                    ? "it has no image '\(name ?? "")'; its images are \(names)"
                    : "it has \(images.count) images; name one, docker-archive:FILE:NAME: \(names)")
        }
        let configuration = try member(image.config).read(limit: limits.configurationBytes, what: "configuration")
        return try self.image(configuration: configuration, layerCount: image.layers.count) {
            try member(image.layers[$0])
        }
    }

    /// An OCI image layout in a tar archive.
    func layoutArchive(_ file: FilePath, ref: String?, scratch: FilePath) throws -> OCI.Descriptor {
        let members = try members(of: file, in: scratch.appending("members"))
        let layout = scratch.appending("layout")
        try makeDirectories(layout.appending("blobs/sha256"), mode: 0o700)
        for name in members.files.keys {
            let digits = name.hasPrefix("blobs/sha256/") ? Digest(hex: String(name.dropFirst(13))) : nil
            guard name == "index.json" || digits != nil, let path = members.files[name] else { continue }
            let place = digits.map { layout.appending("blobs/sha256").appending($0.hex) } ?? layout.appending(name)
            guard rename(path.string, place.string) == 0 else {
                throw IbidError.system("move", place.string, lastError())
            }
        }
        return try self.layout(layout, ref: ref)
    }

    /// An archive of a root file system.
    func rootArchive(_ file: FilePath) throws -> OCI.Descriptor {
        let archive = try ImportFile(file, source: source)
        guard try archive.kind() != nil else {
            throw IbidError.badImage(source, "it is no archive: neither tar nor packed with gzip, zstd, xz or bzip2")
        }
        return try root(try unpacked(archive))
    }

    /// A directory that is a root file system. Its times are kept, sockets are left out.
    func rootDirectory(_ directory: FilePath) throws -> OCI.Descriptor {
        let normaliser = Normaliser(epoch: Timestamp(microseconds: .max), keepsDirectories: true)
        let captured = try captureLayer(upper: directory, normaliser: normaliser, into: store, isForeign: true)
        guard let layer = captured else {
            throw IbidError.badImage(source, "the directory is empty")
        }
        return try root(layer)
    }

    private func root(_ layer: OCI.Descriptor) throws -> OCI.Descriptor {
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

    // MARK: members

    private func members(of file: FilePath, in scratch: FilePath) throws -> Members {
        try makeDirectories(scratch, mode: 0o700)
        let archive = try ImportFile(file, source: source)
        var plain = file
        if try archive.kind()?.program != nil {
            plain = scratch.appending("archive")
            try write(to: plain) { sink in
                try archive.unpacked(limit: limits.layerBytes(freeIn: scratch), sink)
            }
        }
        var members = Members()
        var count = 0
        let reader = try TarReader(file: plain)
        while let entry = try reader.next() {
            if isCancelled() { throw IbidError.interrupted }
            switch entry.kind {
            case .file:
                let path = scratch.appending("\(count)")
                count += 1
                // A name may come twice; the last one counts, as for tar.
                if let old = members.files[entry.displayPath] { try removeTree(old) }
                try write(to: path) { sink in try reader.readContent(sink) }
                members.files[entry.displayPath] = path
            case .symlink(let target):
                let parent = String(decoding: entry.path.parentPath, as: UTF8.self)
                members.links[entry.displayPath] = Self.joined(parent, String(decoding: target, as: UTF8.self))
            case .hardlink(let target): members.links[entry.displayPath] = String(decoding: target, as: UTF8.self)
            default: break
            }
        }
        return members
    }

    private static func joined(_ directory: String, _ target: String) -> String {
        var parts: [Substring] = []
        for part in (directory + "/" + target).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }

    private func write(
        to path: FilePath, _ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let descriptor = try FileDescriptor.open(
            path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        defer { try? descriptor.close() }
        try body { try descriptor.writeAll($0) }
    }
}
