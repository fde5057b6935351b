import FoundationEssentials
import Glibc
import IbidImage
import IbidModel
import IbidStore

/// One call of a program that others wrote, such as git or gpg, to its end, in the user's own environment; what asks for
/// a password may do so on the terminal.
struct ToolRun {
    /// The exit status; 128 + signal when a signal ended it.
    var status: Int32
    /// What it wrote to stdout.
    var output: String
    /// The end of what it wrote to stderr.
    var errors: String

    /// Runs a program found on PATH; what it writes is small.
    ///
    /// - Parameter input: a file for its stdin.
    /// - Throws: what keeps it from being started.
    init(_ arguments: [String], input: String = "/dev/null") throws {
        guard let path = ChildProcess.find(arguments[0]) else {
            (status, output, errors) = (Self.missing, "", "\(arguments[0]) is not installed")
            return
        }
        let stdin = open(input, O_RDONLY | O_CLOEXEC)
        guard stdin >= 0 else { throw IbidError.system("open", input, lastError()) }
        defer { close(stdin) }
        var process = ChildProcess(path: path, arguments: Array(arguments.dropFirst()))
        process.environment = ProcessInfo.processInfo.environment
        process.stdin = stdin
        process.hasOwnSession = false
        let result = try process.run()
        status = result.status
        output = String(decoding: result.stdout, as: UTF8.self)
        errors = result.stderr
    }

    /// What a shell, `env` and `unshare` end with when there is no such program.
    private static let missing: Int32 = 127

    /// Whether there is no such program.
    var isMissing: Bool { status == Self.missing }

    /// The last line that it said, for a message.
    var complaint: String {
        (errors.isEmpty ? output : errors).split(separator: "\n").last.map(String.init) ?? "no reason given"
    }
}
