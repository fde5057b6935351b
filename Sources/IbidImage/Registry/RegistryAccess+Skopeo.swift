import Glibc
import IbidModel
import SystemPackage

extension RegistryAccess {
    /// The arguments of a skopeo command that reaches one registry.
    ///
    /// - Parameter side: `src-` or `dest-` for a copy, nothing otherwise.
    func arguments(_ side: String) -> [String] {
        var arguments: [String] = []
        if let file = authFile ?? dockerConfiguration { arguments += ["--\(side)authfile", file.string] }
        if let certificates { arguments += ["--\(side)cert-dir", certificates.string] }
        if !verifiesTLS { arguments.append("--\(side)tls-verify=false") }
        return arguments
    }

    // docker's own variable, which skopeo does not know; skopeo's comes first.
    private var dockerConfiguration: FilePath? {
        guard getenv("REGISTRY_AUTH_FILE") == nil, let directory = getenv("DOCKER_CONFIG") else { return nil }
        let file = FilePath(String(cString: directory)).appending("config.json")
        return access(file.string, R_OK) == 0 ? file : nil
    }

    /// What of the user's environment skopeo and credential helpers need.
    static var environment: [String: String] {
        let names = [
            "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "REGISTRY_AUTH_FILE", "CONTAINERS_REGISTRIES_CONF",
            "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
            "NO_PROXY", "TMPDIR",
        ]
        return names.reduce(into: ChildProcess.plainEnvironment) { environment, name in
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
    }
}
