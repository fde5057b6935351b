import FoundationEssentials
import Glibc
public import IbidContainer
import IbidModel
public import SystemPackage

/// The devices that this machine describes in the Container Device Interface (cncf-tags/container-device-interface,
/// SPEC.md): JSON files that an administrator, or a vendor's program, has put there.
public struct DeviceCatalog: Sendable {
    /// Where they are; of two files with the same device the one in the later directory counts.
    public static let standardDirectories: [FilePath] = ["/etc/cdi", "/var/run/cdi"]

    private struct Device {
        var edits: [JSONValue]
        var file: FilePath
        /// Another file of the same directory that describes it too: neither counts (SPEC.md, "Device name conflicts").
        var rival: FilePath?
    }

    /// Members of `containerEdits` that are done here.
    private static let knownEdits: Set<String> = ["env", "deviceNodes", "mounts", "hooks"]

    private var devices: [String: Device] = [:]
    private var unread: [FilePath] = []

    /// Reads what is there; nothing at all is an empty catalog.
    ///
    /// - Throws: `device-spec`, naming the file, when one is malformed.
    public init(directories: [FilePath] = standardDirectories) throws {
        for directory in directories {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
            for name in names.sorted() {
                let path = directory.appending(name)
                if name.hasSuffix(".json") { try read(path) }
                if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { unread.append(path) }
            }
        }
    }

    /// The full names of all devices (`vendor.example/class=name`), sorted.
    public var names: [String] { devices.keys.sorted() }

    /// The full names that a request stands for: `all`, a number of GPUs, or names, with or without vendor and class.
    ///
    /// - Throws: `device-not-found`, saying what there is.
    public func resolve(_ request: String) throws -> [String] {
        let gpus = names.filter { $0.split(separator: "=")[0].hasSuffix("/gpu") }
        let single = gpus.filter { !$0.hasSuffix("=all") }
        if request == "all" {
            guard !gpus.isEmpty else { throw notFound("a GPU") }
            let whole = gpus.filter { $0.hasSuffix("=all") }
            return whole.isEmpty ? single : whole
        }
        if let count = Int(request) {
            guard count > 0, count <= single.count else { throw notFound("\(count) GPUs") }
            return Array(single.prefix(count))
        }
        var seen: Set<String> = []
        return try request.split(separator: ",").map { word in
            let name = word.contains("=") ? String(word) : gpus.first { $0.hasSuffix("=" + word) } ?? String(word)
            guard devices[name] != nil else { throw notFound("the device '\(word)'") }
            return name
        }.filter { seen.insert($0).inserted }
    }

    /// What a container needs to have these devices.
    public func devices(_ names: [String]) throws -> ContainerDevices {
        var result = ContainerDevices()
        for name in names {
            guard let device = devices[name] else { throw notFound("the device '\(name)'") }
            if let rival = device.rival {
                throw IbidError(
                    "device-spec", "the device \(name) is described twice, in \(rival) and in \(device.file)",
                    hint: "remove one of the two files")
            }
            for edits in device.edits { try apply(edits, of: name, to: &result) }
        }
        return result
    }

    private func notFound(_ what: String) -> IbidError {
        let known = names.isEmpty ? "no device" : names.joined(separator: ", ")
        let hint =
            unread.first.map {
                "\($0) is YAML, which is not read: write it as JSON beside it (nvidia-ctk cdi generate --format=json)"
            } ?? "a vendor's tool writes the description, as 'nvidia-ctk cdi generate --format=json' does to /etc/cdi"
        return IbidError(
            "device-not-found", "this machine does not describe \(what) in /etc/cdi or /var/run/cdi; it has \(known)",
            hint: hint, exit: .notFound)
    }

    private mutating func read(_ path: FilePath) throws {
        guard let bytes = FileManager.default.contents(atPath: path.string) else {
            throw IbidError.deviceSpec(path, "cannot be read")
        }
        let document: JSONValue
        do {
            document = try CanonicalJSON.parse(Array(bytes))
        } catch {
            throw IbidError.deviceSpec(path, "is not JSON: \(error)")
        }
        guard let kind = document["kind"]?.string, kind.contains("/"), let list = document["devices"]?.array else {
            throw IbidError.deviceSpec(path, "has no 'kind' of the form vendor/class, or no 'devices'")
        }
        let common = document["containerEdits"].map { [$0] } ?? []
        for device in list {
            guard let name = device["name"]?.string, let edits = device["containerEdits"] else {
                throw IbidError.deviceSpec(path, "has a device without 'name' or 'containerEdits'")
            }
            let earlier = devices["\(kind)=\(name)"]?.file
            let isRival = earlier?.removingLastComponent() == path.removingLastComponent()
            devices["\(kind)=\(name)"] = Device(
                edits: common + [edits], file: path, rival: isRival ? earlier : nil)
        }
    }

    private func apply(_ edits: JSONValue, of name: String, to result: inout ContainerDevices) throws {
        func malformed(_ what: String) -> IbidError { IbidError("device-spec", "the device \(name) has \(what)") }
        let others = Set(edits.object?.keys.map { $0 } ?? []).subtracting(Self.knownEdits)
        if let other = others.sorted().first {
            // A group of the host is nobody in a user namespace; nor may the rest be given to a run.
            throw malformed("'\(other)' among its containerEdits, which containers of Ibid do not get")
        }
        for entry in edits["env"]?.array ?? [] {
            guard let text = entry.string, let equals = text.firstIndex(of: "=") else {
                throw malformed("a variable without '='")
            }
            result.environment[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        var mounts: [ContainerDevices.Mount] = []
        for node in edits["deviceNodes"]?.array ?? [] {
            guard let path = node["path"]?.string else { throw malformed("a node without 'path'") }
            let writable = node["permissions"]?.string?.contains("w") ?? true
            mounts.append(
                ContainerDevices.Mount(
                    source: node["hostPath"]?.string ?? path, target: path,
                    options: [writable ? "rw" : "ro", "nosuid", "noexec"]))
        }
        for mount in edits["mounts"]?.array ?? [] {
            guard let source = mount["hostPath"]?.string, let target = mount["containerPath"]?.string else {
                throw malformed("a mount without 'hostPath' or 'containerPath'")
            }
            let options = (mount["options"]?.array ?? []).compactMap(\.string).filter { !$0.hasSuffix("bind") }
            // Libraries are never for the run to write.
            mounts.append(
                ContainerDevices.Mount(
                    source: source, target: target, options: options.filter { $0 != "rw" && $0 != "ro" } + ["ro"]))
        }
        for mount in mounts where !result.mounts.contains(mount) {
            guard mount.target.hasPrefix("/"), access(mount.source, F_OK) == 0 else {
                throw IbidError(
                    "device-missing", "the device \(name) names '\(mount.source)', which this machine does not have",
                    hint: "write its description anew with the vendor's tool")
            }
            // The sandbox' own files cover it there.
            guard !mount.source.hasPrefix("/tmp/") else { throw malformed("a file below /tmp: '\(mount.source)'") }
            result.mounts.append(mount)
        }
        for hook in edits["hooks"]?.array ?? [] {
            guard let when = hook["hookName"]?.string, hook["path"]?.string != nil, var call = hook.object else {
                throw malformed("a hook without 'hookName' or 'path'")
            }
            call["hookName"] = nil
            result.hooks[when, default: []].append(.object(call))
        }
    }
}

extension IbidError {
    static func deviceSpec(_ path: FilePath, _ what: String) -> IbidError {
        IbidError("device-spec", "\(path) \(what)", hint: "write it anew with the vendor's tool, or remove it")
    }
}
