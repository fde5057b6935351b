import Foundation
import Glibc
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// The control groups of the containers that a process started.
    private func groups(of process: Int32) throws -> [String] {
        try shell(["find", "/sys/fs/cgroup", "-maxdepth", "3", "-path", "*/ibid/*", "-name", "*-\(process)-*"]).stdout
            .split(separator: "\n").map(String.init)
    }

    /// Sandbox, runtime, init and command: everything of a container is in its groups.
    private func processes(in groups: [String]) -> Set<Int32> {
        Set(
            groups.flatMap { group in
                ((try? String(contentsOfFile: group + "/cgroup.procs", encoding: .utf8)) ?? "")
                    .split(separator: "\n").compactMap { Int32($0) }
            })
    }

    /// `kill -9` at any moment, of ibid alone or of everything at once: nothing goes on, the next command removes what
    /// is left and enters the run as interrupted, ledger and store are whole. `IBID_TEST_SEED` tries the same moments
    /// again.
    @Test func killedAtFortyMoments() throws {
        try Bench.withoutBase { bench in
            try bench.shellJob("busybox head -c 300000 /dev/zero > out; busybox mkdir d; echo 1 > d/f; echo done")
            _ = try bench.json("submit", ".")
            var length = 0.0
            for _ in 1...3 {
                let begin = Date()
                _ = try bench.json("submit", ".", "--fresh")
                length = max(length, Date().timeIntervalSince(begin))
            }
            let wished = ProcessInfo.processInfo.environment["IBID_TEST_SEED"].flatMap { UInt64($0) }
            let seed = wished ?? .random(in: 1...999_999)
            print("killedAtFortyMoments: IBID_TEST_SEED=\(seed), a run takes \(Int(length * 1_000)) ms")
            var random = SeededGenerator(state: seed)
            for turn in 1...40 {
                let moment = Double.random(in: 0..<length, using: &random)
                let withAll = Bool.random(using: &random)
                let submit = try Background(bench, ["submit", ".", "--fresh"], name: "turn")
                usleep(UInt32(moment * 1_000_000))
                let process = submit.process.processIdentifier
                if withAll { for part in processes(in: try groups(of: process)) { kill(part, SIGKILL) } }
                submit.kill(SIGKILL)
                let what = "turn \(turn), \(Int(moment * 1_000)) ms, seed \(seed)"
                let left = try groups(of: process)
                for _ in 0..<500 where !processes(in: left).isEmpty { usleep(10_000) }
                #expect(processes(in: left) == [], "\(what)")
                let next = try bench.call("runs", "--json", "--limit", "0")
                #expect(next.status == 0, "\(what): \(next.stderr)")
                #expect(try groups(of: process) == [], "\(what)")
                if turn % 10 == 0 { try bench.requireSoundLedger() }
            }
            let runs = try bench.json("runs", "--limit", "0").array
            let interrupted = runs.filter { $0["status"].string == "killed" }
            #expect(interrupted.allSatisfy { $0["reason"].string?.hasPrefix("interrupted") == true })
            #expect(runs.allSatisfy { ["killed", "succeeded"].contains($0["status"].string) })
            #expect(!interrupted.isEmpty && runs.count > interrupted.count)
            // An outcome for each intent, as another program counts them.
            let counts = try Bench.run(
                [
                    "sqlite3", bench.ledger.string,
                    "SELECT sum(payload LIKE '%\"buildType\":\"urn:ibid:run-intent:v1\"%'), sum(payload LIKE '%\"name\":\"result.json\"%') FROM statements",
                ], in: "/")
            #expect(counts == "\(runs.count)|\(runs.count)\n")
            try requireRecovered(bench, marker: "/script", isShellJob: true)
        }
    }

    /// A sample of what `Tests/Ledger/crashes` does in full: the process dies, or the disk fails or is full, at the calls
    /// by which a submit changes files, in a home that is not there yet, one that has the image, and one that has another.
    @Test(.enabled(if: has("strace"), "strace is not installed"))
    func stoppedAtSomeCallsOfASubmit() throws {
        guard try shell(["strace", "-o", "/dev/null", "true"]).status == 0 else {
            return print("this machine lets nobody trace: no submit was stopped")
        }
        let script = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Ledger/crashes")
        let swept = try shell([
            script.string, "--commands", "cold,warm,changed,many", "--sample", "3", "--ibid",
            builtProgram("ibid").string,
        ])
        #expect(swept.status == 0, "\(swept.stdout)\(swept.stderr)")
    }

    /// Ctrl-C, `kill`, and a terminal that goes away: the run is over, recorded, and the status is that of an
    /// interruption.
    @Test func interruptedByTheUser() throws {
        try Bench.withoutBase { bench in
            let marker = "sleep 300.\(Int.random(in: 100_000...999_999))"
            try bench.shellJob("echo started; busybox \(marker)")
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                let submit = try Background(bench, ["submit", "."])
                try submit.wait(for: "started")
                submit.kill(signal)
                #expect(submit.process.terminationStatus == 130, "signal \(signal): \(submit.text)")
                let run = try bench.json("show", "@last")
                #expect(run["status"].string == "killed" && run["reason"].string == "interrupted")
                #expect(try groups(of: submit.process.processIdentifier) == [])
            }
            try requireRecovered(bench, marker: marker, isShellJob: true)
        }
    }

    /// A sweep that is interrupted in the middle: what ran is recorded, what did not is not begun, in one document.
    @Test func interruptedSweep() throws {
        try Bench.withoutBase { bench in
            let marker = "sleep 301.\(Int.random(in: 100_000...999_999))"
            try bench.shellJob(
                "[ $IBID_PARAM_N -gt 2 ] || exit 0; busybox \(marker)", files: ["job.toml": "[params]\nn = 0\n"])
            let submit = try Background(bench, ["submit", ".", "--sweep", "n=1..9", "--jobs", "2", "--json"])
            let deadline = Date().addingTimeInterval(60)
            while try shell(["pgrep", "-c", "-f", marker]).stdout != "2\n" {
                try #require(submit.process.isRunning && Date() < deadline, "\(submit.text)")
                usleep(20_000)
            }
            submit.kill(SIGINT)
            #expect(submit.process.terminationStatus == 130)
            let rows = try JSONReader(String(contentsOfFile: submit.stdout, encoding: .utf8)).array
            #expect(
                rows.map { $0["status"].string ?? $0["error"]["code"].string } == [
                    "succeeded", "succeeded", "killed", "killed", "not-started", "not-started", "not-started",
                    "not-started", "not-started",
                ])
            #expect(try bench.json("runs").array.count == 4)
            #expect(try groups(of: submit.process.processIdentifier) == [])
            try bench.sh("rm job.toml")
            try requireRecovered(bench, marker: marker, isShellJob: true)
        }
    }
}

/// SplitMix64: the same moments for the same seed, anywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
