public import IbidModel

/// Devices of the host that a container gets, and what they need beside them.
public struct ContainerDevices: Hashable, Sendable {
    /// A device, file or directory of the host that is mounted as it is.
    public struct Mount: Hashable, Sendable {
        /// Its path on the host.
        public var source: String
        /// The absolute path inside.
        public var target: String
        /// Options of the runtime-spec, beside `bind`.
        public var options: [String]

        /// Makes a mount.
        public init(source: String, target: String, options: [String]) {
            self.source = source
            self.target = target
            self.options = options
        }
    }

    /// Variables that are set for the command; the spec's own win.
    public var environment: [String: String] = [:]
    /// Nodes and files.
    public var mounts: [Mount] = []
    /// Programs of the host that the runtime calls, by the names of the runtime-spec (`createContainer` and the like).
    public var hooks: [String: [JSONValue]] = [:]

    /// No device.
    public init() {}
}
