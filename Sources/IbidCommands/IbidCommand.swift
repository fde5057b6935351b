public import ArgumentParser
import Glibc
import IbidEngine
import IbidModel

/// The command line: `ibid COMMAND …`.
public struct IbidCommand: ParsableCommand {
    /// Name, help and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "ibid",
        abstract: "Run an analysis again and get the same bytes, and prove it.",
        discussion: """
            A job is a directory in a git repository with a Dockerfile, or just requirements.txt and Python files.
            RUN is a run's id, a unique prefix of it, or @last.

            Exit status: 0 ok · 1 Ibid failed · 3 the analysis exited non-zero · 4 the replay (or a build
            step) differs · 5 verification failed · 10 not found · 64 usage · 130 interrupted.

            Everything is kept in $IBID_HOME (default ~/.local/share/ibid).
            """,
        version: IbidVersion.current,
        subcommands: [
            Submit.self, Replay.self, Diff.self, Export.self, Import.self, Verify.self, Runs.self, Show.self, Logs.self,
            Outputs.self, Trace.self, Tag.self, Note.self, LedgerCommand.self,
            Image.self, Base.self, Lock.self, Collect.self, Doctor.self, Completion.self,
        ])

    /// Makes the command; the parser needs it.
    public init() {}

    /// Parses the process' arguments, runs the command and ends the process with the contract's exit status.
    public static func run() -> Never {
        // A reader that went away ends the command, silently, like any other program in a pipeline.
        signal(SIGPIPE, SIG_DFL)
        let status = execute(Array(CommandLine.arguments.dropFirst()))
        // Everything is written and closed. What libraries would still do is give back memory, piece by piece.
        fflush(nil)
        _exit(status)
    }

    /// Runs one command line and gives its exit status.
    public static func execute(_ arguments: [String]) -> Int32 {
        let wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        do {
            var command = try parse(arguments)
            try command.run()
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch let error as IbidError {
            return fail(error, json: wantsJSON)
        } catch {
            let code = IbidCommand.exitCode(for: error)
            if code == .success {
                Terminal.out(IbidCommand.fullMessage(for: error) + "\n")
                return 0
            }
            if code == .validationFailure {
                let message = IbidCommand.message(for: error)
                if wantsJSON {
                    return fail(IbidError("usage", message, hint: "see 'ibid --help'", exit: .usage), json: true)
                }
                Terminal.note(IbidCommand.fullMessage(for: error))
                return IbidError.Exit.usage.rawValue
            }
            return fail(IbidError("unexpected", "\(error)"), json: wantsJSON)
        }
    }

    // The parser looks at the options of every command before it comes to the one that is meant, and that takes longer
    // than many a command. What the command itself makes nothing of, help too, is for the parser to say.
    static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        let named = configuration.subcommands.first { $0.configuration.commandName == arguments.first }
        guard let named, let command = try? named.parseAsRoot(Array(arguments.dropFirst())),
            ([named] + named.configuration.subcommands).contains(where: { $0 == type(of: command) })
        else { return try parseAsRoot(arguments) }
        return command
    }

    private static func fail(_ error: IbidError, json: Bool) -> Int32 {
        if json {
            Terminal.out(ReportJSON.error(error).text)
        } else {
            Terminal.note(Terminal.styled("error:", .red) + " " + error.message)
            if let hint = error.hint { Terminal.note(Terminal.styled("hint:", .yellow) + " " + hint) }
        }
        return error.exit.rawValue
    }
}
