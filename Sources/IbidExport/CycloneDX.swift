import IbidCrypto
import IbidModel

/// The inventory as a CycloneDX 1.6 bill of materials.
enum CycloneDX {
    static func document(_ evidence: RunEvidence) -> JSONValue {
        let image = evidence.spec.image
        let packages = evidence.inventory?.packages ?? []
        let components: [JSONValue] = packages.map { package in
            [
                "type": "library", "bom-ref": .string(package.purl), "name": .string(package.name),
                "version": .string(package.version), "purl": .string(package.purl),
            ]
        }
        var metadata: [String: JSONValue] = [
            "component": [
                "type": "container", "bom-ref": .string("image:" + image.hex),
                "name": .string(evidence.job.isEmpty ? "image" : evidence.job), "version": .string(image.description),
                "hashes": [["alg": "SHA-256", "content": .string(image.hex)]],
            ],
            "tools": ["components": [["type": "application", "name": "ibid"]]],
        ]
        if let created = evidence.imageConfig?.created, let time = Timestamp(created) {
            metadata["timestamp"] = .string(time.description)
        }
        var dependencies: [JSONValue] = [
            [
                "ref": .string("image:" + image.hex), "dependsOn": .array(packages.map { .string($0.purl) }),
            ]
        ]
        dependencies += packages.map { ["ref": .string($0.purl)] }
        return [
            "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "serialNumber": .string("urn:uuid:" + uuid(of: image)),
            "metadata": .object(metadata), "components": .array(components), "dependencies": .array(dependencies),
        ]
    }

    // RFC 9562 section 5.8: bits of our own choosing, so that one image has one number.
    private static func uuid(of digest: Digest) -> String {
        var bytes = Array(Digest.sha256(of: "cyclonedx " + digest.hex).bytes.prefix(16))
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let hex = Array(Hex.encode(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }
}
