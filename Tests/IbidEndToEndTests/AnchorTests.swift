import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// A checkpoint that somebody else holds: nothing is appended to an older copy, and nothing passes for the log.
    @Test(.enabled(if: has("openssl"), "openssl is not installed"))
    func anchorsStopARestoredLedger() throws {
        try Bench.with { bench in
            try bench.job("print('anchored')")
            let run = try #require(try bench.json("submit", ".")["run"].string)
            func ibid(_ arguments: String..., status: Int32 = 0) throws -> ShellResult {
                let result = try bench.call(arguments)
                #expect(result.status == status, "\(arguments): \(result.stdout)\(result.stderr)")
                return result
            }
            try Bench.run(["git", "init", "-q", "notary"], in: bench.root.string)
            let notary = bench.root.appending("notary").string
            try bench.sh("git -C \(notary) config user.name A; git -C \(notary) config user.email a@example.org")
            let archive = bench.root.appending("old.tar").string
            _ = try ibid("export", run, "-o", archive)
            _ = try ibid("ledger", "anchor", "--git", notary)
            try Bench.run(["cp", "-a", bench.home.string, bench.home.string + ".old"], in: "/")
            _ = try ibid("tag", run, "paper")
            _ = try ibid("ledger", "anchor", "--git", notary)
            let subjects = try Bench.run(["git", "-C", notary, "log", "--format=%s"], in: "/")
            #expect(subjects.contains("over 4 entries") && subjects.contains("over 3 entries"))

            // A time stamp authority, and a witness, of our own.
            let answers = try Bench.run(
                ["bash", "-ec", Self.authorities], in: bench.root.string,
                environment: [
                    "IBID": bench.ibid.string, "IBID_HOME": bench.home.string,
                ])
            #expect(answers.contains("done"))
            let verified = try ibid("verify", "--ledger").stdout
            #expect(verified.contains("anchored: the first 4 entries") && verified.contains("openssl ts -verify"))
            #expect(verified.contains("witnessed: witness.example/w1 saw 4 entries at 2027-01-15T08:00:00Z"))
            #expect(try ibid("verify", "--since", archive).stdout.contains("the first 3 entries are those"))
            let head = bench.root.appending("head").string
            try ibid("ledger", "checkpoint").stdout.write(toFile: head, atomically: true, encoding: .utf8)

            // The older copy, whole, as a backup gives it back.
            try Bench.run(["sh", "-c", "rm -r \"$0\"; mv \"$0.old\" \"$0\"", bench.home.string], in: "/")
            #expect(try ibid("tag", run, "other", status: 5).stderr.contains("4 was released"))
            #expect(try ibid("verify", "--ledger", status: 5).stdout.contains("PROBLEM"))
            #expect(try ibid("verify", "--since", head, status: 5).stdout.contains("want at least 4"))
            _ = try ibid("ledger", "renew")
            _ = try ibid("tag", run, "other")
            try bench.requireSoundLedger()
            #expect(try bench.json("replay", run)["verdict"].string == "identical")
            #expect(try ibid("verify", "--since", head, status: 5).stdout.contains("or of another key"))
            _ = try ibid("ledger", "renew", status: 64)
        }
    }

    private static let authorities = #"""
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.pem -days 30 \
            -subj /CN=tsa -addext extendedKeyUsage=critical,timeStamping 2>/dev/null
        printf '%s\n' '[t]' "serial = $PWD/serial" "signer_cert = $PWD/tsa.pem" "certs = $PWD/tsa.pem" \
            "signer_key = $PWD/tsa.key" 'signer_digest = sha256' 'default_policy = 1.2.3.4' 'digests = sha256' > tsa.cnf
        echo 01 > serial
        "$IBID" ledger anchor --request query.tsq
        openssl ts -reply -config tsa.cnf -section t -queryfile query.tsq -out reply.tsr 2>/dev/null
        "$IBID" ledger anchor --response reply.tsr --ca tsa.pem
        ! "$IBID" ledger anchor --response query.tsq --ca tsa.pem
        "$IBID" ledger anchor --witness-request request
        cat > witness.py <<'END'
        import base64, hashlib, struct
        from cryptography.hazmat.primitives.asymmetric import ed25519
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        name, time = "witness.example/w1", 1800000000
        hash = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
        text = open("request").read().partition("\n\n")[2].rpartition("\n\n")[0] + "\n"
        signature = key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
        for file, when in (("answer", time), ("forged", time + 1)):
            line = base64.b64encode(hash + struct.pack(">Q", when) + signature).decode()
            open(file, "w").write(f"\u2014 {name} {line}\n")
        open("key", "w").write(f"{name}+{hash.hex()}+{base64.b64encode(bytes([4]) + public).decode()}")
        END
        /usr/bin/python3 witness.py
        ! "$IBID" ledger anchor --cosigned forged --witness "$(cat key)"
        "$IBID" ledger anchor --cosigned answer --witness "$(cat key)"
        echo done
        """#
}
