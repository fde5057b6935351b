import Foundation
@testable import IbidContainer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// Control groups of the second version, on directories that look like them, and on the kernel's own as far as it has one.
struct ControlGroupTests {
    private static let unified: FilePath = "/sys/fs/cgroup/unified"

    private let limits = ContainerLimits(memoryBytes: 300_000_001, cpuMillis: 1_500, pids: 40)

    /// A group below a root whose files are plain ones: they hold what is written to them.
    private func withGroup(
        controllers: [String], _ body: (ControlGroup, _ root: FilePath, _ group: FilePath) throws -> Void
    ) throws {
        try withScratch { root in
            let parent = root.appending(ControlGroup.parent)
            try FileManager.default.createDirectory(atPath: parent.string, withIntermediateDirectories: true)
            for directory in [root, parent] { try write("", to: directory.appending("cgroup.subtree_control")) }
            let layout = CgroupLayout(
                version: .v2,
                controllers: Dictionary(uniqueKeysWithValues: (controllers + ["cpuacct"]).map { ($0, root) }),
                hybridTree: nil)
            let group = try ControlGroup(name: "test", layout: layout)
            let place = parent.appending("test")
            for file in [
                "memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max", "cgroup.procs",
            ] where file.hasPrefix("cgroup") || controllers.contains(String(file.prefix { $0 != "." })) {
                try write("", to: place.appending(file))
            }
            try body(group, root, place)
        }
    }

    private func write(_ text: String, to file: FilePath) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
    }

    private func read(_ file: FilePath) throws -> String { try String(contentsOfFile: file.string, encoding: .utf8) }

    @Test func writesTheSecondVersion() throws {
        try withGroup(controllers: ["memory", "cpu", "pids"]) { group, root, place in
            try group.apply(limits, ownProcesses: 3)
            #expect(try read(place.appending("memory.max")) == "299999232")  // whole pages
            #expect(try read(place.appending("memory.swap.max")) == "0")
            #expect(try read(place.appending("memory.oom.group")) == "1")
            #expect(try read(place.appending("cpu.max")) == "150000 100000")
            #expect(try read(place.appending("pids.max")) == "43")
            // Each is asked for by itself, the last one last: one that is not there spoils no other.
            #expect(try read(root.appending("cgroup.subtree_control")).hasPrefix("+pids"))
            #expect(try read(place.removingLastComponent().appending("cgroup.subtree_control")).hasPrefix("+pids"))
            #expect(group.joinFiles == [] && group.directories == [place])
            try group.add(4_711)
            #expect(try read(place.appending("cgroup.procs")) == "4711")
            try write("", to: place.appending("cgroup.procs"))
            #expect(group.enforcement.text == "memory=cgroup cpu=cgroup pids=cgroup")

            #expect(group.cpuMicroseconds() == nil && group.peakMemoryBytes() == nil && !group.ranOutOfMemory())
            try write("usage_usec 1234\nuser_usec 1000\n", to: place.appending("cpu.stat"))
            try write("65536\n", to: place.appending("memory.peak"))
            try write("low 0\nhigh 0\nmax 7\noom 1\noom_kill 0\n", to: place.appending("memory.events"))
            try write("max 0\n", to: place.appending("pids.events"))
            #expect(group.cpuMicroseconds() == 1_234 && group.peakMemoryBytes() == 65_536)
            #expect(!group.ranOutOfMemory() && !group.ranOutOfProcesses())
            try write("oom 1\noom_kill 1\noom_group_kill 1\n", to: place.appending("memory.events"))
            try write("max 3\n", to: place.appending("pids.events"))
            #expect(group.ranOutOfMemory() && group.ranOutOfProcesses())
            try FileManager.default.removeItem(atPath: place.string)  // its files do not go by themselves here
            try group.remove()
        }
    }

    /// A limit that nothing would hold is no limit: the run is refused, by name.
    @Test(arguments: ["memory", "cpu", "pids"])
    func missingControllerIsNamed(_ missing: String) throws {
        try withGroup(controllers: ["memory", "cpu", "pids"].filter { $0 != missing }) { group, _, place in
            let error = #expect(throws: IbidError.self) { try group.apply(limits, ownProcesses: 3) }
            #expect(error?.message.hasSuffix("the cgroup controller '\(missing)' is missing") == true)
            try FileManager.default.removeItem(atPath: place.string)
            try group.remove()
        }
    }

    /// What reads back otherwise than it was written is not in force.
    @Test func limitIsReadBack() throws {
        try withGroup(controllers: ["memory", "cpu", "pids"]) { group, _, place in
            // A plain file keeps what is not written over, as the kernel does not.
            try write("max\n", to: place.appending("pids.max"))
            let error = #expect(throws: IbidError.self) { try group.apply(limits, ownProcesses: 3) }
            #expect(error?.code == "limit-not-applied")
            try FileManager.default.removeItem(atPath: place.string)
            try group.remove()
        }
    }

    private static let hasUnified =
        FileManager.default.isWritableFile(atPath: unified.appending("cgroup.procs").string)

    /// The kernel's tree without a controller: processes go in, their time is counted, all of them end.
    @Test(.enabled(if: hasUnified, "this machine has no tree of the second version beside the first"))
    func kernelCountsAndEnds() throws {
        let layout = CgroupLayout(version: .v2, controllers: ["cpuacct": Self.unified], hybridTree: nil)
        let group = try ControlGroup(name: "test-\(UUID().uuidString)", layout: layout)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        // It begins when it is told to, and leaves another process behind.
        let script = "read go; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 600 & echo done; wait"
        process.arguments = ["-c", script]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try group.add(process.processIdentifier)
        try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8))
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) == "done\n")
        #expect(ControlGroup.processes(in: group.directories).count == 2)
        #expect(group.cpuMicroseconds() ?? 0 > 0)
        #expect(group.peakMemoryBytes() == nil && !group.ranOutOfMemory())
        try group.kill()
        process.waitUntilExit()
        try group.remove()
        #expect(!FileManager.default.fileExists(atPath: group.directories[0].string))
        rmdir(Self.unified.appending(ControlGroup.parent).string)  // unless others have a group in it
    }
}
