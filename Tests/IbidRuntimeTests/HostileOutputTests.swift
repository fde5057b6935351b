import Foundation
import IbidContainer
import IbidModel
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@testable import IbidRuntime

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct HostileOutputTests {
    @Test func linksAreKeptAndNeverFollowed() throws {
        try withRuns { runs in
            let outcome = try runs.sh(
                "ln -s /etc/shadow result.csv; ln -s /etc dir; ln -s loop loop; ln -s '' empty 2>/dev/null; "
                    + "mkdir real; ln -s /etc real/etc; ln result.csv hard 2>/dev/null; true")
            #expect(outcome.result.status == .succeeded)
            let outputs = try outcome.outputs()
            #expect(outputs["result.csv"] == "/etc/shadow")
            #expect(outputs["dir"] == "/etc")
            #expect(outputs["loop"] == "loop")
            #expect(outputs["real/etc"] == "/etc")
            #expect(outcome.result.outputs.allSatisfy { $0.kind == .symlink })
        }
    }

    @Test func theWorkingDirectoryItselfMayBeReplaced() throws {
        try withRuns { runs in
            let outcome = try runs.sh("cd /; rm -r /work; ln -s /etc /work; rmdir /outputs; ln -s /root /outputs")
            #expect(outcome.result.status == .succeeded)
            #expect(outcome.result.outputs.isEmpty)
        }
    }

    @Test(.enabled(if: ContainerFixture.hasPython, "needs python3"))
    func specialFilesAreRefusedByName() throws {
        try withRuns { runs in
            let containers = runs.containers
            let result = try containers.python(
                """
                import os, socket
                os.chdir('/work')
                os.mkfifo('pipe')
                s = socket.socket(socket.AF_UNIX); s.bind('socket')
                open(b'bad\\xff\\xfename', 'w').write('1')
                open('new\\nline', 'w').write('2')
                open('back\\\\slash', 'w').write('3')
                open('-rf', 'w').write('4')
                open('schön', 'w').write('5')
                open('locked', 'w').write('6'); os.chmod('locked', 0)
                open('root', 'w').write('7'); os.chmod('root', 0o6755)
                os.mkdir('closed'); open('closed/in', 'w').write('8'); os.chmod('closed', 0)
                with open('sparse', 'w') as f: os.ftruncate(f.fileno(), 10 << 40)
                open('a', 'w').write('9'); os.link('a', 'b')
                os.setxattr('a', 'user.x', b'y')
                top = os.open('.', os.O_RDONLY)
                for i in range(400):
                    os.mkdir('d' * 200); os.chdir('d' * 200)
                open('bottom', 'w').write('deep')
                """)
            #expect(result.outcome.ending == .exited(0), "\(result.stderr)")
            var spec = runs.spec("")
            spec.limits.outputBytes = 1 << 20
            var collector = try OutputCollector(spec: spec, store: runs.store, used: 0)
            try collector.collect(OutputRoots(upper: result.upper, workingDirectory: ["work"]))
            let content = Dictionary(
                uniqueKeysWithValues: try collector.outputs.map {
                    ($0.path, String(decoding: try runs.store.read($0.digest), as: UTF8.self))
                })
            #expect(
                content == [
                    "bad\\xff\\xfename": "1", "new\\x0aline": "2", "back\\x5cslash": "3", "-rf": "4", "schön": "5",
                    "locked": "6", "root": "7", "closed/in": "8", "a": "9", "b": "9",
                ])
            #expect(collector.outputs.first { $0.path == "root" }?.executable == true)
            var refused = collector.refused
            #expect(refused.removeValue(forKey: "pipe") == "named pipe")
            #expect(refused.removeValue(forKey: "socket") == "socket")
            #expect(refused.removeValue(forKey: "sparse") == "10 TiB go beyond the output limit")
            #expect(refused.values.map(\.self) == ["nested deeper than 128 directories"])
            #expect(collector.exceeded == "output limit 1 MiB")
            // What is left can still be removed.
            try shell(["rm", "-rf", result.upper.string])
            #expect(!FileManager.default.fileExists(atPath: result.upper.string))
        }
    }

    /// Oracle: sha256sum, which reads each zero. What is not on the disk when the run ends is not there afterwards either;
    /// a file with a second name is copied.
    @Test func holesStayHoles() throws {
        try withRuns { runs in
            let outcome = try runs.sh(
                """
                truncate -s 96M middle; printf x | dd of=middle bs=1 seek=70000001 conv=notrunc
                printf y > end; truncate -s 64M end; truncate -s 32M all
                truncate -s 90000001 linked; printf z | dd of=linked bs=1 seek=50000001 conv=notrunc; ln linked again
                """
            ) { $0.limits.outputBytes = 1 << 30 }
            #expect(outcome.result.status == .succeeded)
            let sizes = Dictionary(uniqueKeysWithValues: outcome.result.outputs.map { ($0.path, $0.size) })
            #expect(
                sizes == [
                    "middle": 96 << 20, "end": 64 << 20, "all": 32 << 20, "linked": 90_000_001, "again": 90_000_001,
                ])
            for output in outcome.result.outputs {
                let blob = runs.store.path(of: output.digest).string
                #expect(try shell(["sha256sum", blob]).stdout.hasPrefix(output.digest.hex), "\(output.path)")
                // What has two names is copied, and the copy has zeros there.
                if ["linked", "again"].contains(output.path) { continue }
                let blocks = try shell(["stat", "-c", "%b", blob]).stdout.trimmingCharacters(in: .newlines)
                #expect(try #require(Int(blocks)) <= 64, "\(output.path)")
            }
        }
    }

    @Test func refusalsAreBounded() throws {
        try withRuns { runs in
            let outcome = try runs.sh("i=0; while [ $i -lt 1200 ]; do mkfifo p$i; i=$((i+1)); done") {
                $0.limits.outputFiles = 5_000
            }
            #expect(outcome.measurement.refusedOutputs.count == OutputCollector.mostRefusals + 1)
            #expect(outcome.measurement.refusedOutputs["…"] == "200 more")
        }
    }
}

struct OutputNameTests {
    @Test func namesAreEscapedWithoutLoss() {
        let cases: [([UInt8], String)] = [
            (Array("plain.txt".utf8), "plain.txt"), (Array("schön/naïve 文".utf8), "schön/naïve 文"),
            ([0x61, 0xff, 0x62], "a\\xffb"), ([0xc3], "\\xc3"), ([0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"),
            (Array("a\\x41".utf8), "a\\x5cx41"), ([0x7f, 0x09, 0x00], "\\x7f\\x09\\x00"),
            (Array("\u{202e}fdp.exe".utf8), "\\xe2\\x80\\xaefdp.exe"), (Array("\u{85}".utf8), "\\xc2\\x85"),
            (Array("e\u{301}".utf8), "e\u{301}"), ([], ""),
        ]
        for (bytes, text) in cases { #expect(Array(OutputPath.text(bytes).utf8) == Array(text.utf8)) }
    }
}

struct HostFactsTests {
    private func cpuinfo(_ flags: String) -> String {
        "processor\t: 0\nmodel name\t: Some CPU @ 2.4GHz \nflags\t\t: \(flags)\n\nprocessor\t: 1\nmodel name\t: Other\n"
    }

    @Test func levelsFollowTheFlags() {
        let v2 = "fpu sse2 cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"
        let v3 = v2 + " abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"
        let v4 = v3 + " avx512f avx512bw avx512cd avx512dq avx512vl"
        let icl = v4 + " avx512_vnni avx512ifma avx512vbmi avx512_vbmi2 avx512_bitalg avx512_vpopcntdq"
        for (flags, level) in [
            (icl, "x86-64-v4-icl"), ("fp asimd", "armv8-a"),
            ("fpu sse2", "x86-64-v1"), (v2, "x86-64-v2"), (v3, "x86-64-v3"), (v4, "x86-64-v4"),
            (v4.replacingOccurrences(of: " fma", with: ""), "x86-64-v2"),
        ] {
            let facts = HostFacts.processor(cpuinfo: cpuinfo(flags))
            #expect(facts == ["cpu": "Some CPU @ 2.4GHz", "cpuLevel": level])
        }
        #expect(HostFacts.processor(cpuinfo: "").isEmpty)
    }
}
