/// What build steps find the gateway by, the same in every step of every build: it is part of what steps see.
enum GatewayPath {
    /// The port inside a step's network namespace.
    static let port: UInt16 = 3_141
    /// apt's configuration inside a step.
    static let aptConfiguration = "/run/ibid/apt.conf"
    /// The only certificate authority that a step trusts: the gateway's.
    static let authority = "/run/ibid/ca.pem"
}
