import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Dirty trees: refused by name, or taken exactly as they are.
@Suite struct WorkingStateTests {
    private static func fixture(_ scratch: FilePath) throws -> GitFixture {
        let fixture = try GitFixture(scratch)
        try fixture.sh(
            """
            mkdir -p job/sub other; for f in a b c d sub/e; do echo $f > job/$f; done
            echo x > other/x; printf '*.log\\n/job/cache/\\n' > .gitignore; ln -s a job/link
            """)
        try fixture.commit()
        return fixture
    }

    @Test func cleanWhenOnlyOtherThingsChanged() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let clean = try fixture.snapshot("job")
            try fixture.sh(
                """
                echo changed > other/x; echo new > other/y; echo new > top; git add top
                echo ignored > job/x.log; mkdir job/cache job/empty; echo c > job/cache/c; touch job/a; mkfifo job/pipe
                """)
            let snapshot = try fixture.snapshot("job")
            #expect(snapshot == clean)
            #expect(try fixture.snapshot("job", allowDirty: true) == clean)
            #expect(try fixture.refusal().message.contains("other/x (modified)"))
        }
    }

    @Test(arguments: [
        ("echo more >> job/a", "job/a (modified)"), ("rm job/b", "job/b (deleted)"),
        ("chmod +x job/c", "job/c (modified)"), ("echo n > job/new", "job/new (untracked)"),
        ("mkdir job/dir; echo n > job/dir/new", "job/dir/ (untracked)"),
        ("echo n > job/new; git add job/new", "job/new (added)"),
        ("echo n > job/a; git add job/a", "job/a (modified)"),
        ("git rm -q job/d", "job/d (deleted)"), ("git rm -q --cached job/d", "job/d (untracked)"),
        ("rm job/a; ln -s b job/a", "job/a (type changed)"),
        ("rm job/link; echo file > job/link", "job/link (type changed)"),
        ("git mv job/a job/z", "job/a (deleted), job/z (added)"),
        ("for i in {1..7}; do echo $i > job/new$i; done", "job/new5 (untracked) and 2 more"),
    ])
    func refusedByName(change: String, named: String) throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh(change)
            let error = try fixture.refusal("job")
            #expect(error.code == "dirty-tree")
            #expect(error.message.hasSuffix(named), "\(error.message)")
            #expect(error.hint?.contains("--allow-dirty") == true)
            #expect(try fixture.snapshot("job", revision: "HEAD").dirty == false)
        }
    }

    @Test(arguments: [
        "echo more >> job/a", "rm job/b", "chmod +x job/c", "echo n > job/new; chmod 755 job/new",
        "echo staged > job/a; git add job/a; echo unstaged > job/a", "git rm -q --cached job/d", "git rm -q job/d",
        "rm job/a; ln -s b job/a", "rm job/link; echo file > job/link", "rm job/a; mkdir job/a; echo n > job/a/n",
        "rm -r job/sub; echo file > job/sub", "rm -r job/sub; ln -s ../other job/sub",
        "mkdir -p job/sub2/deep; echo n > job/sub2/deep/n; echo i > job/sub2/i.log",
        "echo l > job/t.log; git add -f job/t.log",
        "echo a > $'job/\\xe9'; echo b > 'job/ü b'; echo c > $'job/new\\nline'; echo d > job/sub.x; echo e > job/sub-y",
        "head -c 700000 /dev/urandom > job/large; : > job/none", "git rm -rqf job; mkdir job; echo only > job/only",
        "git config core.fileMode false; chmod +x job/a; echo n > job/b",
        """
        git checkout -qb side; echo s > job/a; git commit -qam s; git checkout -q main; echo m > job/a
        git commit -qam m; git merge -q side || true
        """,
    ])
    func takenAsItIs(change: String) throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh(change)
            let before = try Self.fingerprint(of: fixture)
            let snapshot = try fixture.snapshot("job", allowDirty: true)
            #expect(try Self.fingerprint(of: fixture) == before, "the repository was written to")
            #expect(snapshot.dirty)
            #expect(snapshot.commit.hex == (try fixture.git("rev-parse", "HEAD")))
            #expect(snapshot.rootTree.hex == (try fixture.git("rev-parse", "HEAD^{tree}")))
            try fixture.prove(snapshot)
            // What git itself would make of it, in a copy.
            try fixture.sh("cp -a . ../copy; cd ../copy; git add -A")
            let copy = try GitFixture(scratch, existing: scratch.appending("copy"))
            let root = try copy.git("write-tree")
            #expect(snapshot.tree.hex == (try copy.git("rev-parse", "\(root):job")))
            let archive = scratch.appending("archive.tar")
            try copy.git("-c", "tar.umask=0022", "archive", "-o", archive.string, "\(root):job")
            let layer = fixture.store.path(of: snapshot.layer)
            #expect(try fixture.listing(ofTar: layer) == fixture.listing(ofTar: archive))
        }
    }

    /// Every file of the repository, with its time: reading must not even touch the index.
    private static func fingerprint(of fixture: GitFixture) throws -> String {
        try fixture.sh(
            "find . -type f -printf '%P %T@ %s %m\\n' | sort; find . -type f -print0 | sort -z | xargs -0 sha1sum")
    }

    @Test func wholeRepositoryAndNewDirectory() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh("mkdir fresh; echo n > fresh/n")
            #expect(try fixture.refusal("fresh").message.hasSuffix("fresh/ (untracked)"))
            let snapshot = try fixture.snapshot("fresh", allowDirty: true)
            #expect(snapshot.dirty && snapshot.subdirectory == "fresh")
            try fixture.git("add", "-A")
            let root = try fixture.git("write-tree")
            #expect(snapshot.tree.hex == (try fixture.git("rev-parse", "\(root):fresh")))
            #expect(try fixture.snapshot(allowDirty: true).tree.hex == root)
        }
    }

    @Test func nestedRepositoryIsRefused() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh("git init -q job/nested; cd job/nested; echo 1 > f; git add f; git commit -qm x")
            #expect(try fixture.refusal("job").code == "dirty-tree")
            let error = try fixture.refusal("job", allowDirty: true)
            #expect(error.code == "source-path-refused" && error.message.contains("job/nested") == false)
            #expect(error.message.contains("'nested/' is a git repository of its own"))
        }
    }

    @Test func filtersOfTheUserAreNamed() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh(
                """
                git config filter.strip.clean 'sed s/output.*//'; echo '*.ipynb filter=strip' > .gitattributes
                printf 'cell\\noutput 1\\n' > job/n.ipynb; git add -A; git commit -qm notebook
                """)
            #expect(try fixture.snapshot("job").dirty == false)
            // The notebook was run again; for git nothing is left of that when it is added.
            try fixture.sh("sleep 1; printf 'cell\\noutput 22\\n' > job/n.ipynb")
            #expect(try fixture.refusal("job").message.contains("job/n.ipynb (modified; if its filter 'strip'"))
            try fixture.sh("git add job/n.ipynb; git diff --cached --quiet")
            #expect(try fixture.snapshot("job").dirty == false)
        }
    }

    @Test func sparseCheckoutIsClean() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let clean = try fixture.snapshot()
            try fixture.git("sparse-checkout", "set", "job")
            #expect(try fixture.snapshot() == clean)
            // What is left out is in the index, and so in the working state that git would commit.
            try fixture.sh("echo changed > job/a")
            let dirty = try fixture.snapshot(allowDirty: true)
            try fixture.prove(dirty)
            try fixture.git("add", "-A")
            #expect(dirty.tree.hex == (try fixture.git("write-tree")))
        }
    }
}
