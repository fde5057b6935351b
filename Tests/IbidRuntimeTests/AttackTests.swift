import Foundation
import Glibc
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

    /// What one probe found.
    private struct Finding {
        var name: String
        var verdict: String
        var detail: String
    }

    @Test(arguments: runtimes, ["", "1000"])
    func nothingGetsOut(_ runtime: String, _ user: String) throws {
        try withRuns(extend: Self.addProbes) { runs in
            let world = try World(runs)
            defer { world.end() }
            var spec = runs.spec("")
            spec.command = ["/probes/probe"] + world.arguments
            spec.user = user
            spec.runtime = runtime
            spec.inputs = try world.inputs(runs.store)
            spec.limits = .standard
            spec.limits.wallSeconds = 60
            let isShown = ProcessInfo.processInfo.environment["IBID_REPORT"] == "attack"
            let outcome = try runs.run(
                spec, stdout: { bytes in if isShown { FileHandle.standardError.write(Data(bytes)) } })
            let errors = try outcome.stderr()
            #expect(outcome.result.exitCode == 0, "\(errors)")
            let findings = try outcome.stdout().split(separator: "\n").map { line in
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                try #require(fields.count == 3, "\(line)")
                return Finding(name: fields[0], verdict: fields[1], detail: fields[2])
            }
            for finding in findings {
                #expect(finding.verdict == "shut", "\(runtime) \(user): \(finding.name): \(finding.detail)")
            }
            #expect(findings.count >= 190)
            #expect(Set(findings.map(\.name)).count == findings.count)
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

    /// The probe itself, and copies that would gain privileges if anything let them.
    private static func addProbes(to layer: FilePath) throws {
        let sources = FilePath(#filePath).removingLastComponent().appending("Probes")
        let directory = layer.appending("probes")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let files = ["probe.c", "calls.c", "files.c", "world.c"].map { sources.appending($0).string }
        let program = directory.appending("probe").string
        let built = try shell(["cc", "-static", "-O1", "-o", program] + files)
        try #require(built.status == 0, "\(built.stderr)")
        for (name, mode) in [("setuid", "4755"), ("setgid", "2755"), ("capable", "755")] {
            let copy = directory.appending(name).string
            try FileManager.default.copyItem(atPath: program, toPath: copy)
            try shell(["chmod", mode, copy])
        }
        // vfs_ns_cap_data, revision 2: everything, permitted and effective.
        let capabilities = "0x01000002ffffffff00000000ffffffff00000000"
        let script = "import os,sys; os.setxattr(sys.argv[1], 'security.capability', bytes.fromhex(sys.argv[2][2:]))"
        try shell(["python3", "-c", script, directory.appending("capable").string, capabilities])
    }
}

/// What lies outside of the container and must not be found from within.
private final class World {
    private let secret: String
    private let runs: RunFixture
    private let neighbour = Process()
    private let listener: Int32
    private let abstract: Int32
    private let port: UInt16

    init(_ runs: RunFixture) throws {
        self.runs = runs
        // The name of the scratch directory is in every path of the host.
        secret = try #require(runs.scratch.lastComponent).string
        neighbour.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        neighbour.arguments = ["-c", "import time; time.sleep(600) # \(secret)"]
        neighbour.standardOutput = FileHandle.nullDevice
        neighbour.environment = ["SECRET": secret]
        try neighbour.run()
        (listener, port) = try Self.listenOnLoopback()
        abstract = try Self.listenOnAbstractSocket(secret)
    }

    private static func listenOnLoopback() throws -> (socket: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let results = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                [bind(descriptor, $0, length), listen(descriptor, 5), getsockname(descriptor, $0, &length)]
            }
        }
        try #require(results == [0, 0, 0])
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func listenOnAbstractSocket(_ name: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let text = Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: text) }
        let size = socklen_t(2 + 1 + text.count)
        let named = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        try #require(named == 0)
        try #require(listen(descriptor, 5) == 0)
        return descriptor
    }

    var arguments: [String] {
        let files = [
            runs.scratch.string, runs.store.root.appending("oci-layout").string, runs.containers.layer.string,
            runs.containers.host.stateDirectory.string, CommandLine.arguments[0],
        ]
        return [
            "secret=\(secret)", "files=" + files.joined(separator: ":"), "port=\(port)", "abstract=\(secret)",
            "host=\(ProcessInfo.processInfo.hostName)",
        ]
    }

    /// One input of each kind, as each is a mount.
    func inputs(_ store: Store) throws -> [String: RunSpec.Input] {
        let text = Array("data".utf8)
        return ["file": RunSpec.Input(kind: .file, digest: try store.put(text), size: Int64(text.count))]
    }

    func end() {
        kill(neighbour.processIdentifier, SIGKILL)  // the tests' runner has SIGTERM ignored, and children inherit that
        neighbour.waitUntilExit()
        close(listener)
        close(abstract)
    }
}
