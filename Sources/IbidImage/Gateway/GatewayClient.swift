/// A program inside a build step, as its `User-Agent` names it.
struct GatewayClient: Hashable, Sendable {
    /// For messages.
    let name: String

    init(userAgent: String) {
        if userAgent.contains("APT-HTTP") {
            name = "apt"
        } else {
            let word = userAgent.prefix { $0 != "/" && $0 != " " }
            name = word.isEmpty ? "the step" : String(word)
        }
    }

    var isApt: Bool { name == "apt" }

    /// Whether it installs Python packages and may name indexes of its own.
    var isPythonInstaller: Bool { ["pip", "uv", "poetry", "pdm", "setuptools", "hatch"].contains(name.lowercased()) }

    /// Whether it asks for whole releases and not for files alone.
    var readsReleases: Bool { name.lowercased() == "poetry" }

    /// Whether it said who it is.
    var isKnown: Bool { name != "the step" }

    /// Whether an error status makes it fail. Others would keep the text of the refusal as if it were the file: for
    /// them a refusal is a connection that ends.
    var noticesStatus: Bool {
        isApt || isPythonInstaller
            || ["wget", "git", "npm", "cargo", "go-http-client", "python-urllib"].contains(name.lowercased())
    }

    /// Why it is refused, and what to do instead.
    func refusal(of what: String) -> GatewayProblem {
        let hint =
            switch name.lowercased() {
            case "git":
                "name an archive of the commit (pip install https://HOST/OWNER/NAME/archive/COMMIT.zip), "
                    + "or commit the files themselves"
            case "apt":
                "only Debian's and Ubuntu's archives are served: ADD --checksum=sha256:… the .deb instead, "
                    + "or build FROM an image that has it"
            case "libcurl", "r":
                "R's packages come from Debian (apt-get install r-cran-NAME), or as archives with their digest: "
                    + "ADD --checksum=sha256:… URL PATH"
            case "npm": "npm's registry is not served: commit the packages, or build FROM an image that has them"
            default: "bring it in with its digest instead: ADD --checksum=sha256:… URL PATH"
            }
        // apt only warns when an archive is missing, and then installs something else; so does R (its agent is
        // libcurl); what curl and wget do not get is a failure that a pipe into a shell swallows.
        return GatewayProblem(
            kind: isApt || ["curl", "wget", "libcurl", "r"].contains(name.lowercased()) ? .failed : .refused,
            text: "\(name) asked for \(what): a build step reaches package indexes and nothing else",
            hint: hint)
    }
}

/// Something that a step asked for and did not get.
struct GatewayProblem: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// No build step gets that.
        case refused
        /// The lock does not have it.
        case notInLock
        /// It could not be fetched, or was not what it should be.
        case failed
    }

    var kind: Kind
    /// One sentence.
    var text: String
    /// What to do about it.
    var hint: String?
}
