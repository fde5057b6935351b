import IbidModel

/// Finds the argument vector of a run, as Docker does.
enum JobCommand {
    /// - Parameters:
    ///   - image: the image's execution parameters.
    ///   - job: the command of `job.toml`; it stands for the whole command line.
    ///   - override: the words after `--`; they replace the job's command, or else the image's `CMD`.
    static func resolve(image: OCI.Execution, job: [String]?, override: [String]) throws -> [String] {
        if let job { return override.isEmpty ? job : override }
        let command = (image.entrypoint ?? []) + (override.isEmpty ? image.cmd ?? [] : override)
        guard !command.isEmpty else {
            throw IbidError(
                "no-command",
                "nothing says what to run: there is no ENTRYPOINT or CMD, no command in job.toml, and not "
                    + "just one script",
                hint: "name it: ibid submit . -- python main.py; "
                    + "or write command = [\"python\", \"main.py\"] in job.toml")
        }
        return command
    }
}
