import Foundation
public import SystemPackage

/// An ordinary user who is on no list of the machine: what it runs sees lists of its own, in a mount namespace of its
/// own. Made by tests that are root.
public struct OrdinaryUser: Sendable {
    /// Which ids it has.
    public enum IDs: Sendable {
        /// A range in /etc/subuid and /etc/subgid.
        case range
        /// Its own alone.
        case one
    }

    /// Its user and group id.
    public static let id = 64_990
    /// The first id of its range, which nothing else on the machine has.
    public static let firstSubordinate = 1_300_000_000

    /// What tests with it need.
    public static let isPossible = isRoot && has("unshare") && has("setpriv") && has("newuidmap")
    /// The same in words.
    public static let requirement = "needs root, util-linux and uidmap"

    private let lists: FilePath

    /// - Parameter lists: a directory for its lists, made here.
    public init(_ ids: IDs, lists: FilePath) throws {
        self.lists = lists
        try FileManager.default.createDirectory(atPath: lists.string, withIntermediateDirectories: true)
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: lists.appending(name).string))
        }
        for (name, line) in [
            ("passwd", "ibidtest:x:\(Self.id):\(Self.id)::/nonexistent:/bin/sh\n"),
            ("group", "ibidtest:x:\(Self.id):\n"),
        ] {
            try write(name, try String(contentsOfFile: "/etc/" + name, encoding: .utf8) + line)
        }
        let range = ids == .range ? "ibidtest:\(Self.firstSubordinate):65536\n" : ""
        for name in ["subuid", "subgid"] { try write(name, range) }
    }

    /// The command line that runs a command as this user.
    public func command(_ words: [String]) -> [String] {
        let script = """
            set -e
            for name in passwd group subuid subgid; do
                [ -e /etc/$name ] || : > /etc/$name
                mount --bind "$0/$name" /etc/$name
            done
            exec setpriv --reuid=\(Self.id) --regid=\(Self.id) --clear-groups "$@"
            """
        return ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, lists.string] + words
    }

    /// Runs a command as this user.
    @discardableResult
    public func run(_ words: [String], in directory: String, environment: [String: String] = [:]) throws -> ShellResult
    {
        try shell(command(words), in: directory, environment: environment)
    }
}
