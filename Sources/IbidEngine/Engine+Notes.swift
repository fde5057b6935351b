import IbidCrypto
import IbidLedger
public import IbidModel

/// Something that is said of a run.
public enum RunNote: Hashable, Sendable {
    /// The run gets a tag.
    case tag(String)
    /// The run loses a tag.
    case untag(String)
    /// A comment.
    case text(String)

    fileprivate var member: (String, String) {
        switch self {
        case .tag(let tag): ("tag", tag)
        case .untag(let tag): ("untag", tag)
        case .text(let text): ("text", text)
        }
    }
}

extension Engine {
    /// Enters something that is said of a run: signed, and for good.
    ///
    /// - Throws: `bad-tag` for a tag that would not be found again.
    @discardableResult
    public func enter(_ notes: [RunNote], of run: RunID) throws -> LedgerReference {
        let entries = try ledger.entries(for: run)
        guard let about = entries.last(where: { $0.kind == .run(run) }) ?? entries.first else {
            throw IbidError.runNotFound(run.text)
        }
        let time = moment.now()
        let statements = try notes.map { note in
            let (key, text) = note.member
            if key != "text" {
                let isWord = !text.isEmpty && text.utf8.count <= 100 && !text.contains(where: \.isWhitespace)
                guard isWord else {
                    throw IbidError("bad-tag", "'\(text)' is no tag", hint: "a tag is one word", exit: .usage)
                }
            }
            return Statement(
                subjects: [.init(name: "statement", digest: .sha256(of: about.envelope.payload))],
                predicateType: BuildType.note,
                predicate: ["run": .string(run.text), "at": .string(time.description), key: .string(text)])
        }
        guard let last = try ledger.append(statements).last else {
            throw IbidError("usage", "there is nothing to enter", exit: .usage)
        }
        return LedgerReference(last)
    }

    /// The tags of a run as they stand, and the comments on it.
    public func notes(of run: RunID) throws -> (tags: [String], comments: [(at: String, text: String)]) {
        try ledger.notes(of: run)
    }
}
