import Foundation
import Glibc
import IbidModel
public import SystemPackage

/// What lies outside of a container and must not be found from within, and the program that looks for it
/// (Tests/Probes).
public final class AttackWorld {
    private let secret: String
    private let files: [FilePath]
    private let neighbour = Process()
    private let listener: Int32
    private let abstract: Int32
    private let port: UInt16
    private let segmentKey: Int32
    private let segment: Int32
    private let semaphores: Int32

    /// Where the probe lies in a container.
    public static let probe = "/probes/probe"

    /// - Parameters:
    ///   - scratch: a directory whose name is in the paths of everything that is hidden.
    ///   - files: more that is hidden.
    public init(scratch: FilePath, files: [FilePath]) throws {
        secret = scratch.lastComponent?.string ?? "/"
        self.files = [scratch] + files + [FilePath(CommandLine.arguments[0])]
        neighbour.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        neighbour.arguments = ["-c", "import time; time.sleep(600) # \(secret)"]
        neighbour.standardOutput = FileHandle.nullDevice
        neighbour.environment = ["SECRET": secret]
        try neighbour.run()
        (listener, port) = try Self.listenOnLoopback()
        abstract = try Self.listenOnAbstractSocket(secret)
        segmentKey = Int32.random(in: 1 << 20 ..< .max)
        // For everybody to read and write: only the namespace is in between.
        segment = shmget(segmentKey, 4_096, 0o1000 | 0o666)
        semaphores = semget(segmentKey, 1, 0o1000 | 0o666)
        try Self.require(segment >= 0 && semaphores >= 0, "no shared memory or semaphores")
        try Data("shared".utf8).write(to: URL(fileURLWithPath: "/dev/shm/" + secret))
    }

    /// Takes the world down.
    public func end() {
        kill(neighbour.processIdentifier, SIGKILL)  // the tests' runner has SIGTERM ignored, and children inherit that
        neighbour.waitUntilExit()
        close(listener)
        close(abstract)
        shmctl(segment, IPC_RMID, nil)
        _ = try? shell(["ipcrm", "-s", "\(semaphores)"])
        unlink("/dev/shm/" + secret)
    }

    /// What the probe is told of the world.
    public var arguments: [String] {
        let namespaces = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"].compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/" + $0)
        }
        let machine = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "none"
        return [
            "secret=\(secret)", "files=" + files.map(\.string).joined(separator: ":"), "port=\(port)",
            "abstract=\(secret)", "host=\(ProcessInfo.processInfo.hostName)", "shm=\(segmentKey)",
            "namespaces=" + namespaces.joined(separator: ","),
            "uptime=\(Int(ProcessInfo.processInfo.systemUptime))", "machine=\(machine.prefix(36))",
        ]
    }

    // MARK: The probe

    /// Adds the probe to a root directory, and copies that would gain privileges if anything let them.
    public static func addProbes(to root: FilePath) throws {
        let sources = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Probes")
        let directory = root.appending("probes")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let names = ["probe.c", "calls.c", "files.c", "world.c", "tricks.c", "seams.c"]
        let files = names.map { sources.appending($0).string }
        let program = directory.appending("probe").string
        let built = try shell(["cc", "-static", "-O1", "-o", program] + files)
        try require(built.status == 0, built.stderr)
        for (name, mode) in [("setuid", "4755"), ("setgid", "2755"), ("capable", "755")] {
            let copy = directory.appending(name).string
            try FileManager.default.copyItem(atPath: program, toPath: copy)
            try shell(["chmod", mode, copy])
        }
        // vfs_ns_cap_data, revision 2: everything, permitted and effective.
        let capabilities = "01000002ffffffff00000000ffffffff00000000"
        let script = "import os,sys; os.setxattr(sys.argv[1], 'security.capability', bytes.fromhex(sys.argv[2]))"
        try shell(["python3", "-c", script, directory.appending("capable").string, capabilities])
    }

    /// The probes that were not shut, with what they say; and whatever else is wrong with the list. Empty is good.
    ///
    /// - Parameters:
    ///   - output: what the probe printed.
    ///   - known: probes that say something else here, with what they have to say instead.
    public static func openDoors(_ output: String, except known: [String: String] = [:]) -> [String] {
        var names: Set<String> = []
        var open: [String] = []
        for line in output.split(separator: "\n") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, names.insert(fields[0]).inserted else {
                open.append("not a finding of its own: \(line)")
                continue
            }
            let isGood = known[fields[0]].map { $0 == fields[2] } ?? (fields[1] == "shut")
            if !isGood { open.append("\(fields[0]): \(fields[1]), \(fields[2])") }
        }
        return open + (names.count < 280 ? ["only \(names.count) probes"] : [])
    }

    private static func require(_ holds: Bool, _ what: String) throws {
        if !holds { throw IbidError("test-setup", what) }
    }

    /// Shows what a probe prints, with `IBID_REPORT=attack`.
    public static let show: @Sendable (UnsafeRawBufferPointer) -> Void = { bytes in
        if ProcessInfo.processInfo.environment["IBID_REPORT"] == "attack" {
            FileHandle.standardError.write(Data(bytes))
        }
    }

    // MARK: Sockets

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
        try require(results == [0, 0, 0], "cannot listen")
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
        try require(named == 0 && listen(descriptor, 5) == 0, "cannot listen on an abstract socket")
        return descriptor
    }
}
