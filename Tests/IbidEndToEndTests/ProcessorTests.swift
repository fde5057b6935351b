import Foundation
import IbidModel
import IbidTestSupport
import Testing

extension EndToEndTests {
    /// A run is held to a processor level; a machine below it can say so, or try.
    @Test func processorLevels() throws {
        try Bench.with { bench in
            // The C library's own exp, pow and sin are other code with fused multiply-add.
            let program = """
                import math, os
                values = [math.exp(math.sin(n * 0.37)) * (n + 1.5) ** 1.37 for n in range(20000)]
                open("values.csv", "w").write("value\\n" + "\\n".join(map(repr, values)))
                """
            try bench.job(program)
            let native = try bench.json("submit", ".")
            let machine = try #require(native["cpuLevel"].string.flatMap { CPULevel(rawValue: $0) })
            #expect(native["host"]["cpuLevel"].string == machine.rawValue)
            guard machine.covers(.x86v3) else {
                return print("processorLevels: this machine has no processor of x86-64-v3")
            }
            try bench.job(program, files: ["job.toml": "[determinism]\ncpu = \"x86-64-v3\"\n"])
            let high = try bench.json("submit", ".")
            #expect(high["cpuLevel"].string == "x86-64-v3" && high["determinism"].string == "default")
            let values = high["outputs"].array[0]["digest"].string
            let low = ["IBID_CPU_LEVEL": "x86-64-v2"]

            // Below the level: said by name, and entered.
            let refused = try bench.json("replay", "@last", status: 5, environment: low)
            #expect(refused["verdict"].string == "unverifiable")
            let reason = refused["reason"].string ?? ""
            #expect(reason.contains("level x86-64-v3") && reason.contains("has x86-64-v2"))

            // Tried all the same: other bits, and the processor is the cause.
            let tried = try bench.json("replay", "@last", "--any-cpu", "--explain", status: 4, environment: low)
            let output = try #require(tried["outputs"].array.first { $0["path"].string == "values.csv" })
            #expect(output["verdict"].string == "different")
            #expect(output["cause"]["layers"].array.compactMap(\.string) == ["environment"])
            #expect(output["cause"]["summary"].string?.contains("cpuLevel was") == true)
            #expect(tried["reason"].string?.contains("tried with the kernels of x86-64-v2") == true)

            // A run at the lower level is the same on both.
            let portable = try bench.json("submit", ".", "--cpu-level", "x86-64-v2")
            #expect(portable["outputs"].array[0]["digest"].string == output["actual"].string)
            #expect(output["actual"].string != values)
            #expect(try bench.json("replay", "@last")["verdict"].string == "identical")
            #expect(try bench.json("replay", "@last", environment: low)["verdict"].string == "identical")

            // A level above the machine's is refused before anything is recorded.
            let above = try bench.json("submit", ".", status: 1, environment: low)
            #expect(above["error"]["code"].string == "cpu-level")
            #expect(try bench.call("submit", ".", "--cpu-level", "v3").status == 64)
            // strict takes a level that other machines have too; without a profile there is none.
            try bench.sh("git rm -q job.toml; git commit -qm plain")
            #expect(try bench.json("submit", ".", "--determinism", "strict")["cpuLevel"].string == "x86-64-v3")
            #expect(try bench.json("submit", ".", "--determinism", "none")["cpuLevel"].string == nil)
            #expect(try bench.call("submit", ".", "--determinism", "none", "--cpu-level", "native").status == 64)
        }
    }
}
