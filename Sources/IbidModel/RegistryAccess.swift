public import SystemPackage

/// How registries are reached: the user's own credentials and certificates, as skopeo, podman and docker find them.
///
/// Passwords are read by skopeo alone, from its files; they are in no argument, environment, record or message of Ibid.
public struct RegistryAccess: Hashable, Sendable {
    /// An auth file in place of `$REGISTRY_AUTH_FILE`, `containers/auth.json` and `~/.docker/config.json`.
    public var authFile: FilePath?
    /// A directory with `*.crt`, `*.cert`, `*.key` beside `/etc/docker/certs.d` and `/etc/containers/certs.d`.
    public var certificates: FilePath?
    /// Whether the registry has to prove who it is.
    public var verifiesTLS = true

    /// The usual places.
    public init() {}
}

/// A form in which an image leaves the store.
public enum ImageFormat: String, Hashable, Sendable, CaseIterable {
    /// An OCI image layout over uncompressed layers, as the store has it: the same digest.
    case oci
    /// An OCI image layout over layers packed with gzip: another digest, smaller, the same image ID.
    case ociGzip = "oci-gzip"
    /// What `docker save` writes, for `docker load` and `podman load`.
    case dockerArchive = "docker-archive"
}
