/// The gateway's addresses, the same in every step of every build: they are part of what steps see.
enum GatewayPath {
    /// The port inside a step's network namespace.
    static let port: UInt16 = 3_141
    /// The root of the simple index (PEP 503).
    static let simple = "/pypi/simple/"
    /// Where distribution files are: `/pypi/files/<project>/<file name>`.
    static let files = "/pypi/files/"
    /// apt's configuration inside a step.
    static let aptConfiguration = "/run/ibid/apt.conf"
}
