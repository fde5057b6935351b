public import IbidModel
public import IbidStore

/// A file at an address whose bytes are known beforehand, such as a job's input.
public enum PinnedFile {
    /// Brings it into the store, through the proxies and with the authorities that the host's pip has; what the store
    /// has is not fetched again.
    ///
    /// - Returns: its size in bytes. The blob is on disk then.
    /// - Throws: `file-not-fetched` when it cannot be had; `digest-mismatch` when the server has other bytes, of which
    ///   nothing stays.
    public static func fetch(_ url: String, digest: Digest, into store: Store) throws -> Int64 {
        let sources = PackageSources.ofHost(store: store)
        defer { sources.stop() }
        do {
            guard case .bytes(_, let size) = try sources.file(url, expected: digest) else {
                throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): there is no such file")
            }
            try store.flush()
            return size
        } catch let failure as UpstreamFailure {
            throw IbidError("file-not-fetched", "cannot get \(failure)")
        }
    }
}
