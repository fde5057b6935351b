/// A secret that `RUN --mount=type=secret` may see. Its bytes go from here into the step's memory, and nowhere else.
public struct BuildSecret: Sendable, CustomStringConvertible, CustomReflectable {
    /// The bytes.
    public let bytes: [UInt8]

    /// Makes a secret.
    public init(bytes: [UInt8]) { self.bytes = bytes }

    /// Not the bytes.
    public var description: String { "(secret)" }
    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
