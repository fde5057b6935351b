import Glibc
import IbidModel
import IbidStore

/// Why a container's command could not be started, looked up in its image.
enum CommandFailure {
    /// - Parameters:
    ///   - error: what execve(2) said.
    ///   - layers: of the image, lowest first.
    static func describe(_ error: Int32, _ spec: ContainerSpec) -> IbidError {
        let command = spec.command.first ?? ""
        let path = command.hasPrefix("/") ? command : spec.workingDirectory + "/" + command
        let stack = LayerStack(spec.layers)
        // A name without a slash was looked for in PATH. What cannot be read tells nothing, and the error stands.
        guard command.contains("/"), case .file(_, let mode)? = try? stack.resolve(path).node,
            let start = try? stack.read(path, limit: 256)
        else { return plain(error, command) }
        if error == EACCES, mode & UInt32(S_IXUSR | S_IXGRP | S_IXOTH) == 0 {
            return .commandNotExecutable(
                command, "it is not marked as a program",
                hint: "git update-index --chmod=+x FILE, RUN chmod +x \(command), or begin the command with its "
                    + "interpreter")
        }
        guard error == ENOENT, start.starts(with: "#!".utf8) else { return plain(error, command) }
        let line = start.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
        let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let interpreter = String(decoding: (words.first ?? []).filter { $0 >= 32 }, as: UTF8.self)
        guard line.contains(UInt8(ascii: "\r")) else {
            return .commandNotExecutable(
                command, "its first line names '\(interpreter)', which the image does not have",
                hint: "correct that line, or have the image's build install it")
        }
        return .commandNotExecutable(
            command, "its lines end as on Windows (CR LF), and the system looks for '\(interpreter)' with that ending",
            hint: "write it with Unix line endings (dos2unix FILE) and keep it so: '*.sh text eol=lf' in "
                + ".gitattributes")
    }

    private static func plain(_ error: Int32, _ command: String) -> IbidError {
        error == ENOENT || error == ENOTDIR
            ? .commandNotFound(command)
            : .commandNotExecutable(
                command, errorText(-error),
                hint: "check its mode, its first line (#!), and that it is for this machine's processor")
    }
}
