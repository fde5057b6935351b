import Foundation
import Glibc

/// One call of a program that others wrote, such as git or gpg, to its end.
struct ToolRun {
    /// The exit status; 128 + signal when a signal ended it.
    var status: Int32
    /// What it wrote to stdout.
    var output: String
    /// What it wrote to stderr.
    var errors: String

    /// Runs a program found on PATH; both streams are small.
    ///
    /// - Parameter input: a file for its stdin.
    /// - Throws: what keeps it from being started.
    init(_ arguments: [String], input: String = "/dev/null") throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        process.standardInput = FileHandle(forReadingAtPath: input) ?? FileHandle.nullDevice
        try process.run()
        output = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: err.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    }

    /// Whether `env` found no such program.
    var isMissing: Bool { status == 127 }

    /// The last line that it said, for a message.
    var complaint: String {
        (errors.isEmpty ? output : errors).split(separator: "\n").last.map(String.init) ?? "no reason given"
    }
}
