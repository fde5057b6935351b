import Foundation
import IbidContainer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

private enum Attack {
    static let requirement = "needs root, crun, runc, busybox-static, python3 and a C compiler"
    static let isPossible = ContainerFixture.isPossible && ContainerFixture.hasPython && has("runc") && has("cc")
}

/// A program that tries every way out (Probes/), run as an analysis would be. Nothing may open.
@Suite(.enabled(if: Attack.isPossible, Comment(rawValue: Attack.requirement)))
struct AttackTests {
    static let runtimes = ["crun", "runc"]

    enum Kind: CaseIterable {
        case root
        case user
        /// With a port that others may connect to: its network is made by Ibid.
        case published
    }

    @Test(arguments: runtimes, Kind.allCases)
    func nothingGetsOut(_ runtime: String, _ kind: Kind) throws {
        try withRuns(extend: AttackWorld.addProbes) { runs in
            let world = try AttackWorld(
                scratch: runs.scratch,
                files: [
                    runs.store.root.appending("oci-layout"), runs.containers.layer, runs.containers.host.stateDirectory,
                ])
            defer { world.end() }
            let data = Array("data".utf8)
            let input = try runs.store.put(data)
            var spec = runs.spec("")
            spec.command = [AttackWorld.probe] + world.arguments
            spec.user = kind == .user ? "1000" : ""
            spec.runtime = runtime
            spec.sortsDirectories = true
            spec.ports = kind == .published ? [8_000] : nil
            let ports = kind == .published ? try PortForwarder([PublishedPort("0:8000")]) { _ in } : nil
            spec.inputs = ["file": RunSpec.Input(kind: .file, digest: input, size: Int64(data.count))]
            spec.limits = .standard
            spec.limits.wallSeconds = 60
            let outcome = try runs.run(spec, stdout: AttackWorld.show, ports: ports)
            let errors = try outcome.stderr()
            #expect(outcome.result.exitCode == 0, "\(errors)")
            #expect(AttackWorld.openDoors(try outcome.stdout()) == [], "\(runtime), \(kind)")
            try runs.store.verify(input)
        }
    }

    /// Where the runtime goes before it becomes the command is told by the image, and so may be a descriptor that it
    /// has not closed yet (CVE-2024-21626), also through a link.
    @Test(arguments: runtimes)
    func noWorkingDirectoryLeadsOut(_ runtime: String) throws {
        let script =
            "pwd; cat marker ../marker ../../marker ../../../marker ../../../../marker ../../../../../../marker"
        let descriptors = (0...12).map { "/proc/self/fd/\($0)" }
        try withRuns(extend: { layer in
            for (index, path) in descriptors.enumerated() {
                try shell(["ln", "-s", path, layer.appending("link\(index)").string])
            }
        }) { runs in
            // In every directory above and beside those of the run, as far as this test may write.
            let marker = "outside-\(UUID().uuidString)"
            for place in [runs.scratch, runs.containers.host.stateDirectory, runs.store.root] {
                try Data(marker.utf8).write(to: URL(fileURLWithPath: place.appending("marker").string))
            }
            for path in descriptors + ["/link3", "/link7", "/link8", "/proc/1/cwd", "/proc/1/root", "/proc/self/cwd"] {
                var spec = runs.spec(script)
                spec.workingDirectory = path
                spec.runtime = runtime
                do {
                    let outcome = try runs.run(spec)
                    let (seen, said) = (try outcome.stdout(), try outcome.stderr())
                    #expect(!seen.contains(marker) && seen.hasPrefix("/"), "\(path): \(seen)\(said)")
                } catch let error as IbidError {
                    #expect(["container-not-started", "mount-point"].contains(error.code), "\(path): \(error)")
                }
            }
        }
    }

    /// Each would fill what it can reach; each is stopped where the spec says, by name.
    @Test(arguments: runtimes)
    func bombsAreBounded(_ runtime: String) throws {
        try withRuns { runs in
            func explode(_ script: String, _ change: (inout Limits) -> Void = { _ in }) throws -> RunFixture.Outcome {
                try runs.sh(script) {
                    $0.runtime = runtime
                    change(&$0.limits)
                }
            }
            let forks = try explode("f() { f | f & f; }; f") {
                $0.pids = 40
                $0.wallSeconds = 2
            }
            #expect(forks.measurement.limitsReached == ["process limit 40"])
            #expect(forks.result.status == .killed || forks.result.status == .failed)
            let memory = try explode("a=0123456789abcdef; while true; do a=$a$a; done") { $0.memoryBytes = 64 << 20 }
            #expect(memory.result.reason == "memory limit 64 MiB")
            // Outside of the outputs, too.
            let space = try explode("i=0; while true; do head -c 1000000 /dev/zero > /etc/$i; i=$((i+1)); done")
            #expect(space.result.reason == "output limit 8 MiB")
            let nameless = try explode(
                "exec 3>a 4>b 5>c; rm a b c; for i in 3 4 5; do head -c 6000000 /dev/zero >&$i; done; sleep 20")
            #expect(nameless.result.reason == "output limit 8 MiB")
            #expect(nameless.measurement.wallMicroseconds < 15_000_000)
            let files = try explode("i=0; while true; do : > $i; i=$((i+1)); done")
            #expect(files.result.reason == "output limit 100 files")
            #expect(files.measurement.wallMicroseconds < 15_000_000)
            let sparse = try explode("dd if=/dev/zero of=sparse bs=1 count=1 seek=20000000000")
            #expect(sparse.result.reason == nil || sparse.result.reason == "output limit 8 MiB")
            #expect(sparse.result.status != .succeeded)
        }
    }
}
