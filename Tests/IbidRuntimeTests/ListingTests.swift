import Foundation
import IbidContainer
import IbidTestSupport
import SystemPackage
import Testing

@Suite(.enabled(if: ContainerFixture.isPossible, Comment(rawValue: ContainerFixture.requirement)))
struct ListingTests {
    @Test(
        "directories list their names in order, however a program asks",
        .enabled(if: ContainerFixture.hasPython, "needs /usr/bin/python3"), arguments: ["crun", "runc"])
    func inOrder(_ runtime: String) throws {
        guard has(runtime) else { return print("this machine has no \(runtime)") }
        let script = FilePath(#filePath).removingLastComponent().appending("listings.py")
        try withContainers { containers in
            var spec = try containers.pythonSpec(String(contentsOfFile: script.string, encoding: .utf8))
            spec.command += ["/work", "/memory"]
            spec.memoryMounts = [ContainerMemoryMount(target: "/memory")]
            spec.privileges = .build
            spec.runtime = runtime
            spec.sortsDirectories = true
            let result = try containers.run(spec)
            #expect(result.stdout == "done\n" && result.outcome.ending == .exited(0), "\(result.stderr)")
            #expect(result.outcome.unsortedReason == nil)
        }
    }
}
