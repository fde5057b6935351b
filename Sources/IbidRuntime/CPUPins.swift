public import IbidModel

/// The environment variables that hold numerical libraries to a processor level.
///
/// They choose among kernels that a library has anyway. What was compiled for one processor alone follows no variable.
public struct CPUPins: Hashable, Sendable {
    private let level: CPULevel
    private let names: NumpyNames

    /// How the run's numpy wants processor features to be called.
    public enum NumpyNames: Hashable, Sendable {
        /// Before 1.25: a name that it does not know, or that the processor lacks, is a warning on stderr.
        case strict
        /// Since then: it passes over such names.
        case lenient
    }

    /// The pins of a level.
    public init(_ level: CPULevel, numpy names: NumpyNames) {
        self.level = level
        self.names = names
    }

    /// The variables, the same on every machine.
    public var environment: [String: String] {
        var variables = Self.libraries[level] ?? [:]
        variables[Self.numpy] = numpyFeatures(of: level.ladder.last)
        return variables
    }

    /// A run's environment as a machine of some level has to set it.
    ///
    /// A numpy that warns is not told to leave out what the machine has not: stderr is compared too.
    ///
    /// - Parameter pins: those of the run; nil when it has none.
    public static func environment(
        _ environment: [String: String], level: CPULevel?, on machine: CPULevel?
    ) -> [String: String] {
        guard let level, let machine else { return environment }
        let pins = CPUPins(level, numpy: .strict)
        guard environment[numpy] == pins.environment[numpy] else { return environment }
        return environment.merging([numpy: pins.numpyFeatures(of: machine)]) { $1 }
    }

    /// The environment with the pins of one level in place of those of another. What the job set itself stays.
    public static func replacing(
        _ old: CPULevel, by new: CPULevel, in environment: [String: String]
    ) -> [String: String] {
        var environment = environment
        for names in [NumpyNames.strict, .lenient] {
            let (before, after) = (CPUPins(old, numpy: names).environment, CPUPins(new, numpy: names).environment)
            guard environment[numpy] == before[numpy] else { continue }
            for (name, value) in before where environment[name] == value { environment[name] = after[name] }
            for (name, value) in after where environment[name] == nil { environment[name] = value }
            break
        }
        return environment
    }

    private static let numpy = "NPY_DISABLE_CPU_FEATURES"

    // What the levels above this one have, as far up as a machine goes.
    private func numpyFeatures(of machine: CPULevel?) -> String {
        let above = level.ladder.filter { !level.covers($0) && machine?.covers($0) == true }
        let plain = above.flatMap { Self.features[$0] ?? [] }
        if names == .strict { return plain.joined(separator: " ") }
        return (plain + above.flatMap { Self.laterFeatures[$0] ?? [] } + (Self.never[level] ?? []))
            .joined(separator: " ")
    }

    // numpy 1.2x and 2.x to 2.3 (numpy/core/src/common/npy_cpu_features.c): what each level added.
    private static let features: [CPULevel: [String]] = [
        .x86v3: ["AVX", "F16C", "FMA3", "AVX2"],
        .x86v4: ["AVX512F", "AVX512CD", "AVX512_SKX"],
        .x86v4icl: ["AVX512_CLX", "AVX512_CNL", "AVX512_ICL"],
        .armv82: ["ASIMDHP", "ASIMDDP"],
    ]
    // numpy 2.4 has groups.
    private static let laterFeatures: [CPULevel: [String]] = [.x86v3: ["X86_V3"], .x86v4: ["X86_V4"]]
    // What some processors of the highest level have and others not.
    private static let never: [CPULevel: [String]] = [
        .x86v2: ["XOP", "FMA4", "AVX512_SPR"], .x86v3: ["AVX512_SPR"], .x86v4: ["AVX512_SPR"],
        .x86v4icl: ["AVX512_SPR"], .armv8: ["ASIMDFHM", "SVE"], .armv82: ["ASIMDFHM", "SVE"],
    ]

    private static let libraries: [CPULevel: [String: String]] = [
        .x86v2: [
            "OPENBLAS_CORETYPE": "Nehalem", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41",
            "ATEN_CPU_CAPABILITY": "default", "ARROW_USER_SIMD_LEVEL": "SSE4_2",
            // libm's exp, log, pow, sin have kernels of their own for these. The longer names are those before 2.33.
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX2_Usable,-FMA_Usable,-FMA4_Usable",
        ],
        .x86v3: [
            "OPENBLAS_CORETYPE": "Haswell", "MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2",
            "ATEN_CPU_CAPABILITY": "avx2", "ARROW_USER_SIMD_LEVEL": "AVX2",
        ],
        .x86v4: avx512, .x86v4icl: avx512,
        .armv8: ["OPENBLAS_CORETYPE": "ARMV8"],
        .armv82: ["OPENBLAS_CORETYPE": "NEOVERSEN1"],
    ]
    private static let avx512 = [
        "OPENBLAS_CORETYPE": "SkylakeX", "MKL_CBWR": "AVX512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "ATEN_CPU_CAPABILITY": "avx512", "ARROW_USER_SIMD_LEVEL": "AVX512",
    ]
}
