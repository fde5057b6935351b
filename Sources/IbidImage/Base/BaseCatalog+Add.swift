import Glibc
import IbidModel
import IbidStore
import SystemPackage

extension BaseCatalog {
    /// Takes an image into the store, to be built on under that name.
    ///
    /// Its layers are stored uncompressed and checked against its configuration, whose bytes are kept.
    ///
    /// - Throws: `bad-image` for what is no image, or not one for this machine; `registry-…` for what a registry says.
    public func add(
        name: String, from origin: BaseOrigin, isCancelled: @escaping () -> Bool = { false },
        progress: @escaping (String) -> Void = { _ in }
    ) throws -> Base {
        guard !name.isEmpty, name != "scratch", name.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 })
        else {
            throw IbidError(
                "bad-name", "'\(name)' is no name of a base", hint: "for example lab/python:3.12", exit: .usage)
        }
        func importer(_ source: String) -> ImageImport {
            ImageImport(store: store, source: source, isCancelled: isCancelled, progress: progress)
        }
        let manifest: OCI.Descriptor
        switch origin {
        case .layout(let directory, let ref): manifest = try importer("oci:\(directory)").layout(directory, ref: ref)
        case .layoutArchive(let file, let ref):
            manifest = try withScratch { try importer(file.string).layoutArchive(file, ref: ref, scratch: $0) }
        case .dockerArchive(let file, let name):
            manifest = try withScratch { try importer(file.string).dockerArchive(file, name: name, scratch: $0) }
        case .rootArchive(let file): manifest = try importer(file.string).rootArchive(file)
        case .directory(let directory):
            let isTransport =
                access(directory.appending("version").string, F_OK) == 0
                && access(directory.appending("manifest.json").string, F_OK) == 0
            let importer = importer("dir:\(directory)")
            manifest =
                isTransport ? try importer.transportDirectory(directory) : try importer.rootDirectory(directory)
        case .registry(let reference):
            return try pull(reference, as: name, isCancelled: isCancelled, progress: progress)
        }
        var named = manifest
        named.annotations = [Self.addedAnnotation: "added"]
        try store.tag(named, as: name)
        return Base(ref: name, manifest: manifest, lock: nil)
    }

    /// Runs the body with an empty directory that goes afterwards.
    func withScratch<T>(_ body: (FilePath) throws -> T) throws -> T {
        let scratch = cache.appending("add-\(UInt64.random(in: 0 ... .max))")
        try makeDirectories(scratch, mode: 0o700)
        do {
            let result = try body(scratch)
            try removeTree(scratch)
            return result
        } catch {
            // Why it was refused matters more.
            try? removeTree(scratch)
            throw error
        }
    }
}
