import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Each way in which there is nothing to snapshot has an error of its own.
@Suite struct RefusalTests {
    @Test func notARepository() throws {
        try withScratch { scratch in
            let error = #expect(throws: IbidError.self) { try SourceRepository.open(containing: scratch) }
            #expect(error?.code == "not-a-repository")
            #expect(error?.message == "'\(scratch)' is not inside a git repository")
        }
    }

    @Test func places() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("job/main.py", "1")
            try fixture.write("other", "1")
            try fixture.commit()
            try fixture.write(".gitignore", "ignored\n")
            try fixture.commit()
            try fixture.sh("mkdir ignored empty; touch ignored/x")
            let file = #expect(throws: IbidError.self) {
                try SourceRepository.open(containing: fixture.root.appending("job/main.py"))
            }
            #expect(file?.code == "not-a-directory")
            #expect(try fixture.refusal("nowhere").code == "directory-not-found")
            #expect(try fixture.refusal("nowhere", revision: "HEAD").code == "directory-not-in-commit")
            #expect(try fixture.refusal("other/below", revision: "HEAD").code == "directory-not-found")
            #expect(try fixture.refusal("ignored").code == "directory-not-in-commit")
            #expect(try fixture.refusal("empty").code == "directory-not-in-commit")
            try fixture.sh("rm other; mkdir -p other/x; touch other/x/y")
            #expect(try fixture.refusal("other/x", revision: "HEAD").code == "not-a-directory")
            let elsewhere = #expect(throws: IbidError.self) {
                try SourceRepository.open(containing: fixture.root)
                    .snapshot(directory: scratch, revision: nil, allowDirty: false, store: fixture.store)
            }
            #expect(elsewhere?.code == "directory-not-in-repository")
        }
    }

    @Test func revisions() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("a", "1")
            try fixture.commit()
            let missing = try fixture.refusal(revision: "no-such-branch")
            #expect(missing.code == "revision-not-found")
            #expect(missing.message == "there is no revision 'no-such-branch'")
            #expect(missing.exit == .notFound)
            #expect(try fixture.refusal(revision: "HEAD~5").code == "revision-not-found")
            #expect(try fixture.refusal(revision: String(repeating: "0", count: 40)).code == "revision-not-found")
            #expect(try fixture.refusal(revision: "HEAD^{tree}").code == "revision-not-a-commit")
            #expect(try fixture.refusal(revision: "HEAD:a").code == "revision-not-a-commit")
            for malformed in ["a..b", "", "HEAD~x", "HEAD^{nonsense}", "@{", "-", "a b", "\u{1}"] {
                let code = try fixture.refusal(revision: malformed).code
                #expect(["revision-malformed", "revision-not-found"].contains(code), "\(malformed): \(code)")
            }
            try fixture.sh("git clone -q --depth 1 file://\(fixture.root) ../shallow")
            let shallow = try GitFixture(scratch, existing: scratch.appending("shallow"))
            #expect(try shallow.refusal(revision: "HEAD~1").hint?.contains("--unshallow") == true)
        }
    }

    @Test func ambiguousAbbreviation() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            // Of 1,000 blobs some share their first four digits, which is as short as git lets an abbreviation be.
            try fixture.sh("for i in {1..1000}; do echo $i > f$i; done")
            try fixture.commit()
            let all = try fixture.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
            let prefixes = Dictionary(grouping: all.split(separator: "\n")) { $0.prefix(4) }
            let shared = try #require(prefixes.first { $0.value.count > 1 }?.key)
            #expect(try fixture.refusal(revision: String(shared)).code == "revision-ambiguous")
        }
    }

    @Test func emptyRepository() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            #expect(try fixture.refusal().code == "repository-empty")
            try fixture.write("a", "1")
            #expect(try fixture.refusal(allowDirty: true).code == "repository-empty")
            #expect(try fixture.refusal(revision: "main").code == "revision-not-found")
        }
    }

    @Test(.enabled(if: isRoot, "only root can give a repository to another user"))
    func repositoryOfAnotherUser() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("a", "1")
            try fixture.commit()
            try GitFixture.run(["chown", "-R", "65534:65534", fixture.root.string], in: scratch.string)
            let error = #expect(throws: IbidError.self) { try SourceRepository.open(containing: fixture.root) }
            #expect(error?.code == "repository-owner")
            #expect(error?.hint?.contains("git config --global --add safe.directory '\(fixture.root)'") == true)
        }
    }

    @Test func objectFormat() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch, options: ["--object-format=sha256"])
            #expect(throws: IbidError.self) { try SourceRepository.open(containing: fixture.root) }
            #expect(try fixture.refusal().code == "repository-sha256")
            let other = try GitFixture(scratch, name: "other")
            try other.git("config", "core.repositoryformatversion", "1")
            try other.git("config", "extensions.somethingNew", "1")
            #expect(try other.refusal().code == "repository-format")
        }
    }

    @Test func missingObjects() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("job/a", "kept by the remote")
            try fixture.commit()
            try fixture.sh(
                """
                git config uploadpack.allowFilter true
                git clone -q --filter=blob:none --no-checkout file://\(fixture.root) ../partial
                """)
            let partial = try GitFixture(scratch, existing: scratch.appending("partial"))
            let error = try partial.refusal("job", revision: "main")
            #expect(error.code == "git-object-missing")
            #expect(error.message.contains("'job/a'"))
            #expect(error.hint?.contains("partial clone") == true)
            try partial.sh("git archive main > /dev/null")
            #expect(try partial.snapshot("job", revision: "main").layer == fixture.snapshot("job").layer)
        }
    }

    @Test(arguments: [2, 400])
    func damagedObject(files: Int) throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh("for i in {1..\(files)}; do echo content $i > f$i; done")
            try fixture.commit()
            let id = try fixture.git("rev-parse", "HEAD:f2")
            let other = try fixture.git("rev-parse", "HEAD:f1")
            // Another valid object under the id's name: only the hash tells.
            try fixture.sh(
                """
                cd .git/objects; chmod u+w \(id.prefix(2))/\(id.dropFirst(2))
                cat \(other.prefix(2))/\(other.dropFirst(2)) > \(id.prefix(2))/\(id.dropFirst(2))
                """)
            let error = try fixture.refusal(revision: "HEAD")
            #expect(error.code == "git-object-damaged")
            #expect(error.message.contains("'f2' (git object \(id))"))
            #expect(error.exit == .verificationFailed)
            try fixture.sh("rm -f .git/objects/\(id.prefix(2))/\(id.dropFirst(2))")
            #expect(try fixture.refusal(revision: "HEAD").code == "git-object-missing")
        }
    }

    @Test func hostileTrees() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("a", "1")
            try fixture.commit()
            let blob = try fixture.git("rev-parse", "HEAD:a")
            let empty = try fixture.git("hash-object", "-t", "tree", "-w", "/dev/null")
            let long = String(repeating: "x", count: 256)
            let raw = "$(printf '\(blob)' | sed 's/../\\\\x&/g')"
            let rawTree = "$(printf '\(empty)' | sed 's/../\\\\x&/g')"
            for (name, mode, id, reason) in [
                ("..", "100644", raw, "cannot be checked out"), (".", "40000", rawTree, "cannot be checked out"),
                (".git", "40000", rawTree, "cannot be checked out"), (".GIT", "100644", raw, "cannot be checked out"),
                ("a/b", "100644", raw, "cannot be checked out"), (long, "100644", raw, "too long"),
            ] {
                let script = """
                    tree=$({ printf '\(mode) \(name)\\0'; printf "\(id)"; } | git hash-object -t tree -w --literally --stdin)
                    git update-ref refs/heads/hostile $(git commit-tree -m hostile $tree)
                    """
                try fixture.sh(script)
                let error = try fixture.refusal(revision: "hostile")
                #expect(error.code == "source-path-refused" && error.message.contains(reason), "\(name): \(error)")
            }
            try fixture.sh(
                """
                tree=$({ for i in 1 2; do printf '100644 a\\0'; printf "\(raw)"; done; } \
                    | git hash-object -t tree -w --literally --stdin)
                git update-ref refs/heads/twice $(git commit-tree -m twice $tree)
                link=$(printf '' | git hash-object -w --stdin)
                tree=$(printf "120000 blob $link\\tlink\\n" | git mktree)
                git update-ref refs/heads/nolink $(git commit-tree -m nolink $tree)
                """)
            #expect(try fixture.refusal(revision: "twice").message == "'a' is in the tree twice")
            #expect(try fixture.refusal(revision: "nolink").code == "source-path-refused")
        }
    }
}
