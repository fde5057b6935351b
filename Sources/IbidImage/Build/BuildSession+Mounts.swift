import CLinux
import Glibc
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// What a `RUN` step sees besides its image.
struct PreparedMounts {
    var binds: [ContainerBind] = []
    var memory: [ContainerMemoryMount] = []
    var secrets: [ContainerFile] = []
    var variables: [String: String] = [:]
    /// The secrets by name, to be looked for.
    var given: [(name: String, bytes: [UInt8])] = []
}

/// `RUN --mount`.
///
/// Nothing that is mounted decides what an image is but what the step's key holds: the bytes of a bind, the name of a
/// secret. That is why **a cache is empty when a step begins**, and gone when it ends: what an earlier build, or an
/// earlier step that this build took from the cache of steps, left in it would decide the layer's bytes. Whatever a
/// package manager would keep there, the gateway keeps by digest.
extension BuildSession {
    /// The mounts of a step with their variables expanded.
    func mounts(_ run: RunInstruction, _ step: Dockerfile.Step, _ state: StageState) throws -> [StepMount] {
        try run.mounts.map { mount in
            func fail(_ problem: String, _ hint: String?) -> IbidError {
                IbidError.dockerfile(step.place, problem, text: step.text, hint: hint)
            }
            var mount = mount
            mount.type = try expand(mount.type, step) { state.lookup($0) }
            mount.options = try mount.options.mapValues { try expand($0, step) { state.lookup($0) } }
            do {
                try mount.check()
                return try StepMount(mount) { state.absolute($0) }
            } catch let error as RunMount.Problem {
                throw fail(error.problem, error.hint)
            } catch let error as StepMount.Problem {
                throw fail(error.problem, error.hint)
            }
        }
    }

    /// What the step's key says of its mounts.
    func key(of mounts: [StepMount], _ step: Dockerfile.Step) throws -> JSONValue {
        .array(
            try mounts.map { mount in
                var text = mount.description
                if let from = mount.from {
                    text["from"] = .array(try origin(from, step).layers.map { .string("\($0.digest)") })
                } else if case .bind = mount.kind {
                    text["content"] = .string("\(try plan(of: mount, step).digest())")
                }
                return .object(text)
            })
    }

    /// Prepares the mounts of a step that is about to run.
    ///
    /// - Parameter workspace: a directory that is gone when the step has ended.
    func prepare(
        _ mounts: [StepMount], _ step: Dockerfile.Step, _ state: StageState, workspace: FilePath
    ) throws -> PreparedMounts {
        var prepared = PreparedMounts()
        for (index, mount) in mounts.enumerated() {
            let place = workspace.appending("mount-\(index)")
            switch mount.kind {
            case .memory(let size):
                prepared.memory.append(ContainerMemoryMount(target: mount.target, sizeBytes: size))
            case .secret: try add(mount, to: &prepared, step)
            case .bind(let source, let isWritable):
                let own = isWritable ? nil : try layerDirectory(of: mount, source: source, step)
                let path = try own ?? copy(try plan(of: mount, step), to: place, epoch: state.epoch, step)
                prepared.binds.append(ContainerBind(source: path, target: mount.target, readOnly: !isWritable))
            case .cache(_, let mode, let uid, let gid):
                var path = place
                if mount.from != nil {
                    path = try copy(try plan(of: mount, step), to: place, epoch: state.epoch, step)
                } else {
                    try makeDirectories(place, mode: 0o755)
                    try check(cl_chown_at(CL_AT_FDCWD, path.string, uid, gid), path)
                    try check(cl_chmod_at(CL_AT_FDCWD, path.string, mode), path)
                    try check(cl_utimes_at(CL_AT_FDCWD, path.string, state.epoch.seconds, 0), path)
                }
                prepared.binds.append(ContainerBind(source: path, target: mount.target, readOnly: false))
            }
        }
        return prepared
    }

    private func add(_ mount: StepMount, to prepared: inout PreparedMounts, _ step: Dockerfile.Step) throws {
        guard case .secret(let id, let variable, let isRequired, let mode, let uid, let gid) = mount.kind else {
            return
        }
        guard let secret = options.secrets[id] else {
            guard isRequired else { return }
            throw IbidError.dockerfile(
                step.place, "the step requires the secret '\(id)', which was not given", text: step.text,
                hint: "give it with --secret id=\(id),src=FILE or --secret id=\(id),env=VARIABLE")
        }
        prepared.given.append((id, secret.bytes))
        if let variable {
            guard let value = String(validating: secret.bytes, as: UTF8.self), !value.utf8.contains(0) else {
                throw IbidError.dockerfile(
                    step.place, "the secret '\(id)' is no text, and cannot be a variable", text: step.text)
            }
            prepared.variables[variable] = value
        }
        if !mount.target.isEmpty {
            prepared.secrets.append(
                ContainerFile(target: mount.target, bytes: secret.bytes, mode: mode, uid: uid, gid: gid))
        }
    }

    // MARK: files

    private func source(of mount: StepMount) -> String {
        switch mount.kind {
        case .bind(let source, _), .cache(let source, _, _, _): source
        case .memory, .secret: ""
        }
    }

    /// Everything that a mount shows.
    private func plan(of mount: StepMount, _ step: Dockerfile.Step) throws -> CopyPlan {
        let tree: any CopySource = try mount.from.map { try root(of: try origin($0, step)) } ?? tree
        let path = Array(source(of: mount).utf8)
        return try explaining(step) {
            guard try tree.resolve(path).node != nil else {
                throw CopyProblem(
                    problem: "'\(source(of: mount))' is not in \(mount.from.map { "'\($0)'" } ?? "the source tree")")
            }
            var plan = CopyPlan()
            try plan.add(path, of: tree, name: Array("file".utf8), excluding: try IgnoreRules(patterns: []))
            return plan
        }
    }

    /// The directory or file itself, when one unpacked layer alone has it: then nothing needs to be copied.
    private func layerDirectory(of mount: StepMount, source: String, _ step: Dockerfile.Step) throws -> FilePath? {
        guard let from = mount.from else { return nil }
        let root = try root(of: try origin(from, step), isUnpacked: true)
        return try explaining(step) {
            let (path, node) = try root.resolve(Array(source.utf8))
            switch node?.kind {
            case .directory?, .file?: return try root.onlyPlace(of: path)
            default: return nil
            }
        }
    }

    /// Writes a plan's files to a place on disk; owners, permissions and times are those that the step is to see.
    private func copy(
        _ plan: CopyPlan, to place: FilePath, epoch: Timestamp, _ step: Dockerfile.Step
    ) throws -> FilePath {
        let archive = try ScratchFile(in: cache.scratch)
        try explaining(step) {
            var layer = CopyLayer(root: StageRoot(layers: []), epoch: epoch)
            try layer.place(plan, at: "/")
            try layer.write { try archive.write($0) }
        }
        try makeDirectories(place, mode: 0o755)
        archive.rewind()
        try unpackArchive(
            TarReader(descriptor: FileDescriptor(rawValue: archive.descriptor), name: "the mount"), into: place)
        guard let piece = plan.pieces.first, piece.isDirectory else { return place.appending("file") }
        try check(cl_chmod_at(CL_AT_FDCWD, place.string, piece.items.first?.node.mode ?? 0o755), place)
        try check(cl_utimes_at(CL_AT_FDCWD, place.string, epoch.seconds, 0), place)
        return place
    }

    private func check(_ result: Int32, _ path: FilePath) throws {
        guard result == 0 else { throw IbidError.system("prepare", path.string, errorText(result)) }
    }
}
