import IbidMerkle
import IbidModel

/// The archive as an RO-Crate 1.1 that follows the profile Process Run Crate 0.5.
struct ResearchCrate {
    private static let terms = "https://w3id.org/ro/terms/workflow-run#"
    private static let profile = "https://w3id.org/ro/wfrun/process/0.5"

    let evidence: RunEvidence
    /// Every file but the crate's own.
    let files: [ArchiveFile]
    let outputs: [String]

    var document: JSONValue {
        let names: [String] = [
            "ContainerImage", "DockerImage", "containerImage", "registry", "tag", "sha256", "environment",
        ]
        let terms = Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue.string(Self.terms + $0)) })
        return [
            "@context": ["https://w3id.org/ro/crate/1.1/context", .object(terms)],
            "@graph": .array(
                [descriptor, root, profile, license, action, instrument, agent, organization, image] + parameters
                    + environment + entities),
        ]
    }

    private func entity(_ id: String, _ type: String, _ members: [String: JSONValue?]) -> JSONValue {
        var object = members.compactMapValues { $0 }
        object["@id"] = .string(id)
        object["@type"] = .string(type)
        return .object(object)
    }

    private static func reference(_ id: String) -> JSONValue { ["@id": .string(id)] }

    // A list of one is written without the list: that is what the validators of RO-Crate ask for.
    private static func references(_ ids: [String]) -> JSONValue? {
        switch ids.count {
        case 0: nil
        case 1: reference(ids[0])
        default: .array(ids.map(reference))
        }
    }

    // RFC 3986 section 2.1: an `@id` is a URI reference, and names are any text.
    static func identifier(_ path: String) -> String {
        path.utf8.map { byte in
            let plain =
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || "-._~/".utf8.contains(byte)
            return plain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte]).uppercased()
        }.joined()
    }

    // ISO 8601 as the validators of RO-Crate read it: whole seconds, and an offset.
    private static func time(_ time: Timestamp) -> String {
        Timestamp(seconds: time.seconds).description.replacing("Z", with: "+00:00")
    }

    private var descriptor: JSONValue {
        entity(
            "ro-crate-metadata.json", "CreativeWork",
            ["conformsTo": Self.reference("https://w3id.org/ro/crate/1.1"), "about": Self.reference("./")])
    }

    private var actionID: String { "#" + evidence.run.text }

    private var root: JSONValue {
        entity(
            "./", "Dataset",
            [
                "name": .string("Ibid run \(evidence.run)"),
                "description": .string(
                    "The audit record of one run of '\(evidence.job)': what ran, on what, what came of it, and the proof "
                        + "that it is in a tamper-evident log"),
                "datePublished": .string(Self.time(evidence.finishedAt)),
                "license": Self.reference("#license"), "conformsTo": Self.reference(Self.profile),
                "author": Self.reference("#operator"), "publisher": Self.reference("#log"),
                "identifier": .string("urn:ibid:run:\(evidence.run)"),
                "hasPart": Self.references(files.map { Self.identifier($0.path) }),
                "mentions": Self.reference(actionID),
            ])
    }

    private var profile: JSONValue {
        entity(Self.profile, "CreativeWork", ["name": "Process Run Crate", "version": "0.5"])
    }

    // RO-Crate wants a license; inventing one would be worse than saying that none is known.
    private var license: JSONValue {
        entity(
            "#license", "CreativeWork",
            [
                "name": "No license stated",
                "description": "Ibid does not know the license of these files; ask the holder of the key",
            ])
    }

    private var instrumentID: String {
        if let origin = evidence.source.origin, origin.hasPrefix("https://") || origin.hasPrefix("http://") {
            return origin
        }
        // SWHID: the one http name that every git commit has.
        return "https://archive.softwareheritage.org/swh:1:rev:\(evidence.source.commit)"
    }

    private var instrument: JSONValue {
        entity(
            instrumentID, "SoftwareApplication",
            [
                "name": .string(evidence.job.isEmpty ? "analysis" : evidence.job), "url": .string(instrumentID),
                "softwareVersion": .string(evidence.source.commit.hex + (evidence.source.dirty ? "+dirty" : "")),
                "softwareRequirements": hasInventory ? Self.reference("sbom/bom.cdx.json") : nil,
            ])
    }

    private var hasInventory: Bool { files.contains { $0.path == "sbom/bom.cdx.json" } }

    private var agent: JSONValue {
        entity(
            "#operator", "Person",
            [
                "name": .string("holder of the key \(evidence.ledgerKey.name.text)"),
                "description": "Ibid records a key, not a name", "affiliation": Self.reference("#log"),
            ])
    }

    private var organization: JSONValue {
        entity(
            "#log", "Organization",
            [
                "name": .string(evidence.ledgerKey.name.text), "description": "The log that has the run's entries",
                "url": .string("urn:ibid:log:" + evidence.ledgerKey.name.text),
            ])
    }

    private var image: JSONValue {
        let name = evidence.job.isEmpty ? "job" : evidence.job
        return entity(
            "#image", "ContainerImage",
            [
                "additionalType": Self.reference(Self.terms + "DockerImage"), "registry": "localhost",
                "name": .string(name), "tag": .string(String(evidence.source.tree.hex.prefix(12))),
                "sha256": .string(evidence.spec.image.hex),
            ])
    }

    private var parameters: [JSONValue] {
        evidence.spec.params.sorted { $0.key < $1.key }.map { name, value in
            entity(
                "#param-" + Self.identifier(name), "PropertyValue", ["name": .string(name), "value": .string(value)])
        }
    }

    private var environment: [JSONValue] {
        evidence.spec.environment.sorted { $0.key < $1.key }.map { name, value in
            entity("#env-" + Self.identifier(name), "PropertyValue", ["name": .string(name), "value": .string(value)])
        }
    }

    private var action: JSONValue {
        let (spec, result) = (evidence.spec, evidence.result)
        let inputs = files.map(\.path).filter { $0.hasPrefix("inputs/") || $0 == "source/tree.tar" }
        let results = outputs + ["logs/stdout.txt", "logs/stderr.txt"]
        let state = result.status == .succeeded ? "CompletedActionStatus" : "FailedActionStatus"
        let error = result.status == .succeeded ? nil : result.reason ?? "exit status \(result.exitCode ?? -1)"
        return entity(
            actionID, "CreateAction",
            [
                "name": .string(spec.command.joined(separator: " ")),
                "description": .string("\(evidence.job): \(evidence.commandLine)"),
                "startTime": .string(Self.time(evidence.startedAt)),
                "endTime": .string(Self.time(evidence.finishedAt)),
                "instrument": Self.reference(instrumentID), "agent": Self.reference("#operator"),
                "object": Self.references(
                    inputs.map(Self.identifier)
                        + spec.params.keys.sorted().map { "#param-" + Self.identifier($0) }),
                "result": Self.references(results.map(Self.identifier)),
                "actionStatus": .string("http://schema.org/" + state), "error": error.map { .string($0) },
                "containerImage": Self.reference("#image"),
                "environment": Self.references(
                    spec.environment.keys.sorted().map { "#env-" + Self.identifier($0) }),
            ])
    }

    private var entities: [JSONValue] {
        let names = Dictionary(zip(outputs, evidence.result.outputs.map(\.path)), uniquingKeysWith: { $1 })
        return files.map { file in
            entity(
                Self.identifier(file.path), "File",
                [
                    "name": .string(names[file.path] ?? file.path),
                    "description": .string("\(file.path) of run \(evidence.run)"),
                    "encodingFormat": .string(MediaType.of(file.path)), "contentSize": .string(String(file.size)),
                    "sha256": .string(file.digest.hex),
                ])
        }
    }
}

/// The media type that a file's name stands for.
enum MediaType {
    private static let types = [
        "csv": "text/csv", "tsv": "text/tab-separated-values", "json": "application/json", "html": "text/html",
        "txt": "text/plain", "md": "text/markdown", "py": "text/x-python", "sh": "application/x-sh",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml",
        "webp": "image/webp", "pdf": "application/pdf", "tar": "application/x-tar", "pem": "application/x-pem-file",
        "gz": "application/gzip", "zip": "application/zip", "tsr": "application/timestamp-reply",
        "parquet": "application/vnd.apache.parquet",
    ]

    static func of(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        return types[name[name.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }
}
