/// What a processor can do, as far as numerical libraries choose their kernels by it.
///
/// A run has one: its libraries are told to use what the level has and nothing above it, so that any processor of that
/// level, or of a higher one, gives the same bits.
public enum CPULevel: String, Hashable, Sendable, Codable, CaseIterable {
    /// SSE 4.2: x86-64 psABI, table 3.1.
    case x86v2 = "x86-64-v2"
    /// AVX2 and fused multiply-add: every Intel and AMD server processor since 2015 and 2017.
    case x86v3 = "x86-64-v3"
    /// AVX-512 as Skylake-X has it.
    case x86v4 = "x86-64-v4"
    /// With what Ice Lake and Zen 4 added to it: numpy sorts small integers with it, thirty times as fast.
    case x86v4icl = "x86-64-v4-icl"
    /// The base of 64-bit Arm.
    case armv8 = "armv8-a"
    /// With half precision and dot products: Neoverse N1 and later.
    case armv82 = "armv8.2-a"

    /// The levels of one architecture, by the name that OCI has for it, lowest first.
    public static func ladder(architecture: String) -> [CPULevel] {
        switch architecture {
        case "amd64": [.x86v2, .x86v3, .x86v4, .x86v4icl]
        case "arm64": [.armv8, .armv82]
        default: []
        }
    }

    /// The levels of this one's architecture, lowest first.
    public var ladder: [CPULevel] {
        ["amd64", "arm64"].map { Self.ladder(architecture: $0) }.first { $0.contains(self) } ?? []
    }

    /// Whether a processor of this level can do all that the other has.
    public func covers(_ other: CPULevel) -> Bool {
        guard let here = ladder.firstIndex(of: self), let there = ladder.firstIndex(of: other) else { return false }
        return there <= here
    }

    /// The level that nearly every machine in use reaches: what a run is held to that must be the same anywhere.
    public var portable: CPULevel {
        let common: CPULevel = ladder.contains(.x86v3) ? .x86v3 : .armv8
        return covers(common) ? common : self
    }
}

/// The processor level that a job asks for.
public enum CPUWish: Hashable, Sendable {
    /// All that the machine has: the fastest, and repeatable on machines that have as much.
    case native
    /// One level, whatever the machine has beyond it.
    case level(CPULevel)

    /// Reads `native` or a level's name.
    public init?(_ text: String) {
        if text == "native" {
            self = .native
        } else if let level = CPULevel(rawValue: text) {
            self = .level(level)
        } else {
            return nil
        }
    }

    /// Every text that means one, for messages.
    public static let known = (["native"] + CPULevel.allCases.map(\.rawValue)).map { "'\($0)'" }.joined(separator: ", ")
}
