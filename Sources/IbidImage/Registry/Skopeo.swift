import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// skopeo, as far as Ibid uses it: one manifest, one image in, one image out.
struct Skopeo {
    let access: RegistryAccess
    var isCancelled: () -> Bool = { false }
    var progress: (String) -> Void = { _ in }

    /// A manifest or an index, the very bytes.
    func manifest(_ reference: ImageReference) throws -> [UInt8] {
        let bytes = try run(
            ["--command-timeout", "60s", "inspect", "--raw"] + access.arguments("") + ["docker://\(reference)"],
            reaching: reference
        ).stdout
        guard let digest = reference.digest else { return bytes }
        let got = Digest.sha256(of: bytes)
        guard got == digest else {
            throw IbidError(
                "registry-bytes", "\(reference.registry) gave a manifest that hashes to \(got) for '\(reference)'",
                hint: "do not use it; ask who runs that registry", exit: .verificationFailed)
        }
        return bytes
    }

    /// An image's configuration, the very bytes.
    func configuration(_ reference: ImageReference) throws -> [UInt8] {
        try run(
            ["--command-timeout", "60s", "inspect", "--config", "--raw"] + access.arguments("")
                + ["docker://\(reference)"], reaching: reference
        ).stdout
    }

    /// Copies one image as it is into an empty directory, in the form of skopeo's `dir:`: it takes every kind of
    /// manifest unchanged.
    func copy(_ reference: ImageReference, to directory: FilePath) throws {
        var count = 0
        _ = try run(
            ["copy", "--preserve-digests", "--retry-times", "2"] + access.arguments("src-")
                + ["docker://\(reference)", "dir:\(directory)"], reaching: reference
        ) { line in
            guard line.hasPrefix("Copying blob") else { return }
            count += 1
            progress("fetching layer \(count) of \(reference.familiar)")
        }
    }

    /// Sends the only image of a layout to a registry, byte for byte.
    ///
    /// - Parameter blobs: the directory that holds `sha256/<hex>`.
    /// - Returns: the digest that the registry knows it by.
    func push(_ layout: FilePath, blobs: FilePath, to reference: ImageReference) throws -> Digest {
        let digestFile = layout.appending("pushed")
        _ = try run(
            [
                "copy", "--preserve-digests", "--retry-times", "2", "--src-shared-blob-dir", blobs.string,
                "--digestfile", digestFile.string,
            ] + access.arguments("dest-") + ["oci:\(layout)", "docker://\(reference)"], reaching: reference
        ) { line in
            if line.hasPrefix("Copying blob") { progress("sending " + line.dropFirst(8)) }
        }
        let text = String(decoding: try readIfPresent(digestFile) ?? [], as: UTF8.self)
        guard let digest = Digest(DockerfileReader.trimmed(text)) else {
            throw IbidError.registry(reference, "skopeo did not say what it sent")
        }
        return digest
    }

    private func run(
        _ arguments: [String], reaching reference: ImageReference, onLine: ((String) -> Void)? = nil
    ) throws -> ChildProcess.Result {
        // Without a policy of the machine's own skopeo refuses everything; digests are checked here in any case.
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        let hasPolicy = ["/etc", home + "/.config"].contains { place in
            Glibc.access(place + "/containers/policy.json", R_OK) == 0
        }
        var process = try ChildProcess(
            "skopeo", package: "skopeo", arguments: (hasPolicy ? [] : ["--insecure-policy"]) + arguments)
        process.environment = RegistryAccess.environment
        process.isCancelled = isCancelled
        var line: [UInt8] = []
        let result = try process.run(
            output: onLine.map { onLine in
                { bytes in
                    for byte in bytes {
                        if byte == 0x0a {
                            onLine(String(decoding: line, as: UTF8.self))
                            line = []
                        } else if line.count < 4_096 {
                            line.append(byte)
                        }
                    }
                }
            })
        guard result.status == 0 else { throw IbidError.registry(reference, result.stderr) }
        return result
    }
}
