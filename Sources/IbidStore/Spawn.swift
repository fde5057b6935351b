package import CLinux
import Glibc
import IbidModel
package import SystemPackage

/// Starts a program with this environment and exactly these descriptors. It is killed when this thread ends.
///
/// - Parameters:
///   - arguments: the argument vector, the program's own name first.
///   - environment: `NAME=value` each; nothing of this program's own goes along.
package func spawn(
    _ program: FilePath, _ arguments: [String], environment: [String] = [], descriptors: [cl_fd_map]
) throws -> cl_child {
    var child = cl_child()
    var stage: UnsafePointer<CChar>?
    // One block of zero-terminated texts, and pointers into it.
    var texts = (arguments + environment).flatMap { Array($0.utf8CString) }
    let result = texts.withUnsafeMutableBufferPointer { block -> Int32 in
        var offset = 0
        func pointers(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
            texts.map { text in
                defer { offset += text.utf8.count + 1 }
                return block.baseAddress.map { $0 + offset }
            } + [nil]
        }
        var (words, variables) = (pointers(arguments), pointers(environment))
        return words.withUnsafeMutableBufferPointer { argv in
            variables.withUnsafeMutableBufferPointer { envp in
                descriptors.withUnsafeBufferPointer { map in
                    program.withPlatformString { path in
                        guard let argv = argv.baseAddress, let envp = envp.baseAddress else { return -EINVAL }
                        var request = cl_spawn(
                            path: path, argv: argv, envp: envp, working_directory: nil, descriptors: map.baseAddress,
                            descriptor_count: map.count, new_session: 1, death_signal: SIGKILL)
                        return cl_spawn(&request, &child, &stage)
                    }
                }
            }
        }
    }
    guard result == 0 else {
        let what = stage.map { String(cString: $0) } ?? "start"
        throw IbidError.system(what, program.string, errorText(result))
    }
    return child
}
