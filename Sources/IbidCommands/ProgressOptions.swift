import ArgumentParser
import Glibc

/// How progress is shown, in docker's words.
enum ProgressMode: String, CaseIterable, ExpressibleByArgument {
    /// `tty` on a terminal; elsewhere a line for each step that ended.
    case auto
    /// Lines, and everything that steps print.
    case plain
    /// One line that follows what goes on, and stays when a step has ended.
    case tty
    /// Nothing but warnings.
    case quiet
}

/// `--progress`.
struct ProgressOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How progress is shown: auto, plain (with all that steps print), tty (one line that follows), quiet.",
            valueName: "how"))
    var progress = ProgressMode.auto

    func validate() throws {
        guard progress != .tty || isatty(STDERR_FILENO) == 1 else {
            throw ValidationError("--progress tty needs a terminal on stderr")
        }
    }
}
