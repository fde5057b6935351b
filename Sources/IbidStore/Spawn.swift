import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// Starts a program with an empty environment and exactly these descriptors. It is killed when this thread ends.
///
/// - Parameter arguments: the argument vector, the program's own name first.
func spawn(_ program: FilePath, _ arguments: [String], descriptors: [cl_fd_map]) throws -> cl_child {
    var child = cl_child()
    var stage: UnsafePointer<CChar>?
    // One block of zero-terminated texts, and pointers into it.
    var texts = arguments.flatMap { Array($0.utf8CString) }
    let result = texts.withUnsafeMutableBufferPointer { block -> Int32 in
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        var offset = 0
        for argument in arguments {
            pointers.append(block.baseAddress.map { $0 + offset })
            offset += argument.utf8.count + 1
        }
        pointers.append(nil)
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        return pointers.withUnsafeMutableBufferPointer { argv in
            environment.withUnsafeMutableBufferPointer { envp in
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
