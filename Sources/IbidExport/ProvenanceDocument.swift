import IbidMerkle
public import IbidModel

/// The run as a W3C PROV-JSON document.
public enum ProvenanceDocument {
    /// The document.
    public static func document(_ evidence: RunEvidence) -> JSONValue {
        var entities: [String: JSONValue] = [:]
        var used: [String: JSONValue] = [:]
        var generated: [String: JSONValue] = [:]
        let activity = "run:" + evidence.run.text
        func use(_ name: String, _ attributes: JSONValue) {
            entities["run:" + name] = attributes
            used["_:u\(used.count + 1)"] = ["prov:activity": .string(activity), "prov:entity": .string("run:" + name)]
        }
        func sha256(_ digest: Digest, _ path: String) -> JSONValue {
            ["ibid:sha256": .string(digest.hex), "prov:label": .string(path)]
        }
        use("image", sha256(evidence.spec.image, "image"))
        for (position, input) in evidence.spec.inputs.sorted(by: { $0.key < $1.key }).enumerated() {
            use("input-\(position + 1)", sha256(input.value.digest, "inputs/" + input.key))
        }
        for (position, output) in evidence.result.outputs.enumerated() {
            let name = "run:output-\(position + 1)"
            entities[name] = sha256(output.digest, "outputs/" + output.path)
            generated["_:g\(position + 1)"] = ["prov:entity": .string(name), "prov:activity": .string(activity)]
        }
        entities["run:plan"] = [
            "prov:type": ["$": "prov:Plan", "type": "prov:QUALIFIED_NAME"],
            "ibid:gitCommit": .string(evidence.source.commit.hex), "ibid:gitTree": .string(evidence.source.tree.hex),
            "ibid:command": .string(evidence.commandLine),
        ]
        return [
            "prefix": ["ibid": "urn:ibid:ns:", "run": .string("urn:ibid:run:\(evidence.run):")],
            "entity": .object(entities),
            "activity": [
                activity: [
                    "prov:startTime": .string(evidence.startedAt.description),
                    "prov:endTime": .string(evidence.finishedAt.description),
                ]
            ],
            "agent": [
                "run:log": [
                    "prov:type": ["$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"],
                    "prov:label": .string(evidence.ledgerKey.name.text),
                ]
            ],
            "used": .object(used), "wasGeneratedBy": .object(generated),
            "wasAssociatedWith": [
                "_:a1": [
                    "prov:activity": .string(activity), "prov:agent": "run:log", "prov:plan": "run:plan",
                ]
            ],
        ]
    }
}
