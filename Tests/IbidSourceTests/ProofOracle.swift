/// An independent check that a layer is the tree of a commit, from the layer and the proof alone.
enum ProofOracle {
    static let script = #"""
        import hashlib, sys, tarfile
        layer, proof, commit, root, tree, subdirectory, state = sys.argv[1:]

        objects = {}
        with tarfile.open(proof) as archive:
            for member in archive:
                if not member.isfile(): continue
                raw = archive.extractfile(member).read()
                name = member.name.removeprefix("objects/")
                assert hashlib.sha1(raw).hexdigest() == name, name
                header, _, content = raw.partition(b"\0")
                kind, size = header.decode().split(" ")
                assert int(size) == len(content)
                objects[name] = (kind, content)

        def get(oid, kind):
            assert objects[oid][0] == kind, (oid, kind)
            return objects[oid][1]

        def parse(content):
            while content:
                mode, _, content = content.partition(b" ")
                name, _, content = content.partition(b"\0")
                yield mode.decode(), name, content[:20].hex()
                content = content[20:]

        def commit_tree(oid):
            line = get(oid, "commit").split(b"\n")[0]
            assert line.startswith(b"tree ")
            return line[5:].decode()

        assert commit_tree(commit) == root
        if state == "clean":
            at = root
            for part in filter(None, subdirectory.split("/")):
                at = {n: o for m, n, o in parse(get(at, "tree")) if m == "40000"}[part.encode()]
            assert at == tree, (at, tree)

        files, links, directories = {}, {}, {b""}
        with tarfile.open(layer, encoding="utf-8", errors="surrogateescape") as archive:
            order = []
            for member in archive:
                path = member.name.encode("utf-8", "surrogateescape")
                order.append(path)
                assert member.uid == 0 and member.gid == 0 and member.mtime == 315619200, path
                assert member.uname == "" and member.gname == "", path
                if member.isdir():
                    assert member.mode == 0o755, path
                    directories.add(path)
                elif member.issym():
                    assert member.mode == 0o777, path
                    links[path] = member.linkname.encode("utf-8", "surrogateescape")
                else:
                    assert member.isfile() and member.mode in (0o644, 0o755), path
                    files[path] = (member.mode, archive.extractfile(member).read())
            assert order == sorted(order), "order"
            assert len(set(order)) == len(order), "twice"

        def blob(content):
            return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

        seen = set()
        def check(oid, at):
            for mode, name, child in parse(get(oid, "tree")):
                path = at + b"/" + name if at else name
                seen.add(path)
                if mode == "40000":
                    assert path in directories, path
                    check(child, path)
                elif mode == "160000":
                    assert path in directories, path
                    check(commit_tree(child), path)
                elif mode == "120000":
                    assert blob(links[path]) == child, path
                else:
                    kind, content = files[path]
                    assert kind == (0o755 if mode == "100755" else 0o644), path
                    if blob(content) != child:
                        pointer = get(child, "blob").decode().split("\n")
                        assert pointer[0].startswith("version https://git-lfs"), path
                        assert pointer[1] == "oid sha256:" + hashlib.sha256(content).hexdigest(), path
                        assert pointer[2] == f"size {len(content)}", path
        check(tree, b"")
        assert seen == set(files) | set(links) | (directories - {b""}), "members that the tree does not have"
        """#
}
