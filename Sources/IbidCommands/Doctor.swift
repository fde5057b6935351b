import ArgumentParser
import IbidEngine
import IbidModel

/// `ibid doctor`.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check that this machine can build and run, and say what to do where it cannot.")

    @OptionGroup var common: CommonOptions

    func run() throws {
        let checks = try common.engine().checkMachine()
        if common.json {
            Terminal.out(
                JSONDocument.object([
                    ("ok", .bool(checks.allSatisfy { $0.problem == nil })),
                    (
                        "checks",
                        .array(
                            checks.map {
                                .object([
                                    ("name", .string($0.name)), ("found", .text($0.found)),
                                    ("problem", .text($0.problem)), ("remedy", .text($0.remedy)),
                                ])
                            })
                    ),
                ]).text)
        } else {
            for check in checks {
                if let problem = check.problem {
                    Terminal.out("\(Terminal.styled("missing", .red))  \(check.name): \(Terminal.safe(problem))\n")
                    if let remedy = check.remedy { Terminal.out("         hint: \(remedy)\n") }
                } else {
                    Terminal.out(
                        "\(Terminal.styled("ok", .green))       \(check.name)  \(Terminal.safe(check.found ?? ""))\n")
                    if let remedy = check.remedy { Terminal.out("         hint: \(remedy)\n") }
                }
            }
        }
        if checks.contains(where: { $0.problem != nil }) { throw ExitCode(IbidError.Exit.failed.rawValue) }
    }
}

/// `ibid completion`.
struct Completion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a shell completion script.",
        discussion: """
            bash:  ibid completion bash > /etc/bash_completion.d/ibid
            zsh:   ibid completion zsh > "${fpath[1]}/_ibid"
            fish:  ibid completion fish > ~/.config/fish/completions/ibid.fish
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let kind = CompletionShell(rawValue: shell) else {
            throw ValidationError("'\(shell)' is not a shell that has completions: bash, zsh or fish")
        }
        Terminal.out(IbidCommand.completionScript(for: kind) + "\n")
    }
}
