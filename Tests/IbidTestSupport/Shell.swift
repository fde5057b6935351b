import CLinux
public import Foundation
import Glibc
import SystemPackage

/// What a command printed and how it ended.
public struct ShellResult: Sendable {
    /// The exit status; 128 + signal when a signal ended it.
    public let status: Int32
    /// What it wrote to stdout, as text.
    public let stdout: String
    /// What it wrote to stderr, as text.
    public let stderr: String
}

/// Runs a program found on PATH, as the independent oracle of a test; both streams are read to their end.
///
/// Not by Foundation's `Process`: its `waitUntilExit` sometimes never learns that a short program has ended.
@discardableResult
public func shell(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:], stdin: Data? = nil
) throws -> ShellResult {
    // Files instead of pipes: nothing can block, whatever the sizes.
    let scratch = NSTemporaryDirectory() + "/ibid-shell-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    try (stdin ?? Data()).write(to: URL(fileURLWithPath: scratch + "/in"))
    let streams = [
        open(scratch + "/in", O_RDONLY | O_CLOEXEC), open(scratch + "/out", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600),
        open(scratch + "/err", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600),
    ]
    defer { for stream in streams { close(stream) } }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // env looks the program up on the PATH that it gets.
    let words = (["env"] + arguments).map { strdup($0) } + [nil]
    let settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for pointer in words + settings { free(pointer) } }
    var (child, ending, stage) = (cl_child(), cl_exit(), UnsafePointer<CChar>?.none)
    let maps = zip(streams, 0...2).map { cl_fd_map(from: $0, to: Int32($1)) }
    let place = directory ?? FileManager.default.currentDirectoryPath
    let started = "/usr/bin/env".withCString { path in
        place.withCString { place in
            maps.withUnsafeBufferPointer { maps in
                words.withUnsafeBufferPointer { words in
                    settings.withUnsafeBufferPointer { settings -> Int32 in
                        guard let argv = words.baseAddress, let envp = settings.baseAddress else { return -EINVAL }
                        var request = cl_spawn(
                            path: path, argv: argv, envp: envp, working_directory: place,
                            descriptors: maps.baseAddress, descriptor_count: maps.count, new_session: 0,
                            death_signal: 0)
                        return cl_spawn(&request, &child, &stage)
                    }
                }
            }
        }
    }
    guard started == 0 else { throw Errno(rawValue: -started) }
    cl_wait_pidfd(child.pidfd, 1, &ending)
    close(child.pidfd)
    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: scratch + "/" + name)), as: UTF8.self)
    }
    let status = ending.exited == 1 ? ending.code : 128 + ending.signal
    return ShellResult(status: status, stdout: try text("out"), stderr: try text("err"))
}

/// Whether a program is on PATH.
public func has(_ program: String) -> Bool {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
}

/// Whether the tests run as root.
public var isRoot: Bool { getuid() == 0 }
