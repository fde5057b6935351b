import CLinux
import Glibc
import IbidModel
import SystemPackage

/// Who a cgroup or a workspace belongs to: a process, named so that another one never passes for it.
///
/// A process id alone comes again; with the time of its start (in ticks since boot) and its PID namespace it does not.
struct Owner: Hashable, Sendable {
    var namespace: UInt64
    var pid: Int32
    var started: UInt64

    /// This process.
    static let current = Owner(
        namespace: ownNamespace(), pid: getpid(), started: Self.startTime(of: getpid()) ?? 0)

    /// The file in a workspace that names its owner where the workspace's name does not.
    static let file = "owner"

    /// `<namespace>-<pid>-<start>`.
    var text: String { "\(namespace)-\(pid)-\(started)" }

    init(namespace: UInt64, pid: Int32, started: UInt64) {
        self.namespace = namespace
        self.pid = pid
        self.started = started
    }

    /// Reads `text`; nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-")
        guard parts.count == 3, let namespace = UInt64(parts[0]), let pid = Int32(parts[1]),
            let started = UInt64(parts[2])
        else { return nil }
        self.init(namespace: namespace, pid: pid, started: started)
    }

    /// Whether its process is known to be gone. One in another PID namespace cannot be seen from here.
    var isGone: Bool { namespace == Self.current.namespace && Self.startTime(of: pid) != started }

    /// Writes the owner into a workspace.
    func mark(_ workspace: FilePath) throws {
        try TextFile.create(Array(text.utf8), at: workspace.appending(Self.file))
    }

    /// The name of the cgroup of a workspace.
    func groupName(_ workspace: FilePath) -> String {
        let name = workspace.lastComponent?.string ?? "container"
        return self.name(String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(64)))
    }

    /// A name for something of this owner: what it is, whose it is. It says so from the first moment to the last, which
    /// a file in a directory does not.
    func name(_ kind: String) -> String { "\(kind).\(text).\(UInt32.random(in: 0 ... .max))" }

    /// The owner in such a name; nil in any other.
    init?(inName name: String) {
        let parts = name.split(separator: ".")
        guard parts.count == 3 else { return nil }
        self.init(parts[1])
    }

    // proc(5), /proc/pid/stat: the name of the program, in parentheses, may hold anything; the 22nd field is the start.
    private static func startTime(of pid: Int32) -> UInt64? {
        guard let text = TextFile.read(FilePath("/proc/\(pid)/stat")), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    private static func ownNamespace() -> UInt64 {
        var status = cl_stat()
        return cl_stat_at(CL_AT_FDCWD, "/proc/self/ns/pid", 1, &status) == 0 ? status.inode : 0
    }
}
