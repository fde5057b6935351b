import CLinux
import FoundationEssentials
import IbidModel
import IbidStore

/// The list of system calls that a container may make (seccomp.c), in the two forms that runtimes take.
enum SystemCalls {
    /// The name of the list, for records; a change of what it allows is another number.
    static let name = "ibid-2"

    /// The program that the kernel takes.
    static func program() throws -> Data {
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = cl_seccomp_filter(&bytes, bytes.count)
        guard count > 0 else { throw IbidError.system("make", "the system call filter", errorText(count)) }
        return Data(bytes.prefix(Int(count)))
    }

    /// The same as crun takes it.
    static func encodedProgram() throws -> String { try encoded.get() }

    private static let encoded = Result { try program().base64EncodedString() }

    /// `linux.seccomp` of the runtime-spec: the same answers, for a runtime that makes its own program.
    static let profile: JSONValue = {
        let list = cl_seccomp_lists()
        let sockets = Array(UnsafeBufferPointer(start: list.sockets, count: list.socket_count))
        let flags = values(list.namespaces, list.namespace_count)
        var rules = [
            rule(names(list.allowed), allow), rule(names(list.refused), refuse), rule(["clone3"], unknown),
            rule(["clone"], allow, [argument("SCMP_CMP_MASKED_EQ", flags.reduce(0, |), 0)]),
        ]
        // A rule without arguments would win over those with: so each value has its own.
        rules += flags.map { rule(["clone"], refuse, [argument("SCMP_CMP_MASKED_EQ", $0, $0)]) }
        rules += sockets.map {
            rule(
                ["socket"], allow,
                [argument("SCMP_CMP_EQ", $0.family), argument("SCMP_CMP_EQ", $0.protocol, index: 2)])
        }
        rules += refusals(of: "socket", otherThan: Set(sockets.map(\.family)))
        for (family, kinds) in Dictionary(grouping: sockets, by: \.family).sorted(by: { $0.key < $1.key }) {
            let protocols = Set(kinds.map(\.protocol))
            let highest = protocols.max() ?? 0
            let others = (0...highest).filter { !protocols.contains($0) }.map { argument("SCMP_CMP_EQ", $0, index: 2) }
            rules += (others + [argument("SCMP_CMP_GT", highest, index: 2)]).map {
                rule(["socket"], unsupported, [argument("SCMP_CMP_EQ", family), $0])
            }
        }
        let pairs = values(list.pairs, list.pair_count)
        rules += pairs.map { rule(["socketpair"], allow, [argument("SCMP_CMP_EQ", $0)]) }
        rules += refusals(of: "socketpair", otherThan: Set(pairs))
        rules += values(list.personalities, list.personality_count).map {
            rule(["personality"], allow, [argument("SCMP_CMP_EQ", $0)])
        }
        return [
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": .int(unknown),
            "architectures": [.string(architecture)], "syscalls": .array(rules),
        ]
    }()

    // Answers by error number: 0 allows, EPERM refuses, ENOSYS denies that there is such a call, EPROTONOSUPPORT such a
    // protocol.
    private static let (allow, refuse, unknown, unsupported): (Int64, Int64, Int64, Int64) = (0, 1, 38, 93)

    private static let architecture: String = {
        #if arch(arm64)
            "SCMP_ARCH_AARCH64"
        #else
            "SCMP_ARCH_X86_64"
        #endif
    }()

    // libseccomp knows no "none of these" for one argument.
    private static func refusals(of call: String, otherThan allowed: Set<UInt32>) -> [JSONValue] {
        let highest = allowed.max() ?? 0
        return (0...highest).filter { !allowed.contains($0) }.map {
            rule([call], refuse, [argument("SCMP_CMP_EQ", $0)])
        } + [rule([call], refuse, [argument("SCMP_CMP_GT", highest)])]
    }

    private static func rule(_ names: [String], _ error: Int64, _ arguments: [JSONValue] = []) -> JSONValue {
        var members: [String: JSONValue] = [
            "names": .array(names.map { .string($0) }),
            "action": error == allow ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO",
        ]
        if error != allow { members["errnoRet"] = .int(error) }
        if !arguments.isEmpty { members["args"] = .array(arguments) }
        return .object(members)
    }

    private static func argument(
        _ operation: String, _ value: UInt32, _ second: UInt32 = 0, index: Int64 = 0
    ) -> JSONValue {
        ["index": .int(index), "op": .string(operation), "value": .int(Int64(value)), "valueTwo": .int(Int64(second))]
    }

    private static func names(_ list: UnsafePointer<UnsafePointer<CChar>?>) -> [String] {
        var names: [String] = []
        while let name = list[names.count] { names.append(String(cString: name)) }
        return names
    }

    private static func values(_ list: UnsafePointer<UInt32>, _ count: Int) -> [UInt32] {
        Array(UnsafeBufferPointer(start: list, count: count))
    }
}
