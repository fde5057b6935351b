public import IbidModel

/// What a determinism profile does beside setting variables.
public struct ExecutionSetup: Hashable, Sendable {
    /// Whether addresses are the same every time.
    public var fixedAddresses: Bool
    /// On how many processors threads may run; nil for all.
    public var processors: Int?
    /// Settings of the preloaded library (ibid-strict); empty for a run that does without it.
    public var settings: [String: String]

    /// What a spec's profile says.
    public init(_ spec: RunSpec) {
        let isStrict = spec.determinism == .strict
        fixedAddresses = isStrict
        processors = isStrict ? Self.processors(spec) : nil
        settings = isStrict ? Self.strict(spec) : [:]
    }

    /// The settings of the strict profile. The time of day begins at the spec's date.
    public static func strict(_ spec: RunSpec) -> [String: String] {
        let epoch = spec.environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? 0
        let seed = spec.environment["IBID_SEED"].flatMap { UInt64($0) } ?? 0
        return ["CLOCK": "\(epoch)", "FILE_TIMES": "\(epoch)", "SEED": "\(seed)", "DIRECTORIES": "1"]
    }

    /// So many as the processor limit amounts to, rounded up.
    static func processors(_ spec: RunSpec) -> Int { Int(max(1, (spec.limits.cpuMillis + 999) / 1_000)) }
}
