import Foundation
import IbidCrypto
import IbidLedger
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct KeyTests {
    @Test func base64IsThatOfPythonAndHasOneForm() throws {
        for count in 0...70 {
            let bytes = SecureRandom.bytes(count)
            let text = Base64.encode(bytes)
            #expect(Data(bytes).base64EncodedString() == text)
            #expect(Base64.decode(text) == bytes)
        }
        for wrong in ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q===", "====", "QQ==QQ==", "QUJ=", "QU-_", "ä==="] {
            #expect(Base64.decode(wrong) == nil, "\(wrong)")
        }
    }

    @Test(.enabled(if: has("openssl"), "openssl is not installed"))
    func opensslAcceptsOurKeysAndSignatures() throws {
        try withScratch { home in
            let message = Array("the message".utf8)
            func write(_ name: String, _ bytes: [UInt8]) throws -> String {
                let path = home.appending(name).string
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                return path
            }
            let file = try write("message", message)

            let p256 = try P256.PrivateKey()
            let public256 = try write("p256.pub", Array(p256.publicKey.pem.utf8))
            let private256 = try write("p256.key", Array(try p256.pem().utf8))
            let signature = try write("p256.sig", try p256.sign(message))
            try #expect(
                shell(["openssl", "dgst", "-sha256", "-verify", public256, "-signature", signature, file]).status == 0)
            try #expect(shell(["openssl", "pkey", "-in", private256, "-pubout"]).stdout == p256.publicKey.pem)
            try #expect(
                shell(["openssl", "dgst", "-sha256", "-sign", private256, "-out", signature, file]).status == 0)
            let theirs = Array(try Data(contentsOf: URL(fileURLWithPath: signature)))
            #expect(p256.publicKey.isValid(theirs, for: message))
            #expect(!p256.publicKey.isValid(theirs, for: message + [0]))
            #expect(!p256.publicKey.isValid(theirs + [0], for: message))
            #expect(!p256.publicKey.isValid([], for: message))
            let der = try shell([
                "openssl", "pkey", "-pubin", "-in", public256, "-outform", "DER", "-out", file + ".der",
            ])
            #expect(der.status == 0)
            let sum = try shell(["sha256sum", file + ".der"]).stdout.prefix(64)
            #expect(p256.publicKey.keyID == sum)

            let ed = try Ed25519.PrivateKey()
            let publicEd = try write("ed.pub", Array(ed.publicKey.pem.utf8))
            let privateEd = try write("ed.key", Array(try ed.pem().utf8))
            let edSignature = try write("ed.sig", try ed.sign(message))
            try #expect(
                shell([
                    "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", publicEd, "-rawin", "-in", file, "-sigfile",
                    edSignature,
                ])
                .status == 0)
            try #expect(shell(["openssl", "pkey", "-in", privateEd, "-pubout"]).stdout == ed.publicKey.pem)
            #expect(try Ed25519.PrivateKey(pem: ed.pem()).sign(message) == ed.sign(message))
        }
    }

    @Test(.enabled(if: has("openssl"), "openssl is not installed"))
    func otherKeysAreRefused() throws {
        try withScratch { home in
            let commands = [
                "openssl ecparam -name secp384r1 -genkey -noout | openssl pkey -pubout",
                "openssl ecparam -name secp256k1 -genkey -noout | openssl pkey -pubout",
                "openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -conv_form compressed",
                "openssl genpkey -algorithm ed25519 | openssl pkey -pubout",
                "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 | openssl pkey -pubout",
            ]
            for command in commands {
                let pem = try shell(["sh", "-c", command]).stdout
                #expect(pem.hasPrefix("-----BEGIN PUBLIC KEY-----"))
                #expect(throws: IbidError.self, "\(command)") { try P256.PublicKey(pem: pem) }
            }
            let ours = try P256.PrivateKey().publicKey
            for position in 0..<ours.spki.count {
                var spki = ours.spki
                spki[position] ^= 1
                #expect(throws: IbidError.self, "byte \(position)") { try P256.PublicKey(spki: spki) }
            }
            #expect(throws: IbidError.self) { try Ed25519.PublicKey(pem: ours.pem) }
            #expect(throws: IbidError.self) { try Ed25519.PrivateKey(pem: P256.PrivateKey().pem()) }
            #expect(throws: IbidError.self) { try P256.PrivateKey(pem: Ed25519.PrivateKey().pem()) }
        }
    }

    @Test func keysArePrivateMadeOnceAndTheirLossIsNamed() throws {
        try withScratch { home in
            let umaskBefore = umask(0)
            defer { umask(umaskBefore) }
            let ledger = try Ledger.scratch(home)
            try ledger.append(Fixture.intent(1))
            let keys = home.appending("keys")
            #expect(try mode(keys) == 0o700)
            for name in ["attestor.key.pem", "ledger.key.pem"] { #expect(try mode(keys.appending(name)) == 0o600) }

            let hidden = home.appending("hidden.pem").string
            let key = keys.appending("attestor.key.pem").string
            try FileManager.default.moveItem(atPath: key, toPath: hidden)
            let lost = try #require(throws: IbidError.self) { try Ledger.scratch(home).append(Fixture.intent(2)) }
            #expect(lost.code == "key-lost")
            #expect(lost.message.contains("attestor.key.pem"))
            #expect(!FileManager.default.fileExists(atPath: key), "a lost key is not replaced")
            #expect(try Ledger.scratch(home).verify().ok, "reading and verifying need no key")

            try Data("rubbish".utf8).write(to: URL(fileURLWithPath: key))
            #expect(throws: IbidError.self) { try Ledger.scratch(home).append(Fixture.intent(2)) }
            try Data(try P256.PrivateKey().pem().utf8).write(to: URL(fileURLWithPath: key))
            let mismatch = try #require(throws: IbidError.self) { try Ledger.scratch(home).append(Fixture.intent(2)) }
            #expect(mismatch.code == "key-mismatch")
        }
    }

    @Test func aLedgerThatVanishedIsNotStartedAnew() throws {
        try withScratch { home in
            try Ledger.scratch(home).append([Fixture.intent(1), Fixture.outcome(1)])
            for suffix in ["", "-wal", "-shm"] {
                try? FileManager.default.removeItem(atPath: home.appending("ledger.sqlite\(suffix)").string)
            }
            let lost = try #require(throws: IbidError.self) { try Ledger.scratch(home) }
            #expect(lost.code == "ledger-lost")
        }
    }

    private func mode(_ path: FilePath) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}
