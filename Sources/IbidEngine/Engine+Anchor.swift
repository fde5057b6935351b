import CLinux
import Glibc
import IbidCrypto
import IbidLedger
import IbidMerkle
public import IbidModel
import IbidStore
public import SystemPackage

/// A checkpoint that was given to somebody else to hold.
public struct AnchorReport: Hashable, Sendable {
    /// The log.
    public var origin: String
    /// The number of entries.
    public var size: Int64
    /// The root over them.
    public var root: Digest
    /// Where it went, or what came back.
    public var place: String
}

extension Engine {
    private var anchors: Anchors { Anchors(keys: home.keys) }

    /// The newest signed checkpoint, as text.
    ///
    /// - Throws: `ledger-empty`.
    public func checkpoint() throws -> String { try newestCheckpoint().note.description }

    private func newestCheckpoint() throws -> (note: SignedNote, head: Checkpoint) {
        guard let note = try ledger.checkpoint() else {
            throw IbidError("ledger-empty", "the ledger has no entries yet", hint: "submit a job first")
        }
        return (note, try Checkpoint(text: note.text))
    }

    private func report(_ head: Checkpoint, _ place: String) -> AnchorReport {
        AnchorReport(origin: head.origin, size: head.size, root: head.root.digest, place: place)
    }

    /// Commits the newest checkpoint to a git repository, over the one that is there, which has to be its beginning.
    /// From now on nothing is appended here while that file tells of more entries than the ledger has.
    ///
    /// The commit is signed when git is set up to sign, or when asked; push it to where somebody else keeps it.
    ///
    /// - Throws: `ledger-rolled-back`, `ledger-damaged` when what is there is not this log's beginning; `git`.
    public func anchor(inRepository directory: FilePath, sign: Bool) throws -> AnchorReport {
        let (note, head) = try newestCheckpoint()
        let root = Home(FilePath(try git(["rev-parse", "--show-toplevel"], in: directory))).root
        let name = head.origin.split(separator: "/").joined(separator: "-") + ".checkpoint"
        let file = root.appending(name)
        if let bytes = try readIfPresent(file) {
            let old = try SignedNote(parsing: String(decoding: bytes, as: UTF8.self))
            _ = try ledger.consistencyProof(since: old)
            if old == note { return report(head, file.string) }
        }
        try writeAtomically(Array(note.description.utf8), to: file)
        _ = try git(["add", "--", name], in: root)
        let message = "checkpoint of \(head.origin) over \(head.size) entries"
        _ = try git(["commit", "--quiet"] + (sign ? ["-S"] : []) + ["-m", message, "--", name], in: root)
        try anchors.add(place: file)
        return report(head, file.string)
    }

    /// Writes the newest checkpoint to a file, such as one on a disk that is not kept here; it is looked at as in
    /// `anchor(inRepository:sign:)`.
    public func anchor(toFile file: FilePath) throws -> AnchorReport {
        let (note, head) = try newestCheckpoint()
        let file = Home(file).root
        if let bytes = try readIfPresent(file) {
            _ = try ledger.consistencyProof(since: try SignedNote(parsing: String(decoding: bytes, as: UTF8.self)))
        }
        try writeAtomically(Array(note.description.utf8), to: file)
        try anchors.add(place: file)
        return report(head, file.string)
    }

    // MARK: Time stamps (RFC 3161)

    /// Writes a request for a time stamp over the newest checkpoint; whoever sends it, brings the answer back.
    public func writeTimestampRequest(_ file: FilePath) throws -> AnchorReport {
        let (note, head) = try newestCheckpoint()
        try anchors.write("\(head.size).checkpoint", note.description)
        let checkpoint = anchors.path(head.size, "checkpoint").string
        _ = try tool(["openssl", "ts", "-query", "-data", checkpoint, "-sha256", "-cert", "-out", file.string])
        return report(head, file.string)
    }

    /// Takes the answer of a time stamp authority in, for the checkpoint that it is over.
    ///
    /// - Parameter authority: the certificate that is trusted, in PEM.
    /// - Throws: `not-a-timestamp` when it is over none of the checkpoints that were given away, or not the authority's.
    public func addTimestamp(_ file: FilePath, authority: FilePath) throws -> AnchorReport {
        guard let bytes = try readIfPresent(file) else {
            throw IbidError("file-not-found", "there is no file \(file)", exit: .notFound)
        }
        var refusals: [Int64: String] = [:]
        for (place, note) in try anchors.notes() where place.removingLastComponent() == anchors.directory {
            let head = try Checkpoint(text: note.text)
            let over = Array(note.description.utf8)
            do {
                _ = try TimestampToken(verifying: bytes, over: over, authorities: authority.string)
            } catch let error as IbidError {
                refusals[head.size] = error.message
                continue
            }
            try writeAtomically(bytes, to: anchors.path(head.size, "tsr"))
            return report(head, anchors.path(head.size, "tsr").string)
        }
        throw IbidError(
            "not-a-timestamp",
            "\(file) is no time stamp of \(authority) over a checkpoint that was given away here (\(reasons(refusals)))",
            hint: "make a request with 'ibid ledger anchor --request FILE' and send that", exit: .verificationFailed)
    }

    // MARK: Witnesses (C2SP tlog-witness)

    /// The body with which the newest checkpoint is sent to a witness (`add-checkpoint`).
    ///
    /// - Parameter known: the size that the witness has seen; 0 for a new one.
    public func witnessRequest(since known: Int64) throws -> String {
        let (note, head) = try newestCheckpoint()
        let proof = try ledger.consistencyProof(from: known)
        try anchors.write("\(head.size).checkpoint", note.description)
        return proof.body(leadingTo: note)
    }

    /// Takes a witness' cosigned checkpoint, or its bare answer, in.
    ///
    /// - Throws: `not-cosigned`, `malformed-note`, `malformed-key`.
    public func addCosignature(_ file: FilePath, witness vkey: String) throws -> AnchorReport {
        guard let bytes = try readIfPresent(file) else {
            throw IbidError("file-not-found", "there is no file \(file)", exit: .notFound)
        }
        let text = String(decoding: bytes, as: UTF8.self)
        var refusals: [Int64: String] = [:]
        for (_, note) in try anchors.notes() {
            let head = try Checkpoint(text: note.text)
            // A witness answers with its line alone.
            let cosigned = try SignedNote(parsing: text.hasPrefix("\u{2014} ") ? note.description + text : text)
            guard cosigned.text == note.text else {
                refusals[head.size] = "it is about another checkpoint"
                continue
            }
            do { _ = try Cosignature(verifying: cosigned, vkey: vkey) } catch let error as IbidError {
                refusals[head.size] = error.message
                continue
            }
            _ = try ledger.consistencyProof(since: note)
            try anchors.write("\(head.size).cosigned", cosigned.description)
            try anchors.write("\(head.size).witness", vkey + "\n")
            return report(head, anchors.path(head.size, "cosigned").string)
        }
        throw IbidError(
            "not-cosigned",
            "\(file) is no cosignature of that witness over a checkpoint that was given away here (\(reasons(refusals)))",
            hint: "make a request with 'ibid ledger anchor --witness-request FILE' and send that",
            exit: .verificationFailed)
    }

    /// Why none of the checkpoints that were given away fits: the newest first, not all of many.
    private func reasons(_ refusals: [Int64: String]) -> String {
        if refusals.isEmpty { return "none was given away" }
        let newest = refusals.sorted { $0.key > $1.key }.prefix(3).map { "over \($0.key) entries: \($0.value)" }
        return newest.joined(separator: "; ") + (refusals.count > 3 ? "; and \(refusals.count - 3) older ones" : "")
    }

    // MARK: Programs

    private func git(_ arguments: [String], in directory: FilePath) throws -> String {
        try tool(["git", "-C", directory.string] + arguments)
    }

    private func tool(_ arguments: [String]) throws -> String {
        let done = try ToolRun(arguments)
        guard done.status == 0 else {
            throw IbidError(
                "tool-failed", "'\(arguments.prefix(4).joined(separator: " ")) …' failed: \(done.complaint)")
        }
        return String(done.output.reversed().drop(while: \.isNewline).reversed())
    }
}
