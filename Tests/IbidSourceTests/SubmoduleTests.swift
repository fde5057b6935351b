import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

@Suite struct SubmoduleTests {
    /// A repository with a submodule that has a submodule.
    private static func fixture(_ scratch: FilePath) throws -> GitFixture {
        let inner = try GitFixture(scratch, name: "inner")
        try inner.write("deep.txt", "deep")
        try inner.commit()
        let library = try GitFixture(scratch, name: "library")
        try library.write("lib.py", "print(1)")
        try library.git("submodule", "--quiet", "add", inner.root.string, "inner")
        try library.commit()
        let fixture = try GitFixture(scratch)
        try fixture.write("job/main.py", "import lib")
        try fixture.git("submodule", "--quiet", "add", "--name", "the library", library.root.string, "job/vendor/lib")
        try fixture.git("submodule", "--quiet", "update", "--init", "--recursive")
        try fixture.commit()
        return fixture
    }

    private func expected(_ fixture: GitFixture) throws -> String {
        // A plain copy of the checked-out tree, without what belongs to git.
        try fixture.sh("cp -a job ../plain; find ../plain -name .git -prune -exec rm -rf {} +; chmod -R go-w ../plain")
        return try GitFixture.listing(of: fixture.scratch.appending("plain"))
    }

    @Test func atTheRecordedCommits() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let snapshot = try fixture.snapshot("job")
            try fixture.prove(snapshot)
            let listing = try fixture.listing(ofTar: fixture.store.path(of: snapshot.layer))
            #expect(try listing == expected(fixture))
            #expect(listing.contains("vendor/lib/inner/deep.txt"))
            // The same from 'modules' alone: another branch may be checked out, without the submodule.
            try fixture.sh("git checkout -q -b other; git rm -qf job/vendor/lib; git commit -qm gone")
            #expect(try fixture.snapshot("job", revision: "main").layer == snapshot.layer)
        }
    }

    @Test func missingIsNamed() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            try fixture.sh("git clone -q . ../clone")
            let clone = try GitFixture(scratch, existing: scratch.appending("clone"))
            let error = try clone.refusal("job")
            #expect(error.code == "submodule-missing" && error.message.contains("'vendor/lib'"))
            #expect(error.hint?.contains("git submodule update --init --recursive") == true)
            try clone.sh("git submodule --quiet update --init")
            #expect(try clone.refusal("job").message.contains("'vendor/lib/inner'"))
            try clone.sh("git submodule --quiet update --init --recursive")
            #expect(try clone.snapshot("job").layer == fixture.snapshot("job").layer)
        }
    }

    @Test func changesInsideAreDirt() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let clean = try fixture.snapshot("job")
            try fixture.write("job/vendor/lib/lib.py", "print(2)")
            let error = try fixture.refusal("job")
            #expect(error.code == "dirty-tree" && error.message.hasSuffix("job/vendor/lib (modified)"))
            #expect(try fixture.refusal("job", allowDirty: true).code == "submodule-changed")
            #expect(try fixture.snapshot("job", revision: "HEAD") == clean)
            try fixture.sh("cd job/vendor/lib; git commit -qam more")
            #expect(try fixture.refusal("job").code == "dirty-tree")
            try fixture.sh("git add job/vendor/lib; git commit -qm update; echo 3 > job/main.py")
            let dirty = try fixture.snapshot("job", allowDirty: true)
            #expect(dirty.dirty)
            try fixture.prove(dirty)
            try fixture.git("add", "-A")
            let root = try fixture.git("write-tree")
            #expect(dirty.tree.hex == (try fixture.git("rev-parse", "\(root):job")))
        }
    }

    @Test func jobInsideASubmodule() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let own = try fixture.snapshot("job/vendor/lib/inner")
            #expect(
                own.commit.hex
                    == (try GitFixture(scratch, existing: scratch.appending("inner")).git("rev-parse", "HEAD")))
            #expect(own.subdirectory.isEmpty)
        }
    }
}
