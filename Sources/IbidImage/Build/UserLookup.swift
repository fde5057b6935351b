/// `/etc/passwd` and `/etc/group` of an image, as far as a build needs them.
struct UserLookup {
    private let users: [[Substring]]
    private let groups: [[Substring]]

    init(root: any CopySource) throws {
        func table(_ path: String) throws -> [[Substring]] {
            let bytes = try root.readFile(Array(path.utf8)) ?? []
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
        }
        users = try table("etc/passwd")
        groups = try table("etc/group")
    }

    /// `--chown=user:group`; the group is the user's number when it is not given, and what stands before or after the
    /// colon is root when it is empty, as BuildKit has it.
    ///
    /// - Throws: `CopyProblem` for a name that the image does not have.
    func owner(_ text: String) throws -> CopyLayer.Owner {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let entry = users.first { $0.count > 3 && $0[0] == parts[0] }
        func number(_ text: String) -> UInt32? { text.isEmpty && parts.count == 2 ? 0 : UInt32(text) }
        guard let uid = number(parts[0]) ?? entry.flatMap({ UInt32($0[2]) }) else {
            throw CopyProblem(problem: "the image has no user '\(parts[0])'")
        }
        guard parts.count == 2 else {
            return (uid, UInt32(parts[0]) != nil ? uid : entry.flatMap { UInt32($0[3]) } ?? uid)
        }
        let group = groups.first { $0.count > 2 && $0[0] == parts[1] }
        guard let gid = number(parts[1]) ?? group.flatMap({ UInt32($0[2]) }) else {
            throw CopyProblem(problem: "the image has no group '\(parts[1])'")
        }
        return (uid, gid)
    }

    /// The home directory of a `USER`; `/` when the image does not know the user.
    func home(of user: String) -> String {
        let name = user.split(separator: ":").first.map(String.init) ?? "root"
        let number = name.isEmpty ? "0" : name
        let entry = users.first { $0.count > 5 && ($0[0] == name || $0[2] == number) }
        return entry.map { String($0[5]) } ?? (name == "root" || number == "0" ? "/root" : "/")
    }
}
