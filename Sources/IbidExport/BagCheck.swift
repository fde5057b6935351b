public import IbidCrypto
public import IbidModel

extension ArchiveReader {
    /// Checks the bag (RFC 8493): each listed file is there with its digest, no other is, and the list is signed.
    ///
    /// - Parameter key: the key that the signature is held against.
    public func verifyBag(key: P256.PublicKey?, into report: inout VerificationReport) {
        let before = report.problems.count
        let tags = manifest("tagmanifest-sha256.txt", &report)
        let payload = manifest("manifest-sha256.txt", &report)
        for (path, digest) in tags.merging(payload, uniquingKeysWith: { first, _ in first }).sorted(by: {
            $0.key < $1.key
        }) {
            guard let member = member(path) else {
                report.add(path, got: "missing", want: "\(digest)")
                continue
            }
            if member.digest != digest { report.add(path, got: "\(member.digest)", want: "\(digest)") }
        }
        for path in ["bagit.txt", "bag-info.txt", "manifest-sha256.txt"] where tags[path] == nil {
            report.add("tagmanifest-sha256.txt", got: "without \(path)", want: "every tag file")
        }
        let free: Set<String> = ["tagmanifest-sha256.txt", ArchiveWriter.signatureName]
        for path in members.keys.sorted() where tags[path] == nil && payload[path] == nil && !free.contains(path) {
            report.add(path, got: "in the archive", want: "no file that the bag does not list")
        }
        if let text = try? bytes("bagit.txt"),
            text != Array("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".utf8)
        {
            report.add("bagit.txt", got: "another version or encoding", want: "BagIt 1.0 in UTF-8")
        }
        guard let key else { return }
        let signature = (try? bytes(ArchiveWriter.signatureName, 1_024)) ?? []
        if let signed = try? bytes("tagmanifest-sha256.txt"), !key.isValid(signature, for: signed) {
            report.add("the signature over the bag", got: "not valid", want: "valid for \(key.keyID)")
        } else if P256.lowered(signature) != signature {
            // Of each signature there is a second form, which anybody can make.
            report.add("the signature over the bag", got: "in its second form", want: "as the exporter wrote it")
        }
        if report.problems.count == before {
            report.proved.append(
                "\(payload.count) files are those of the bag, which is signed as a whole by \(key.keyID)")
        }
    }

    private func manifest(_ name: String, _ report: inout VerificationReport) -> [String: Digest] {
        guard let bytes = try? bytes(name), let text = String(validating: bytes, as: UTF8.self) else {
            report.add(name, got: "missing or not text", want: "a list of digests")
            return [:]
        }
        var digests: [String: Digest] = [:]
        for line in text.split(separator: "\n") {
            guard let digest = Digest(hex: String(line.prefix(64))), line.dropFirst(64).hasPrefix("  ") else {
                report.add(name, got: "the line '\(line.prefix(80))'", want: "digest, two spaces, path")
                continue
            }
            if digests.updateValue(digest, forKey: String(line.dropFirst(66))) != nil {
                report.add(name, got: "\(line.dropFirst(66)) twice", want: "each file once")
            }
        }
        return digests
    }
}
