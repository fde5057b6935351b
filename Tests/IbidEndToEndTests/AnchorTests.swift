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
            #expect(verified.contains("anchored: the first 4 entries") && verified.contains("is a time stamp"))
            #expect(verified.contains("witnessed: witness.example/w1 saw 4 entries at 2027-01-15T08:00:00Z"))
            try timestamps(bench)
            try wordsTravel(bench, run)
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
            try Self.stopCommands(bench, archive: archive)
        }
    }

    /// A sample of what `Tests/Ledger/crashes` does in full: the process dies, or the disk fails, among the renames with
    /// which a renewed ledger takes the old one's place, and elsewhere.
    private static func stopCommands(_ bench: Bench, archive: String) throws {
        guard has("strace"), (try? shell(["strace", "-o", "/dev/null", "true"]).status) == 0 else {
            return print("this machine lets nobody trace: no command was stopped")
        }
        let script = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Ledger/crashes")
        for choice in [
            ["--commands", "renew", "--calls", "rename"],
            ["--commands", "tag,import", "--calls", "rename,fdatasync,fsync,link", "--every", "12"],
        ] {
            let result = try shell([script.string, "--archive", archive, "--ibid", bench.ibid.string] + choice)
            #expect(result.status == 0 && result.stdout.contains(" 0 problems"), "\(result.stdout)\(result.stderr)")
        }
    }

    /// `ibid verify` judges a time stamp as `openssl ts` does: the true one, and twins of it.
    private func timestamps(_ bench: Bench) throws {
        let anchors = bench.home.appending("keys/anchors")
        let stamp = anchors.appending("4.tsr").string
        let judged = try Bench.run(
            [
                "bash", "-ec",
                """
                cp "$1" true.tsr
                judge() { # name, certificate
                    status=0; "$IBID" verify --ledger --tsa-ca "$2" > said || status=$?
                    openssl ts -verify -data "$3" -in "$4" -CAfile "$2" > /dev/null 2>&1 && oracle=0 || oracle=5
                    echo "$1 $status $oracle $(grep -c 'time-stamped: ' said || true)"
                }
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem \
                    -days 30 -subj /CN=other -addext extendedKeyUsage=critical,timeStamping 2> /dev/null
                judge true tsa.pem "$2" "$1"
                judge other-authority other.pem "$2" "$1"
                for place in 20 60 200 300 -40 -1; do
                    python3 - "$1" $place <<'END'
                import sys
                data = bytearray(open("true.tsr", "rb").read())
                data[int(sys.argv[2])] ^= 1
                open(sys.argv[1], "wb").write(data)
                END
                    judge flip$place tsa.pem "$2" "$1"
                done
                : > "$1"; judge empty tsa.pem "$2" "$1"
                cp query.tsq "$1"; judge query tsa.pem "$2" "$1"
                echo hello > data; openssl ts -query -data data -sha256 -cert -out data.tsq 2> /dev/null
                openssl ts -reply -config tsa.cnf -section t -queryfile data.tsq -out "$1" 2> /dev/null
                judge other-data tsa.pem "$2" "$1"
                cp true.tsr "$1"; judge again tsa.pem "$2" "$1"
                """, "bash", stamp, anchors.appending("4.checkpoint").string,
            ], in: bench.root.string, environment: ["IBID": bench.ibid.string, "IBID_HOME": bench.home.string])
        let lines = judged.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == 12)
        for line in lines where line.count == 4 {
            // Not every byte of an answer is signed: where openssl accepts a flip, so does Ibid.
            let isAccepted = line[0].hasPrefix("flip") ? line[2] == "0" : line[0] == "true" || line[0] == "again"
            let wanted = isAccepted ? ["0", "0", "1"] : ["5", "5", "0"]
            #expect(line.dropFirst().map(String.init) == wanted, "\(line.joined(separator: " "))")
        }
        #expect(lines.count { $0.first?.hasPrefix("flip") == true && $0[1] == "5" } >= 3)
    }

    /// What came back for a checkpoint goes with every archive of a run that it covers; it is refused where it is over
    /// something else, however well the bag is signed, and where the run is not covered.
    private func wordsTravel(_ bench: Bench, _ run: String) throws {
        let copy = bench.home.string + ".now"
        try Bench.run(["cp", "-a", bench.home.string, copy], in: "/")
        func call(_ arguments: String...) throws {
            let done = try bench.call(arguments, environment: ["IBID_HOME": copy])
            #expect(done.status == 0, "\(arguments): \(done.stderr)")
        }
        let (archive, later) = (bench.root.appending("words.tar").string, bench.root.appending("later.tar").string)
        try call("export", run, "-o", archive)
        // A checkpoint of before the run ended, and the proof that leads from it to that of the archive.
        let root = bench.root.string
        try call("ledger", "anchor", "--witness-request", root + "/first.consistency", "--known", "2")
        let note = try Bench.run(
            ["sqlite3", copy + "/ledger.sqlite", "SELECT note FROM checkpoints WHERE tree_size = 2"], in: root)
        try note.dropLast().write(toFile: root + "/first.checkpoint", atomically: true, encoding: .utf8)
        try call("submit", ".", "--fresh")
        try call("export", "@last", "-o", later)
        let foreign = FilePath(#filePath).removingLastComponent().appending("Foreign/outside.py").string
        let twins = try shell(
            [
                "/usr/bin/python3", foreign, archive, later, copy + "/keys/attestor.key.pem", bench.ibid.string,
                FilePath(#filePath).removingLastComponent().appending("../../audit/verify.py").string, root,
            ], in: root)
        #expect(twins.status == 0, "\(twins.stderr)")
        let lines = twins.stdout.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(lines.count == 23)
        for line in lines { #expect(line.count == 5 && line[1...2] == line[3...4], "\(line.joined(separator: ", "))") }
        // The authority's own tool, in the unpacked bag, by the line of the archive's page.
        try Bench.run(
            [
                "bash", "-ec",
                """
                mkdir words; tar -xf words.tar -C words --strip-components=1; cd words/data/ledger/stamped
                openssl ts -verify -data checkpoint -in checkpoint.tsr -CAfile ../../../../tsa.pem
                """,
            ], in: root)
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
