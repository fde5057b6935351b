import CLinux
public import IbidModel

/// The two things that differ every time: the clock and randomness. Given to the engine so that tests can fix them.
public struct Moment: Sendable {
    /// The time now.
    public var now: @Sendable () -> Timestamp
    /// 80 random bits, in the low part.
    public var random: @Sendable () throws -> UInt128

    /// The machine's clock and the kernel's generator.
    public static let real = Moment(
        now: { Timestamp(microseconds: cl_realtime_microseconds()) },
        random: {
            var bits: UInt128 = 0
            let result = withUnsafeMutableBytes(of: &bits) { cl_random($0.baseAddress.unsafelyUnwrapped, 10) }
            guard result >= 0 else { throw IbidError("no-randomness", "the kernel gives no random bytes") }
            return bits & ((1 << 80) - 1)
        })

    /// A new run id.
    func runID() throws -> RunID {
        RunID(milliseconds: UInt64(max(0, now().microseconds / 1_000)), random: try random())
    }
}
