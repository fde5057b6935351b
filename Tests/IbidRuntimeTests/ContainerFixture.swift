import Foundation
import IbidContainer
import IbidModel
import IbidTestSupport
import Synchronization
import SystemPackage

/// A host, a layer with a static busybox, and workspaces, in a directory that goes away with the test.
struct ContainerFixture {
    let scratch: FilePath
    let host: ContainerHost
    let layer: FilePath

    static let requirement = "needs root, crun and busybox-static"
    static let isPossible = isRoot && has("crun") && FileManager.default.isExecutableFile(atPath: "/bin/busybox")

    init(scratch: FilePath) throws {
        self.scratch = scratch
        host = ContainerHost(sandbox: try builtProgram("ibid-sandbox"), stateDirectory: scratch.appending("runs"))
        layer = scratch.appending("layer")
        try Self.makeBusyboxRoot(layer)
        try FileManager.default.createDirectory(
            atPath: host.stateDirectory.string, withIntermediateDirectories: true)
    }

    /// What a container of a busybox image gave.
    struct Result {
        var outcome: ContainerOutcome
        var stdout: String
        var stderr: String
        var upper: FilePath
    }

    /// A small root file system: busybox with a few of its names, users, a directory that only its owner may enter.
    static func makeBusyboxRoot(_ root: FilePath) throws {
        let files = FileManager.default
        for name in ["bin", "etc", "tmp", "root", "work"] {
            try files.createDirectory(atPath: root.appending(name).string, withIntermediateDirectories: true)
        }
        try files.copyItem(atPath: "/bin/busybox", toPath: root.appending("bin/busybox").string)
        for name in [
            "sh", "ls", "cat", "id", "mount", "ps", "touch", "mkdir", "mkfifo", "ln", "stat", "chown", "chmod", "env",
            "sleep", "dd", "rm", "head", "yes", "wget", "nc", "ip", "unshare", "mknod", "kill", "grep", "hostname",
            "true",
        ] {
            try files.createSymbolicLink(
                atPath: root.appending("bin/" + name).string, withDestinationPath: "busybox")
        }
        try Data("root:x:0:0:root:/root:/bin/sh\nana:x:1000:1001:Ana:/home/ana:/bin/sh\n".utf8)
            .write(to: URL(fileURLWithPath: root.appending("etc/passwd").string))
        try Data("root:x:0:\nana:x:1001:\nlab:x:2000:ana,root\n".utf8)
            .write(to: URL(fileURLWithPath: root.appending("etc/group").string))
        try shell(["chmod", "1777", root.appending("tmp").string])
    }

    /// A new workspace.
    func workspace() throws -> FilePath {
        let path = host.stateDirectory.appending("run-" + UUID().uuidString.lowercased().prefix(8))
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
        return path
    }

    /// Runs a shell script in a container.
    func sh(_ script: String, stop: ContainerStop? = nil, _ change: (inout ContainerSpec) -> Void = { _ in }) throws
        -> Result
    {
        var spec = ContainerSpec(
            workspace: try workspace(), layers: [layer], command: ["/bin/sh", "-c", script],
            environment: ["PATH": "/bin", "HOME": "/root"])
        change(&spec)
        return try run(spec, stop: stop)
    }

    static let hasPython = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

    /// A container that runs a Python script, with the host's interpreter and libraries bound into it.
    func pythonSpec(_ script: String) throws -> ContainerSpec {
        let file = scratch.appending("script-\(UUID().uuidString).py")
        try Data(script.utf8).write(to: URL(fileURLWithPath: file.string))
        let binds = ["/usr", "/lib", "/lib64"].filter { FileManager.default.fileExists(atPath: $0) }.map {
            ContainerBind(source: FilePath($0), target: $0)
        }
        return ContainerSpec(
            workspace: try workspace(), layers: [layer], command: ["/usr/bin/python3", "/script.py"],
            environment: ["PATH": "/bin", "HOME": "/root"],
            binds: binds + [ContainerBind(source: file, target: "/script.py")])
    }

    /// Runs a Python script in a container.
    func python(_ script: String, _ change: (inout ContainerSpec) -> Void = { _ in }) throws -> Result {
        var spec = try pythonSpec(script)
        change(&spec)
        return try run(spec)
    }

    /// Runs a container, keeping what it prints.
    func run(
        _ spec: ContainerSpec, gateway: (@Sendable (Int32) -> Void)? = nil, stop: ContainerStop? = nil
    ) throws -> Result {
        let (out, err) = (Collected(), Collected())
        let outcome = try host.run(
            spec, stdout: { out.add($0) }, stderr: { err.add($0) }, gateway: gateway, stops: stop.map { [$0] } ?? [])
        return Result(
            outcome: outcome, stdout: out.text, stderr: err.text, upper: spec.workspace.appending("upper"))
    }
}

/// Bytes that another thread adds to.
final class Collected: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    func add(_ more: UnsafeRawBufferPointer) { bytes.withLock { $0.append(contentsOf: more) } }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}

/// A fixture in a scratch directory.
func withContainers<T>(_ name: String = #function, _ body: (ContainerFixture) throws -> T) throws -> T {
    try withScratch(name) { try body(try ContainerFixture(scratch: $0)) }
}
