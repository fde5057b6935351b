import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

extension BuildSession {
    /// The addresses among the sources of an instruction, by source.
    ///
    /// - Throws: for an address that is not pinned, or that the lock does not have: what it stands for could be another
    ///   thing tomorrow.
    func remotes(
        of sources: [String], _ copy: CopyInstruction, isAdd: Bool, _ step: Dockerfile.Step,
        _ word: (String) throws -> String
    ) throws -> [String: RemoteSource] {
        func fail(_ problem: String, hint: String?) -> IbidError {
            IbidError.dockerfile(step.place, problem, text: step.text, hint: hint)
        }
        let checksum = try copy.checksum.map(word)
        let addresses = copy.from == nil ? sources.filter { RemoteSource.isAddress($0) } : []
        if checksum != nil, sources.count != 1 || addresses.isEmpty {
            throw fail("--checksum needs one source, and that an address", hint: "write an ADD for each address")
        }
        if copy.keepsGitDirectory, addresses.isEmpty {
            throw fail("--keep-git-dir needs the address of a git repository", hint: nil)
        }
        guard isAdd else {
            if let address = addresses.first, address.contains("://") {
                throw fail("COPY takes no address", hint: "write ADD --checksum=sha256:…")
            }
            return [:]
        }
        var remotes: [String: RemoteSource] = [:]
        for address in addresses {
            let remote: RemoteSource
            do {
                remote = try RemoteSource(address, checksum: checksum, keepsGit: copy.keepsGitDirectory)
            } catch .unpinned(let url) {
                throw fail(
                    "ADD of an address without a checksum is refused, because it could be another file tomorrow",
                    hint: "add --checksum=\(digest(of: url) ?? "sha256:…")")
            } catch .other(let problem, let hint) {
                throw fail(problem, hint: hint)
            }
            if lock != nil, lockedAnswers(step)?.answers[remote.name] == nil {
                throw fail(
                    "the lock does not have \(remote.name)",
                    hint: "the Dockerfile has changed since: make the lock again with 'ibid lock'")
            }
            remotes[address] = remote
        }
        return remotes
    }

    /// What a file at an address hashes to today; nil when it cannot be had, or when a lock forbids to ask.
    private func digest(of url: String) -> String? {
        guard lock == nil, case .bytes(let digest, _)? = try? sources.file(url, expected: nil) else { return nil }
        return "\(digest) if today's file is the right one"
    }

    /// Puts what the addresses stand for into a plan.
    ///
    /// - Returns: for the lock, what was asked for and what came.
    func fetch(
        _ remotes: [String: RemoteSource], into plan: inout CopyPlan, _ step: Dockerfile.Step
    ) throws -> [ImageLock.Request] {
        let byName = Dictionary(remotes.values.map { ($0.name, $0) }) { first, _ in first }
        var answers = GatewayAnswers()
        for index in plan.pieces.indices where plan.pieces[index].isRemote {
            guard let remote = byName[String(decoding: plan.pieces[index].name, as: UTF8.self)] else { continue }
            let (digest, size) = try fetch(remote, step)
            answers.answers[remote.name] = .bytes(digest, size: size)
            var made = CopyPlan()
            switch remote.kind {
            case .file:
                // BuildKit keeps the server's date; a server may change its mind, the epoch does not.
                made.add(name: remote.fileName, content: .blob(store.path(of: digest)), size: size, mode: 0o600)
            case .git(_, _, let subdirectory):
                let tree = try SourceTree(archive: store.path(of: digest), asSource: true)
                let path = Array(subdirectory.utf8)
                guard try tree.resolve(path).node?.isDirectory ?? false else {
                    throw IbidError.dockerfile(
                        step.place, "the commit has no directory '\(subdirectory)'", text: step.text)
                }
                try made.add(path, of: tree, name: [], excluding: try IgnoreRules(patterns: []))
            }
            guard var piece = made.pieces.first else { continue }
            piece.isRemote = true
            plan.pieces[index] = piece
        }
        return answers.requests
    }

    private func fetch(_ remote: RemoteSource, _ step: Dockerfile.Step) throws -> (digest: Digest, size: Int64) {
        let locked = lockedAnswers(step)?.answers[remote.name]
        do {
            switch remote.kind {
            case .file(let url, let digest):
                guard case .bytes(let got, let size) = try sources.file(url, expected: digest, isCancelled: isStopped)
                else { throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): there is no such file") }
                return (got, size)
            case .git(let address, let commit, _):
                if case .bytes(let digest, let size) = locked, store.contains(digest) {
                    try store.verify(digest)
                    return (digest, size)
                }
                let (digest, size) = try GitTree(
                    cache: cache.scratch.appending("git"), scratch: cache.scratch, isCancelled: isCancelled
                ).archive(address, commit: commit, into: store)
                if case .bytes(let promised, _) = locked, promised != digest {
                    throw IbidError(
                        "digest-mismatch", "\(remote.name) has other files than the lock says",
                        exit: .verificationFailed)
                }
                return (digest, size)
            }
        } catch let failure as UpstreamFailure {
            throw IbidError.dockerfile(step.place, "cannot get \(failure)", text: step.text)
        } catch let error as IbidError where error.code != "interrupted" {
            let placed = IbidError.dockerfile(step.place, error.message, text: step.text, hint: error.hint)
            throw IbidError(error.code, placed.message, hint: error.hint, exit: error.exit)
        }
    }
}
