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
            #expect(result.outcome.isolation["level"] == "oci-userns")
            #expect(result.outcome.isolation["runtimeVersion"]?.first?.isNumber == true)
        }
    }
}
