import IbidModel

/// A base that Ibid makes itself from Debian packages.
public struct BaseRecipe: Hashable, Sendable {
    /// Another version may give other bytes for the same packages.
    static let version: Int64 = 1

    /// The name in the store's index.
    public let ref: String
    /// The Debian release.
    public let release: String
    /// The packages asked for, beside apt and the essential and required ones.
    public let packages: [String]
    /// What the image's containers run when nothing else is said.
    let command: [String]

    /// Debian itself.
    static func debian(_ release: DebianRelease) -> BaseRecipe {
        BaseRecipe(
            ref: "bootstrap/debian:\(release.codename)", release: release.codename, packages: [], command: ["bash"])
    }

    /// A release with its Python and pip.
    static func python(_ release: DebianRelease) -> BaseRecipe {
        BaseRecipe(
            ref: "bootstrap/python:\(release.python)-\(release.codename)", release: release.codename,
            packages: ["ca-certificates", "python-is-python3", "python3", "python3-pip", "python3-venv"],
            command: ["python3"])
    }

    /// What Debian 12 has for data analysis, and compilers for what it does not have.
    static let dataScience = BaseRecipe(
        ref: "ibid/datascience:bookworm", release: "bookworm",
        packages: python(.bookworm).packages + [
            "build-essential", "fonts-dejavu-core", "git", "python3-dev", "python3-ipykernel", "python3-matplotlib",
            "python3-nbconvert", "python3-numpy", "python3-openpyxl", "python3-pandas", "python3-pil", "python3-scipy",
            "python3-seaborn", "python3-sklearn", "python3-statsmodels",
        ],
        command: ["python3"])

    /// The built-in bases.
    public static let all = DebianRelease.all.flatMap { [debian($0), python($0)] } + [dataScience]

    /// The base that a name after `FROM` stands for; nil when it is not built in.
    public static func named(_ name: String) -> BaseRecipe? {
        let name = BaseName.familiar(name)
        if let recipe = all.first(where: { $0.ref == name }) { return recipe }
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let tag = parts.count == 2 ? parts[1] : "latest"
        switch parts[0] {
        case "ibid/datascience" where ["latest", "bookworm"].contains(tag): return dataScience
        case "debian":
            let version = tag.hasSuffix("-slim") ? String(tag.dropLast(5)) : tag
            if ["latest", "stable"].contains(version) { return debian(.stable) }
            return DebianRelease.all.first { [$0.codename, "\($0.number)"].contains(version) }.map(debian)
        case "python":
            // What says no version is the preferred one.
            if ["3", "latest"].contains(tag) { return python(.preferred) }
            return DebianRelease.all.first { release in
                let systems = ["", "-slim", "-\(release.codename)", "-slim-\(release.codename)"]
                if systems.contains(where: { tag == release.python + $0 }) { return true }
                return release == .preferred
                    && systems.contains { ["3" + $0, String($0.dropFirst())].contains(tag) && !$0.isEmpty }
            }.map(python)
        default: return nil
        }
    }

    /// The image configuration.
    func config(epoch: Timestamp, architecture: String, layer: Digest) -> OCI.ImageConfig {
        var execution = OCI.Execution()
        execution.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        execution.cmd = command
        return OCI.ImageConfig(
            created: "\(epoch)", architecture: architecture, os: "linux", config: execution,
            rootfs: OCI.RootFS(diffIDs: [layer]),
            history: [OCI.History(created: "\(epoch)", createdBy: "bootstrap \(ref)")])
    }
}

/// Names of images as people write them.
enum BaseName {
    /// Without what Docker adds in silence: `docker.io/library/python:3` is `python:3`.
    static func familiar(_ name: String) -> String {
        var name = name[...]
        for prefix in ["docker.io/", "index.docker.io/", "library/"] where name.hasPrefix(prefix) {
            name = name.dropFirst(prefix.count)
        }
        return String(name)
    }

    /// The refs under which the store may have it, best first.
    static func candidates(_ name: String) -> [String] {
        let familiar = familiar(name)
        let last = familiar.split(separator: "/").last ?? ""
        let tagged =
            last.contains("@")
            ? []
            : familiar.hasSuffix(":latest")
                ? [String(familiar.dropLast(7))]
                : last.contains(":") ? [] : [familiar + ":latest"]
        return [name] + (familiar == name ? [] : [familiar]) + tagged
    }
}
