public import IbidModel

/// The packages a base is made of: the base is a function of this record, and it can be made again without a network.
public struct BaseLock: Hashable, Sendable, Codable {
    /// The version of this record's form.
    public static let currentSchema = "ibid.base-lock.v1"

    /// One package.
    public struct Package: Hashable, Sendable, Codable {
        /// Its name.
        public var name: String
        /// Its version, with the epoch.
        public var version: String
        /// Its architecture: the machine's, or `all`.
        public var architecture: String
        /// The digest of the .deb, which the store keeps.
        public var sha256: Digest
        /// The .deb's length in bytes.
        public var size: Int64

        /// The name as archives form it.
        var fileName: String {
            "\(name)_\(version.split(separator: ":", omittingEmptySubsequences: false).joined(separator: "%3a"))"
                + "_\(architecture).deb"
        }

        /// The form that `dpkg-query` and apt share.
        var selector: String { "\(name):\(architecture)=\(version)" }
    }

    /// Always `currentSchema`.
    public var schema: String
    /// The version of the way the packages are put together.
    public var recipe: Int64
    /// The base's name in the store.
    public var ref: String
    /// The Debian release.
    public var release: String
    /// A Debian architecture, which is a GOARCH value as well.
    public var architecture: String
    /// What was asked for.
    public var include: [String]
    /// Seconds since 1970: the newest date that the packages themselves carry.
    public var epoch: Int64
    /// What was installed, sorted by name.
    public var packages: [Package]
    /// The archive's own description of the packages (`Packages` stanzas): apt needs their priorities.
    public var stanzas: Digest
}

extension BaseLock {
    /// The media type of the stored record.
    public static let mediaType = "application/vnd.ibid.base-lock.v1+json"
    /// The annotation that names a base's lock in the store's index.
    public static let annotation = "dev.ibid.base-lock"
}
