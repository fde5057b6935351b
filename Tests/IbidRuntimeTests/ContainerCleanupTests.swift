import Foundation
import IbidContainer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct ContainerCleanupTests {
    /// Processes whose command line holds a text.
    private func processes(_ text: String) throws -> [Int32] {
        try shell(["pgrep", "-f", text]).stdout.split(separator: "\n").compactMap { Int32($0) }
    }

    private func cgroups(of workspace: FilePath) throws -> [String] {
        let name = (workspace.lastComponent?.string ?? "").map { $0 == "-" ? "_" : $0 }
        return try shell(["find", "/sys/fs/cgroup", "-maxdepth", "3", "-name", "\(String(name)).*"]).stdout
            .split(separator: "\n").map(String.init)
    }

    @Test func nothingIsLeftAfterARun() throws {
        try withContainers { containers in
            let marker = "60.\(UInt32.random(in: 0 ... 999_999))"
            let before = try shell(["cat", "/proc/self/mounts"]).stdout
            let result = try containers.sh("sleep \(marker) & sh -c 'sleep \(marker) & exec sleep \(marker)' & exit 0")
            #expect(result.outcome.ending == .exited(0))
            #expect(try processes("sleep \(marker)").isEmpty)
            #expect(try cgroups(of: result.upper.removingLastComponent()).isEmpty)
            #expect(try shell(["cat", "/proc/self/mounts"]).stdout == before)
        }
    }

    @Test(arguments: ["ibid-sandbox", "/usr/bin/crun"])
    func killingAnyPartEndsTheWhole(_ victim: String) throws {
        try withContainers { containers in
            let marker = "61.\(UInt32.random(in: 0 ... 999_999))"
            var spec = ContainerSpec(
                workspace: try containers.workspace(), layers: [containers.layer],
                command: ["/bin/sh", "-c", "echo up; sleep \(marker)"], environment: ["PATH": "/bin"])
            spec.limits = ContainerLimits(memoryBytes: 64 << 20, pids: 20, wallSeconds: 30)
            let workspace = spec.workspace
            let killer = Thread {
                for _ in 0..<300 {
                    usleep(10_000)
                    guard let inner = try? shell(["pgrep", "-n", "-f", "^sleep \(marker)"]).stdout,
                        var pid = Int32(inner.prefix { $0 != "\n" })
                    else { continue }
                    // Upwards from the command to the victim.
                    while pid > 1 {
                        guard let line = try? shell(["ps", "-o", "ppid=,args=", "-p", "\(pid)"]).stdout else { return }
                        let words = line.split(whereSeparator: \.isWhitespace)
                        guard words.count >= 2, let parent = Int32(words[0]) else { return }
                        if words[1] == victim {
                            kill(pid, SIGKILL)
                            return
                        }
                        pid = parent
                    }
                }
            }
            killer.start()
            let begin = Date()
            #expect(throws: IbidError.self) { try containers.run(spec) }
            #expect(Date().timeIntervalSince(begin) < 20)
            #expect(try processes("sleep \(marker)").isEmpty)
            #expect(try cgroups(of: workspace).isEmpty)
            // Nothing holds the workspace: an overlay that is still mounted would keep its work directory busy.
            try shell(["rm", "-rf", workspace.string])
            #expect(!FileManager.default.fileExists(atPath: workspace.string))
        }
    }

    @Test func killingIbidEndsTheContainerAndSweepRemovesTheRest() async throws {
        let scratch = FilePath(NSTemporaryDirectory()).appending("ibid-killed-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(atPath: scratch.string) }
        let containers = try ContainerFixture(scratch: scratch)
        let marker = "62.\(UInt32.random(in: 0 ... 999_999))"
        let workspace = try containers.workspace()
        // A process of its own, which dies as soon as the command is up, without a chance to clean up.
        try await #require(processExitsWith: .signal(SIGKILL)) {
            [
                sandbox = containers.host.sandbox.string as String, layer = containers.layer.string as String,
                path = workspace.string as String, marker = marker as String
            ] in
            let host = ContainerHost(
                sandbox: FilePath(sandbox), stateDirectory: FilePath(path).removingLastComponent())
            let spec = ContainerSpec(
                workspace: FilePath(path), layers: [FilePath(layer)],
                command: ["/bin/sh", "-c", "echo up; sleep \(marker)"], environment: ["PATH": "/bin"],
                limits: ContainerLimits(memoryBytes: 64 << 20, wallSeconds: 60))
            _ = try host.run(spec, stdout: { _ in kill(getpid(), SIGKILL) }, stderr: { _ in })
        }
        for _ in 0..<300 where !(try processes("sleep \(marker)").isEmpty) { usleep(10_000) }
        #expect(try processes("sleep \(marker)").isEmpty)
        // Its control group stays until somebody sweeps: another ibid of this machine may have done so already.

        // What belongs to a living process stays.
        let living = try containers.sh("true").upper.removingLastComponent()
        try containers.host.sweep()
        #expect(try cgroups(of: workspace).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: workspace.string))
        #expect(FileManager.default.fileExists(atPath: living.string))
    }

    @Test func aHealthyHostHasNoProblems() throws {
        try withContainers { containers in
            #expect(containers.host.problems() == [])
            let missing = ContainerHost(sandbox: "/nowhere/ibid-sandbox", stateDirectory: containers.scratch)
            #expect(missing.problems().map(\.code) == ["sandbox-missing"])
        }
    }
}
