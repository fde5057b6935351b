import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

extension BuildSession {
    /// Another version of what `COPY`, `ADD` and `WORKDIR` write is another key.
    private static let version: JSONValue = 3

    /// `COPY` and `ADD`.
    func perform(
        _ copy: CopyInstruction, isAdd: Bool, _ step: Dockerfile.Step, _ state: inout StageState
    ) throws -> StepOutcome {
        let current = state
        func word(_ text: String) throws -> String { try expand(text, step) { current.lookup($0) } }
        let destination = state.absolute(try word(copy.destination))
        let owner = try copy.owner.map(word)
        let mode = try copy.mode.map { try Self.mode(try word($0), step) }
        let sources = try copy.sources.map(word)
        let rules = try rules(copy, step)
        let remotes = try self.remotes(of: sources, copy, isAdd: isAdd, step) { try word($0) }
        let origin = try copy.from.map { try self.origin($0, step) }
        var description: [String: JSONValue] = [
            "kind": isAdd ? "add" : "copy", "version": Self.version, "normaliser": .int(Int64(Normaliser.version)),
            "layers": .array(state.layers.map { .string("\($0.digest)") }), "epoch": .int(state.epoch.seconds),
            "destination": .string(destination), "owner": .optional(owner), "mode": .optional(mode?.text),
            "link": .bool(copy.link), "parents": .bool(copy.keepsParents),
            "unpack": copy.unpack.map { .bool($0) } ?? .null,
            "remotes": .array(sources.compactMap { remotes[$0].map { .string($0.name) } }),
            "excludes": .array(copy.excludes.map { .string($0) }),
        ]
        // Files of a stage are known by its layers; only the files that are read count from the source tree.
        var plan: CopyPlan?
        if let origin {
            description["from"] = .array(origin.layers.map { .string("\($0.digest)") })
            description["sources"] = .array(sources.map { .string($0) })
        } else {
            let made = try self.plan(copy, sources, remotes, of: tree, rules, step, current)
            description["content"] = .string("\(try made.digest())")
            plan = made
        }
        let record = try layer(StepCache.key(.object(description))) { () -> StepCache.Record in
            let root = try self.root(of: current)
            var made =
                try plan
                ?? self.plan(copy, sources, remotes, of: try self.root(of: origin ?? current), rules, step, current)
            let requests = try self.fetch(remotes, into: &made, step)
            var layer = CopyLayer(root: root, epoch: current.epoch)
            (layer.mode, layer.isLinked) = (mode, copy.link)
            return try self.explaining(step) {
                layer.owner = try owner.map { try UserLookup(root: root).owner($0) }
                if isAdd { try self.openArchives(in: &made, copy) }
                try layer.place(made, at: destination)
                return StepCache.Record(layer: try layer.write(into: self.store), requests: requests)
            }
        }
        if !record.0.requests.isEmpty { requests.append((lockName(of: step), record.0.requests)) }
        return .layer(record.0.layer, cached: record.1)
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
            "path": .string(directory), "user": .string(state.execution.user ?? ""),
        ]
        let record = try layer(StepCache.key(description)) {
            let root = try self.root(of: current)
            let (path, node) = try root.resolve(Array(directory.utf8))
            if let node {
                guard node.isDirectory else {
                    throw IbidError.dockerfile(step.place, "'\(directory)' is not a directory", text: step.text)
                }
                return StepCache.Record(layer: nil, requests: [])
            }
            var layer = CopyLayer(root: root, epoch: current.epoch)
            return try self.explaining(step) {
                // What USER names is at work there, so it owns what is made.
                if let user = current.execution.user, !user.isEmpty {
                    layer.owner = try UserLookup(root: root).owner(user)
                }
                try layer.makeDirectories(path)
                return StepCache.Record(layer: try layer.write(into: self.store), requests: [])
            }
        }
        return .layer(record.0.layer, cached: record.1)
    }

    /// Takes a step from the cache, or does and keeps it.
    private func layer(_ key: Digest, make: () throws -> StepCache.Record) throws -> (StepCache.Record, Bool) {
        if options.usesCache, let record = try cache.record(key) {
            if let layer = record.layer { copied[layer.digest] = copied[layer.digest] ?? false }
            return (record, true)
        }
        let record = try make()
        if let layer = record.layer { copied[layer.digest] = true }
        // What was fetched was not flushed yet; a record must not name what a crash can take back.
        if !record.requests.isEmpty { try store.flush() }
        try cache.keep(record, as: key)
        return (record, false)
    }

    /// Gives what the Dockerfile asks of a container or a layer, and cannot have, its place in the Dockerfile.
    func placing<T>(_ step: Dockerfile.Step, _ body: () throws -> T) throws -> T {
        let codes = [
            "user-not-found", "mount-point", "container-spec", "command-not-found", "container-not-started",
            "whiteout-name",
        ]
        do {
            return try body()
        } catch let error as IbidError where codes.contains(error.code) {
            let placed = IbidError.dockerfile(step.place, error.message, text: step.text)
            throw IbidError(error.code, placed.message, hint: error.hint, exit: error.exit)
        }
    }

    /// Gives what cannot be copied its place in the Dockerfile.
    func explaining<T>(_ step: Dockerfile.Step, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let problem as CopyProblem {
            throw IbidError.dockerfile(step.place, problem.problem, text: step.text, hint: problem.hint)
        } catch PathProblem.tooManyLinks {
            throw IbidError.dockerfile(step.place, "a path has too many symbolic links", text: step.text)
        } catch let error as IbidError where error.code == "malformed-archive" {
            throw IbidError.dockerfile(step.place, "the archive \(error.message)", text: step.text, hint: error.hint)
        }
    }

    /// The stage or image that `--from` names.
    func origin(_ name: String, _ step: Dockerfile.Step) throws -> StageState {
        guard !name.contains("$") else {
            throw IbidError.dockerfile(
                step.place, "--from cannot hold a variable", text: step.text,
                hint: "name a stage, and let its FROM have the variable: FROM \(name) AS source")
        }
        return try stage(named: name, step) ?? base(name, step.place, text: step.text)
    }

    private func rules(_ copy: CopyInstruction, _ step: Dockerfile.Step) throws -> IgnoreRules {
        do {
            return try IgnoreRules(patterns: copy.excludes)
        } catch let error {
            throw IbidError.dockerfile(step.place, "'\(error.text)' is no pattern", text: step.text)
        }
    }

    private static func mode(_ text: String, _ step: Dockerfile.Step) throws -> FileMode {
        guard let mode = FileMode(text) else {
            throw IbidError.dockerfile(
                step.place, "'\(text)' are no permissions", text: step.text,
                hint: "write them in octal, up to 7777, or as changes: --chmod=755, --chmod=u+x,go-w")
        }
        return mode
    }

    /// Reads what `ADD` unpacks: archives of the source tree, and with `--unpack` those that come from an address.
    private func openArchives(in plan: inout CopyPlan, _ copy: CopyInstruction) throws {
        for (index, piece) in plan.pieces.enumerated() where !piece.isDirectory {
            guard copy.unpack ?? !piece.isRemote, let item = piece.items.first, case .file = item.node.kind,
                piece.items.count == 1, !item.content.isText
            else { continue }
            plan.pieces[index].archive = try AddedArchive(
                item.content, name: String(decoding: piece.name, as: UTF8.self), scratch: cache.scratch,
                isCancelled: isCancelled)
        }
    }

    // MARK: what is copied

    private func plan(
        _ copy: CopyInstruction, _ sources: [String], _ remotes: [String: RemoteSource], of tree: any CopySource,
        _ rules: IgnoreRules, _ step: Dockerfile.Step, _ state: StageState
    ) throws -> CopyPlan {
        var plan = CopyPlan()
        let finder = CopyFinder(
            source: tree, place: copy.from.map { "'\($0)'" } ?? "the source tree", excluded: rules)
        for source in sources {
            if let remote = remotes[source] {
                plan.addPlace(for: remote)
                continue
            }
            let found = try explaining(step) {
                copy.keepsParents ? try finder.addWithParents(source, to: &plan) : try finder.add(source, to: &plan)
            }
            if !found { progress(.warning("\(step.place): nothing matches '\(source)'")) }
        }
        for document in copy.hereDocuments {
            var text = document.text
            if document.expands {
                // Not the escape character of the Dockerfile: the text is no part of it.
                var lexer = ShellLexer(escape: "\\") { state.lookup($0) }
                lexer.ignoresQuotes = true
                do {
                    text = try lexer.word(text)
                } catch let error as ShellSyntaxError {
                    throw IbidError.dockerfile(
                        step.place, "in the here-document: \(error.problem)", text: step.text,
                        hint: "quote the delimiter, as in <<'\(document.name)', to take the text as it is")
                }
            }
            plan.add(name: document.name, content: .bytes(Array(text.utf8)), size: Int64(text.utf8.count), mode: 0o644)
        }
        return plan
    }
}
