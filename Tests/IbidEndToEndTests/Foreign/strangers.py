"""What a hostile stranger does to an archive's container, names, spellings, signatures and keys.

usage: strangers.py ARCHIVE OTHER SAME IBID VERIFY_PY WORK

OTHER is the archive of another home, SAME that of another run of the same home. A line for each twin: its name, the exit
status of `ibid verify`, that of verify.py, and "accept" where nothing is wrong, "refuse" where something is.
"""
import base64
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

ARCHIVE, OTHER, SAME, IBID, VERIFY, WORK = sys.argv[1:]
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
PEM, SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def load(path):
    with tarfile.open(path) as tar:
        return {m.name.partition("/")[2]: tar.extractfile(m).read() for m in tar if m.isfile()}


# --- Tar by hand ------------------------------------------------------------------------------------------------------

def block(name, data=b"", kind=b"0", mode=b"0000644\0", size=None, link=b"", magic=b"ustar\x0000", prefix=b""):
    size = b"%011o\0" % len(data) if size is None else size
    header = bytearray(name[:100].ljust(100, b"\0") + mode + b"0000000\0" * 2 + size + b"00000000000\0" + b" " * 8 + kind
                       + link.ljust(100, b"\0") + magic + bytes(80) + prefix.ljust(155, b"\0") + bytes(12))
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + data + bytes(-len(data) % 512)


def pax(records, kind=b"x"):
    data = b""
    for key, value in records:
        record = b" " + key + b"=" + value + b"\n"
        length = len(record) + 1
        while len(str(length)) + len(record) != length:
            length = len(str(length)) + len(record)
        data += str(length).encode() + record
    return block(b"pax", data, kind)


def member(name, data, **options):
    name = name.encode("utf-8", "surrogateescape")
    return (pax([(b"path", name)]) if len(name) > 100 else b"") + block(name, data, **options)


def tar(files, top="bag", first=b"", last=b"", end=bytes(1024), instead=None):
    """`instead` has, for a file's name, the bytes that stand for it."""
    parts = [(instead or {}).get(name) or member(f"{top}/{name}", data) for name, data in files.items()]
    return first + b"".join(parts) + last + end


def tars(files):
    output = next(name for name in files if name.endswith("result.csv"))
    data, name = files[output], f"bag/{output}".encode()
    half = len(data) // 2

    def replaced(*parts):
        return tar(files, instead={output: b"".join(parts)})

    yield "as it is", tar(files), "accept"
    yield "directories named", tar(files, first=block(b"bag/", kind=b"5") + block(b"bag/data/outputs", kind=b"5")), "accept"
    yield "GNU long names", tar(files, instead={output: block(b"././@LongLink", name + b"\0", b"L") + block(b"x", data)}), "accept"
    yield "a name in a record", replaced(pax([(b"path", name), (b"mtime", b"1.5")]), block(b"x", data)), "accept"
    yield "a name split in two", replaced(block(output.encode(), data, prefix=b"bag")), "accept"
    yield "a member twice", tar(files, last=block(name, data)), "refuse"
    yield "a member twice, first evil", tar(files, first=block(name, b"evil\n")), "refuse"
    yield "a member twice, then evil", tar(files, last=block(name, b"evil\n")), "refuse"
    yield "another case beside it", tar(files, last=block(name.upper().replace(b"BAG/DATA/OUTPUTS", b"bag/data/outputs"), data)), "refuse"
    yield "a symbolic link for a file", replaced(block(name, kind=b"2", link=b"other.txt")), "refuse"
    yield "a hard link for a file", replaced(block(name, kind=b"1", link=b"bag/bagit.txt")), "refuse"
    yield "a link beside", tar(files, last=block(b"bag/data/link", kind=b"2", link=b"/etc/passwd")), "refuse"
    yield "a hard link beside", tar(files, last=block(b"bag/data/outputs/again", kind=b"1", link=name)), "refuse"
    yield "a device", tar(files, last=block(b"bag/data/null", kind=b"3")), "refuse"
    yield "a pipe", tar(files, last=block(b"bag/data/pipe", kind=b"6")), "refuse"
    yield "a contiguous file", replaced(block(name, data, b"7")), "refuse"
    yield "a member of no known type", tar(files, last=block(b"bag/data/what", b"x", b"Z")), "refuse"
    yield "an absolute name", tar(files, last=block(b"/etc/cron.d/x", b"x")), "refuse"
    yield "an absolute name of a file", replaced(block(b"/" + name, data)), "refuse"
    yield "a name that leads out", tar(files, last=block(b"bag/../../x", b"x")), "refuse"
    yield "a name that leads out and in", replaced(block(name.replace(b"bag/", b"bag/../bag/"), data)), "refuse"
    yield "a name with a dot", replaced(block(name.replace(b"bag/", b"bag/./"), data)), "refuse"
    yield "a name with two slashes", replaced(block(name.replace(b"bag/", b"bag//"), data)), "refuse"
    yield "a name with a slash at its end", replaced(block(name + b"/", data)), "refuse"
    yield "a name in UTF-16", replaced(pax([(b"path", name.decode().encode("utf-16"))]), block(b"x", data)), "refuse"
    yield "a name that is not UTF-8", tar(files, last=block(b"bag/data/\xff", b"x")), "refuse"
    yield "a name with a NUL", replaced(pax([(b"path", name + b"\0x")]), block(b"x", data)), "refuse"
    yield "an empty directory", tar(files, last=block(b"bag/data/outputs/results are wrong/", kind=b"5")), "refuse"
    yield "a directory with content", tar(files, last=block(b"bag/data/outputs", b"hidden", b"5")), "refuse"
    yield "a second directory beside the bag", tar(files, last=block(b"bag2/x", b"x")), "refuse"
    yield "a file beside the bag", tar(files, last=block(b"bag", b"x")), "refuse"
    yield "a bag in a bag", tar({f"bag/{n}": d for n, d in files.items()}), "refuse"
    yield "set-user-ID", replaced(block(name, data, mode=b"0004755\0")), "refuse"
    yield "bytes after the end", tar(files) + b"evil", "refuse"
    yield "another tar after the end", tar(files) + tar({"data/x": b"x"}), "refuse"
    yield "a block after the end", tar(files) + bytes(10240) + block(b"bag/data/x", b"x") + bytes(1024), "refuse"
    yield "zeros after the end", tar(files) + bytes(10240), "accept"
    yield "no end", tar(files, end=b""), "refuse"
    yield "half an end", tar(files, end=bytes(512)), "refuse"
    yield "cut in the middle", tar(files)[:len(tar(files)) // 2], "refuse"
    yield "nothing", b"", "refuse"
    yield "only zeros", bytes(10240), "refuse"
    yield "a record for all", tar(files, first=pax([(b"comment", b"hi")], b"g")), "refuse"
    yield "a name for all", tar(files, first=pax([(b"path", b"bag/bagit.txt")], b"g")), "refuse"
    yield "a record that renames", replaced(pax([(b"path", b"bag/data/elsewhere")]), block(name, data)), "refuse"
    yield "a record that cuts", replaced(pax([(b"size", b"%d" % half)]), block(name, data)), "refuse"
    yield "a record that stretches", replaced(pax([(b"size", b"%d" % (len(data) + 5))]), block(name, data)), "refuse"
    yield "a huge record", replaced(pax([(b"size", b"9223372036854775807")]), block(name, data)), "refuse"
    yield "a negative record", replaced(pax([(b"size", b"-1")]), block(name, data)), "refuse"
    yield "a record with underscores", replaced(pax([(b"size", b"_%d" % len(data))]), block(name, data)), "refuse"
    yield "a doubled record", replaced(pax([(b"path", b"bag/x"), (b"path", name)]), block(b"x", data)), "refuse"
    yield "two headers of records", replaced(pax([(b"path", b"bag/x")]), pax([(b"path", name)]), block(b"x", data)), "refuse"
    yield "two kinds of long names", replaced(block(b"l", b"bag/x\0", b"L"), pax([(b"path", name)]), block(b"x", data)), "refuse"
    yield "a sparse file", replaced(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name),
                                         (b"GNU.sparse.realsize", b"%d" % len(data))]), block(b"x", data)), "refuse"
    yield "an attribute", replaced(pax([(b"SCHILY.xattr.user.note", b"evil")]), block(name, data)), "refuse"
    yield "another character set", replaced(pax([(b"hdrcharset", b"BINARY")]), block(name, data)), "refuse"
    yield "a record without end", replaced(block(b"pax", b"99 path=x\n", b"x"), block(name, data)), "refuse"
    yield "a huge file", tar(files, last=block(b"bag/data/x", b"x", size=b"77777777777\0")), "refuse"
    yield "a huge file in base 256", tar(files, last=block(b"bag/data/x", b"x", size=b"\x80" + b"\0" * 4 + b"\x7f" * 7)), "refuse"
    yield "a negative size", tar(files, last=block(b"bag/data/x", b"x", size=b"\xff" * 12)), "refuse"
    yield "a size in Python's spelling", tar(files, last=block(b"bag/data/x", b"x", size=b"0_000000001\0")), "refuse"
    yield "a size with a sign", tar(files, last=block(b"bag/data/x", b"x", size=b"-0000000001\0")), "refuse"
    yield "a wrong checksum", bytes(tar(files)[:148]) + b"000000\0 " + tar(files)[156:], "refuse"
    yield "another order", tar(dict(reversed(files.items()))), "accept"
    yield "another top", tar(files, top="any name"), "accept"
    yield "no top", tar(files, top="."), "refuse"
    for tool in ("gzip", "xz", "bzip2", "zstd"):
        packed = subprocess.run([tool, "-c"], input=tar(files), capture_output=True)
        yield f"packed with {tool}", packed.stdout, "refuse"
    for format in ("gnu", "pax", "ustar"):
        place = f"{WORK}/again-{format}"
        os.makedirs(place + "/bag", exist_ok=True)
        subprocess.run(["tar", "-xf", ARCHIVE, "-C", place + "/bag", "--strip-components=1"], check=True)
        done = subprocess.run(["tar", f"--format={format}", "-C", place, "-cf", "-", "bag"], capture_output=True)
        if done.returncode == 0:  # ustar has no long names
            yield f"GNU tar, {format}", done.stdout, "accept"


# --- Content ----------------------------------------------------------------------------------------------------------

def renew(files):
    def lines(names):
        return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(names)).encode()
    files["manifest-sha256.txt"] = lines(name for name in files if name.startswith("data/"))
    files["tagmanifest-sha256.txt"] = lines(["bag-info.txt", "bagit.txt", "manifest-sha256.txt"])


def low(signature):
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, ORDER - s))


def sign(files, key):
    renew(files)
    files["tagmanifest-sha256.txt.sig"] = low(key.sign(files["tagmanifest-sha256.txt"], ec.ECDSA(hashes.SHA256())))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def changes(files, other, same):
    """(name, function that changes the files, whether manifests are written anew): all of them have to be refused."""
    record, signature = files["data/record.json"], files["tagmanifest-sha256.txt.sig"]
    outputs = [name for name in files if name.startswith("data/outputs/")]
    twins = [(a, b) for a in outputs for b in outputs if a < b and len(files[a]) == len(files[b]) and files[a] != files[b]]
    r, s = decode_dss_signature(signature)
    other_s = bytearray(encode_dss_signature(r, ORDER - s))

    def put(name, data):
        return lambda f: f.update({name: data})

    def text(name, old, new):
        assert old in files[name], (name, old)
        return put(name, files[name].replace(old, new))

    def moved(names, source):
        return lambda f: f.update({name: source[name] for name in names if name in source})

    def crlf(name):
        return put(name, files[name].replace(b"\n", b"\r\n"))

    listed = files["manifest-sha256.txt"]
    line = listed.split(b"\n")[0]
    everything_of_run = [name for name in same if name.startswith(("data/attest/", "data/ledger/"))]
    yield "the second form of the bag's signature", put("tagmanifest-sha256.txt.sig", bytes(other_s)), False
    yield "a signature with bytes behind it", put("tagmanifest-sha256.txt.sig", signature + b"\0"), False
    yield "a signature with a long length", put("tagmanifest-sha256.txt.sig", b"\x30\x81" + signature[1:]), False
    yield "a signature with a leading zero", put(
        "tagmanifest-sha256.txt.sig",
        bytes([0x30, len(signature) - 1, 2, signature[3] + 1, 0]) + signature[4:]), False
    yield "a signature of zeros", put("tagmanifest-sha256.txt.sig", bytes([0x30, 6, 2, 1, 0, 2, 1, 0])), False
    yield "an empty signature", put("tagmanifest-sha256.txt.sig", b""), False
    yield "a signature in base 64", put("tagmanifest-sha256.txt.sig", base64.b64encode(signature)), False
    for name in ("data/record.json", "data/files.json", "data/run/result.json", "data/ledger/checkpoint",
                 "data/keys/ledger.vkey", "data/keys/attestor.pub.pem", "manifest-sha256.txt", "bagit.txt"):
        yield f"a byte order mark before {name}", put(name, b"\xef\xbb\xbf" + files[name]), not name.endswith("txt")
        yield f"a space behind {name}", put(name, files[name] + b" "), not name.endswith("txt")
    for name in ("data/record.json", "data/ledger/checkpoint", "data/keys/attestor.pub.pem", "manifest-sha256.txt",
                 "tagmanifest-sha256.txt", "bagit.txt", "bag-info.txt", "data/ledger/run.tlog-proof"):
        yield f"CR LF in {name}", crlf(name), not name.endswith("txt")
    yield "a key twice in the record", text("data/record.json", b'{"checkpoint"', b'{"run":"01m8","checkpoint"'), True
    yield "a key twice in files.json", text("data/files.json", b'{"documents"', b'{"run":"01m8","documents"'), True
    yield "a spaced record", put("data/record.json", json.dumps(json.loads(record)).encode() + b"\n"), True
    yield "an escaped record", text("data/record.json", b'"run":', b'"r\\u0075n":'), True
    index = b'"leafIndex":%d,' % json.loads(record)["entries"][0]["leafIndex"]
    yield "an index as a fraction", text("data/record.json", index, index[:-1] + b".0,"), True
    yield "an index as an exponent", text("data/record.json", index, index[:-1] + b"e0,"), True
    for old, new in ((b"=", b""), (b"=", b"%3D"), (b"/", b"_"), (b"+", b"-")):
        document = json.loads(record)
        envelope = document["entries"][0]["envelope"]
        if old.decode() in envelope["payload"]:
            envelope["payload"] = envelope["payload"].replace(old.decode(), new.decode())
            yield f"base 64 with {new.decode() or 'nothing'} for {old.decode()}", put("data/record.json", canonical(document) + b"\n"), True
    document = json.loads(record)
    payload = document["entries"][0]["envelope"]["payload"]
    if payload.endswith("="):
        last = payload.rstrip("=")[-1]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        document["entries"][0]["envelope"]["payload"] = (
            payload.rstrip("=")[:-1] + alphabet[alphabet.index(last) + 1] + "=" * (len(payload) - len(payload.rstrip("="))))
        yield "base 64 with spare bits", put("data/record.json", canonical(document) + b"\n"), True
    yield "base 64 in two lines", text("data/record.json", b'"payload":"', b'"payload":"\\n'), True
    yield "outputs exchanged, of one length", (
        lambda f: f.update({twins[0][0]: files[twins[0][1]], twins[0][1]: files[twins[0][0]]}) if twins else f.clear()), True
    yield "the statement of another run of this home", moved(
        [name for name in same if name.startswith("data/attest/run.")], same), True
    yield "all statements and proofs of another run of this home", moved(everything_of_run, same), True
    yield "the record of another run of this home", moved(["data/record.json"], same), True
    yield "record, statements and proofs of another run of this home", moved(
        ["data/record.json", *everything_of_run], same), True
    yield "the outputs of another run of this home", moved(
        [name for name in same if name.startswith("data/outputs/")] or ["data/logs/stdout.txt"], same), True
    yield "the bag's signature of another run", put("tagmanifest-sha256.txt.sig", same["tagmanifest-sha256.txt.sig"]), False
    yield "the checkpoint of another log", moved(["data/ledger/checkpoint"], other), True
    yield "the keys of another log", moved([name for name in other if name.startswith("data/keys/")], other), True
    yield "a second crate beside the bag", put("ro-crate-metadata.json", files["data/ro-crate-metadata.json"]), False
    yield "a second crate", put("data/ro-crate-metadata.jsonld", files["data/ro-crate-metadata.json"]), True
    yield "another manifest", put("manifest-md5.txt", b"0" * 32 + b"  data/record.json\n"), False
    yield "a list of files to fetch", put("fetch.txt", b"http://example.org/ 4 data/x\n"), False
    yield "digests in capitals", put("manifest-sha256.txt", line[:64].upper() + listed[64:]), False
    yield "a binary mark in the manifest", put("manifest-sha256.txt", listed.replace(b"  data/", b" *data/", 1)), False
    yield "a manifest that is empty", put("manifest-sha256.txt", b""), False
    yield "a manifest with a line twice", put("manifest-sha256.txt", line + b"\n" + listed), False
    yield "a manifest with another spelling", put("manifest-sha256.txt", listed.replace(b"  data/", b"  ./data/", 1)), False
    yield "a manifest that leads out", put("manifest-sha256.txt", listed + line[:64] + b"  ../../etc/passwd\n"), False
    yield "a tag manifest that lists a payload", put(
        "tagmanifest-sha256.txt", files["tagmanifest-sha256.txt"] + line + b"\n"), False
    yield "a tag manifest without a tag", put(
        "tagmanifest-sha256.txt", b"\n".join(files["tagmanifest-sha256.txt"].split(b"\n")[1:])), False
    for name, old, new in (("data/index.html", b"<h1>", b"<h1>Better "), ("data/sbom/bom.cdx.json", b'"version":1', b'"version":2'),
                           ("data/rerun/run.sh", b"set -eu", b"exit 0"), ("data/prov/prov.json", b"urn:", b"uri:"),
                           ("data/rerun/outputs.txt", b" f ", b" l "), ("data/run/spec.json", b'"python"', b'"pythom"')):
        yield f"an edited {name}", text(name, old, new), True
    for curve in (ec.SECP384R1(), ec.SECP256K1(), ec.SECP521R1()):
        key = ec.generate_private_key(curve).public_key().public_bytes(PEM, SPKI)
        document = json.loads(record)
        document["keys"]["attestor"] = key.decode()
        yield f"a key on the curve {curve.name}", (lambda f, key=key, document=document: f.update({
            "data/keys/attestor.pub.pem": key, "data/record.json": canonical(document) + b"\n"})), True
    document = json.loads(record)
    document["keys"]["attestor"] = document["keys"]["ledger"]
    yield "the log's key as that of the statements", put("data/record.json", canonical(document) + b"\n"), True
    document = json.loads(record)
    document["keys"]["attestor"] = document["keys"]["attestor"].replace("\n", "\r\n")
    yield "a key with CR LF in the record", put("data/record.json", canonical(document) + b"\n"), True


# --- Proofs, and verdicts -------------------------------------------------------------------------------------------

def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def path_of(leaves, index):
    """RFC 6962 section 2.1.1: (root, path)."""
    if len(leaves) == 1:
        return leaves[0], []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    left, right = leaves[:k], leaves[k:]
    if index < k:
        root, path = path_of(left, index)
        other = path_of(right, 0)[0]
        return node(root, other), [*path, other]
    root, path = path_of(right, index - k)
    other = path_of(left, 0)[0]
    return node(other, root), [*path, other]


def verifier():
    spec = importlib.util.spec_from_file_location("verify", VERIFY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = verifier()


def show(name, data, wanted, *keys):
    path = f"{WORK}/stranger.tar"
    with open(path, "wb") as file:
        file.write(data)
    return judge(name, path, wanted, *keys)


def judge(name, path, wanted, *keys):
    options = [word for key in keys for word in ("--key", key)]
    ibid = subprocess.run([IBID, "verify", path, *options], capture_output=True, text=True)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        problems = CHECK.verify(path, CHECK.read_pins(keys), None)
    if (ibid.returncode, problems > 0) != ((0, False) if wanted == "accept" else (5, True)):
        print(name, ibid.stdout[-600:], ibid.stderr[-300:], said.getvalue()[-600:], file=sys.stderr)
    print(name, ibid.returncode, 1 if problems else 0, wanted, sep="\t", flush=True)
    return ibid.stdout, said.getvalue()


def main():
    files, other, same = load(ARCHIVE), load(OTHER), load(SAME)
    for name, data, wanted in tars(files):
        show(name, data, wanted)
    for name, change, anew in changes(files, other, same):
        changed = dict(files)
        change(changed)
        assert changed != files, name
        if anew:
            renew(changed)
        show(name, tar(changed), "refuse")
    import forgers  # which builds on this
    forged = tar(forgers.Forgery(files).write())
    for sentence in show("keys replaced everywhere, none known", forged, "accept"):
        assert "whose keys" in sentence, sentence
    for kind in ("attestor.pub.pem", "ledger.pub.pem", "ledger.vkey"):
        path = f"{WORK}/pinned-{kind}"
        with open(path, "wb") as file:
            file.write(files[f"data/keys/{kind}"])
        show(f"the true archive, {kind} known", tar(files), "accept", path)
        show(f"keys replaced everywhere, {kind} known", forged, "refuse", path)


if __name__ == "__main__":
    main()
