import Foundation
import IbidTestSupport
import SystemPackage
import Testing

extension EndToEndTests {
    /// Recipes of every kind, built twice under different circumstances, the second time by an ordinary user without a
    /// network: one digest each. `IBID_TEST_CORPUS=all` takes all of them, which is a matter of many minutes.
    @Test(
        .enabled(if: OrdinaryUser.isPossible, Comment(rawValue: OrdinaryUser.requirement)),
        .enabled(
            if: ProcessInfo.processInfo.environment["IBID_TEST_OFFLINE"] == nil, "IBID_TEST_OFFLINE is set"))
    func realRecipesAreReproduced() throws {
        let all = ProcessInfo.processInfo.environment["IBID_TEST_CORPUS"] == "all"
        // One that compiles, one that makes users, one that makes locales; what pip, uv and a derived recipe do; one
        // that nobody can reproduce.
        let few = [
            "editable", "heredoc", "locale", "onbuild", "requirements", "sdist", "stages", "user", "uv",
            "controls/random",
        ]
        _ = try BaseCache.home()
        let program = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Corpus/check")
        let base = BaseCache.directory.appending("base")
        let result = try shell(
            [program.string, "--ibid", try builtProgram("ibid").string, "--base", "python:3.11=oci:\(base)"]
                + (all ? [] : few))
        #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
        #expect(result.stdout.contains(all ? " as they should be" : "\(few.count) of \(few.count) as they should be"))
    }
}
