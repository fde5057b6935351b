import Foundation
import IbidModel
public import SystemPackage

/// A program of this package, beside the test bundle that is running.
public func builtProgram(_ name: String) throws -> FilePath {
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") }
    let directory =
        bundle.map { FilePath($0).removingLastComponent() }
        ?? FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        .appending(".build/debug")
    let path = directory.appending(name)
    guard FileManager.default.isExecutableFile(atPath: path.string) else {
        throw IbidError("test-setup", "\(path) has not been built")
    }
    return path
}
