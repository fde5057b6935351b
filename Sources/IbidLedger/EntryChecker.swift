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
    private let signatures: SignatureScope
    private let keyID: [UInt8]
    private let leafEnd: [UInt8]
    private let noteName: [UInt8]
    private let noteHash: [UInt8]

    init(_ identity: LedgerIdentity?, signatures: SignatureScope) {
        (self.identity, self.signatures) = (identity, signatures)
        keyID = Array((identity?.attestorKey.keyID ?? "").utf8)
        leafEnd = identity.map { Leaf.end(key: $0.attestorKey) } ?? []
        noteName = Array((identity?.origin ?? "").utf8)
        noteHash = identity?.ledgerKey.hash ?? []
    }

    /// Checks a batch, and leaves a verdict for each of its rows.
    func check(_ batch: EntryBatch) {
        let work = Work(identity)
        batch.verdicts.reserveCapacity(batch.rows.count)
        for row in batch.rows { batch.verdicts.append(check(row, batch.bytes, work)) }
        for number in batch.rows.indices where !batch.verdicts[number].isSound {
            let closer = closer(batch, number)
            batch.closer[number] = closer
            batch.verdicts[number].opens = closer.opens
            batch.verdicts[number].terms = TermSums.Sum()
            batch.verdicts[number].terms.add(closer.facts, leafIndex: batch.rows[number].index)
        }
    }

    /// Looks at one entry again that is sound by itself, to say what is wrong with its place.
    func closer(_ batch: EntryBatch, _ number: Int) -> CheckedEntry {
        CheckedEntry(batch.stored(number), identity: identity, signatures: signatures)
    }

    /// What one batch needs room for.
    private final class Work {
        let scan = StatementScan()
        let sha256 = SHA256Reuse()
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        let attestor: P256.DigestVerifier?

        init(_ identity: LedgerIdentity?) { attestor = identity.flatMap { P256.DigestVerifier($0.attestorKey) } }

        deinit { scratch.deallocate() }
    }

    private func check(_ row: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer, _ work: Work) -> EntryVerdict {
        // The leaf, with the zero before it.
        let leaf = UnsafeRawBufferPointer(rebasing: bytes[row.leaf.range])
        let hash = work.scratch.baseAddress.unsafelyUnwrapped
        let start = row.leaf.isThere ? row.leaf.range.lowerBound - 1 : 0
        work.sha256.hash(
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + 1 + leaf.count]), into: hash)
        var verdict = EntryVerdict(
            leafHash: row.leaf.isThere ? MerkleHash(copying: hash) : .leaf([]),
            hasCheckpoint: row.note.isThere || row.root.isThere)
        verdict.isSound =
            identity != nil && row.leaf.isThere
            && Self.equal(row.leafHash, UnsafeRawBufferPointer(start: hash, count: 32), bytes)
            && isEnvelope(row, leaf, bytes, work) && isIndexed(row, bytes, work, &verdict)
            && (!verdict.hasCheckpoint || isNote(row, bytes, work))
        return verdict
    }

    // MARK: The envelope and its leaf

    private func isEnvelope(
        _ row: EntryBatch.Row, _ leaf: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ work: Work
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
        guard signatures.coversStatement(row.index) else { return true }
        return work.attestor?.isValid(signature, digest: UnsafeRawBufferPointer(start: digest, count: 32)) ?? false
    }

    // MARK: What the statement says, and what the ledger's index says of it

    private func isIndexed(
        _ row: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer, _ work: Work, _ verdict: inout EntryVerdict
    ) -> Bool {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[row.payload.range]).assumingMemoryBound(to: UInt8.self)
        guard let scanner = work.scan.read(payload), let facts = FlatFacts(work.scan, scanner) else { return false }
        guard facts.addTerms(work.scan, scanner, row.index, to: &verdict.terms),
            Self.equal(row.event.0, facts.kind, bytes),
            Self.equal(row.event.1, facts.run, scanner, bytes), Self.equal(row.event.2, facts.image, scanner, bytes),
            Self.equal(row.event.3, facts.startedAt, scanner, bytes),
            Self.equal(row.event.4, facts.finishedAt, scanner, bytes)
        else { return false }
        if facts.opens { verdict.opens = RunKey(UnsafeRawBufferPointer(rebasing: bytes[row.event.1.range])) }
        return true
    }

    // MARK: The checkpoint

    // One content, one text: origin, size and root as the ledger writes them, and one signature.
    private func isNote(_ row: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer, _ work: Work) -> Bool {
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
        guard signatures.coversCheckpoint(size: row.index + 1) else { return true }
        return identity?.ledgerKey.key.isValid(Array(content[4...]), for: Array(signed)) ?? false
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
