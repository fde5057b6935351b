import IbidImage
public import IbidModel

extension Engine {
    /// Every name that FROM can use without a registry, built-in ones included.
    public func baseImages() throws -> [BaseSummary] {
        try bases.list().map { name, base in
            let origin: String
            switch base {
            case nil: origin = "built-in, made when first used"
            case let base? where base.lock != nil: origin = "built-in"
            case let base?: origin = base.origin == nil ? "added" : "pulled"
            }
            return BaseSummary(name: name, origin: origin, pulledFrom: base?.origin, digest: base?.manifest.digest)
        }
    }

    /// Adds a base under a name.
    ///
    /// - Parameter source: `docker://HOST/REPO:TAG`, `oci:DIR[:REF]`, `docker-archive:FILE`, and the other forms that
    ///   `ibid base add --help` lists.
    public func addBase(
        _ name: String, from source: String, registry: RegistryAccess = RegistryAccess(),
        events: @escaping EventSink = { _ in }
    ) throws -> BaseSummary {
        var bases = bases
        bases.registry = registry
        let base = try bases.add(name: name, from: try BaseOrigin.parse(source), progress: { events(.base($0)) })
        return BaseSummary(
            name: name, origin: base.origin == nil ? "added" : "pulled", pulledFrom: base.origin,
            digest: base.manifest.digest)
    }
}
