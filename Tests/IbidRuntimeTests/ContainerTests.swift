import CLinux
import Foundation
import IbidContainer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct ContainerTests {
    @Test func printsAndExits() throws {
        try withContainers { containers in
            let result = try containers.sh("echo out; echo err >&2; exit 7")
            #expect(result.outcome.ending == .exited(7))
            #expect(result.stdout == "out\n")
            #expect(result.stderr == "err\n")
            #expect(result.outcome.finishedAt >= result.outcome.startedAt)
            #expect(result.outcome.wallMicroseconds > 0)
            #expect(result.outcome.cpuMicroseconds > 0)
            #expect(result.outcome.isolation["level"] == "root")
            #expect(result.outcome.isolation["runtimeVersion"]?.first?.isNumber == true)
        }
    }

    @Test func whatIsWrittenIsCountedAlsoWhenItIsRemoved() throws {
        try withContainers { containers in
            let result = try containers.sh("dd if=/dev/zero of=/work/x bs=1M count=3 2>/dev/null; rm /work/x")
            let written = try #require(result.outcome.writtenBytes)
            // Memory is no disk.
            let onDisk = cl_filesystem_type(containers.scratch.string) != CL_TMPFS_MAGIC
            #expect(written < 4 << 20 && (written >= 3 << 20 || !onDisk))
        }
    }

    @Test func aSignalIsAnExitStatus() throws {
        try withContainers { containers in
            let result = try containers.sh("sh -c 'kill -SEGV $$'; exit $?")
            #expect(result.outcome.ending == .exited(139))
        }
    }

    @Test func theEnvironmentIsExactlyTheGivenOne() throws {
        try withContainers { containers in
            let result = try containers.sh("") {
                $0.command = ["/bin/env"]
                $0.environment = ["HOME": "/somewhere", "EMPTY": "", "TEXT": "a b\nc=d"]
            }
            #expect(result.stdout == "EMPTY=\nHOME=/somewhere\nTEXT=a b\nc=d\n")
        }
    }

    @Test func largeOutputsOfBothStreamsArriveWhole() throws {
        try withContainers { containers in
            let result = try containers.sh(
                "(yes 0123456789abcde | head -c 8000000) & (yes x | head -c 6000000) >&2; wait")
            #expect(result.stdout.utf8.count == 8_000_000)
            #expect(result.stderr.utf8.count == 6_000_000)
            #expect(result.stdout.hasSuffix("0123456789abcde\n"))
        }
    }

    @Test func theStreamsCanBeOpenedByName() throws {
        try withContainers { containers in
            for user in ["", "ana"] {
                let result = try containers.sh("echo a > /dev/stdout; echo b > /dev/stderr") { $0.user = user }
                #expect(result.stdout == "a\n")
                #expect(result.stderr == "b\n")
            }
        }
    }

    @Test func upperHoldsOnlyWhatWasWritten() throws {
        try withContainers { containers in
            let input = containers.scratch.appending("input.txt")
            try Data("in".utf8).write(to: URL(fileURLWithPath: input.string))
            let result = try containers.sh(
                "cat /inputs/a/b.txt /etc/hosts && echo new > /work/new && rm /bin/wget && echo t > /tmp/t && ls /outputs"
            ) {
                $0.binds = [ContainerBind(source: input, target: "/inputs/a/b.txt")]
                $0.directories = ["/outputs"]
            }
            #expect(result.outcome.ending == .exited(0), "\(result.stderr)")
            #expect(result.stdout.hasPrefix("in127.0.0.1\tlocalhost\n"))
            let found = try shell(["find", ".", "-printf", "%P %y %U:%G %m\n"], in: result.upper.string).stdout
            #expect(
                found.split(separator: "\n").sorted() == [
                    " d 0:0 755", "bin d 0:0 755", "bin/wget c 0:0 0", "work d 0:0 755", "work/new f 0:0 644",
                ])
        }
    }

    @Test func layersStackUpWithWhiteoutsBetween() throws {
        try withContainers { containers in
            let second = try containers.sh(
                "echo second > /etc/release; rm /bin/nc; rm -r /work; mkdir /work; touch /work/b; chmod 700 /root")
            let result = try containers.sh("cat /etc/release; ls /work; ls /bin/nc; stat -c %a /root /etc") {
                $0.layers.append(second.upper)
            }
            #expect(result.stdout == "second\nb\n700\n755\n")
            #expect(result.stderr.contains("/bin/nc: No such file"))
        }
    }

    @Test func aLayerCanComeAgain() throws {
        try withContainers { containers in
            let make = "echo one > /root/f; echo two > /g; rm -r /work; mkdir /work; echo three > /work/h"
            let layer = try containers.sh(make).upper
            let between = try containers.sh("rm /root/f; mkdir /root/f; rm /g; echo > /work/i; echo > /root/j") {
                $0.layers.append(layer)
            }
            let result = try containers.sh("cd /; cat root/f g work/h; ls root work") {
                $0.layers += [layer, between.upper, layer]
            }
            #expect(result.stdout == "one\ntwo\nthree\nroot:\nf\nj\n\nwork:\nh\n")
        }
    }

    @Test func usersComeFromTheImage() throws {
        try withContainers { containers in
            for (user, ids) in [
                "": "0 0 0 2000", "ana": "1000 1001 1001 2000", "1000": "1000 1001 1001 2000",
                "ana:lab": "1000 2000 2000", "1234": "1234 0 0", "1234:77": "1234 77 77",
            ] {
                let result = try containers.sh("echo $(id -u) $(id -g) $(id -G)") { $0.user = user }
                #expect(result.stdout == ids + "\n")
            }
            for user in ["eve", "ana:nobody", "70000"] {
                let error = #expect(throws: IbidError.self) { try containers.sh("true") { $0.user = user } }
                #expect(error?.code == "user-not-found")
            }
        }
    }

    @Test func filesKeepTheContainersIds() throws {
        try withContainers { containers in
            let result = try containers.sh("touch /work/r; touch /work/a; chown 1000:1001 /work/a; sleep 0.3") {
                $0.privileges = .build
            }
            #expect(result.outcome.ending == .exited(0), "\(result.stderr)")
            let ids = try shell(["stat", "-c", "%u:%g", "work/r", "work/a"], in: result.upper.string).stdout
            #expect(ids == "0:0\n1000:1001\n")
        }
    }

    @Test func theHostSeesAnOrdinaryUser() throws {
        try withContainers { containers in
            let marker = "7.\(UInt32.random(in: 0 ... 999_999))"
            let seen = Collected()
            let watcher = Thread {
                for _ in 0..<200 {
                    let result = try? shell(["pgrep", "-n", "-u", "100000", "-f", "sleep \(marker)"])
                    if let text = result?.stdout, !text.isEmpty {
                        Array(text.utf8).withUnsafeBytes { seen.add($0) }
                        return
                    }
                    usleep(20_000)
                }
            }
            watcher.start()
            let result = try containers.sh("sleep \(marker)") { $0.limits.wallSeconds = 2 }
            #expect(result.outcome.ending == .killed(reason: "wall time limit 2 s"))
            #expect(!seen.text.isEmpty, "no process of uid 100000 was seen")
        }
    }

    @Test func aMissingCommandIsNamed() throws {
        try withContainers { containers in
            let error = #expect(throws: IbidError.self) {
                try containers.sh("") { $0.command = ["nosuchthing"] }
            }
            #expect(error?.code == "command-not-found")
            #expect(error?.message.contains("'nosuchthing'") == true)
        }
    }

    @Test(arguments: [
        ("#!/bin/sh\r\ntrue\r\n", "755", "end as on Windows (CR LF)"),
        ("#!/opt/none -x\n", "755", "names '/opt/none', which the image does not have"),
        ("#!/bin/sh\n", "644", "not marked as a program"),
    ])
    func aScriptThatDoesNotStartSaysWhy(_ text: String, _ mode: String, _ reason: String) throws {
        try withContainers { containers in
            let layer = containers.scratch.appending("script")
            try FileManager.default.createDirectory(atPath: layer.string, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: layer.appending("start").string))
            #expect(chmod(layer.appending("start").string, try #require(mode_t(mode, radix: 8))) == 0)
            let error = #expect(throws: IbidError.self) {
                try containers.sh("") {
                    $0.layers.append(layer)
                    $0.command = ["/start"]
                }
            }
            #expect(error?.code == "command-not-executable")
            #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        }
    }

    @Test(arguments: ["crun", "runc"])
    func initReapsForwardsAndTells(_ runtime: String) throws {
        guard has(runtime) else { return }
        try withContainers { containers in
            let script = """
                sh -c 'sleep 0.1 & exec true'; sleep 0.3; cat /proc/[0-9]*/stat | grep ') Z' ; echo $PPID
                trap 'echo term; kill -9 $$' TERM; kill -TERM 1; sleep 5
                """
            let result = try containers.sh(script) { $0.runtime = runtime }
            #expect(result.stdout == "1\nterm\n", "\(result.stderr)")
            #expect(result.outcome.ending == .exited(137))
            let error = #expect(throws: IbidError.self) {
                try containers.sh("") {
                    $0.runtime = runtime
                    $0.command = ["/etc/passwd"]
                }
            }
            #expect(error?.code == "command-not-executable")
            let processors = try containers.sh("cat /sys/devices/system/cpu/online") {
                $0.runtime = runtime
                $0.limits.cpuMillis = 2_500
            }
            #expect(processors.stdout == "0-2\n")
        }
    }

    @Test func aMissingWorkingDirectoryIsMade() throws {
        try withContainers { containers in
            let result = try containers.sh("pwd; stat -c %U:%a .") { $0.workingDirectory = "/not/there" }
            #expect(result.stdout == "/not/there\nroot:755\n")
            #expect(try FileManager.default.contentsOfDirectory(atPath: result.upper.string) == [])
            // A step's is its own, and stays.
            let step = try containers.sh("pwd; stat -c %U:%a . ..") {
                ($0.workingDirectory, $0.user, $0.privileges) = ("/work/not/there", "ana", .build)
            }
            #expect(step.stdout == "/work/not/there\nana:755\nana:755\n")
            let owners = try ["", "/not", "/not/there"].map {
                try FileManager.default.attributesOfItem(atPath: step.upper.string + "/work" + $0)[.ownerAccountID]
                    as? Int
            }
            #expect(owners == [0, 1_000, 1_000])
        }
    }

    @Test func impossibleSpecsAreRefused() throws {
        try withContainers { containers in
            let changes: [(inout ContainerSpec) -> Void] = [
                { $0.command = [] }, { $0.workingDirectory = "here" }, { $0.command = ["a\0b"] },
                { $0.environment = ["A=B": "c"] }, { $0.directories = ["/a/../b"] }, { $0.gatewayPort = 80 },
            ]
            for change in changes {
                let error = #expect(throws: IbidError.self) { try containers.sh("true", change) }
                #expect(error?.code == "container-spec")
            }
        }
    }

    @Test func mountPointsFollowTheImagesLinksAndNotTheHosts() throws {
        try withContainers { containers in
            // A link that leads out of the image on the host must be resolved inside it.
            try FileManager.default.createSymbolicLink(
                atPath: containers.layer.appending("inputs").string, withDestinationPath: "/data/real")
            let input = containers.scratch.appending("in")
            try Data("x".utf8).write(to: URL(fileURLWithPath: input.string))
            let result = try containers.sh("cat /inputs/one /data/real/one") {
                $0.binds = [ContainerBind(source: input, target: "/inputs/one")]
            }
            #expect(result.stdout == "xx", "\(result.stderr)")
            #expect(!FileManager.default.fileExists(atPath: "/data/real"))
        }
    }

    @Test func manyLayers() throws {
        try withContainers { containers in
            var layers = [containers.layer]
            for index in 0..<120 {
                let layer = containers.scratch.appending("many/\(index)")
                try FileManager.default.createDirectory(atPath: layer.string, withIntermediateDirectories: true)
                try Data("\(index)".utf8).write(to: URL(fileURLWithPath: layer.appending("top").string))
                layers.append(layer)
            }
            let result = try containers.sh("cat /top") { $0.layers = layers }
            #expect(result.stdout == "119")
        }
    }

    @Test(.enabled(if: ContainerFixture.hasPython, "needs python3"))
    func aBuildStepReachesItsGatewayAndNothingElse() throws {
        try withContainers { containers in
            let served = Collected()
            var spec = try containers.pythonSpec(
                """
                import socket, urllib.request
                print(urllib.request.urlopen('http://127.0.0.1:80/a').read().decode())
                print(urllib.request.urlopen('http://localhost:80/b').read().decode())
                try: socket.create_connection(('1.1.1.1', 80), 3)
                except OSError as error: print(error.strerror)
                """)
            spec.privileges = .build
            spec.gatewayPort = 80
            let result = try containers.run(
                spec,
                gateway: { listener in
                    while true {
                        let peer = accept(listener, nil, nil)
                        if peer < 0 { return }
                        var buffer = [UInt8](repeating: 0, count: 4_096)
                        let count = read(peer, &buffer, buffer.count)
                        buffer.prefix(while: { $0 != 13 }).withUnsafeBytes { served.add($0) }
                        let answer = Array("HTTP/1.0 200 OK\r\n\r\nhello \(count > 0)".utf8)
                        _ = write(peer, answer, answer.count)
                        close(peer)
                    }
                })
            #expect(result.stdout == "hello true\nhello true\nNetwork is unreachable\n", "\(result.stderr)")
            #expect(served.text == "GET /a HTTP/1.1GET /b HTTP/1.1")
        }
    }
}
