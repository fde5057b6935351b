/// The public Python package index: its names are what steps and locks know, whatever index the host uses.
enum PyPI {
    /// The lasting address of a file there, which does not depend on its content.
    static func address(ofFile file: String, project: String) -> String {
        let parts = file.split(separator: "-")
        let tag = file.hasSuffix(".whl") && parts.count >= 5 ? String(parts[parts.count - 3]) : "source"
        return "https://files.pythonhosted.org/packages/\(Address.encoded(tag))/\(project.prefix(1))/\(project)/"
            + Address.encoded(file)
    }

    /// Whether the path names its content (BLAKE2b in 2, 2 and 60 digits), so that nothing else can be there.
    static func isContentAddress(_ path: some StringProtocol) -> Bool {
        let parts = path.split(separator: "/")
        return parts.count == 5 && parts[0] == "packages" && parts[1...3].map(\.count) == [2, 2, 60]
            && parts[1...3].joined().allSatisfy(\.isHexDigit)
    }

    /// The project a distribution file, or its metadata, belongs to; nil when its name is of no known form.
    static func project(ofFile file: String) -> String? {
        let name = file.hasSuffix(".metadata") ? String(file.dropLast(9)) : file
        if name.hasSuffix(".whl") { return name.split(separator: "-").first.map { IndexPage.normalised($0) } }
        for suffix in [".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"] where name.hasSuffix(suffix) {
            let stem = name.dropLast(suffix.count)
            return stem.lastIndex(of: "-").map { IndexPage.normalised(stem[..<$0]) }
        }
        return nil
    }
}
