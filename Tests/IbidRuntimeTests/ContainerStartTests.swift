import Foundation
import IbidContainer
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)), .serialized)
struct ContainerStartTests {
    /// Far above what is measured on a quiet machine (40 ms), far below what a start that forks needlessly would take.
    @Test func startsQuickly() throws {
        try withContainers { containers in
            var times: [Double] = []
            for _ in 0..<12 {
                let begin = ContinuousClock.now
                let result = try containers.sh("true") {
                    $0.command = ["/bin/true"]
                    $0.limits = ContainerLimits(memoryBytes: 64 << 20, cpuMillis: 1_000, pids: 32, wallSeconds: 10)
                }
                #expect(result.outcome.ending == .exited(0))
                let taken = begin.duration(to: .now)
                times.append(Double(taken.components.attoseconds) / 1e15 + Double(taken.components.seconds) * 1e3)
                if let report = ProcessInfo.processInfo.environment["IBID_REPORT"], report == "start" {
                    print(
                        "total \(times.last ?? 0) ms, command \(result.outcome.wallMicroseconds) us, "
                            + "cpu \(result.outcome.cpuMicroseconds) us, memory \(result.outcome.peakMemoryBytes ?? 0)")
                }
            }
            #expect(times.min() ?? .infinity < 250)
        }
    }
}
