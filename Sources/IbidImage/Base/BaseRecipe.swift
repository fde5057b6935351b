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

    static let debian = BaseRecipe(
        ref: "bootstrap/debian:bookworm", release: "bookworm", packages: [], command: ["bash"])

    static let python = BaseRecipe(
        ref: "bootstrap/python:3.11-bookworm", release: "bookworm",
        packages: ["ca-certificates", "python-is-python3", "python3", "python3-pip", "python3-venv"],
        command: ["python3"])

    /// What Debian 12 has for data analysis, and compilers for what it does not have.
    static let dataScience = BaseRecipe(
        ref: "ibid/datascience:bookworm", release: "bookworm",
        packages: python.packages + [
            "build-essential", "fonts-dejavu-core", "git", "python3-dev", "python3-ipykernel", "python3-matplotlib",
            "python3-nbconvert", "python3-numpy", "python3-openpyxl", "python3-pandas", "python3-pil", "python3-scipy",
            "python3-seaborn", "python3-sklearn", "python3-statsmodels",
        ],
        command: ["python3"])

    /// The built-in bases.
    public static let all = [debian, python, dataScience]

    /// The base that a name after `FROM` stands for; nil when it is not built in.
    public static func named(_ name: String) -> BaseRecipe? {
        let name = BaseName.familiar(name)
        if let recipe = all.first(where: { $0.ref == name }) { return recipe }
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let tag = parts.count == 2 ? parts[1] : "latest"
        switch parts[0] {
        case "ibid/datascience" where ["latest", "bookworm"].contains(tag): return dataScience
        case "debian" where ["bookworm", "bookworm-slim", "12", "12-slim"].contains(tag): return debian
        case "python":
            var version = tag[...]
            for suffix in ["-slim-bookworm", "-bookworm", "-slim"] where version.hasSuffix(suffix) {
                version = version.dropLast(suffix.count)
                break
            }
            return ["3.11", "3", "latest", "slim", "bookworm", "slim-bookworm"].contains(version) ? python : nil
        default: return nil
        }
    }

    /// What to do about a name that looks like a built-in base and is none.
    static func hint(for name: String) -> String? {
        let familiar = BaseName.familiar(name)
        if familiar.hasPrefix("python:") {
            return
                "the built-in Python is 3.11 (Debian 12): write FROM python:3.11; any other comes from a registry, or "
                + "add it: ibid base add '\(name)' --from oci:DIR|docker-archive:FILE|rootfs.tar"
        }
        if familiar == "debian" || familiar.hasPrefix("debian:") {
            return "the built-in Debian is bookworm: write FROM debian:bookworm; any other comes from a registry, or "
                + "add it: ibid base add '\(name)' --from oci:DIR|docker-archive:FILE|rootfs.tar"
        }
        return nil
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
