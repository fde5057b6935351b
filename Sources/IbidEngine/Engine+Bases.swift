import IbidImage
public import IbidModel

extension Engine {
    /// Every name that FROM can use, built-in ones included.
    public func baseImages() throws -> [BaseSummary] {
        try bases.list().map { name, base in
            let origin = base.map { $0.lock == nil ? "added" : "built-in" } ?? "built-in, made when first used"
            return BaseSummary(name: name, origin: origin, digest: base?.manifest.digest)
        }
    }

    /// Adds a base under a name.
    ///
    /// - Parameter source: `oci:DIR[:REF]`, `docker-archive:FILE`, or a tar of a root filesystem.
    /// - Returns: the manifest digest.
    public func addBase(_ name: String, from source: String) throws -> Digest {
        try bases.add(name: name, from: try BaseOrigin.parse(source)).manifest.digest
    }
}
