import Foundation
import IbidCrypto
import IbidMerkle
import IbidModel
import IbidTestSupport
import Testing

/// RFC 6962 section 2.1 read aloud: the straight recursion, on plain byte arrays.
private enum Straight {
    static func sha(_ bytes: [UInt8]) -> [UInt8] { Digest.sha256(of: bytes).bytes }

    static func root(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
        if leaves.isEmpty { return sha([]) }
        guard leaves.count > 1 else { return sha([0] + (leaves.first ?? [])) }
        let middle = leaves.startIndex + split(leaves.count)
        return sha([1] + root(leaves[..<middle]) + root(leaves[middle...]))
    }

    static func path(_ index: Int, _ leaves: ArraySlice<[UInt8]>) -> [[UInt8]] {
        guard leaves.count > 1 else { return [] }
        let middle = leaves.startIndex + split(leaves.count)
        return index < middle
            ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
            : path(index, leaves[middle...]) + [root(leaves[..<middle])]
    }

    static func subproof(_ old: Int, _ leaves: ArraySlice<[UInt8]>, _ whole: Bool) -> [[UInt8]] {
        if old == leaves.count { return whole ? [] : [root(leaves)] }
        let k = split(leaves.count)
        let middle = leaves.startIndex + k
        return old <= k
            ? subproof(old, leaves[..<middle], whole) + [root(leaves[middle...])]
            : subproof(old - k, leaves[middle...], false) + [root(leaves[..<middle])]
    }

    private static func split(_ count: Int) -> Int {
        var k = 1
        while k * 2 < count { k *= 2 }
        return k
    }
}

@Suite struct MerkleTests {
    private static let leaves = (0..<300).map { Array("leaf \($0)".utf8) }

    private static func node(_ node: MerkleNode) throws -> MerkleHash {
        var range = CompactRange()
        for index in (node.index << node.level)..<((node.index + 1) << node.level) {
            range.append(.leaf(leaves[Int(index)]))
        }
        return range.root
    }

    @Test func rootsAreThoseOfTheStraightRecursion() {
        var range = CompactRange()
        #expect(range.root.bytes == Straight.root([]))
        for count in 1...300 {
            range.append(.leaf(Self.leaves[count - 1]))
            #expect(range.root.bytes == Straight.root(Self.leaves[..<count]), "\(count)")
            #expect(CompactRange(size: Int64(count), hashes: range.hashes) == range)
        }
    }

    @Test func completedSubtreesAreAnnounced() throws {
        var range = CompactRange()
        var seen: [MerkleNode: MerkleHash] = [:]
        for leaf in Self.leaves {
            range.append(.leaf(leaf)) { level, index, hash in seen[MerkleNode(level: level, index: index)] = hash }
        }
        #expect(seen.count == 300 - 300.nonzeroBitCount)
        for (node, hash) in seen { #expect(try Self.node(node) == hash) }
    }

    @Test(arguments: [1, 2, 3, 5, 8, 31, 64, 100, 255, 256, 257, 300])
    func inclusionProofsAreThoseOfTheStraightRecursion(size: Int) throws {
        let tree = MerkleTree(size: Int64(size), node: Self.node)
        let root = try tree.root(of: Int64(size))
        for index in 0..<size {
            let proof = try tree.inclusionProof(of: Int64(index))
            #expect(proof.path.map(\.bytes) == Straight.path(index, Self.leaves[..<size]))
            let leaf = MerkleHash.leaf(Self.leaves[index])
            #expect(proof.isValid(leafHash: leaf, root: root))
            #expect(!proof.isValid(leafHash: .leaf(Self.leaves[(index + 1) % 300]), root: root))
            var other = proof
            other.leafIndex = Int64((index + 1) % size)
            #expect(size == 1 || !other.isValid(leafHash: leaf, root: root))
            other = proof
            other.path.append(leaf)
            #expect(!other.isValid(leafHash: leaf, root: root))
            other.path = Array(proof.path.dropLast())
            #expect(size == 1 || !other.isValid(leafHash: leaf, root: root))
        }
    }

    @Test func consistencyProofsAreThoseOfTheStraightRecursion() throws {
        for size in [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 64, 65, 100, 300] {
            let tree = MerkleTree(size: Int64(size), node: Self.node)
            let newRoot = try tree.root(of: Int64(size))
            for old in stride(from: 0, through: size, by: size > 100 ? 13 : 1) {
                let proof = try tree.consistencyProof(from: Int64(old))
                let oldRoot = try tree.root(of: Int64(old))
                #expect(oldRoot.bytes == Straight.root(Self.leaves[..<old]))
                let expected = old == 0 ? [] : Straight.subproof(old, Self.leaves[..<size], true)
                #expect(proof.path.map(\.bytes) == expected, "\(old) of \(size)")
                #expect(proof.isValid(oldRoot: oldRoot, newRoot: newRoot), "\(old) of \(size)")
                let wrong = MerkleHash.leaf([7])
                #expect(!proof.isValid(oldRoot: wrong, newRoot: newRoot))
                #expect(old == 0 || !proof.isValid(oldRoot: oldRoot, newRoot: wrong))
                for position in proof.path.indices {
                    var other = proof
                    other.path[position] = wrong
                    #expect(!other.isValid(oldRoot: oldRoot, newRoot: newRoot))
                }
            }
        }
    }

    @Test func proofsAskForFewSubtrees() throws {
        var asked = 0
        let tree = MerkleTree(size: 1_000_003) { _ in
            asked += 1
            return .emptyRoot
        }
        for index: Int64 in [0, 1, 499_999, 524_288, 1_000_002] {
            asked = 0
            _ = try tree.inclusionProof(of: index)
            #expect(asked <= 40)
            asked = 0
            _ = try tree.consistencyProof(from: index + 1)
            #expect(asked <= 40)
        }
    }
}

@Suite struct NoteTests {
    @Test func aNoteIsReadAsItWasWritten() throws {
        let key = try Ed25519.PrivateKey()
        let name = try #require(NoteKey.Name("ibid.example/ledger/lab1"))
        let verifier = NoteKey(name: name, key: key.publicKey)
        let checkpoint = Checkpoint(origin: name.text, size: 11, root: .leaf([1]))
        let note = try SignedNote(text: checkpoint.text, key: key, name: name)
        let read = try SignedNote(parsing: note.description)
        #expect(read == note)
        #expect(read.isSigned(by: verifier))
        #expect(try Checkpoint(text: read.text) == checkpoint)
        #expect(try NoteKey(vkey: verifier.vkey) == verifier)
        // Every single changed byte is refused, one way or the other.
        let bytes = Array(note.description.utf8)
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 1
            guard let text = String(validating: changed, as: UTF8.self) else { continue }
            let other = try? SignedNote(parsing: text)
            #expect(other?.isSigned(by: verifier) != true, "byte \(position)")
        }
    }

    @Test func theKeyHashOfTheSpecificationsExample() throws {
        // C2SP signed-note: the Go checksum database's verifier key.
        let vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        #expect(try NoteKey(vkey: vkey).vkey == vkey)
        #expect(throws: IbidError.self) { try NoteKey(vkey: vkey.replacing("033de0ae", with: "033de0af")) }
        #expect(throws: IbidError.self) { try NoteKey(vkey: vkey.replacing("sum.", with: "sun.")) }
    }

    @Test func malformedNotesAndCheckpointsAreRefused() {
        for text in [
            "", "a\n", "a\n\n", "a\n\n\u{2014} n QQ==\n", "a\n\n- n AAAAAAE=\n", "a\n\n\u{2014} n  AAAAAAE=\n",
            "a\n\n\u{2014} n AAAAAAE=", "a\u{7}\n\n\u{2014} n AAAAAAE=\n", "a\n\n\u{2014} n+m AAAAAAE=\n",
        ] { #expect(throws: IbidError.self, "\(text)") { try SignedNote(parsing: text) } }
        let root = MerkleHash.emptyRoot.base64
        for text in [
            "o\n1\n", "\n1\n\(root)\n", "o\n01\n\(root)\n", "o\n-1\n\(root)\n", "o\n+1\n\(root)\n", "o\n1\n\(root)",
            "o\n1\nQQ==\n", "o\n99999999999999999999\n\(root)\n", "o\n1\n\(root)\n\n",
        ] { #expect(throws: IbidError.self, "\(text)") { try Checkpoint(text: text) } }
    }

    @Test func aProofTextCarriesItsCheckpoint() throws {
        let key = try Ed25519.PrivateKey()
        let name = try #require(NoteKey.Name("ibid.example/log"))
        var range = CompactRange()
        let hashes = (0..<7).map { MerkleHash.leaf([$0]) }
        for hash in hashes { range.append(hash) }
        let tree = MerkleTree(size: 7) { node in
            var part = CompactRange()
            for index in (node.index << node.level)..<((node.index + 1) << node.level) {
                part.append(hashes[Int(index)])
            }
            return part.root
        }
        let note = try SignedNote(
            text: Checkpoint(origin: name.text, size: 7, root: range.root).text, key: key, name: name)
        let proof = TLogProof(leafIndex: 5, path: try tree.inclusionProof(of: 5).path, note: note)
        let read = try TLogProof(parsing: proof.description)
        #expect(read == proof)
        #expect(read.isValid(leafHash: hashes[5], key: NoteKey(name: name, key: key.publicKey)))
        #expect(!read.isValid(leafHash: hashes[4], key: NoteKey(name: name, key: key.publicKey)))
    }
}
