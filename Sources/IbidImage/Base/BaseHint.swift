import IbidModel

/// What to do about a base that only a registry has, when that does not give it.
enum BaseHint {
    /// What people begin with, by the beginning of its name, and what does the same here without a registry.
    private static let substitutes: [(names: [String], advice: String)] = [
        (
            ["ghcr.io/astral-sh/uv"],
            "FROM python:3.11 and RUN pip install uv give the same; in place of COPY --from: RUN pip install uv"
        ),
        (
            [
                "continuumio/", "condaforge/", "mambaorg/", "conda/", "jupyter/", "quay.io/jupyter/",
                "quay.io/condaforge/", "jupyterhub/", "kaggle/",
            ],
            "FROM ibid/datascience has numpy, pandas, scipy, scikit-learn and matplotlib from Debian and needs no "
                + "registry; so does FROM python:3.11 with RUN pip install"
        ),
        (
            ["nvidia/", "nvcr.io/", "pytorch/", "tensorflow/", "huggingface/"],
            "FROM python:3.11 needs no registry, and the wheels that RUN pip install torch or tensorflow fetches bring "
                + "CUDA's libraries with them"
        ),
        (
            ["rocker/", "r-base"],
            "FROM debian:bookworm with RUN apt-get update && apt-get install -y r-base needs no registry"
        ),
        (
            ["ubuntu", "alpine", "buildpack-deps", "bitnami/minideb", "gcr.io/distroless/"],
            "FROM debian:bookworm and FROM python:3.11 need no registry"
        ),
        (
            [
                "tiangolo/", "bitnami/python", "mcr.microsoft.com/devcontainers/python", "public.ecr.aws/lambda/python",
                "pypy", "circleci/python", "cimg/python",
            ],
            "FROM python:3.11 needs no registry"
        ),
    ]

    /// - Parameters:
    ///   - name: as it stands after `FROM`.
    ///   - error: how the registry failed; what to do about that comes first.
    static func text(for name: String, after error: IbidError) -> String {
        let familiar = BaseName.familiar(name)
        let add = "ibid base add '\(name)' --from oci:DIR|docker-archive:FILE|rootfs.tar"
        let (repository, tag) = parts(familiar)
        switch repository {
        case "python":
            // 3.11.4, or 3.11 on a Debian that has another.
            let release = DebianRelease.all.first { release in
                [".", "-"].contains { tag.hasPrefix(release.python + $0) }
            }
            if let release {
                return "the built-in Python \(release.python) is \(release.python).\(release.pythonPatch) on Debian "
                    + "\(release.number): write FROM python:\(release.python); any other comes from a registry, or add "
                    + "it: \(add)"
            }
            return "the built-in Pythons are \(list { "\($0.python) (Debian \($0.number))" }): write FROM "
                + "python:\(DebianRelease.preferred.python); any other comes from a registry, or add it: \(add)"
        case "debian":
            return "the built-in releases are \(list { "debian:\($0.codename)" }); any other comes from a registry, or "
                + "add it: \(add)"
        default:
            let advice =
                substitutes.first { $0.names.contains { familiar.hasPrefix($0) } }?.advice
                ?? "debian:bookworm and python:3.11 need no registry"
            return error.hint.map { "\($0); \(advice)" } ?? advice
        }
    }

    private static func parts(_ name: String) -> (repository: String, tag: String) {
        let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count == 2 ? parts[1] : "latest")
    }

    private static func list(_ text: (DebianRelease) -> String) -> String {
        let texts = DebianRelease.all.sorted { $0.number < $1.number }.map(text)
        return texts.dropLast().joined(separator: ", ") + " and " + (texts.last ?? "")
    }
}
