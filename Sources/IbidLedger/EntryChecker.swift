import Glibc
import IbidCrypto
import IbidMerkle
import IbidModel

/// What an entry's own bytes say, without its neighbours: the part of verification that costs, done on all processors.
///
/// It works on the bytes where they are and only ever finds that an entry is as it should be in every respect. Any other
/// is put to `CheckedEntry`, which takes it apart and says what is wrong, and whose word counts.
final class EntryChecker: Sendable {
    private let identity: LedgerIdentity?
    private let options: VerifyOptions
    private let statements: P256Batch?
    private let checkpoints: Ed25519Batch?
    private let keyID: [UInt8]
    private let leafEnd: [UInt8]
    private let noteName: [UInt8]
    private let noteHash: [UInt8]

    /// - Parameter count: about how many entries there are; for a few, tables are not worth while.
    init(_ identity: LedgerIdentity?, options: VerifyOptions, count: Int64) {
        (self.identity, self.options) = (identity, options)
        let many = count > 1_000
        statements = many && options.statementSignatures ? identity.flatMap { P256Batch(key: $0.attestorKey) } : nil
        checkpoints =
            many && options.checkpointSignatures ? identity.flatMap { Ed25519Batch(key: $0.ledgerKey.key) } : nil
        keyID = Array((identity?.attestorKey.keyID ?? "").utf8)
        leafEnd = identity.map { Leaf.end(key: $0.attestorKey) } ?? []
        noteName = Array((identity?.origin ?? "").utf8)
        noteHash = identity?.ledgerKey.hash ?? []
    }

    /// Checks a batch, and leaves a verdict for each of its rows.
    func check(_ batch: EntryBatch) {
        let work = Work()
        batch.verdicts = batch.rows.indices.map {
            check(batch.rows[$0], batch.artifacts, batch.bytes, work, $0)
        }
        var suspects = work.suspects
        if let statements {
            let valid = statements.verify(
                digests: work.digests, bytes: batch.bytes, offsets: work.offsets, lengths: work.lengths)
            for (place, number) in work.signed.enumerated() where valid[place] == 0 { suspects.insert(number) }
        } else if options.statementSignatures {
            suspects.formUnion(work.signed)
        }
        if let checkpoints {
            let valid = checkpoints.verify(work.notes)
            for (place, number) in work.noted.enumerated() where valid[place] == 0 { suspects.insert(number) }
        } else if options.checkpointSignatures {
            suspects.formUnion(work.noted)
        }
        for number in suspects {
            let closer = CheckedEntry(batch.stored(number), identity: identity, options: options)
            batch.verdicts[number].closer = closer
            batch.verdicts[number].opens = closer.opens
        }
    }

    /// Looks at one entry again that is sound by itself, to say what is wrong with its place.
    func closer(_ batch: EntryBatch, _ number: Int) -> CheckedEntry {
        CheckedEntry(batch.stored(number), identity: identity, options: options)
    }

    /// What one batch needs room for.
    private final class Work {
        let scan = StatementScan()
        let sha256 = SHA256Reuse()
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        /// Rows that are not sound.
        var suspects: Set<Int> = []
        // Signatures of statements, for one call; `signed` are their rows.
        var digests: [UInt8] = []
        var offsets: [UInt32] = []
        var lengths: [UInt32] = []
        var signed: [Int] = []
        // Signatures of checkpoints.
        var notes = Ed25519Batch.Work()
        var noted: [Int] = []

        deinit { scratch.deallocate() }
    }

    private func check(
        _ row: EntryBatch.Row, _ artifacts: [EntryBatch.Artifact], _ bytes: UnsafeRawBufferPointer, _ work: Work,
        _ number: Int
    ) -> EntryVerdict {
        // The leaf, with the zero before it.
        let leaf = UnsafeRawBufferPointer(rebasing: bytes[row.leaf.range])
        let hash = work.scratch.baseAddress.unsafelyUnwrapped
        let start = row.leaf.isThere ? row.leaf.range.lowerBound - 1 : 0
        work.sha256.hash(
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + 1 + leaf.count]), into: hash)
        var verdict = EntryVerdict(
            leafHash: row.leaf.isThere ? MerkleHash(copying: hash) : .leaf([]),
            hasCheckpoint: row.note.isThere || row.root.isThere)
        guard identity != nil, row.leaf.isThere,
            Self.equal(row.leafHash, UnsafeRawBufferPointer(start: hash, count: 32), bytes),
            isEnvelope(row, leaf, bytes, work, number), isIndexed(row, artifacts, bytes, work, &verdict),
            !verdict.hasCheckpoint || isNote(row, bytes, work, number)
        else {
            work.suspects.insert(number)
            return verdict
        }
        return verdict
    }

    // MARK: The envelope and its leaf

    private func isEnvelope(
        _ row: EntryBatch.Row, _ leaf: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ work: Work,
        _ number: Int
    ) -> Bool {
        guard row.payload.isThere, row.signature.isThere, row.signature.count <= 80,
            Self.equal(row.payloadType, "application/vnd.in-toto+json", bytes),
            Self.equal(row.keyID, keyID, bytes)
        else { return false }
        let digest = work.scratch.baseAddress.unsafelyUnwrapped + 32
        work.sha256.hash(
            UnsafeRawBufferPointer(rebasing: bytes[Int(row.signedStart)..<row.payload.range.upperBound]), into: digest)
        // Digest and signature in base 64 where the leaf has them, and around them what every leaf has.
        let text = (work.scratch.baseAddress.unsafelyUnwrapped + 64).assumingMemoryBound(to: UInt8.self)
        let first = Base64.encode(UnsafeRawBufferPointer(start: digest, count: 32), into: text)
        let signature = UnsafeRawBufferPointer(rebasing: bytes[row.signature.range])
        let second = Base64.encode(signature, into: text + first)
        var place = leaf
        guard Self.take(Leaf.start, from: &place),
            Self.take(UnsafeRawBufferPointer(start: text, count: first), from: &place),
            Self.take(Leaf.middle, from: &place),
            Self.take(UnsafeRawBufferPointer(start: text + first, count: second), from: &place),
            Self.take(leafEnd, from: &place), place.isEmpty
        else { return false }
        if options.statementSignatures {
            work.digests.append(contentsOf: UnsafeRawBufferPointer(start: digest, count: 32))
            work.offsets.append(UInt32(row.signature.start))
            work.lengths.append(UInt32(row.signature.count))
            work.signed.append(number)
        }
        return true
    }

    // MARK: What the statement says, and what the ledger's index says of it

    private func isIndexed(
        _ row: EntryBatch.Row, _ artifacts: [EntryBatch.Artifact], _ bytes: UnsafeRawBufferPointer, _ work: Work,
        _ verdict: inout EntryVerdict
    ) -> Bool {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[row.payload.range]).assumingMemoryBound(to: UInt8.self)
        guard let scanner = work.scan.read(payload), let facts = FlatFacts(work.scan, scanner) else { return false }
        var place = row.artifacts.lowerBound
        for role in StatementScan.Role.allCases where facts.lists(role) {
            for artifact in work.scan.artifacts where artifact.role == role {
                guard place < row.artifacts.upperBound else { return false }
                let listed = artifacts[place]
                guard listed.position == place - row.artifacts.lowerBound, Self.equal(listed.role, role.name, bytes),
                    artifact.name == nil
                        ? listed.name.count == 0 : Self.equal(listed.name, artifact.name, scanner, bytes),
                    Self.equal(listed.digest, artifact.digest, scanner, bytes)
                else { return false }
                place += 1
            }
        }
        guard place == row.artifacts.upperBound, Self.equal(row.event.0, facts.kind, bytes),
            Self.equal(row.event.1, facts.run, scanner, bytes), Self.equal(row.event.2, facts.image, scanner, bytes),
            Self.equal(row.event.3, facts.startedAt, scanner, bytes),
            Self.equal(row.event.4, facts.finishedAt, scanner, bytes)
        else { return false }
        if facts.opens { verdict.opens = RunKey(UnsafeRawBufferPointer(rebasing: bytes[row.event.1.range])) }
        return true
    }

    // MARK: The checkpoint

    // One content, one text: origin, size and root as the ledger writes them, and one signature.
    private func isNote(
        _ row: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer, _ work: Work, _ number: Int
    ) -> Bool {
        guard row.note.isThere, row.root.count == 32 else { return false }
        let note = UnsafeRawBufferPointer(rebasing: bytes[row.note.range])
        let text = (work.scratch.baseAddress.unsafelyUnwrapped + 64).assumingMemoryBound(to: UInt8.self)
        let root = Base64.encode(UnsafeRawBufferPointer(rebasing: bytes[row.root.range]), into: text)
        var place = note
        guard Self.take(noteName, from: &place), Self.take("\n\(row.index + 1)\n", from: &place),
            Self.take(UnsafeRawBufferPointer(start: text, count: root), from: &place), Self.take("\n", from: &place)
        else { return false }
        let signed = UnsafeRawBufferPointer(rebasing: note[..<(note.count - place.count)])
        guard Self.take("\n\u{2014} ", from: &place), Self.take(noteName, from: &place), Self.take(" ", from: &place),
            place.count == 93, place[92] == 0x0a,
            let content = Base64.decode(UnsafeRawBufferPointer(rebasing: place[..<92])), content.count == 68,
            content.starts(with: noteHash)
        else { return false }
        if options.checkpointSignatures {
            if let checkpoints { checkpoints.add(content[4...], message: signed, to: &work.notes) }
            work.noted.append(number)
        }
        return true
    }

    // MARK: Bytes

    private static func take(_ expected: UnsafeRawBufferPointer, from place: inout UnsafeRawBufferPointer) -> Bool {
        guard place.count >= expected.count, isSame(place, expected, expected.count) else { return false }
        place = UnsafeRawBufferPointer(rebasing: place[expected.count...])
        return true
    }

    private static func take(_ expected: [UInt8], from place: inout UnsafeRawBufferPointer) -> Bool {
        expected.withUnsafeBytes { take($0, from: &place) }
    }

    private static func take(_ expected: String, from place: inout UnsafeRawBufferPointer) -> Bool {
        var expected = expected
        return expected.withUTF8 { take(UnsafeRawBufferPointer($0), from: &place) }
    }

    private static func isSame(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, _ count: Int) -> Bool {
        guard count > 0, let a = a.baseAddress, let b = b.baseAddress else { return count == 0 }
        return memcmp(a, b, count) == 0
    }

    private static func equal(
        _ column: EntryBatch.Column, _ expected: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard Int(column.count) == expected.count else { return false }
        return isSame(UnsafeRawBufferPointer(rebasing: bytes[column.range]), expected, expected.count)
    }

    private static func equal(
        _ column: EntryBatch.Column, _ expected: [UInt8], _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        expected.withUnsafeBytes { equal(column, $0, bytes) }
    }

    private static func equal(
        _ column: EntryBatch.Column, _ expected: StaticString, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        let expected = UnsafeRawBufferPointer(start: expected.utf8Start, count: expected.utf8CodeUnitCount)
        return equal(column, expected, bytes)
    }

    // Nothing there is NULL in the index.
    private static func equal(
        _ column: EntryBatch.Column, _ text: CanonicalScanner.Text?, _ scanner: CanonicalScanner,
        _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard let text else { return !column.isThere }
        guard let plain = scanner.plain(text) else { return false }
        return equal(column, plain, bytes)
    }
}
