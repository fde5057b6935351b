import Foundation
import IbidContainer
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct ContainerLimitTests {
    /// Doubles a string until there is no memory left.
    static let memoryBomb = "a=0123456789abcdef; while true; do a=$a$a; done"

    @Test func lackOfMemoryIsNamed() throws {
        try withContainers { containers in
            let result = try containers.sh(Self.memoryBomb) { $0.limits.memoryBytes = 64 << 20 }
            #expect(result.outcome.ending == .killed(reason: "memory limit 64 MiB"))
            let peak = try #require(result.outcome.peakMemoryBytes)
            #expect(peak > 60 << 20 && peak <= 64 << 20)
        }
    }

    @Test func aLostWorkerEndsTheWhole() throws {
        try withContainers { containers in
            let result = try containers.sh("sh -c '\(Self.memoryBomb)'; echo went on; sleep 5; exit 3") {
                $0.limits.memoryBytes = 48 << 20
                $0.limits.wallSeconds = 30
            }
            #expect(result.outcome.ending == .killed(reason: "memory limit 48 MiB"))
            #expect(result.outcome.wallMicroseconds < 4_000_000)
        }
    }

    @Test func filesInMemoryCountAndAreBounded() throws {
        try withContainers { containers in
            let result = try containers.sh(
                "dd if=/dev/zero of=/tmp/f bs=1M count=60; dd if=/dev/zero of=/dev/shm/f bs=1M count=10"
            ) {
                $0.limits.memoryBytes = 96 << 20
            }
            #expect(result.outcome.ending == .exited(0), "\(result.stderr)")
            #expect(result.stderr.contains("No space left on device"))
        }
    }

    @Test func wallTimeIsNamed() throws {
        try withContainers { containers in
            // A shell as PID 1 ignores SIGTERM, and so does what it starts here.
            let result = try containers.sh("trap '' TERM INT; sh -c 'trap \"\" TERM; sleep 60' & echo on; sleep 60") {
                $0.limits.wallSeconds = 1
            }
            #expect(result.outcome.ending == .killed(reason: "wall time limit 1 s"))
            #expect(result.stdout == "on\n")
            #expect((1_000_000..<4_000_000).contains(result.outcome.wallMicroseconds))
        }
    }

    @Test func processesAreBounded() throws {
        try withContainers { containers in
            let result = try containers.sh(
                "i=0; while [ $i -lt 60 ]; do sleep 2 & i=$((i+1)); done; wait"
            ) { $0.limits.pids = 20 }
            #expect(result.stderr.contains("can't fork"))
            // The shell itself is one of the twenty; sandbox and runtime are not.
            let exact = try containers.sh(
                "i=0; while [ $i -lt 9 ]; do sleep 0.5 & i=$((i+1)); done; wait; echo all"
            ) { $0.limits.pids = 10 }
            #expect(exact.outcome.ending == .exited(0), "\(exact.stderr)")
            #expect(exact.stdout == "all\n")
        }
    }

    @Test func processorTimeIsBoundedAndMeasured() throws {
        try withContainers { containers in
            let result = try containers.sh("while true; do :; done") {
                $0.limits.cpuMillis = 200
                $0.limits.wallSeconds = 2
            }
            #expect(result.outcome.ending == .killed(reason: "wall time limit 2 s"))
            // A fifth of a core for two seconds, and at most a period more.
            #expect((150_000..<650_000).contains(result.outcome.cpuMicroseconds))
        }
    }

    @Test func filesAndDescriptorsAreBounded() throws {
        try withContainers { containers in
            let result = try containers.sh("dd if=/dev/zero of=/work/big bs=1M count=4; ulimit -n; ulimit -c") {
                $0.limits.fileBytes = 1 << 20
                $0.limits.openFiles = 64
            }
            #expect(result.stdout == "64\n0\n")
            let size = try shell(["stat", "-c", "%s", "work/big"], in: result.upper.string).stdout
            #expect(size == "1048576\n")
        }
    }

    @Test func theSwitchEndsItWithItsReason() throws {
        try withContainers { containers in
            let stop = try ContainerStop()
            let thread = Thread {
                usleep(400_000)
                stop.stop(reason: "because")
                stop.stop(reason: "too late")
            }
            thread.start()
            let result = try containers.sh("sleep 60", stop: stop)
            #expect(result.outcome.ending == .killed(reason: "because"))
            #expect(stop.isThrown)
            // It stays thrown.
            #expect(try containers.sh("sleep 60", stop: stop).outcome.ending == .killed(reason: "because"))
        }
    }

    @Test func sizesReadAsPeopleWriteThem() {
        #expect(sizeText(64 << 20) == "64 MiB")
        #expect(sizeText(2 << 30) == "2 GiB")
        #expect(sizeText(3 << 29) == "1.5 GiB")
        #expect(sizeText(100) == "100 B")
        #expect(sizeText(0) == "0 B")
    }
}
