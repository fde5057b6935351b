import Foundation
import IbidCrypto
import IbidLedger
import IbidMerkle
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// Records that somebody changed: every one is refused, by Ibid and by audit/verify.py.
@Suite(.enabled(if: IndependentVerifier.isAvailable, "python3 with the package cryptography is not installed"))
struct TwinTests {
    private static let otherHash = MerkleHash.leaf([1, 2, 3])

    /// Changes of the record as JSON; what is written afterwards is canonical again.
    private static func changes(_ ledger: Ledger, _ record: AuditRecord) throws -> [(String, (inout JSONValue) -> Void)]
    {
        let other = try ledger.record(for: Fixture.runID(2), documents: [:]).json
        let (attestor, log) = (try P256.PrivateKey(), try Ed25519.PrivateKey())
        let checkpoint = try Checkpoint(text: record.checkpoint.text)
        let signedByOther = try SignedNote(text: checkpoint.text, key: log, name: record.ledgerKey.name)
        var changedStatement = Fixture.outcome(3)
        changedStatement.subjects[0].digest = Fixture.digest("better numbers")
        let resigned = try Envelope(signing: changedStatement, key: attestor)
        var disguised = resigned
        disguised.keyID = record.attestorKey.keyID
        func text(_ old: String, _ new: String) -> (String) -> String { { $0.replacing(old, with: new) } }
        func note(_ size: Int64, _ root: MerkleHash, _ origin: String) -> JSONValue {
            var note = record.checkpoint
            note.text = Checkpoint(origin: origin, size: size, root: root).text
            return .string(note.description)
        }
        let (size, root, origin) = (checkpoint.size, checkpoint.root, checkpoint.origin)
        return [
            ("a better output", { $0.payload(2, text(Fixture.digest("sepal,petal\n").hex, Fixture.digest("x").hex)) }),
            ("another commit", { $0.payload(2, text("\"ref\":\"main\"", "\"ref\":\"mean\"")) }),
            ("a verdict turned round", { $0.payload(3, text("PASSED", "FAILED")) }),
            ("another time", { $0.payload(1, text("03:04:05", "03:04:04")) }),
            ("signed again by another key", { $0["entries", 2, "envelope"] = resigned.json }),
            ("signed again under the old name", { $0["entries", 2, "envelope"] = disguised.json }),
            ("another statement key", { $0["keys", "attestor"] = .string(attestor.publicKey.pem) }),
            ("signatures exchanged", { $0.exchange("entries", 1, 2) { "envelope/signatures/0/sig".keys + $0 } }),
            ("a signature doubled", { $0["entries", 1, "envelope", "signatures"]?.repeatFirst() }),
            ("no signature", { $0["entries", 1, "envelope", "signatures"] = [] }),
            ("another key's name", { $0["entries", 1, "envelope", "signatures", 0, "keyid"] = "00" }),
            ("another payload type", { $0["entries", 1, "envelope", "payloadType"] = "text/plain" }),
            ("a larger index", { $0["entries", 3, "leafIndex"] = 12 }),
            ("a smaller index", { $0["entries", 1, "leafIndex"] = 6 }),
            ("an index beyond the tree", { $0["entries", 3, "leafIndex"] = 1_000_000 }),
            ("a negative index", { $0["entries", 0, "leafIndex"] = -1 }),
            ("proofs exchanged", { $0.exchange("entries", 1, 2) { ["inclusionPath"] + $0 } }),
            ("a shorter proof", { $0["entries", 1, "inclusionPath"]?.dropLast() }),
            ("a longer proof", { $0["entries", 1, "inclusionPath"]?.repeatFirst() }),
            ("an empty proof", { $0["entries", 1, "inclusionPath"] = [] }),
            ("a changed proof", { $0["entries", 1, "inclusionPath", 1] = .string(otherHash.base64) }),
            ("leaves exchanged", { $0.exchange("entries", 1, 2) { ["leaf"] + $0 } }),
            ("a larger tree", { $0["checkpoint"] = note(size + 1, root, origin) }),
            ("a smaller tree", { $0["checkpoint"] = note(size - 1, root, origin) }),
            ("another root", { $0["checkpoint"] = note(size, otherHash, origin) }),
            ("another log", { $0["checkpoint"] = note(size, root, "ibid.local/other") }),
            ("a checkpoint of another key", { $0["checkpoint"] = .string(signedByOther.description) }),
            ("a checkpoint without signature", { $0["checkpoint"] = .string(checkpoint.text) }),
            (
                "another log's key",
                {
                    $0["keys", "ledgerVerifier"] = .string(
                        NoteKey(name: record.ledgerKey.name, key: log.publicKey).vkey)
                }
            ),
            ("another PEM of the log's key", { $0["keys", "ledger"] = .string(log.publicKey.pem) }),
            ("a key with another name", { $0["keys", "ledgerVerifier"]?.edit(text("ibid.local", "ibid.lokal")) }),
            ("another run's name", { $0["run"] = .string(Fixture.runID(2).text) }),
            ("another run's outcome", { $0["entries", 2] = other["entries", 2] }),
            ("another run's entry beside", { $0["entries"]?.append(other["entries", 1]) }),
            ("roles exchanged", { $0.exchange("entries", 1, 2) { ["role"] + $0 } }),
            ("entries exchanged", { $0.exchange("entries", 1, 2) { $0 } }),
            ("an entry twice", { $0["entries"]?.repeatFirst() }),
            ("no entries", { $0["entries"] = [] }),
            ("neither intent nor outcome", { $0["entries"] = .array(($0["entries"]?.array ?? []).suffix(1)) }),
            ("a changed document", { $0["documents", .key(Fixture.result(3).description)]?.edit { _ in "e30=" } }),
            ("a document under another name", { $0["documents", .key(Fixture.digest("{}").description)] = "e30K" }),
            ("a foreign document", { $0["documents", .key(Fixture.digest("{}").description)] = "e30=" }),
            ("a document without digest", { $0["documents", "spec"] = "e30=" }),
            ("an unknown member", { $0["note"] = "trust me" }),
            ("an unknown member of an entry", { $0["entries", 0, "note"] = "trust me" }),
            ("an unknown member of an envelope", { $0["entries", 0, "envelope", "note"] = "trust me" }),
            ("an unknown member of a signature", { $0["entries", 0, "envelope", "signatures", 0, "cert"] = "x" }),
            ("an unknown member of the keys", { $0["keys", "other"] = "x" }),
            ("no documents", { $0["documents"] = nil }),
            ("no checkpoint", { $0["checkpoint"] = nil }),
            ("another media type", { $0["mediaType"] = "application/json" }),
            ("an index as text", { $0["entries", 0, "leafIndex"] = "0" }),
        ]
    }

    /// Changes of the bytes that leave the content as it is, or end it.
    private static func rewritings(_ record: [UInt8]) -> [(String, [UInt8])] {
        let text = String(decoding: record, as: UTF8.self)
        func replacing(_ old: String, _ new: String) -> [UInt8] {
            Array(text.replacing(old, with: new, maxReplacements: 1).utf8)
        }
        return [
            ("white space", replacing(",\"", ", \"")),
            ("a member twice", replacing("\"run\":", "\"run\":\"x\",\"run\":")),
            ("an escaped letter", replacing("\"intent\"", "\"\\u0069ntent\"")),
            ("an index with a fraction", replacing("\"leafIndex\":0", "\"leafIndex\":0.0")),
            ("an index with an exponent", replacing("\"leafIndex\":0", "\"leafIndex\":0e0")),
            ("an index that overflows", replacing("\"leafIndex\":0", "\"leafIndex\":18446744073709551616")),
            ("base 64 with a second spelling", replacing("=\"", "\"")),
            ("half of it", Array(record.prefix(record.count / 2))),
            ("without its newline", Array(record.dropLast())),
            ("with another newline", record + [0x0a]),
            ("twice", record + record),
            ("with a byte order mark", [0xef, 0xbb, 0xbf] + record),
            ("nothing", []),
            ("an array", Array("[]\n".utf8)),
            ("deep nesting", [UInt8](repeating: UInt8(ascii: "["), count: 100_000)),
        ]
    }

    @Test func everyChangedRecordIsRefusedByBothVerifiers() throws {
        try withScratch { home in
            let (ledger, record) = try RecordTests.make(home)
            var twins = Self.rewritings(record.encoded)
            for (name, change) in try Self.changes(ledger, record) {
                var json = record.json
                change(&json)
                #expect(json != record.json, "\(name) changes nothing")
                twins.append((name, CanonicalJSON.bytes(json) + [0x0a]))
            }
            #expect(twins.count >= 60)
            for (name, bytes) in twins { #expect(!AuditRecord.verify(bytes).ok, "\(name)") }
            let theirs = try IndependentVerifier.statuses([record.encoded] + twins.map(\.1))
            #expect(theirs.count == twins.count + 1 && theirs.first == 0)
            for ((name, _), status) in zip(twins, theirs.dropFirst()) { #expect(status == 1, "\(name)") }
        }
    }

    @Test func everyFlippedBitIsRefusedByBothVerifiers() throws {
        try withScratch { home in
            let record = try RecordTests.make(home).record.encoded
            var generator = SystemRandomNumberGenerator()
            let twins = (0..<400).map { _ in
                var twin = record
                twin[Int.random(in: 0..<record.count, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
                return twin
            }
            for twin in twins { #expect(!AuditRecord.verify(twin).ok) }
            #expect(try IndependentVerifier.statuses(twins).allSatisfy { $0 == 1 })
        }
    }

    @Test func aForgeryWithKeysOfItsOwnIsOnlySeenAgainstAPinnedKey() throws {
        try withScratch { home in
            let (ledger, _) = try RecordTests.make(home)
            let forged = try RecordTests.make(home.appending("forged")).record
            #expect(forged.verify().ok)
            #expect(forged.verify().notProved.contains { $0.contains("whose keys these are") })
            #expect(try !forged.verify(pinned: ledger.publicKeys()).ok)
        }
    }
}

extension IndependentVerifier {
    /// The exit status for each of many records, from one Python process.
    static func statuses(_ records: [[UInt8]]) throws -> [Int32] {
        try withScratch { scratch in
            for (number, record) in records.enumerated() {
                try Data(record).write(to: URL(fileURLWithPath: scratch.appending("\(number).json").string))
            }
            let driver = """
                import contextlib, io, sys
                tool, records, count = sys.argv[1:]
                sys.path.insert(0, tool)
                import verify
                for number in range(int(count)):
                    sys.argv = ["verify.py", f"{records}/{number}.json"]
                    with contextlib.redirect_stdout(io.StringIO()):
                        status = verify.main()
                    print(status)
                """
            let directory = FilePath(script).removingLastComponent().string
            let result = try shell(
                ["python3", "-B", "-c", driver, directory, scratch.string, String(records.count)])
            #expect(result.status == 0, "\(result.stderr)")
            return result.stdout.split(separator: "\n").compactMap { Int32($0) }
        }
    }
}

// MARK: Editing JSON in place

enum PathStep: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case key(String)
    case index(Int)
    init(stringLiteral value: String) { self = .key(value) }
    init(integerLiteral value: Int) { self = .index(value) }
}

extension String {
    fileprivate var keys: [PathStep] { split(separator: "/").map { Int($0).map { .index($0) } ?? .key(String($0)) } }
}

extension JSONValue {
    subscript(path: PathStep...) -> JSONValue? {
        get { self[path] }
        set { self[path] = newValue }
    }

    subscript(path: [PathStep]) -> JSONValue? {
        get {
            guard let step = path.first else { return self }
            let next: JSONValue?
            switch step {
            case .key(let key): next = object?[key]
            case .index(let index): next = array.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            }
            return next?[Array(path.dropFirst())]
        }
        set {
            guard let step = path.first else {
                self = newValue ?? .null
                return
            }
            var child = self[[step]]
            if path.count > 1 { child?[Array(path.dropFirst())] = newValue } else { child = newValue }
            switch step {
            case .key(let key):
                var members = object ?? [:]
                members[key] = child
                self = .object(members)
            case .index(let index):
                var elements = array ?? []
                elements[index] = child ?? .null
                self = .array(elements)
            }
        }
    }

    fileprivate mutating func edit(_ change: (String) -> String) { self = .string(change(string ?? "")) }
    fileprivate mutating func append(_ value: JSONValue?) { self = .array((array ?? []) + [value ?? .null]) }
    fileprivate mutating func repeatFirst() { append(array?.first) }
    fileprivate mutating func dropLast() { self = .array((array ?? []).dropLast()) }

    fileprivate mutating func exchange(
        _ list: String, _ left: Int, _ right: Int, _ suffix: ([PathStep]) -> [PathStep]
    ) {
        let (a, b) = ([.key(list), .index(left)] + suffix([]), [.key(list), .index(right)] + suffix([]))
        (self[a], self[b]) = (self[b], self[a])
    }

    /// Changes the text of a payload, leaving everything else.
    fileprivate mutating func payload(_ entry: Int, _ change: (String) -> String) {
        self["entries", .index(entry), "envelope", "payload"]?.edit {
            let text = String(decoding: Base64.decode($0) ?? [], as: UTF8.self)
            return Base64.encode(Array(change(text).utf8))
        }
    }
}
