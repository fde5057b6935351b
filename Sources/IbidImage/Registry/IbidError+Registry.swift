import IbidModel

extension IbidError {
    /// skopeo could not do it; its complaint says which of a few well-known reasons it is.
    ///
    /// - Parameter complaint: what it wrote to stderr.
    static func registry(_ reference: ImageReference, _ complaint: String) -> IbidError {
        let reason = lastMessage(complaint)
        let (host, name) = (reference.registry, reference.familiar)
        func has(_ words: String...) -> Bool { words.contains { reason.lowercased().contains($0) } }
        let add = "add it from a file: ibid base add '\(name)' --from oci:DIR|docker-archive:FILE|rootfs.tar"
        if has("unauthorized", "authentication required", "denied", "forbidden", "invalid username/password") {
            return IbidError(
                "registry-denied", "\(host) refuses '\(name)': \(reason)",
                hint: "is the name right? if it is private: 'skopeo login \(host)' or 'docker login \(host)', or name "
                    + "the file that has the password with --authfile")
        }
        if has("x509", "certificate", "tls:", "http response to https client", "first record does not look like") {
            return IbidError(
                "registry-certificate", "\(host) does not prove who it is, for '\(name)': \(reason)",
                hint: "put its authority into /etc/docker/certs.d/\(host)/ca.crt or name the directory with "
                    + "--cert-dir; --tls-verify=false trusts whoever answers")
        }
        if has("manifest unknown", "name unknown", "not found", "repository name not known") {
            return IbidError(
                "image-not-found", "\(host) has no image '\(name)'", hint: "look at the name and the tag",
                exit: .notFound)
        }
        if has(
            "no such host", "connection refused", "dial tcp", "i/o timeout", "unreachable", "deadline exceeded",
            ": eof",
            "proxyconnect", "connection reset", "lookup ")
        {
            // Which host does not answer, and how; not the calls that led there.
            let short = reason.ranges(of: "dial tcp: ").last.map { String(reason[$0.upperBound...]) } ?? reason
            return IbidError(
                "registry-unreachable", "cannot reach the registry \(host) for '\(name)': \(short)",
                hint: "try again with a network, or \(add)")
        }
        return IbidError("registry-failed", "\(host), '\(name)': \(reason)", hint: add)
    }

    /// skopeo writes log lines: `time="…" level=fatal msg="…"`, quotes inside escaped. The prefixes of its calls are
    /// left out, the last reason counts. An address with a user in it is shown without.
    private static func lastMessage(_ log: String) -> String {
        let line = log.split(separator: "\n").last { $0.contains("level=fatal") || $0.contains("level=error") }
        var text = line.map(String.init) ?? log.split(separator: "\n").suffix(2).joined(separator: "; ")
        if let message = text.firstMatch(of: #/msg="(.*)"/#) {
            text = String(message.1).replacing("\\\"", with: "\"").replacing("\\n", with: " ")
        }
        let prefix = #/^(?:Error parsing image name "[^"]*"|[Ii]nitializing source [^ ]+|Error [a-z ]+): /#
        text = text.replacing(prefix, with: "", maxReplacements: 1)
        text = text.replacing(#/\/\/[^\/@\s"]+@/#, with: "//")
        return text.isEmpty ? "skopeo failed without a word" : text
    }
}
