import Glibc
import IbidCrypto
public import IbidMerkle
public import IbidModel
public import SystemPackage

/// The checkpoints of a ledger that somebody else holds, as far as this home knows of them.
///
/// In `keys/anchors`: `places`, a list of files outside the home that hold checkpoints (one path a line), and for each
/// checkpoint that was given away `<size>.checkpoint`, with what came back beside it: `<size>.tsr` (RFC 3161),
/// `<size>.cosigned` and `<size>.witness` (a witness' note and its key).
public struct Anchors: Sendable {
    /// The directory.
    public let directory: FilePath

    /// The anchors of a home's keys.
    public init(keys: FilePath) { directory = keys.appending("anchors") }

    /// A file in the directory.
    public func path(_ size: Int64, _ kind: String) -> FilePath { directory.appending("\(size).\(kind)") }

    /// The answer of a time stamp authority over a checkpoint; nil when there is none.
    public func timestamp(_ size: Int64) throws -> [UInt8]? {
        let file = path(size, "tsr")
        guard access(file.string, F_OK) == 0 else { return nil }
        let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        defer { try? descriptor.close() }
        // An answer with its certificates takes some thousand bytes.
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }
        return Array(bytes.prefix(count))
    }

    /// The files outside that are looked at before each append.
    public func places() throws -> [FilePath] {
        guard case .text(let text) = try SmallFile.read(directory.appending("places")) else { return [] }
        return text.split(separator: "\n").map { FilePath(String($0)) }
    }

    /// Notes a file outside.
    public func add(place: FilePath) throws {
        var known = try places()
        if known.contains(place) { return }
        known.append(place)
        try write("places", known.map { $0.string + "\n" }.joined())
    }

    /// Keeps a file of an anchor.
    public func write(_ name: String, _ text: String) throws {
        try SmallFile.makePrivateDirectory(directory)
        try SmallFile.replace(directory.appending(name), text, mode: 0o644, durable: true)
    }

    /// What came back for checkpoints of a log that are over an entry, the smallest first.
    func words(after index: Int64, by key: NoteKey) throws -> [OutsideWord] {
        let given = try notes().filter { $0.place.removingLastComponent() == directory && $0.note.isSigned(by: key) }
            .map { (note: $0.note, head: try Checkpoint(text: $0.note.text)) }
            .filter { $0.head.origin == key.name.text && $0.head.size > index }
            .sorted { $0.head.size < $1.head.size }
        return try given.flatMap { note, head -> [OutsideWord] in
            var words: [OutsideWord] = []
            if let stamp = try timestamp(head.size) { words.append(OutsideWord(.stamped, note: note, word: stamp)) }
            if case .text(let text) = try SmallFile.read(path(head.size, "cosigned")),
                case .text(let vkey) = try SmallFile.read(path(head.size, "witness"))
            {
                words.append(OutsideWord(.witnessed, note: try SignedNote(parsing: text), word: Array(vkey.utf8)))
            }
            return words
        }
    }

    /// Every checkpoint that can be found: outside, and in the directory. A place that is not there now says nothing.
    ///
    /// - Throws: `malformed-note` for a file that is there and is none.
    public func notes() throws -> [(place: FilePath, note: SignedNote)] {
        var files = try places()
        if let stream = opendir(directory.string) {
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasSuffix(".checkpoint") { files.append(directory.appending(name)) }
            }
        }
        return try files.compactMap { file in
            guard case .text(let text) = try SmallFile.read(file) else { return nil }
            return (file, try SignedNote(parsing: text))
        }
    }
}

/// A witness' word for a checkpoint: C2SP tlog-cosignature, type 0x04.
public struct Cosignature: Hashable, Sendable {
    /// The witness' name.
    public var witness: String
    /// When it signed, by its clock.
    public var time: Timestamp

    /// Checks a cosigned note.
    ///
    /// - Parameter vkey: the witness' key, `name+hash+base64(04 ‖ key)`.
    /// - Throws: `malformed-key`; `not-cosigned` when the witness did not sign the note.
    public init(verifying note: SignedNote, vkey: String) throws {
        let key = try WitnessKey(vkey)
        for line in note.signatures where line.name == key.name && line.keyHash == key.hash {
            guard line.bytes.count == 72 else { continue }
            let seconds = line.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let message = Array("cosignature/v1\ntime \(seconds)\n\(note.text)".utf8)
            guard seconds < 1 << 40, key.key.isValid(Array(line.bytes.dropFirst(8)), for: message) else { continue }
            witness = key.name
            time = Timestamp(seconds: Int64(seconds))
            return
        }
        throw IbidError(
            "not-cosigned", "the checkpoint carries no valid cosignature of witness '\(key.name)'",
            exit: .verificationFailed)
    }
}
