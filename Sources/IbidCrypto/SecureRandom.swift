/// Random numbers from the kernel (`getrandom(2)`, through the standard library's system generator).
public enum SecureRandom {
    /// Unpredictable bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The low 80 bits are unpredictable: what a run's id takes.
    public static func bits80() -> UInt128 {
        var generator = SystemRandomNumberGenerator()
        return UInt128(UInt16.random(in: .min ... .max, using: &generator)) << 64 | UInt128(generator.next() as UInt64)
    }
}
