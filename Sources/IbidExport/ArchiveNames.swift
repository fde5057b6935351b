import IbidCrypto
import IbidModel

/// The names that outputs have in an archive: the run's own, unless a reader of bags, `sha256sum` or a file system
/// would read them in another way.
///
/// What is written otherwise is written as records do, `\xNN` for each byte: controls, invisible and unassigned
/// characters, `%` (which BagIt decodes and `sha256sum` does not), and white space at the end of a name.
enum ArchiveNames {
    /// The path of each output below the payload directory, in order; no two are the same.
    static func outputs(_ outputs: [RunOutput]) -> [String] {
        var used: Set<String> = []
        return outputs.map { output in
            var name = safe(output.path)
            if name.isEmpty || !used.insert(name).inserted || name.utf8.count > 3_000
                || name.split(separator: "/").contains(where: { $0.utf8.count > 240 })
            {
                name = "renamed-" + Digest.sha256(of: output.path).hex.prefix(32)
                used.insert(name)
            }
            return "outputs/" + name
        }
    }

    /// A path in the form that archives can hold. A leading slash goes: everything lies below one directory.
    static func safe(_ path: String) -> String {
        path.split(separator: "/").map { component(String($0)) }.joined(separator: "/")
    }

    private static func component(_ name: String) -> String {
        if name == "." || name == ".." { return escape(name.unicodeScalars) }
        var text = ""
        let scalars = Array(name.unicodeScalars)
        for (position, scalar) in scalars.enumerated() {
            let isInside = position > 0 && position + 1 < scalars.count
            if isPlain(scalar) || (scalar == " " && isInside) {
                text.unicodeScalars.append(scalar)
            } else {
                text += escape([scalar])
            }
        }
        return text
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value > 0x20 && scalar.value < 0x7f && scalar != "%" }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
            .paragraphSeparator:
            return false
        default: return true
        }
    }

    private static func escape(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        scalars.flatMap { Array(String($0).utf8) }.map { "\\x" + Hex.encode([$0]) }.joined()
    }
}
