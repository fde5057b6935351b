/// The first signature of a process takes ten times as long as any other, as OpenSSL sets itself up for it.
public enum Signing {
    /// Has it do that now, with keys that are then forgotten; on a thread that has nothing else to do, nobody waits for it.
    public static func start() {
        // What goes wrong here goes wrong again where it matters, and is said there.
        _ = try? P256.PrivateKey().sign([])
        _ = try? Ed25519.PrivateKey().sign([])
    }
}
