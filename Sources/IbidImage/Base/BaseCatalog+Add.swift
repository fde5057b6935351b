import IbidModel
import IbidStore
import SystemPackage

extension BaseCatalog {
    /// Takes an image into the store, to be built on under that name.
    ///
    /// Its layers are stored uncompressed and checked against its configuration, whose bytes are kept.
    ///
    /// - Throws: `bad-image` for what is no image, or not one for this machine.
    public func add(name: String, from origin: BaseOrigin) throws -> Base {
        guard !name.isEmpty, name != "scratch", name.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 })
        else {
            throw IbidError(
                "bad-name", "'\(name)' is no name of a base", hint: "for example lab/python:3.12", exit: .usage)
        }
        let manifest: OCI.Descriptor
        switch origin {
        case .layout(let directory, let ref):
            manifest = try ImageImport(store: store, source: "oci:\(directory)").layout(directory, ref: ref)
        case .dockerArchive(let file):
            manifest = try withScratch { scratch in
                try ImageImport(store: store, source: file.string).dockerArchive(file, scratch: scratch)
            }
        case .rootArchive(let file):
            manifest = try ImageImport(store: store, source: file.string).rootArchive(file)
        }
        var named = manifest
        named.annotations = [Self.addedAnnotation: "added"]
        try store.tag(named, as: name)
        return Base(ref: name, manifest: manifest, lock: nil)
    }

    private func withScratch<T>(_ body: (FilePath) throws -> T) throws -> T {
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
