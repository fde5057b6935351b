import Foundation
import IbidCrypto
import IbidModel
import IbidTestSupport
import Testing

/// Signatures verified many at a time have OpenSSL's verdict, each of them.
@Suite struct SignatureBatchTests {
    private static func flip(_ bytes: inout [UInt8]) {
        bytes[Int.random(in: bytes.indices)] ^= 1 << UInt8.random(in: 0..<8)
    }

    @Test func manyECDSASignatures() throws {
        let key = try P256.PrivateKey()
        let batch = try #require(P256Batch(key: key.publicKey))
        var (digests, bytes, offsets, lengths): ([UInt8], [UInt8], [UInt32], [UInt32]) = ([], [], [], [])
        var expected: [Bool] = []
        for number in 0..<1500 {
            var message = SecureRandom.bytes(40)
            var signature = try key.sign(message)
            switch number % 8 {
            case 1: Self.flip(&message)
            case 2: Self.flip(&signature)
            case 3: signature = try P256.PrivateKey().sign(message)
            case 4: signature.removeLast()
            case 5: signature.insert(0, at: 4)  // an integer in more bytes than it takes, lengths as they were
            default: break
            }
            expected.append(key.publicKey.isValid(signature, for: message))
            digests += SHA256.hash(message)
            offsets.append(UInt32(bytes.count))
            lengths.append(UInt32(signature.count))
            bytes += signature
        }
        func verdicts(_ batch: P256Batch) -> [UInt8] {
            bytes.withUnsafeBytes { batch.verify(digests: digests, bytes: $0, offsets: offsets, lengths: lengths) }
        }
        let valid = verdicts(batch)
        #expect(valid.map { $0 == 1 } == expected)
        #expect(expected.count { $0 } > 500)
        let other = try #require(P256Batch(key: try P256.PrivateKey().publicKey))
        #expect(verdicts(other).allSatisfy { $0 == 0 })
    }

    @Test func manyEd25519Signatures() throws {
        let key = try Ed25519.PrivateKey()
        let batch = try #require(Ed25519Batch(key: key.publicKey))
        var work = Ed25519Batch.Work()
        var expected: [Bool] = []
        // The order of the group: s + order is another signature for careless verifiers.
        let order = try #require(Hex.decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
        for number in 0..<1500 {
            var message = SecureRandom.bytes(Int.random(in: 1...200))
            var signature = try key.sign(message)
            switch number % 8 {
            case 1: Self.flip(&message)
            case 2: Self.flip(&signature)
            case 3: signature = try Ed25519.PrivateKey().sign(message)
            case 4:
                var carry = 0
                for place in 0..<32 {
                    carry += Int(signature[32 + place]) + Int(order[place])
                    signature[32 + place] = UInt8(carry & 255)
                    carry >>= 8
                }
            default: break
            }
            expected.append(key.publicKey.isValid(signature, for: message))
            message.withUnsafeBytes { batch.add(signature[...], message: $0, to: &work) }
        }
        #expect(batch.verify(work).map { $0 == 1 } == expected)
        #expect(expected.count { $0 } > 500)
        #expect(batch.verify(Ed25519Batch.Work()) == [])
    }

    /// Sums of multiples at the edges of the windows, against plain arithmetic in Python.
    @Test(.enabled(if: has("python3"), "python3 is not installed"))
    func multiplesAtTheEdges() throws {
        let key = try P256.PrivateKey().publicKey
        let batch = try #require(P256Batch(key: key))
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
        var scalars = ["0", "1", "2", "3ff", "400", "401", "7ff", "800", "801", "400400400", "7fefff"]
        scalars += (1...4).map { String(order.dropLast() + String($0 - 1)) }
        scalars += (0..<12).map { String("1" + String(repeating: "0", count: $0 * 5)) }
        scalars += (0..<6).map { _ in Hex.encode(SecureRandom.bytes(32)).replacingOccurrences(of: "f", with: "0") }
        scalars = scalars.map { String(repeating: "0", count: 64 - $0.count) + $0 }
        let answer = try shell(["python3", "-c", Self.oracle, Hex.encode(key.spki.suffix(64))] + scalars)
        #expect(answer.status == 0, "\(answer.stderr)")
        let sums = answer.stdout.split(separator: "\n", omittingEmptySubsequences: false)
        let pairs = scalars.flatMap { a in scalars.map { (a, $0) } }
        for ((a, b), sum) in zip(pairs, sums) {
            let got = batch.combine(Hex.decode(a) ?? [], Hex.decode(b) ?? []).map { Hex.encode($0) } ?? ""
            #expect(got == sum, "\(a) G + \(b) Q")
        }
        #expect(sums.count == pairs.count + 1)
    }

    private static let oracle = """
        import sys
        p = 2**256 - 2**224 + 2**192 + 2**96 - 1
        G = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
             0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)
        def add(a, b):
            if a is None or b is None: return b if a is None else a
            if a[0] == b[0]:
                if (a[1] + b[1]) % p == 0: return None
                slope = 3 * (a[0] * a[0] - 1) * pow(2 * a[1], -1, p)
            else:
                slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
            x = (slope * slope - a[0] - b[0]) % p
            return x, (slope * (a[0] - x) - a[1]) % p
        def times(k, a):
            sum = None
            while k:
                if k & 1: sum = add(sum, a)
                a, k = add(a, a), k >> 1
            return sum
        Q = (int(sys.argv[1][:64], 16), int(sys.argv[1][64:], 16))
        scalars = [int(s, 16) for s in sys.argv[2:]]
        ofG, ofQ = [times(s, G) for s in scalars], [times(s, Q) for s in scalars]
        for a in ofG:
            for b in ofQ:
                c = add(a, b)
                print("" if c is None else "%064x%064x" % c)
        """
}
