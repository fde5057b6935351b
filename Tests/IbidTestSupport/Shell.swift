public import Foundation
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
@discardableResult
public func shell(
    _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:], stdin: Data? = nil
) throws -> ShellResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files instead of pipes: nothing can block, whatever the sizes.
    let scratch = NSTemporaryDirectory() + "/ibid-shell-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    for name in ["out", "err"] { try Data().write(to: URL(fileURLWithPath: scratch + "/" + name)) }
    try (stdin ?? Data()).write(to: URL(fileURLWithPath: scratch + "/in"))
    process.standardInput = FileHandle(forReadingAtPath: scratch + "/in")
    process.standardOutput = FileHandle(forWritingAtPath: scratch + "/out")
    process.standardError = FileHandle(forWritingAtPath: scratch + "/err")
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: scratch + "/" + name)), as: UTF8.self)
    }
    let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
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
