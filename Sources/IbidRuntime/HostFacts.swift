import FoundationEssentials
import Glibc
public import IbidModel

/// The machine that runs are executed on.
public enum Machine {
    /// Its processor level; nil for one below all levels.
    public static var level: CPULevel? { HostFacts.current["cpuLevel"].flatMap { CPULevel(rawValue: $0) } }
}

/// Facts of this machine that can change the bits of a result; recorded beside it, never part of it.
enum HostFacts {
    /// `linux/amd64` and the like, in the words of OCI.
    static let platform: String = {
        #if arch(x86_64)
            "linux/amd64"
        #elseif arch(arm64)
            "linux/arm64"
        #else
            "linux/unknown"
        #endif
    }()

    /// Processor and kernel of this machine.
    static let current: [String: String] = {
        var facts = ["platform": platform, "kernel": kernelRelease()]
        facts.merge(processor(cpuinfo: firstProcessor())) { $1 }
        // A machine can be taken for one of a lower level, to see what a run would give there.
        if let wished = getenv("IBID_CPU_LEVEL").flatMap({ CPULevel(rawValue: String(cString: $0)) }),
            facts["cpuLevel"].flatMap({ CPULevel(rawValue: $0) })?.covers(wished) == true
        {
            facts["cpuLevel"] = wished.rawValue
        }
        return facts
    }()

    // The kernel writes this file anew for each reader, one processor after the other: only the first is asked for.
    private static func firstProcessor() -> String {
        let descriptor = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        var count = 0
        while count < bytes.count, !bytes[..<count].contains([0x0a, 0x0a]) {
            let got = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress.map { $0 + count }, min(4_096, $0.count - count))
            }
            if got <= 0 { break }
            count += got
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Model and feature level from the text of /proc/cpuinfo; the first processor speaks for all.
    static func processor(cpuinfo: String) -> [String: String] {
        var fields: [String: String] = [:]
        // By bytes: by characters it takes longer than the rest of a short command.
        for line in cpuinfo.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            // The names are padded with tabs.
            let name = String(Substring(line[..<colon].prefix { $0 != UInt8(ascii: "\t") }))
            guard ["model name", "flags", "Features"].contains(name) else { continue }
            var value = line[colon...].dropFirst().drop { $0 == UInt8(ascii: " ") }
            while value.last == UInt8(ascii: " ") { value.removeLast() }
            fields[name] = String(Substring(value))
        }
        var facts: [String: String] = [:]
        facts["cpu"] = fields["model name"]
        if let flags = fields["flags"] ?? fields["Features"] {
            facts["cpuLevel"] = level(Set(flags.utf8.split(separator: UInt8(ascii: " ")).map { Substring($0) }))
        }
        return facts
    }

    // x86-64 psABI, table 3.1, and what Arm's extensions are, in the names that the kernel gives the features.
    private static let levels: [(level: CPULevel, flags: Set<Substring>)] = [
        (.x86v2, ["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"]),
        (.x86v3, ["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"]),
        (.x86v4, ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]),
        (
            .x86v4icl,
            ["avx512_vnni", "avx512ifma", "avx512vbmi", "avx512_vbmi2", "avx512_bitalg", "avx512_vpopcntdq"]
        ),
        (.armv8, ["fp", "asimd"]),
        (.armv82, ["atomics", "fphp", "asimdhp", "asimdrdm", "asimddp"]),
    ]

    /// What a level adds to the one below, in the words of /proc/cpuinfo.
    static func flags(of level: CPULevel) -> String {
        levels.first { $0.level == level }?.flags.sorted().joined(separator: " ") ?? ""
    }

    private static func level(_ flags: Set<Substring>) -> String {
        let isArm = flags.contains("asimd")
        var reached = isArm ? "arm" : "x86-64-v1"
        for (level, wanted) in levels where level.rawValue.hasPrefix("arm") == isArm {
            guard wanted.isSubset(of: flags) else { break }
            reached = level.rawValue
        }
        return reached
    }

    private static func kernelRelease() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Timestamp {
    /// The moment that the system's clock shows.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }
}
