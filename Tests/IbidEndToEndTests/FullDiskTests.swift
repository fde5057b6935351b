import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// A home on a disk that is full, at every stage of a run: one clear sentence, nothing half recorded, and as soon as
    /// there is room again everything works. In a mount namespace of its own, on a file system in memory.
    @Test func fullDisk() throws {
        try Bench.withoutBase { bench in
            try bench.shellJob("busybox head -c 6000000 /dev/zero > out; echo done")
            let script = """
                fail() { echo "FAILED with $1 KiB free: $2"; cat err; }
                mkdir "$HOME_DIR"; mount -t tmpfs -o size=60m none "$HOME_DIR"
                "$IBID" submit repository > out 2> err || fail all submit
                for free in 0 8 24 40 56 500 2040 2300 5000 7900 8020 8100; do
                    rest=$(($(df --output=avail -k "$HOME_DIR" | tail -n 1) - free))
                    head -c ${rest}k /dev/zero > "$HOME_DIR/filler"
                    if "$IBID" submit repository --fresh > out 2> err; then echo "ran $free"
                    else
                        grep -q '^error: cannot .*: No space left on device$' err || fail $free "the sentence"
                        grep -q '^hint: free some space' err || fail $free "the hint"
                        echo "full $free"
                    fi
                    rm "$HOME_DIR/filler"
                    "$IBID" verify --ledger > out 2> err || fail $free "the ledger"
                    "$IBID" verify --store > out 2> err || fail $free "the store"
                    [ -z "$(ls "$HOME_DIR/runs")" ] || fail $free "left in runs"
                done
                "$IBID" submit repository --fresh > out 2> err || fail "all" "submit again"
                "$IBID" runs --json --limit 0 > runs.json
                """
            let done = try shell(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", script],
                in: bench.root.string,
                environment: [
                    "HOME_DIR": bench.home.string, "IBID_HOME": bench.home.string, "IBID": bench.ibid.string,
                ])
            let lines = done.stdout.split(separator: "\n")
            #expect(!done.stdout.contains("FAILED") && done.status == 0, "\(done.stdout)\(done.stderr)")
            #expect(lines.contains("full 0") && lines.contains("full 2300") && lines.contains("ran 8100"))
            // What began to run and could not be kept is recorded as interrupted, and nothing else is.
            let runs = try JSONReader(
                String(contentsOfFile: bench.root.appending("runs.json").string, encoding: .utf8)
            ).array
            #expect(runs.allSatisfy { $0["status"].string == "succeeded" || $0["status"].string == "killed" })
            #expect(runs.contains { $0["status"].string == "killed" })
        }
    }
}
