import Glibc
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

extension BuildSession {
    /// Another version of what `COPY`, `ADD` and `WORKDIR` write is another key.
    private static let version: JSONValue = 1

    /// `COPY` and `ADD`.
    func perform(
        _ copy: CopyInstruction, isAdd: Bool, _ step: Dockerfile.Step, _ state: inout StageState
    ) throws -> StepOutcome {
        let current = state
        func word(_ text: String) throws -> String { try expand(text, step) { current.lookup($0) } }
        try refuse(copy, step)
        let destination = state.absolute(try word(copy.destination))
        let owner = try copy.owner.map(word)
        let mode = try copy.mode.map { try Self.mode(try word($0), step) }
        let sources = try copy.sources.map(word)
        var description: [String: JSONValue] = [
            "kind": isAdd ? "add" : "copy", "version": Self.version, "normaliser": .int(Int64(Normaliser.version)),
            "layers": .array(state.layers.map { .string("\($0.digest)") }), "epoch": .int(state.epoch.seconds),
            "destination": .string(destination), "owner": .optional(owner),
            "mode": mode.map { .int(Int64($0)) } ?? .null,
        ]
        // Files of a stage are known by its layers; only the files that are read count from the source tree.
        var plan: CopyPlan?
        if let from = copy.from {
            let origin = try origin(try word(from), step)
            description["from"] = .array(origin.layers.map { .string("\($0.digest)") })
            description["sources"] = .array(sources.map { .string($0) })
            description["excludes"] = .array(copy.excludes.map { .string($0) })
        } else {
            let made = try contextPlan(copy, sources, isAdd: isAdd, step, current)
            description["content"] = .string("\(try made.digest())")
            plan = made
        }
        return try layer(StepCache.key(.object(description))) {
            let root = try self.root(of: current)
            let made = try plan ?? self.stagePlan(copy, sources, step, current)
            var layer = CopyLayer(root: root, epoch: current.epoch, mode: mode)
            do {
                layer.owner = try owner.map { try UserLookup(root: root).owner($0) }
                try layer.place(made, at: destination)
                return try layer.write(into: self.store)
            } catch let problem as CopyProblem {
                throw IbidError.dockerfile(step.place, problem.problem, text: step.text)
            } catch PathProblem.tooManyLinks {
                throw IbidError.dockerfile(step.place, "the destination has too many symbolic links", text: step.text)
            }
        }
    }

    /// `WORKDIR`: sets the directory, and makes it when the image does not have it.
    func workdir(_ path: String, _ step: Dockerfile.Step, _ state: inout StageState) throws -> StepOutcome {
        let current = state
        let word = try expand(path, step) { current.lookup($0) }
        guard !word.isEmpty else { throw IbidError.dockerfile(step.place, "WORKDIR is empty", text: step.text) }
        var directory = state.absolute(word)
        if directory.count > 1, directory.hasSuffix("/") { directory.removeLast() }
        state.execution.workingDir = directory
        let description: JSONValue = [
            "kind": "workdir", "version": Self.version, "normaliser": .int(Int64(Normaliser.version)),
            "layers": .array(state.layers.map { .string("\($0.digest)") }), "epoch": .int(state.epoch.seconds),
            "path": .string(directory),
        ]
        return try layer(StepCache.key(description)) {
            let root = try self.root(of: current)
            let (path, node) = try root.resolve(Array(directory.utf8))
            if let node {
                guard node.isDirectory else {
                    throw IbidError.dockerfile(step.place, "'\(directory)' is not a directory", text: step.text)
                }
                return nil
            }
            var layer = CopyLayer(root: root, epoch: current.epoch)
            do {
                try layer.makeDirectories(path)
            } catch let problem as CopyProblem {
                throw IbidError.dockerfile(step.place, problem.problem, text: step.text)
            }
            return try layer.write(into: self.store)
        }
    }

    /// Takes a layer from the cache, or makes and keeps it.
    private func layer(_ key: Digest, make: () throws -> OCI.Descriptor?) throws -> StepOutcome {
        if options.usesCache, let record = try cache.record(key) { return .layer(record.layer, cached: true) }
        let layer = try make()
        try cache.keep(StepCache.Record(layer: layer, requests: []), as: key)
        return .layer(layer, cached: false)
    }

    // MARK: what is copied

    private func refuse(_ copy: CopyInstruction, _ step: Dockerfile.Step) throws {
        if copy.keepsParents {
            throw IbidError.unsupported(
                step.place, "--parents", text: step.text, hint: "copy each directory by itself")
        }
        if copy.checksum != nil || copy.keepsGitDirectory {
            throw IbidError.unsupported(
                step.place, "ADD of an address", text: step.text, hint: "put the file into the repository and COPY it")
        }
    }

    private func origin(_ name: String, _ step: Dockerfile.Step) throws -> StageState {
        if let index = dockerfile.stage(named: name) {
            if let stage = finished[index] { return stage }
            throw IbidError.dockerfile(
                step.place, "the stage '\(name)' is not before this one", text: step.text,
                hint: "--from takes an earlier stage or an image")
        }
        return try base(name, step.place, text: step.text)
    }

    private func stagePlan(
        _ copy: CopyInstruction, _ sources: [String], _ step: Dockerfile.Step, _ state: StageState
    ) throws -> CopyPlan {
        let from = try expand(copy.from ?? "", step) { state.lookup($0) }
        let root = try self.root(of: try origin(from, step))
        var plan = CopyPlan()
        let rules = try rules(copy, step)
        for source in sources { try add(source, of: root, to: &plan, rules, step, where: "the stage '\(from)'") }
        return plan
    }

    private func contextPlan(
        _ copy: CopyInstruction, _ sources: [String], isAdd: Bool, _ step: Dockerfile.Step, _ state: StageState
    ) throws -> CopyPlan {
        var plan = CopyPlan()
        let rules = try rules(copy, step)
        for source in sources {
            if isAdd, Address.split(source) != nil || source.hasPrefix("git@") {
                throw IbidError.unsupported(
                    step.place, "ADD of an address", text: step.text,
                    hint: "put the file into the repository and COPY it, or declare it as an input of the job")
            }
            if isAdd, copy.unpack != false, let archive = try archive(source, step) {
                try plan.add([], of: archive, name: [], excluding: rules)
                continue
            }
            try add(source, of: tree, to: &plan, rules, step, where: "the source tree")
        }
        for document in copy.hereDocuments {
            var text = document.text
            if document.expands {
                var lexer = ShellLexer(escape: dockerfile.escape) { state.lookup($0) }
                lexer.keepsQuotes = true
                lexer.ignoresQuotes = true
                do {
                    text = try lexer.word(text)
                } catch let error as ShellSyntaxError {
                    throw IbidError.dockerfile(step.place, error.problem, text: step.text)
                }
            }
            plan.add(name: document.name, content: Array(text.utf8))
        }
        return plan
    }

    private func rules(_ copy: CopyInstruction, _ step: Dockerfile.Step) throws -> IgnoreRules {
        do {
            return try IgnoreRules(patterns: copy.excludes)
        } catch let error {
            throw IbidError.dockerfile(step.place, "'\(error.text)' is no pattern", text: step.text)
        }
    }

    /// Adds what a source argument names, wildcards included.
    private func add(
        _ text: String, of source: any CopySource, to plan: inout CopyPlan, _ rules: IgnoreRules,
        _ step: Dockerfile.Step, where place: String
    ) throws {
        let components = text.split(separator: "/").map(String.init).filter { $0 != "." }
        var found: [[UInt8]] = [[]]
        do {
            for component in components {
                guard let pattern = PathPattern(component, crossing: false) else {
                    throw IbidError.dockerfile(step.place, "'\(text)' is no pattern", text: step.text)
                }
                if pattern.isLiteral {
                    // A backslash may have escaped something.
                    let name = component.replacing("\\", with: "")
                    found = found.map { $0.child(Array(name.utf8)) }
                    continue
                }
                found = try found.flatMap { path -> [[UInt8]] in
                    let (real, node) = try source.resolve(path)
                    guard node?.isDirectory ?? false else { return [] }
                    return try source.names(in: real).filter { pattern.matches(String(decoding: $0, as: UTF8.self)) }
                        .map { real.child($0) }
                }
                if found.isEmpty { break }
            }
            found = try found.filter { try source.resolve($0).node != nil }
            guard !found.isEmpty else {
                throw IbidError.dockerfile(
                    step.place, "'\(text)' is not in \(place)", text: step.text,
                    hint: copyHint(text, place: place))
            }
            for path in found { try plan.add(path, of: source, name: path.lastName, excluding: rules) }
        } catch PathProblem.tooManyLinks {
            throw IbidError.dockerfile(step.place, "'\(text)' has too many symbolic links", text: step.text)
        }
    }

    private func copyHint(_ text: String, place: String) -> String {
        place == "the source tree"
            ? "only committed files of the job's directory count, without what .dockerignore leaves out"
            : "the path is looked up in that image's root"
    }

    /// The archive that `ADD` unpacks; nil when the source is something else.
    private func archive(_ source: String, _ step: Dockerfile.Step) throws -> SourceTree? {
        guard let (path, node) = try? tree.resolve(Array(source.utf8)), case .file(let size)? = node?.kind, size > 16
        else { return nil }
        var head: [UInt8] = []
        struct Enough: Error {}
        do {
            try tree.read(path) {
                head += $0.prefix(512)
                if head.count >= 512 { throw Enough() }
            }
        } catch is Enough {}
        guard ArchiveKind(head) != nil else { return nil }
        throw IbidError.unsupported(
            step.place, "ADD of an archive, which would be unpacked,", text: step.text,
            hint: "COPY it, or commit what is in it")
    }

    private static func mode(_ text: String, _ step: Dockerfile.Step) throws -> UInt32 {
        guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else {
            throw IbidError.unsupported(
                step.place, "--chmod=\(text)", text: step.text,
                hint: "write the permissions in octal, as in --chmod=755")
        }
        return mode
    }
}
