import Glibc
import IbidModel
import SystemPackage

/// The ranges that the administrator gave a user (subuid(5), subgid(5)), as far as a container needs them.
struct SubordinateIDs: Hashable {
    typealias IDRange = Range<UInt64>

    private let newuidmap: String
    private let newgidmap: String
    private let users: [IDRange]
    private let groups: [IDRange]

    /// An image's ids are 0 to 65535; root's is the user's own.
    static let needed: UInt64 = 65_535

    /// What a user has, or why that is not enough.
    static func find(user: UInt32) -> Result<SubordinateIDs, IbidError> {
        let name = getpwuid(user).map { String(cString: $0.pointee.pw_name) }
        var found: [[IDRange]] = []
        for file in ["/etc/subuid", "/etc/subgid"] as [FilePath] {
            let text = TextFile.read(file) ?? ""
            let ranges = parse(text, user: user, name: name)
            guard ranges.reduce(0, { $0 + UInt64($1.count) }) >= needed else {
                return .failure(.noRange(file, name ?? "\(user)", has: ranges.reduce(0) { $0 + $1.count }, text))
            }
            found.append(ranges)
        }
        let programs = ["newuidmap", "newgidmap"].map { name in
            ["/usr/bin/", "/usr/local/bin/", "/bin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
        }
        guard let newuidmap = programs[0], let newgidmap = programs[1] else { return .failure(.noMapper) }
        return .success(
            SubordinateIDs(newuidmap: newuidmap, newgidmap: newgidmap, users: found[0], groups: found[1]))
    }

    /// The ranges of a user in the text of subuid(5): `name:start:count`, the name perhaps a number.
    static func parse(_ text: String, user: UInt32, name: String?) -> [IDRange] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, fields[0] == name ?? "" || fields[0] == "\(user)", let start = UInt64(fields[1]),
                let count = UInt64(fields[2]), count > 0, start + count <= UInt64(UInt32.max)
            else { return nil }
            return start..<start + count
        }
    }

    /// The command that maps the users of a process' new namespace.
    func userCommand(process: String, user: UInt32) -> [String] {
        [newuidmap, process] + Self.map(own: user, users)
    }

    /// The command that maps its groups.
    func groupCommand(process: String, group: UInt32) -> [String] {
        [newgidmap, process] + Self.map(own: group, groups)
    }

    private static func map(own: UInt32, _ ranges: [IDRange]) -> [String] {
        var words = ["0", "\(own)", "1"]
        var next: UInt64 = 1
        for range in ranges where next <= needed {
            let count = min(UInt64(range.count), needed + 1 - next)
            words += ["\(next)", "\(range.lowerBound)", "\(count)"]
            next += count
        }
        return words
    }
}

extension IbidError {
    /// The user has no range of ids, or too small a one.
    fileprivate static func noRange(_ file: FilePath, _ user: String, has count: Int, _ text: String) -> IbidError {
        // Behind everybody's ranges.
        let ends = text.split(separator: "\n").compactMap { line -> UInt64? in
            let fields = line.split(separator: ":")
            guard fields.count == 3, let start = UInt64(fields[1]), let count = UInt64(fields[2]) else { return nil }
            return start + count
        }
        let start = max(100_000, ends.max() ?? 0)
        let range = "\(start)-\(start + 65_535)"
        return IbidError(
            "no-id-range",
            count == 0
                ? "\(file) gives the user \(user) no range of ids"
                : "\(file) gives the user \(user) \(count) ids, and images use \(SubordinateIDs.needed)",
            hint: "as root: usermod --add-subuids \(range) --add-subgids \(range) \(user)")
    }

    fileprivate static let noMapper = IbidError(
        "no-id-mapper", "newuidmap and newgidmap are not installed, so this user has one id only",
        hint: "as root: apt-get install uidmap")
}
