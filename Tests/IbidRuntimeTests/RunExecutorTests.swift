import Foundation
import IbidContainer
import IbidCrypto
import IbidLayer
import IbidModel
import IbidRuntime
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct RunExecutorTests {
    @Test func outputsAndStreamsAreKept() throws {
        try withRuns { runs in
            let (out, err) = (Collected(), Collected())
            let outcome = try runs.run(
                runs.spec(
                    "mkdir -p results; echo 1,2 > results/a.csv; echo x > /outputs/b; echo hi; echo ho >&2; "
                        + "printf '#!/bin/sh' > tool; chmod +x tool; ln -s results/a.csv link; echo t > /tmp/gone; "
                        + "echo elsewhere > /root/not-an-output"),
                stdout: { out.add($0) }, stderr: { err.add($0) })
            #expect(outcome.result.status == .succeeded)
            #expect(outcome.result.exitCode == 0)
            #expect(outcome.result.reason == nil)
            #expect(try outcome.stdout() == "hi\n")
            #expect(try outcome.stderr() == "ho\n")
            #expect(out.text == "hi\n")
            #expect(err.text == "ho\n")
            #expect(
                try outcome.outputs() == [
                    "/outputs/b": "x\n", "link": "results/a.csv", "results/a.csv": "1,2\n", "tool": "#!/bin/sh",
                ])
            #expect(outcome.result.outputs.map(\.path) == ["/outputs/b", "link", "results/a.csv", "tool"])
            #expect(outcome.result.outputs.map(\.kind) == [.file, .symlink, .file, .file])
            #expect(outcome.result.outputs.map(\.executable) == [false, false, false, true])
            #expect(outcome.measurement.refusedOutputs.isEmpty)
            // An oracle that shares no code with the store.
            let sum = try shell(["sha256sum"], stdin: Data("1,2\n".utf8)).stdout.prefix(64)
            #expect(outcome.result.outputs[2].digest.hex == sum)
            #expect(outcome.result.outputs[2].size == 4)
        }
    }

    @Test func equalSpecsGiveEqualResults() throws {
        try withRuns { runs in
            let spec = runs.spec(
                "stat -c '%n %f %u %g %Y' / /bin/* /etc /etc/* /outputs /work; env; id; ls /; cat /proc/mounts; exit 3")
            let (first, second) = (try runs.run(spec), try runs.run(spec))
            #expect(first.result.status == .failed)
            #expect(first.result.exitCode == 3)
            #expect(try first.stdout() == second.stdout())
            #expect(first.result == second.result)
        }
    }

    /// What lies beside the image is made once in a boot, and no run changes what the next one finds.
    @Test func whatLiesBesideTheImageIsShared() throws {
        try withRuns { runs in
            let shelf = runs.containers.host.stateDirectory.appending(".skeletons").string
            let old = shelf + "/another-boot/skeleton"
            try FileManager.default.createDirectory(atPath: old, withIntermediateDirectories: true)
            let spec = runs.spec("cat /etc/hosts; echo 10.0.0.1 evil >>/etc/hosts; rmdir /outputs; touch /sys/left")
            let (first, second) = (try runs.run(spec), try runs.run(spec))
            #expect(try first.stdout().contains("localhost"))
            #expect(try first.stdout() == second.stdout())
            let boots = try FileManager.default.contentsOfDirectory(atPath: shelf)
            #expect(boots.count == 1 && boots != ["another-boot"])
            let kept = try FileManager.default.contentsOfDirectory(atPath: shelf + "/" + boots[0])
            #expect(kept.count == 1)
        }
    }

    @Test func theMeasurementSaysWhereAndHow() throws {
        try withRuns { runs in
            let measurement = try runs.sh("true").measurement
            #expect(measurement.host["isolation"] == "root")
            #expect(measurement.host["runtime"]?.hasPrefix("crun ") == true)
            let kernel = try shell(["uname", "-r"]).stdout.dropLast()
            #expect(measurement.host["kernel"] == String(kernel))
            #expect(measurement.host["platform"] == "linux/amd64")
            #expect(measurement.host["cpuLevel"]?.hasPrefix("x86-64-v") == true)
            #expect(measurement.host["cpu"]?.isEmpty == false)
            #expect(measurement.wallMicroseconds > 0 && measurement.cpuMicroseconds > 0)
            #expect((measurement.peakMemoryBytes ?? 0) > 0)
            #expect(measurement.startedAt < measurement.finishedAt)
        }
    }

    @Test func inputsAreFoundAndCannotBeAltered() throws {
        try withRuns { runs in
            let file = try runs.store.put(Array("data".utf8))
            let tree = runs.scratch.appending("tree")
            try FileManager.default.createDirectory(
                atPath: tree.appending("sub").string, withIntermediateDirectories: true)
            try Data("deep".utf8).write(to: URL(fileURLWithPath: tree.appending("sub/f").string))
            let layer = try #require(
                try captureLayer(
                    upper: tree, normaliser: Normaliser(epoch: Timestamp(seconds: 1_700_000_000)), into: runs.store))
            let outcome = try runs.sh(
                "cat /inputs/one.txt /inputs/dir/sub/f; ls /inputs; "
                    + "echo x > /inputs/one.txt; rm /inputs/dir/sub/f; touch /inputs/dir/new"
            ) {
                $0.inputs = [
                    "one.txt": RunSpec.Input(kind: .file, digest: file, size: 4),
                    "dir": RunSpec.Input(kind: .directory, digest: layer.digest, size: layer.size),
                ]
            }
            #expect(try outcome.stdout() == "datadeepdir\none.txt\n")
            #expect(try outcome.stderr().split(separator: "\n").count == 3)
            #expect(outcome.result.outputs.isEmpty)
            try runs.store.verify(file)
        }
    }

    @Test func missingAndAlteredBlobsAreNamed() throws {
        try withRuns { runs in
            let absent = Digest.sha256(of: "absent")
            let altered = try runs.store.put(Array("original".utf8))
            let path = runs.store.path(of: altered).string
            try shell(["sh", "-c", "chmod u+w \(path); printf changed! > \(path)"])
            for (digest, code) in [(absent, "missing-blob"), (altered, "corrupt-blob")] {
                let error = #expect(throws: IbidError.self) {
                    try runs.sh("true") { $0.inputs = ["a": RunSpec.Input(kind: .file, digest: digest, size: 8)] }
                }
                #expect(error?.code == code)
                #expect(error?.message.contains(digest.description) == true)
                #expect(throws: IbidError.self) { try runs.sh("true") { $0.image = digest } }
            }
        }
    }

    @Test func patternsNarrowTheOutputs() throws {
        try withRuns { runs in
            let outcome = try runs.sh(
                "mkdir -p results/deep tmp; touch results/a.csv results/deep/b.csv results/c.txt tmp/d.csv /outputs/e "
                    + "/outputs/f.csv; mkfifo tmp/pipe results/pipe.csv"
            ) { $0.outputs = ["results/**/*.csv", "/outputs/*.csv"] }
            #expect(
                outcome.result.outputs.map(\.path) == ["/outputs/f.csv", "results/a.csv", "results/deep/b.csv"])
            #expect(outcome.measurement.refusedOutputs == ["results/pipe.csv": "named pipe"])
            let error = #expect(throws: IbidError.self) { try runs.sh("true") { $0.outputs = ["a[b"] } }
            #expect(error?.code == "output-pattern")
        }
    }

    @Test func statusesFollowTheEnding() throws {
        try withRuns { runs in
            let memory = try runs.sh(ContainerLimitTests.memoryBomb) { $0.limits.memoryBytes = 64 << 20 }
            #expect(memory.result.status == .killed)
            #expect(memory.result.reason == "memory limit 64 MiB")
            #expect(memory.result.exitCode == nil)
            let wall = try runs.sh("echo partial > kept; sleep 60") { $0.limits.wallSeconds = 1 }
            #expect(wall.result.reason == "wall time limit 1 s")
            #expect(try wall.outputs() == ["kept": "partial\n"])
            let stop = try ContainerStop()
            stop.stop(reason: "interrupted")
            let stopped = try runs.run(runs.spec("sleep 60"), stop: stop)
            #expect(stopped.result.status == .killed)
            #expect(stopped.result.reason == "interrupted")
        }
    }

    @Test func tooMuchOutputEndsTheRun() throws {
        try withRuns { runs in
            let stream = try runs.sh("yes 0123456789") { $0.limits.outputBytes = 1 << 20 }
            #expect(stream.result.status == .killed)
            #expect(stream.result.reason == "output limit 1 MiB")
            #expect(try stream.store.size(of: stream.result.stdout) == 1 << 20)

            let files = try runs.sh("for i in 1 2 3; do dd if=/dev/zero of=$i bs=1k count=400; done 2>/dev/null") {
                $0.limits.outputBytes = 1 << 20
            }
            #expect(files.result.reason == "output limit 1 MiB")
            #expect(files.result.outputs.map(\.path) == ["1", "2"])
            #expect(files.measurement.refusedOutputs == ["3": "400 KiB go beyond the output limit"])

            let one = try runs.sh("dd if=/dev/zero of=big bs=1k count=2000") { $0.limits.outputBytes = 1 << 20 }
            #expect(one.result.reason == "output limit 1 MiB")
            #expect(one.result.outputs.isEmpty)

            let many = try runs.sh("i=0; while [ $i -lt 12 ]; do touch f$i; i=$((i+1)); done") {
                $0.limits.outputFiles = 10
            }
            #expect(many.result.reason == "output limit 10 files")
            #expect(many.result.outputs.count == 10)
            #expect(many.measurement.refusedOutputs.count == 2)
        }
    }

    @Test func anotherUserCanWriteWhereOutputsGo() throws {
        try withRuns { runs in
            let outcome = try runs.sh("echo a > /outputs/a; echo b > b; id -u") {
                $0.user = "ana"
                $0.workingDirectory = "/new/place"
            }
            #expect(try outcome.stdout() == "1000\n")
            #expect(try outcome.outputs() == ["/outputs/a": "a\n", "b": "b\n"])
        }
    }

    @Test func theRootAsWorkingDirectoryLeavesTheSystemOut() throws {
        try withRuns { runs in
            let outcome = try runs.sh(
                "mkdir -p var/log var/lib/x root/.cache run data; touch var/log/l var/lib/x/y root/.cache/z run/r "
                    + "tmp/t etc/ld.so.cache data/kept root/also outputs/o inputs-not-mine"
            ) { $0.workingDirectory = "/" }
            #expect(
                outcome.result.outputs.map(\.path) == ["/outputs/o", "data/kept", "inputs-not-mine", "root/also"])
        }
    }

    @Test func whatProgramsKeepAtHomeIsNoOutput() throws {
        try withRuns { runs in
            let script = "cd; mkdir -p .ipython data; echo 1 > .ipython/history; echo 2 > data/x; echo 3 > data/.y"
            let above = try runs.sh(script) { $0.workingDirectory = "/" }
            #expect(try above.outputs() == ["root/data/.y": "3\n", "root/data/x": "2\n"])
            let inside = try runs.sh(script) { $0.workingDirectory = "/root" }
            #expect(try inside.outputs() == ["data/.y": "3\n", "data/x": "2\n"])
            let named = try runs.sh(script) { ($0.workingDirectory, $0.outputs) = ("/root", [".ipython/*"]) }
            #expect(try named.outputs() == [".ipython/history": "1\n"])
            #expect(try runs.sh("echo 4 > .hidden").outputs() == [".hidden": "4\n"])
        }
    }

    @Test func theHomeDirectoryIsTheImages() throws {
        try withScratch { scratch in
            let passwd = "root:x:0:0::/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\nnobody:x:9:9::/gone:/bin/sh\n"
            for directory in ["etc", "root", "home/ana"] {
                try FileManager.default.createDirectory(
                    atPath: scratch.appending(directory).string, withIntermediateDirectories: true)
            }
            try Data(passwd.utf8).write(to: URL(fileURLWithPath: scratch.appending("etc/passwd").string))
            let stack = LayerStack([scratch])
            let users = ["", "root", "0", "ana", "1000", "ana:0", "nobody", "77"]
            let homes = ["/root", "/root", "/root", "/home/ana", "/home/ana", "/home/ana", nil, nil]
            #expect(try users.map { try stack.home(of: $0) } == homes)
        }
    }

    @Test func workingDirectoriesInOddPlacesKeepTheirOutputs() throws {
        try withRuns { runs in
            for place in ["/tmp/here", "/outputs", "/outputs/inner"] {
                let outcome = try runs.sh("echo x > f; echo y > /outputs/g") { $0.workingDirectory = place }
                let expected = place == "/outputs" ? ["f": "x\n", "g": "y\n"] : ["f": "x\n", "/outputs/g": "y\n"]
                #expect(try outcome.outputs() == expected, "\(place)")
            }
        }
    }

    @Test func anotherPlatformIsRefused() throws {
        try withRuns { runs in
            let error = #expect(throws: IbidError.self) { try runs.sh("true") { $0.platform = "linux/s390x" } }
            #expect(error?.code == "platform-mismatch")
        }
    }
}
