import IbidContainer
import IbidModel

/// Files of /proc that would say what the machine is and does; a run's own limits stand in their place.
struct KernelFiles {
    let files: [ContainerFile]

    init(_ spec: RunSpec) {
        let count = ExecutionSetup.processors(spec)
        let epoch = spec.environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? 0
        var texts = [
            "meminfo": Self.memory(kilobytes: spec.limits.memoryBytes >> 10),
            "loadavg": "0.00 0.00 0.00 1/1 1\n", "uptime": "1.00 1.00\n",
            "stat": Self.statistics(processors: count, epoch: epoch),
        ]
        // Programs choose code by these lines, as libraries do by the instruction: both see the level.
        if let level = spec.cpu, level.ladder.contains(.x86v2) {
            texts["cpuinfo"] = Self.processors(count, level)
        }
        files = texts.sorted { $0.key < $1.key }.map {
            ContainerFile(target: "/proc/" + $0.key, bytes: Array($0.value.utf8), mode: 0o444)
        }
    }

    private static func memory(kilobytes: Int64) -> String {
        let zero = [
            "Buffers", "Cached", "SwapCached", "Active", "Inactive", "Active(anon)", "Inactive(anon)", "Active(file)",
            "Inactive(file)", "Unevictable", "Mlocked", "SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages",
            "Mapped", "Shmem", "KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "CommitLimit", "Committed_AS",
        ]
        let lines =
            ["MemTotal", "MemFree", "MemAvailable"].map { ($0, kilobytes) } + zero.map { ($0, 0) }
        return lines.map { name, value in
            let number = String(value)
            return "\(name):" + String(repeating: " ", count: max(1, 23 - name.count - number.count)) + number + " kB\n"
        }.joined()
    }

    private static func statistics(processors: Int, epoch: Int64) -> String {
        let zeros = String(repeating: " 0", count: 10)
        let each = (0..<processors).map { "cpu\($0)\(zeros)\n" }.joined()
        return "cpu \(zeros)\n\(each)intr 0\nctxt 0\nbtime \(epoch)\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"
            + "softirq 0\n"
    }

    private static func processors(_ count: Int, _ level: CPULevel) -> String {
        let base = "fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm pni"
        let flags = ([base] + level.ladder.filter { level.covers($0) }.map { HostFacts.flags(of: $0) })
            .joined(separator: " ")
        return (0..<count).map { number in
            let fields = [
                ("processor", "\(number)"), ("vendor_id", "unknown"), ("cpu family", "6"), ("model", "0"),
                ("model name", level.rawValue), ("stepping", "0"), ("cpu MHz", "1000.000"), ("cache size", "1024 KB"),
                ("physical id", "0"), ("siblings", "\(count)"), ("core id", "\(number)"), ("cpu cores", "\(count)"),
                ("fpu", "yes"), ("flags", flags), ("bogomips", "2000.00"),
            ]
            return fields.map { "\($0)\($0.utf8.count < 8 ? "\t" : "")\t: \($1)\n" }.joined() + "\n"
        }.joined()
    }
}
