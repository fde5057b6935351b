import IbidModel

extension Dockerfile {
    /// Reads a Dockerfile.
    ///
    /// - Parameter file: the name that errors show.
    /// - Throws: `IbidError` with file and line for anything that is not a Dockerfile.
    public static func parse(_ bytes: [UInt8], file: String) throws -> Dockerfile {
        guard bytes.count <= 4 << 20 else {
            throw IbidError.dockerfile(
                SourcePlace(file: file, line: 1), "the file is larger than 4 MiB", text: "",
                hint: "is this the right file?")
        }
        var reader = try DockerfileReader(bytes, file: file)
        var globals: [Step] = []
        var stages: [Stage] = []
        while let line = try reader.nextLine() {
            var parser = InstructionParser(line: line, escape: reader.escape)
            if parser.keyword == "FROM" {
                stages.append(try parser.from())
                continue
            }
            let step = Step(place: line.place, text: parser.normalisedText, instruction: try parser.instruction())
            if stages.isEmpty {
                guard case .arg = step.instruction else {
                    throw IbidError.dockerfile(
                        line.place, "no build stage yet: only ARG may stand before FROM", text: line.text,
                        hint: "begin with FROM, for example 'FROM python:3.11'")
                }
                globals.append(step)
            } else {
                stages[stages.count - 1].steps.append(step)
            }
        }
        guard !stages.isEmpty else {
            throw IbidError.dockerfile(
                SourcePlace(file: file, line: 1), "no FROM instruction", text: "",
                hint: "begin with FROM, for example 'FROM python:3.11'")
        }
        return Dockerfile(escape: reader.escape, globalArguments: globals, stages: stages)
    }

    /// Reads one trigger of a base image's `ONBUILD` list.
    static func parseTrigger(_ text: String, place: SourcePlace) throws -> Step {
        var reader = try DockerfileReader(Array(text.utf8), file: place.file)
        guard let line = try reader.nextLine() else {
            throw IbidError.dockerfile(place, "an ONBUILD trigger of the base is empty", text: "")
        }
        guard try reader.nextLine() == nil else {
            throw IbidError.dockerfile(place, "an ONBUILD trigger of the base is more than one instruction", text: text)
        }
        var parser = InstructionParser(
            line: LogicalLine(place: place, text: line.text, hereDocuments: line.hereDocuments), escape: "\\")
        try parser.refuseInOnBuild()
        return Step(place: place, text: parser.normalisedText, instruction: try parser.instruction())
    }
}
