import Foundation
import Glibc
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// A command in the background, with its streams in files.
    final class Background {
        let process = Process()
        let stdout: String
        let stderr: String

        init(_ bench: Bench, _ arguments: [String], name: String = UUID().uuidString) throws {
            stdout = bench.root.appending("\(name).out").string
            stderr = bench.root.appending("\(name).err").string
            for path in [stdout, stderr] { try Data().write(to: URL(fileURLWithPath: path)) }
            // 'swift test' ignores some signals, and its children would inherit that; env becomes the program it starts.
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["--default-signal=INT,TERM,HUP", bench.ibid.string] + arguments
            process.currentDirectoryURL = URL(fileURLWithPath: bench.repository.string)
            process.environment = ProcessInfo.processInfo.environment.merging(["IBID_HOME": bench.home.string]) { $1 }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle(forWritingAtPath: stdout)
            process.standardError = FileHandle(forWritingAtPath: stderr)
            try process.run()
        }

        var text: String {
            ((try? String(contentsOfFile: stdout, encoding: .utf8)) ?? "")
                + ((try? String(contentsOfFile: stderr, encoding: .utf8)) ?? "")
        }

        /// Waits until its output has some text.
        func wait(for wanted: String) throws {
            let deadline = Date().addingTimeInterval(60)
            while !text.contains(wanted) {
                try #require(process.isRunning && Date() < deadline, "no '\(wanted)' in: \(text)")
                usleep(5_000)
            }
        }

        func kill(_ signal: Int32) {
            Glibc.kill(process.processIdentifier, signal)
            process.waitUntilExit()
        }
    }

    /// The next command works, the ledger is whole, and nothing is left of what was killed.
    func requireRecovered(_ bench: Bench, marker: String, isShellJob: Bool = false) throws {
        try bench.requireSoundLedger()
        let runs = try bench.json("runs")
        for run in runs.array {
            #expect(["succeeded", "killed", "failed"].contains(run["status"].string))
        }
        if isShellJob {
            try bench.shellJob("echo after \(UUID().uuidString)")
        } else {
            try bench.job("print('after \(UUID().uuidString)')")
        }
        let next = try bench.json("submit", ".")
        #expect(next["status"].string == "succeeded")
        try bench.requireSoundLedger()
        #expect(try bench.call("verify", "--store").status == 0)
        let left = try Bench.run(["ls", "-A", bench.home.appending("runs").string], in: "/")
        #expect(left.split(separator: "\n").filter { !$0.hasPrefix(".") }.isEmpty, "left in runs/: \(left)")
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!mounts.contains(bench.home.string))
        let processes = try Bench.run(["ps", "-eo", "args"], in: "/")
        #expect(!processes.contains(marker), "still running")
    }

    @Test func killedWhileItRuns() throws {
        try Bench.with { bench in
            let marker = "sleeping-\(UUID().uuidString)"
            try bench.job(
                "import sys, time; print('started', flush=True); time.sleep(300)",
                files: ["job.toml": "command = [\"python\", \"main.py\", \"\(marker)\"]\n"])
            let submit = try Background(bench, ["submit", "."])
            try submit.wait(for: "started")
            submit.kill(SIGKILL)
            try bench.sh("rm job.toml")
            try requireRecovered(bench, marker: marker)
            let interrupted = try #require(try bench.json("runs").array.last)
            #expect(interrupted["status"].string == "killed")
            #expect(interrupted["reason"].string?.contains("interrupted") == true)
        }
    }

    @Test func killedWhileItBuilds() throws {
        try Bench.with { bench in
            let marker = "sleep 300.\(Int.random(in: 100_000...999_999))"
            try bench.job(
                "print(1)",
                files: [
                    "Dockerfile": """
                    FROM python:3.11
                    WORKDIR /job
                    COPY main.py ./
                    RUN echo building && \(marker)
                    CMD ["python", "main.py"]
                    """
                ])
            let submit = try Background(bench, ["submit", "."])
            let deadline = Date().addingTimeInterval(60)
            while !(try Bench.run(["ps", "-eo", "args"], in: "/")).contains(marker) {
                try #require(submit.process.isRunning && Date() < deadline, "\(submit.text)")
                usleep(20_000)
            }
            submit.kill(SIGKILL)
            try bench.sh("sed -i /RUN/d Dockerfile")
            try requireRecovered(bench, marker: marker)
        }
    }

    /// Snapshot, start, capture, entering the outcome: wherever it lands.
    @Test func killedAtAnyMoment() throws {
        try Bench.with { bench in
            // Also before there is a ledger: the keys and the first entries are made only once.
            for milliseconds in [5, 15, 30, 60] as [UInt32] {
                let fresh = try bench.otherHome("fresh-\(milliseconds)")
                try fresh.job("print(1)")
                let submit = try Background(fresh, ["submit", "."])
                usleep(milliseconds * 1_000)
                submit.kill(SIGKILL)
                #expect(try fresh.json("submit", ".")["status"].string == "succeeded", "after \(milliseconds) ms")
                try fresh.requireSoundLedger()
            }
            try bench.job("print(1)")
            _ = try bench.json("submit", ".")
            for milliseconds in [40, 250] as [UInt32] {
                let marker = "moment-\(UUID().uuidString)"
                try bench.job(
                    "",
                    files: [
                        "main.py": "open('out', 'w').write('\(marker)' * 100000)",
                        "job.toml": "command = [\"python\", \"main.py\", \"\(marker)\"]\n",
                    ])
                let submit = try Background(bench, ["submit", "."])
                usleep(milliseconds * 1_000)
                submit.kill(SIGKILL)
                try bench.requireSoundLedger()
                let again = try bench.json("submit", ".")
                #expect(again["status"].string == "succeeded", "after \(milliseconds) ms")
                #expect(again["outputs"][0]["size"].int == marker.utf8.count * 100_000)
            }
            try bench.sh("rm job.toml")
            try requireRecovered(bench, marker: "moment-")
        }
    }

    @Test func twoAtTheSameTime() throws {
        try Bench.with { bench in
            try bench.job("import time; time.sleep(1); open('out', 'w').write('1')")
            let first = try Background(bench, ["submit", ".", "--fresh", "--json"])
            let second = try Background(bench, ["submit", ".", "--fresh", "--json"])
            first.process.waitUntilExit()
            second.process.waitUntilExit()
            #expect(first.process.terminationStatus == 0, "\(first.text)")
            #expect(second.process.terminationStatus == 0, "\(second.text)")
            let reports = try [first, second].map { try JSONReader(String(contentsOfFile: $0.stdout, encoding: .utf8)) }
            #expect(reports[0]["run"].string != reports[1]["run"].string)
            #expect(reports[0]["result"].string == reports[1]["result"].string)
            #expect(reports[0]["ledger"]["leafIndex"].int != reports[1]["ledger"]["leafIndex"].int)
            #expect(try bench.json("runs").array.count == 2)
            try bench.requireSoundLedger()
            #expect(try bench.call("verify", "--store").status == 0)
        }
    }
}
