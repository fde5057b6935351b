@testable import IbidImage
import Testing

@Suite("why a build step failed")
struct DiagnosisTests {
    private static let conflict = """
        ERROR: Cannot install numpy==1.26.4 and scipy==1.5.0 because these package versions have conflicting dependencies.
        """

    static let known: [(output: String, cause: String, hint: String)] = [
        (
            "ERROR: Could not find a version (from versions: none)\nERROR: No matching distribution found for nump\n",
            "requirements.txt:3: the package index has no 'nump'", "name right"
        ),
        (
            "ERROR: Could not find a version (from versions: 1.0, 1.1)\nERROR: No matching distribution found for six==9\n",
            "the package index has no 'six==9' for this Python", "versions that it has"
        ),
        ("Reading package lists...\nE: Unable to locate package jq\n", "no list of packages", "apt-get update &&"),
        (
            "Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]\nE: Unable to locate package libfoo\n",
            "apt.txt:1: Debian has no package 'libfoo'", "packages.debian.org"
        ),
        (
            """
            ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated them
                nump==1.16.0 from https://files.pythonhosted.org/packages/six.whl (from -r requirements.txt (line 1)):
                    Expected sha256 00
            """, "requirements.txt:3: the index's file of 'nump==1.16.0' is not", "write the hash again"
        ),
        ("ERROR: Cannot find command 'git' - do you have 'git' installed\n", "wants a git repository", "ADD https://"),
        (conflict, "no versions of numpy==1.26.4 and scipy==1.5.0 go together", "lock what works"),
        ("LookupError: setuptools-scm was unable to detect version for /app.\n", "from git's history", "0.0.0"),
        ("error: command 'gcc' failed: No such file or directory\n", "has to be compiled", "apt.txt"),
        ("  ERROR: Failed building wheel for rpy2\n", "'rpy2' has no wheel", "take a version"),
        ("/bin/sh: 1: set: Illegal option -\r\n", "as on Windows", "dos2unix"),
        ("/usr/bin/env: 'bash\\r': No such file or directory\n", "as on Windows", "dos2unix"),
    ]

    @Test(arguments: known.indices)
    func tells(_ index: Int) throws {
        var origins = RecipeOrigins()
        origins.add(project: "nump", at: "requirements.txt:3")
        origins.add(debian: "libfoo", at: "apt.txt:1")
        let (output, cause, hint) = Self.known[index]
        let found = try #require(StepDiagnosis.find(output: output, problems: [], origins: origins))
        #expect(found.cause.contains(cause))
        #expect(found.hint?.contains(hint) == true)
    }

    @Test("what the gateway could not get comes before what pip makes of it, what it refuses after")
    func order() {
        let output = "(from versions: none)\nERROR: No matching distribution found for own\n"
        func cause(_ kind: GatewayProblem.Kind) -> String? {
            let problem = GatewayProblem(kind: kind, text: "the problem", hint: nil)
            return StepDiagnosis.find(output: output, problems: [problem], origins: RecipeOrigins())?.cause
        }
        #expect(cause(.failed) == "the problem")
        #expect(cause(.notInLock) == "the problem")
        #expect(cause(.refused)?.contains("'own'") == true)
        #expect(StepDiagnosis.find(output: "Killed\n", problems: [], origins: RecipeOrigins()) == nil)
    }
}
