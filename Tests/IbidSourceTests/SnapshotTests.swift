import Foundation
import IbidModel
import IbidSource
import IbidStore
import IbidTestSupport
import SystemPackage
import Testing

/// Snapshots of commits, with `git archive`, `tar` and a Python program as oracles.
@Suite struct SnapshotTests {
    /// A tree with everything that is hard in it.
    private static let assorted = #"""
        mkdir -p jobs/iris/data "dir with space" deep
        echo hello > README.md; printf '' > empty; printf 'no newline' > jobs/iris/main.py; chmod 755 jobs/iris/main.py
        echo x > jobs/iris/data/é.csv; echo y > "dir with space/ü ñ"; echo z > $'latin-\xe9'; echo q > $'new\nline'
        # 'a.b' sorts before 'a/' for git and after 'a' for us
        mkdir a; echo 1 > a/x; echo 2 > a.b; echo 3 > a-b; ln -s a.b link; ln -s ../nowhere jobs/dangling
        ln -s /etc/passwd absolute; head -c 3000000 /dev/zero | tr '\0' 'z' > big; head -c 9000001 /dev/urandom > bigger
        long=$(printf 'l%.0s' {1..120}); mkdir -p $long/$long; echo deep > $long/$long/$long
        ln -s $long/$long/$long longlink; echo '$Id$' > expand; echo 'expand ident' > .gitattributes
        printf 'a\r\nb\r\n' > crlf; echo '*.png binary' >> .gitattributes
        """#

    @Test func equalsGitArchive() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh(Self.assorted)
            let commit = try fixture.commit()
            let snapshot = try fixture.snapshot()
            #expect(snapshot.commit.hex == commit)
            #expect(snapshot.rootTree.hex == (try fixture.git("rev-parse", "HEAD^{tree}")))
            #expect(snapshot.tree == snapshot.rootTree)
            #expect(snapshot.subdirectory.isEmpty && !snapshot.dirty && snapshot.revision == "HEAD")
            #expect(try fixture.store.size(of: snapshot.layer) == snapshot.layerSize)
            let archive = scratch.appending("archive.tar")
            // Attributes change what 'git archive' writes; the snapshot is of the objects themselves.
            try fixture.sh("mkdir -p .git/info; echo '* -export-subst -ident -text' > .git/info/attributes")
            try fixture.git("-c", "tar.umask=0022", "archive", "-o", archive.string, "HEAD")
            let layer = fixture.store.path(of: snapshot.layer)
            #expect(try fixture.listing(ofTar: layer) == fixture.listing(ofTar: archive))
            try fixture.prove(snapshot)
        }
    }

    @Test("a file of many megabytes is the same loose and packed, and refused when its bytes are others")
    func largeFile() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh("head -c 34000001 /dev/urandom > large.bin; echo small > small; chmod 755 large.bin")
            try fixture.commit()
            let loose = try fixture.snapshot()
            let archive = scratch.appending("archive.tar")
            try fixture.git("-c", "tar.umask=0022", "archive", "-o", archive.string, "HEAD")
            #expect(
                try fixture.listing(ofTar: fixture.store.path(of: loose.layer)) == fixture.listing(ofTar: archive))
            let blob = try fixture.git("rev-parse", "HEAD:large.bin")
            let object = ".git/objects/\(blob.prefix(2))/\(blob.dropFirst(2))"
            try fixture.sh("git repack -adq; test ! -e \(object)")
            #expect(try fixture.snapshot().layer == loose.layer)
            // Another object in its place, whole in itself.
            let other = "zlib.compress(b'blob 34000001\\0' + bytes(34000001), 1)"
            try fixture.sh(
                """
                mv .git/objects/pack/*.pack ../pack; rm -f .git/objects/pack/*; git unpack-objects -q < ../pack
                chmod u+w \(object); python3 -c "import sys, zlib; open(sys.argv[1], 'wb').write(\(other))" \(object)
                """)
            let error = #expect(throws: IbidError.self) { try fixture.snapshot() }
            #expect(error?.code == "git-object-damaged")
        }
    }

    @Test func subdirectoryIsTheRoot() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh(Self.assorted)
            try fixture.commit()
            let snapshot = try fixture.snapshot("jobs/iris")
            #expect(snapshot.subdirectory == "jobs/iris")
            #expect(snapshot.tree.hex == (try fixture.git("rev-parse", "HEAD:jobs/iris")))
            let archive = scratch.appending("archive.tar")
            try fixture.git("-c", "tar.umask=0022", "archive", "-o", archive.string, "HEAD:jobs/iris")
            let layer = fixture.store.path(of: snapshot.layer)
            #expect(try fixture.listing(ofTar: layer) == fixture.listing(ofTar: archive))
            try fixture.prove(snapshot)
            // Through a symbolic link from elsewhere it is the same directory.
            try fixture.sh("ln -s repository/jobs/iris ../shortcut")
            let place = scratch.appending("shortcut")
            let linked = try SourceRepository.open(containing: place)
                .snapshot(directory: place, revision: nil, allowDirty: false, store: fixture.store)
            #expect(linked == snapshot)
        }
    }

    @Test func sameTreeSameLayer() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh(Self.assorted)
            try fixture.commit()
            let first = try fixture.snapshot()
            try fixture.git("commit", "-q", "--allow-empty", "-m", "other", "--author=B <b@example.org>")
            let second = try fixture.snapshot()
            #expect(first.commit != second.commit)
            #expect((first.layer, first.tree) == (second.layer, second.tree))
            #expect(first.proof != second.proof)
            // Packed, in a clone of another name, from a store elsewhere.
            try fixture.git("gc", "-q")
            try fixture.git("clone", "-q", fixture.root.string, scratch.appending("other").string)
            try GitFixture.run(["mkdir", "elsewhere"], in: scratch.string)
            let clone = try GitFixture(scratch.appending("elsewhere"), existing: scratch.appending("other"))
            let third = try clone.snapshot()
            #expect((third.layer, third.proof) == (second.layer, second.proof))
            #expect(third.origin == fixture.root.string)
        }
    }

    @Test(arguments: [127, 128, 1_500])
    func manyFilesAreReadAheadInOrder(count: Int) throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.sh("mkdir d{0..36}; for i in {1..\(count)}; do echo content $i > d$((i % 37))/f$i; done")
            try fixture.commit()
            try fixture.git("gc", "-q")
            let snapshot = try fixture.snapshot()
            let archive = scratch.appending("archive.tar")
            try fixture.git("-c", "tar.umask=0022", "archive", "-o", archive.string, "HEAD")
            let layer = fixture.store.path(of: snapshot.layer)
            #expect(try fixture.listing(ofTar: layer) == fixture.listing(ofTar: archive))
        }
    }

    @Test func anyRevisionThatGitAccepts() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("a", "1")
            let first = try fixture.commit("the first commit")
            try fixture.git("tag", "light")
            try fixture.git("tag", "-a", "-m", "tag", "annotated")
            try fixture.git("tag", "-a", "-m", "tag of a tag", "nested", "annotated")
            try fixture.git("branch", "feature/x")
            try fixture.write("a", "2")
            try fixture.commit("the second commit")
            let revisions = [
                "HEAD", "@", "main", "HEAD~1", "HEAD^", "@{0}", "HEAD@{1}", "@~", "light", "annotated", "nested",
                "annotated^{commit}", "feature/x", "heads/feature/x", "refs/heads/main", first,
                String(first.prefix(7)), ":/the first", "main^{}", "HEAD^{/first}", "light-0-g" + first.prefix(9),
            ]
            for revision in revisions {
                let snapshot = try fixture.snapshot(revision: revision)
                #expect(snapshot.revision == revision)
                let expected = try fixture.git("rev-parse", try fixture.git("rev-parse", revision) + "^{commit}")
                #expect(snapshot.commit.hex == expected, "\(revision)")
            }
        }
    }

    @Test func workingCopyIsNeverRead() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("job/a", "committed")
            try fixture.commit()
            let clean = try fixture.snapshot("job")
            try fixture.write("job/a", "changed")
            try fixture.write("job/b", "new")
            let revised = try fixture.snapshot("job", revision: "HEAD", allowDirty: true)
            #expect(revised == clean)
            // The directory need not be checked out when a revision names the tree.
            try fixture.sh("git rm -rqf job; rm -rf job; git commit -qm removed")
            #expect(try fixture.snapshot("job", revision: "HEAD~1").layer == clean.layer)
        }
    }

    @Test func kindsOfRepository() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("job/a", "1")
            try fixture.write("b", "2")
            try fixture.commit("one")
            try fixture.write("job/a", "3")
            try fixture.commit("two")
            let expected = try fixture.snapshot("job")
            let source = "file://" + fixture.root.string
            try fixture.sh(
                """
                git worktree add -q ../worktree HEAD
                git clone -q --depth 1 \(source) ../shallow
                git clone -q --shared . ../shared
                git clone -q \(source) ../sparse; git -C ../sparse sparse-checkout set job
                git clone -q --bare \(source) ../bare.git
                git clone -q \(source) ../split --separate-git-dir=../split.git
                git clone -q \(source) ../version4; git -C ../version4 update-index --index-version 4
                """)
            for name in ["worktree", "shallow", "shared", "sparse", "split", "version4"] {
                let place = scratch.appending(name)
                let snapshot = try GitFixture(scratch, existing: place).snapshot("job")
                #expect(snapshot.layer == expected.layer, "\(name)")
                #expect(snapshot.commit == expected.commit, "\(name)")
            }
            let bare = try GitFixture(scratch, existing: scratch.appending("bare.git"))
            #expect(try bare.snapshot("job", revision: "main").layer == expected.layer)
            #expect(try bare.snapshot(revision: "main").tree == expected.rootTree)
            #expect(try bare.refusal("job").code == "bare-repository")
        }
    }

    @Test func originHasNoCredentials() throws {
        let addresses = [
            ("https://user:secret@example.org/a/b.git", "https://example.org/a/b.git"),
            ("https://token@example.org/a", "https://example.org/a"),
            ("https://u:p@ss@example.org:8443/a?private_token=x#y", "https://example.org:8443/a"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("ssh://git@example.org/a", "ssh://git@example.org/a"),
            ("ssh://git:pw@example.org/a", "ssh://git@example.org/a"),
            ("git@example.org:a/b.git", "git@example.org:a/b.git"),
            ("/srv/git/a@b", "/srv/git/a@b"),
        ]
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("a", "1")
            try fixture.commit()
            #expect(try fixture.snapshot().origin == nil)
            try fixture.git("remote", "add", "origin", "x")
            for (given, recorded) in addresses {
                try fixture.git("config", "remote.origin.url", given)
                #expect(try fixture.snapshot().origin == recorded)
            }
        }
    }

    @Test func readsFilesOfALayer() throws {
        try withScratch { scratch in
            let fixture = try GitFixture(scratch)
            try fixture.write("job.toml", "name = \"x\"\n")
            try fixture.write("a/b", "deep")
            try fixture.commit()
            let layer = try fixture.snapshot().layer
            #expect(try SourceLayer.file("job.toml", in: layer, of: fixture.store) == Array("name = \"x\"\n".utf8))
            #expect(try SourceLayer.file("a/b", in: layer, of: fixture.store) == Array("deep".utf8))
            #expect(try SourceLayer.file("a", in: layer, of: fixture.store) == nil)
            #expect(try SourceLayer.file("zzz", in: layer, of: fixture.store) == nil)
        }
    }
}
