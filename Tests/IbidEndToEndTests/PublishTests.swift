import Foundation
import IbidTestSupport
import SystemPackage
import Testing

/// Ports of a run that are published on this machine. The servers answer one connection and end: nothing has to be
/// stopped, and whoever looked whether they listen by connecting would have used it up. Each waits for the question before
/// it answers, and the client for the answer's end: otherwise one of them could be gone too early.
struct PublishTests {
    private static let server = """
        busybox grep -c : /proc/net/dev > interfaces
        busybox grep -c '[@/]' /proc/net/unix > sockets
        busybox grep -c ' 0A ' /proc/net/tcp > listening
        busybox nc -l -p 8000 -e sh -c 'read line; echo "$line" > got; echo answer'
        """

    /// A request, an answer, and what the run says afterwards; in one script, because the port is known only then.
    private static let exchange = """
        set -e
        report=$1/report log=$1/log; shift
        "$@" > "$report" 2> "$log" &
        until port=$(grep -o 'listening on http://127.0.0.1:[0-9]*' "$log"); do
            kill -0 $! || { cat "$log" "$report"; exit 1; }
            sleep 0.02
        done
        echo question | busybox nc 127.0.0.1 ${port##*:}
        wait $!
        """

    private func check(_ report: JSONReader, _ outputs: [String: String]) {
        #expect(report["status"].string == "succeeded" && report["host"]["connections"].string == "1", "\(report)")
        #expect(report["host"]["published"].string?.hasSuffix("->8000") == true)
        #expect(
            outputs == ["got": "question\n", "interfaces": "1\n", "sockets": "0\n", "listening": "0\n"], "\(outputs)")
    }

    @Test(.enabled(if: has("crun") && has("busybox") && has("git"), "needs crun, busybox and git"))
    func oneConnection() throws {
        try Bench.withoutBase { bench in
            try bench.shellJob(Self.server)
            let words = [bench.ibid.string, "submit", ".", "-p", "0:8000", "--wall", "60s", "--json"]
            let environment = ["IBID_HOME": bench.home.string]
            let answer = try shell(
                ["bash", "-c", Self.exchange, "exchange", bench.root.string] + words, in: bench.repository.string,
                environment: environment)
            #expect(answer.stdout == "answer\n", "\(answer.stdout)\(answer.stderr)")
            let report = try JSONReader(
                String(contentsOfFile: bench.root.appending("report").string, encoding: .utf8))
            let run = try #require(report["run"].string)
            #expect(try bench.call("outputs", run, "-o", bench.root.appending("out").string).status == 0)
            check(report, try contents(of: bench.root.appending("out")))

            // What came in is in no record, so nobody can do it again; the rest of the evidence holds.
            let replay = try bench.json("replay", run, status: 5)
            #expect(replay["verdict"].string == "unverifiable")
            #expect(replay["reason"].string?.contains("through port 8000") == true)
            let archive = bench.root.appending("run.tar")
            #expect(try bench.call("export", run, "-o", archive.string).status == 0)
            #expect(try bench.call("verify", archive.string).status == 0)
            let script = try Bench.run(["tar", "-xOf", archive.string, "--wildcards", "*/rerun/run.sh"], in: "/")
            #expect(script.contains("fail 'the run took what came in through port 8000"))
            try bench.requireSoundLedger()
        }
    }

    @Test(.enabled(if: ScratchUser.isPossible, Comment(rawValue: ScratchUser.requirement)))
    func ordinaryUser() throws {
        for ids in [OrdinaryUser.IDs.range, .one] {
            try withScratch { scratch in
                let bench = try ScratchUser(ids, in: scratch)
                try bench.commitShell(Self.server)
                let answer = try shell(
                    ["bash", "-c", Self.exchange, "exchange", scratch.string]
                        + bench.words(["submit", ".", "-p", "0:8000", "--wall", "60s", "--json"]), in: bench.job.string,
                    environment: bench.environment)
                #expect(answer.stdout == "answer\n", "\(ids): \(answer.stdout)\(answer.stderr)")
                let report = try JSONReader(
                    String(contentsOfFile: scratch.appending("report").string, encoding: .utf8))
                let out = bench.home.appending("out")
                #expect(try bench.call(["outputs", report["run"].string ?? "", "-o", out.string]).status == 0)
                check(report, try contents(of: out))
            }
        }
    }

    @Test(.enabled(if: has("crun") && has("busybox") && has("git"), "needs crun, busybox and git"))
    func refusals() throws {
        try Bench.withoutBase { bench in
            try bench.shellJob("echo 1")
            let source = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(*s.getsockname())"
            let taken = try shell(["python3", "-c", source], in: "/")
            let port = try #require(taken.stdout.split(whereSeparator: \.isWhitespace).last)
            let twice = try bench.json("submit", ".", "-p", "\(port):1", "-p", "\(port):2", status: 1)
            #expect(twice["error"]["code"].string == "port-unavailable")
            #expect(try bench.json("runs").array.isEmpty, "a run that has no port is not begun")
            for words in ["99999", "1:0", ":", "1.2.3.4:5:6:7", "8501/udp", "[::1]8501"] {
                let refused = try bench.call("submit", ".", "-p", words)
                #expect(refused.status == 64, "\(words): \(refused.stderr)")
            }
            let address = try bench.json("submit", ".", "-p", "localhost:0:1", status: 1)
            #expect(address["error"]["hint"].string?.contains("in numbers") == true)
            #expect(try bench.call("submit", ".", "-p", "0:1", "--sweep", "a=1,2").status == 64)
        }
    }

    private func contents(of directory: FilePath) throws -> [String: String] {
        var texts: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.string) {
            texts[name] = try String(contentsOfFile: directory.appending(name).string, encoding: .utf8)
        }
        return texts
    }
}
