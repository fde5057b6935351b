/// The signature that a commit carries, and the text it is over (git, gpg-sig).
public struct CommitSignature: Hashable, Sendable {
    /// What made it.
    public enum Kind: String, Hashable, Sendable {
        /// OpenPGP.
        case gpg = "GPG"
        /// SSHSIG, namespace `git`.
        case ssh = "SSH"
        /// S/MIME.
        case x509 = "X.509"
    }

    /// What made it.
    public var kind: Kind
    /// The armoured signature.
    public var signature: [UInt8]
    /// The commit without it.
    public var payload: [UInt8]
    /// Who committed, as the commit says.
    public var committer: String

    /// Takes a raw commit apart; nil when it is not signed.
    public init?(commit: [UInt8]) {
        var (signature, payload, inSignature, inHeader) = ([UInt8](), [UInt8](), false, true)
        var committer = ""
        for line in commit.split(separator: 0x0a, omittingEmptySubsequences: false) {
            if inHeader && line.isEmpty { inHeader = false }
            if inHeader && line.starts(with: "gpgsig ".utf8) {
                signature += line.dropFirst(7) + [0x0a]
                inSignature = true
                continue
            }
            if inHeader && inSignature && line.first == 0x20 {
                signature += line.dropFirst() + [0x0a]
                continue
            }
            inSignature = false
            if inHeader && line.starts(with: "committer ".utf8) {
                committer = String(decoding: line.dropFirst(10), as: UTF8.self)
            }
            payload += line + [0x0a]
        }
        payload.removeLast()
        guard !signature.isEmpty else { return nil }
        if signature.starts(with: "-----BEGIN SSH SIGNATURE".utf8) {
            kind = .ssh
        } else if signature.starts(with: "-----BEGIN PGP".utf8) {
            kind = .gpg
        } else {
            kind = .x509
        }
        self.signature = signature
        self.payload = payload
        self.committer = committer
    }
}
