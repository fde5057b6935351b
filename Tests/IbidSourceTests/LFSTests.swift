import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Git LFS without git-lfs: a pointer and an object in the local store are two files.
@Suite struct LFSTests {
    private static func fixture(_ scratch: FilePath) throws -> GitFixture {
        let fixture = try GitFixture(scratch)
        try fixture.sh(
            #"""
            mkdir job; head -c 200000 /dev/urandom > ../content
            oid=$(sha256sum ../content | cut -d' ' -f1)
            mkdir -p .git/lfs/objects/${oid:0:2}/${oid:2:2}; cp ../content .git/lfs/objects/${oid:0:2}/${oid:2:2}/$oid
            printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 200000\n' $oid > job/data.bin
            cp job/data.bin job/plain.txt; echo '*.bin filter=lfs diff=lfs merge=lfs -text' > .gitattributes
            """#)
        try fixture.commit()
        return fixture
    }

    private static func object(_ fixture: GitFixture) throws -> String {
        try fixture.sh("find .git/lfs/objects -type f")
    }

    @Test func pointersAreResolved() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let snapshot = try fixture.snapshot("job")
            try fixture.prove(snapshot)
            let data = try SourceLayer.file("data.bin", in: snapshot.layer, of: fixture.store)
            #expect(data == Array(try Data(contentsOf: URL(fileURLWithPath: scratch.appending("content").string))))
            // What no attribute marks is an ordinary file, whatever it says.
            let plain = try SourceLayer.file("plain.txt", in: snapshot.layer, of: fixture.store)
            #expect(plain?.starts(with: Array("version https://git-lfs".utf8)) == true)
            // The commit's attributes count, not those of the moment.
            try fixture.sh(
                "git rm -q --cached .gitattributes; echo '* -filter' > .gitattributes; git add .gitattributes")
            #expect(try fixture.snapshot("job", revision: "HEAD").layer == snapshot.layer)
        }
    }

    @Test func checkedOutContentIsClean() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let clean = try fixture.snapshot("job")
            // As 'git lfs checkout' leaves it; libgit2 alone would call it modified.
            try fixture.sh("cp ../content job/data.bin")
            #expect(try fixture.snapshot("job") == clean)
            // In a dirty state the file is still its pointer for git, and its content for the run.
            try fixture.sh("echo n > job/new")
            let dirty = try fixture.snapshot("job", allowDirty: true)
            try fixture.prove(dirty)
            try fixture.sh("git checkout -q -- job/data.bin; git add -A")
            let root = try fixture.git("write-tree")
            #expect(dirty.tree.hex == (try fixture.git("rev-parse", "\(root):job")))
            // A pointer that was never checked out gives the same.
            #expect(try fixture.snapshot("job", allowDirty: true).layer == dirty.layer)
            // Other content is a change.
            try fixture.sh("git commit -qm new; head -c 200000 /dev/urandom > job/data.bin")
            #expect(try fixture.refusal("job").message.hasSuffix("job/data.bin (modified)"))
        }
    }

    @Test func missingAndDamaged() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let object = try Self.object(fixture)
            try fixture.sh("printf x | dd of=\(object) conv=notrunc status=none")
            let damaged = try fixture.refusal("job")
            #expect(damaged.code == "lfs-object-damaged" && damaged.message.contains("'data.bin'"))
            try fixture.sh("printf x > \(object)")
            #expect(try fixture.refusal("job").code == "lfs-object-damaged")
            try fixture.sh("rm \(object)")
            let missing = try fixture.refusal("job")
            #expect(missing.code == "lfs-object-missing" && missing.message.contains("'data.bin'"))
            #expect(missing.hint?.contains("git lfs pull") == true)
        }
    }

    @Test func otherStorage() throws {
        try withScratch { scratch in
            let fixture = try Self.fixture(scratch)
            let layer = try fixture.snapshot("job").layer
            try fixture.sh("mv .git/lfs ../lfs; git config lfs.storage \(scratch)/lfs")
            #expect(try fixture.snapshot("job").layer == layer)
        }
    }
}
