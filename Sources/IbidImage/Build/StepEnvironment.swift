import IbidModel

/// The environment of build steps beyond what the Dockerfile says. It is part of a step's key and not of the image.
enum StepEnvironment {
    /// What keeps the moment, the host and chance out of what programs write.
    static func determinism(epoch: Timestamp) -> [String: String] {
        [
            "SOURCE_DATE_EPOCH": "\(epoch.seconds)",
            "PYTHONHASHSEED": "0",
            "PERL_HASH_SEED": "0",
            // Bytecode that an import writes carries the source's time; what pip compiles is hash-based (see above).
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "DEBIAN_FRONTEND": "noninteractive",
        ]
    }

    /// Whether a step may compile Python packages from their sources, in a directory whose name is chance.
    static func buildsPythonPackages(_ text: String) -> Bool {
        text.split { !$0.isLetter && !$0.isNumber && $0 != "." }.contains { $0.hasPrefix("pip") || $0 == "uv" }
    }

    /// pip and uv unpack sources in a directory with a random name, which a compiler writes into debugging information.
    /// setuptools and meson put this behind their own flags; what sets its own variable is not disturbed.
    static let compilers = ["CPPFLAGS": "-g0"]

    /// What leads package tools to the gateway. Which index they ask is theirs to say, or the image's, or the recipe's.
    static func gateway(port: UInt16) -> [String: String] {
        let proxy = "http://127.0.0.1:\(port)"
        let local = "localhost,127.0.0.1,::1"
        let authority = GatewayPath.authority
        return [
            // Ibid compiles what was installed, after the step.
            "PIP_COMPILE": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_BREAK_SYSTEM_PACKAGES": "1",
            "PIP_PROGRESS_BAR": "off",
            "PIP_NO_INPUT": "1",
            "UV_NO_CACHE": "1",
            "UV_LINK_MODE": "copy",
            // Without this uv writes the times of files on this host into the image.
            "UV_NO_INSTALLER_METADATA": "1",
            "UV_BREAK_SYSTEM_PACKAGES": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
            "APT_CONFIG": GatewayPath.aptConfiguration,
            // Whatever else wants the network finds a gateway that says what it is for, and its wish is reported.
            "http_proxy": proxy, "https_proxy": proxy, "HTTP_PROXY": proxy, "HTTPS_PROXY": proxy,
            "no_proxy": local, "NO_PROXY": local,
            // The gateway speaks for every host; nobody else is there to be trusted.
            "SSL_CERT_FILE": authority, "PIP_CERT": authority, "REQUESTS_CA_BUNDLE": authority,
            "CURL_CA_BUNDLE": authority, "GIT_SSL_CAINFO": authority, "NODE_EXTRA_CA_CERTS": authority,
        ]
    }
}
