import Glibc
import IbidExport
import IbidModel
import IbidStore
import SystemPackage

/// Judges a commit's own signature by keys that somebody trusts, with gpg or ssh-keygen, as git does.
struct CommitJudge {
    /// What came of it.
    enum Verdict: Hashable {
        /// The signature is good, and whose it is.
        case good(String)
        /// It is not, or not by one of the keys.
        case bad(String)
        /// It could not be judged.
        case unable(String)
    }

    /// A file of keys: for SSH, lines as in ssh-keygen's `allowed_signers` or bare public keys; for OpenPGP, an exported
    /// keyring.
    let keys: FilePath

    /// Judges a signature; what the programs need is written to a directory of its own, which goes again.
    func judge(_ signature: CommitSignature) throws -> Verdict {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((parent + "/ibid-commit-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw IbidError.system("make", "a directory for keys", lastError()) }
        let place = FilePath(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        defer { try? removeTree(place) }
        try writeAtomically(signature.signature, to: place.appending("signature"), durable: false)
        try writeAtomically(signature.payload, to: place.appending("payload"), durable: false)
        switch signature.kind {
        case .ssh: return try ssh(place)
        case .gpg: return try gpg(place)
        case .x509: return .unable("X.509 signatures are not judged here")
        }
    }

    private func ssh(_ place: FilePath) throws -> Verdict {
        guard let bytes = try readIfPresent(keys), let text = String(validating: bytes, as: UTF8.self) else {
            return .unable("\(keys) has no lines of public keys")
        }
        let lines = text.split(separator: "\n").map { line in
            let isBare = ["ssh-", "ecdsa-", "sk-"].contains { line.hasPrefix($0) }
            return (isBare ? "* " : "") + line + "\n"
        }
        let allowed = place.appending("allowed").string
        try writeAtomically(Array(lines.joined().utf8), to: FilePath(allowed), durable: false)
        let signature = place.appending("signature").string
        let found = try ToolRun(["ssh-keygen", "-Y", "find-principals", "-f", allowed, "-s", signature])
        if found.isMissing { return .unable("ssh-keygen is not installed") }
        guard found.status == 0, let principal = found.output.split(separator: "\n").first else {
            return .bad("not by a key of \(keys)")
        }
        let checked = try ToolRun(
            ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", String(principal), "-n", "git", "-s", signature],
            input: place.appending("payload").string)
        // "Good "git" signature for NAME with ED25519 key SHA256:…"
        guard checked.status == 0 else { return .bad(checked.complaint) }
        return .good(checked.output.split(separator: "\n").first.map(String.init) ?? String(principal))
    }

    private func gpg(_ place: FilePath) throws -> Verdict {
        let program = ["gpg", "--homedir", place.string, "--batch", "--no-tty", "--quiet", "--status-fd", "1"]
        let imported = try ToolRun(program + ["--import", keys.string])
        if imported.isMissing { return .unable("gpg is not installed") }
        guard imported.status == 0 else {
            return .unable("\(keys) is no keyring that gpg reads: \(imported.complaint)")
        }
        let checked = try ToolRun(
            program + ["--verify", place.appending("signature").string, place.appending("payload").string])
        let status = checked.output.split(separator: "\n").map { $0.dropFirst(9) }
        guard checked.status == 0, let good = status.first(where: { $0.hasPrefix("GOODSIG ") }),
            let valid = status.first(where: { $0.hasPrefix("VALIDSIG ") })
        else {
            let why = status.first { $0.contains("SIG ") || $0.hasPrefix("NO_PUBKEY") }.map(String.init)
            return .bad(why ?? checked.complaint)
        }
        let name = good.split(separator: " ", maxSplits: 2).dropFirst(2).joined()
        return .good("\(name), OpenPGP key \(valid.split(separator: " ")[1])")
    }
}
