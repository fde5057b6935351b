import IbidModel

extension IbidError {
    static func platform(image: String, spec: String) -> IbidError {
        IbidError(
            "platform-mismatch",
            "the run is for \(spec), its image for \(image), and this machine is \(HostFacts.platform)",
            hint: "run it on a machine of that platform, or build the image for this one")
    }

    static func processor(_ level: CPULevel) -> IbidError {
        IbidError(
            "cpu-level",
            "the platform differs: the run used processor level \(level.rawValue), and this machine has "
                + (Machine.level?.rawValue ?? "none"),
            hint: "use a machine of that level; 'ibid replay --any-cpu' tries with the kernels that this one has")
    }

    static func profileUnknown(_ path: String) -> IbidError {
        IbidError(
            "profile-unknown", "the run preloaded \(path), and this version of Ibid has \(DeterminismProfile.preload)",
            hint: "replay it with the version of Ibid that recorded it")
    }

    static func inputName(_ name: String) -> IbidError {
        IbidError("input-name", "the input name '\(name)' cannot be a file name below /inputs")
    }

    static func outputPattern(_ pattern: String, _ reason: String) -> IbidError {
        IbidError("output-pattern", "the output pattern '\(pattern)' \(reason)")
    }
}
