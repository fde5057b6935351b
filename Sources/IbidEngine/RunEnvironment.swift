import IbidModel
import IbidRuntime

/// The environment of a run, built from nothing.
enum RunEnvironment {
    /// What the `default` profile sets: environment only, no code of the analysis behaves in a way it could not behave
    /// elsewhere. Measured on 92 outputs: 40 differ from run to run without it, 34 with it; the rest is time and
    /// randomness, which it does not touch.
    static func determinism(epoch: Timestamp) -> [String: String] {
        [
            // Hash order of sets and of strings.
            "PYTHONHASHSEED": "0",
            // Dates in archives and documents (reproducible-builds.org).
            "SOURCE_DATE_EPOCH": String(epoch.seconds),
            // A .pyc written on import holds the source's time, and would be an output.
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
            // One thread: the order of a floating-point sum is part of its value.
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1",
            "BLIS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1",
            "OMP_DYNAMIC": "FALSE", "LOKY_MAX_CPU_COUNT": "1",
            // No display, no files of the machine's user.
            "MPLBACKEND": "Agg", "MATPLOTLIBRC": DeterminismProfile.matplotlib, "MPLCONFIGDIR": "/tmp/matplotlib",
        ]
    }

    /// What every run has, with any profile.
    private static let common = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "XDG_CACHE_HOME": "/tmp/cache",
        // Live output: Python holds back what it prints to a pipe.
        "PYTHONUNBUFFERED": "1",
    ]

    /// The whole environment: profile, then image, then job, then parameters; the later one counts.
    ///
    /// - Parameters:
    ///   - home: the home directory that the image has for its user; without one it is `/tmp`, where every user can
    ///     write.
    ///   - pins: what holds libraries to the run's processor level; nil for a run that has none.
    static func make(
        image: [String], job: [String: String], params: [String: String], epoch: Timestamp,
        profile: DeterminismProfile, home: String? = nil, pins: CPUPins? = nil
    ) -> [String: String] {
        var environment = common
        environment["HOME"] = home ?? "/tmp"
        if profile != .none { environment.merge(determinism(epoch: epoch)) { $1 } }
        environment.merge(pins?.environment ?? [:]) { $1 }
        for entry in image {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
        }
        environment.merge(job) { $1 }
        for (name, value) in params { environment[variable(for: name)] = value }
        if profile == .strict { environment["LD_PRELOAD"] = preload(environment["LD_PRELOAD"]) }
        return environment
    }

    /// The preloaded libraries with that of the strict profile before them: it has to be asked first.
    static func preload(_ others: String?) -> String {
        DeterminismProfile.preload + (others.map { $0.isEmpty ? "" : ":" + $0 } ?? "")
    }

    /// The variable that carries a parameter: `IBID_PARAM_` and the name in capitals.
    static func variable(for param: String) -> String {
        "IBID_PARAM_"
            + String(param.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
