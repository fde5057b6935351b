import IbidModel
import IbidRuntime
import Testing

struct CPUPinsTests {
    private let numpy = "NPY_DISABLE_CPU_FEATURES"

    @Test func levelsAreOrdered() {
        #expect(CPULevel.x86v4.covers(.x86v3) && CPULevel.x86v3.covers(.x86v3) && !CPULevel.x86v3.covers(.x86v4))
        #expect(!CPULevel.armv82.covers(.x86v2) && CPULevel.armv82.covers(.armv8))
        #expect(CPULevel.x86v4icl.portable == .x86v3 && CPULevel.x86v2.portable == .x86v2)
        #expect(CPULevel.armv82.portable == .armv8)
        #expect(CPUWish("native") == .native && CPUWish("x86-64-v3") == .level(.x86v3) && CPUWish("v3") == nil)
        // None is missing from its architecture's ladder.
        #expect(CPULevel.allCases.allSatisfy { $0.ladder.contains($0) })
    }

    /// What is above the level is left out, on every machine alike; nothing of the level itself is.
    @Test func pinsLeaveOutWhatIsAbove() throws {
        let v3 = CPUPins(.x86v3, numpy: .lenient).environment
        let features = try #require(v3[numpy]).split(separator: " ")
        #expect(features.contains("X86_V4") && features.contains("AVX512_SKX") && features.contains("AVX512_SPR"))
        #expect(!features.contains("AVX2") && !features.contains("X86_V3"))
        #expect(v3["OPENBLAS_CORETYPE"] == "Haswell")
        #expect(CPUPins(.x86v4icl, numpy: .lenient).environment[numpy] == "AVX512_SPR")
        for level in CPULevel.allCases {
            #expect(CPUPins(level, numpy: .strict).environment["OPENBLAS_CORETYPE"] != nil)
        }
    }

    /// numpy before 1.25 warns of names that it does not know, or whose features the machine has not.
    @Test func anOldNumpyIsToldOnlyWhatItKnows() {
        let pins = CPUPins(.x86v3, numpy: .strict).environment
        func names(on machine: CPULevel?) -> String? {
            CPUPins.environment(pins, level: .x86v3, on: machine)[numpy]
        }
        #expect(names(on: .x86v3) == "")
        #expect(names(on: .x86v4) == "AVX512F AVX512CD AVX512_SKX")
        #expect(names(on: .x86v4icl) == pins[numpy])
        // What the job set itself is not touched, nor are the names that a newer numpy gets.
        let own = [numpy: "AVX2"]
        #expect(CPUPins.environment(own, level: .x86v3, on: .x86v3) == own)
        let later = CPUPins(.x86v3, numpy: .lenient).environment
        #expect(CPUPins.environment(later, level: .x86v3, on: .x86v3) == later)
    }

    @Test func aLowerLevelTakesThePlaceOfAHigherOne() {
        for names in [CPUPins.NumpyNames.strict, .lenient] {
            let high = CPUPins(.x86v4, numpy: names).environment.merging(["A": "b", "MKL_CBWR": "AUTO"]) { $1 }
            let low = CPUPins(.x86v2, numpy: names).environment.merging(["A": "b", "MKL_CBWR": "AUTO"]) { $1 }
            #expect(CPUPins.replacing(.x86v4, by: .x86v2, in: high) == low)
        }
    }
}
