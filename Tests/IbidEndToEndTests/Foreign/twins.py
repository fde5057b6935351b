"""Makes twins of an archive, each tampered with in one way, and says who accepts them.

usage: twins.py ARCHIVE OTHER_ARCHIVE IBID VERIFY_PY FOREIGN_PY WORK
       twins.py --flips COUNT ARCHIVE IBID VERIFY_PY WORK

A line for each twin: its name; the exit status of `ibid verify`; that of verify.py; the foreign checks that were asked
and accepted it. The careful twins have their manifests written anew: only signatures and proofs give them away.
"""
import base64
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile


def load(path):
    files = {}
    with tarfile.open(path) as tar:
        for member in tar:
            if member.isfile():
                files[member.name.partition("/")[2]] = tar.extractfile(member).read()
    return files


def store(files, path, top="bag"):
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def renew(files):
    """Writes the manifests anew, as somebody without the key can."""
    def lines(names):
        return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(names)).encode()
    files["manifest-sha256.txt"] = lines(name for name in files if name.startswith("data/"))
    files["tagmanifest-sha256.txt"] = lines(["bag-info.txt", "bagit.txt", "manifest-sha256.txt"])


def edit(name, old, new):
    def change(files):
        assert old in files[name], (name, old)
        files[name] = files[name].replace(old, new, 1)
    return change


def flip(name, place=0.5):
    def change(files):
        data = bytearray(files[name])
        data[int(len(data) * place)] ^= 1
        files[name] = bytes(data)
    return change


def drop(name):
    return lambda files: files.pop(name)


def add(name, data=b"more\n"):
    return lambda files: files.update({name: data})


def swap(one, two):
    def change(files):
        files[one], files[two] = files[two], files[one]
    return change


def both(*changes):
    def change(files):
        for item in changes:
            item(files)
    return change


def crate(change):
    def edit_crate(files):
        graph = json.loads(files["data/ro-crate-metadata.json"])
        change({entity["@id"]: entity for entity in graph["@graph"]}, graph)
        files["data/ro-crate-metadata.json"] = json.dumps(graph).encode()
    return edit_crate


def action(entities):
    return next(entity for entity in entities.values() if entity["@type"] == "CreateAction")


def size(delta):
    def change(files):
        for name in ("data/ledger/checkpoint", "data/ledger/run.tlog-proof"):
            head, _, rest = files[name].decode().rpartition("\n\n")
            lines = head.split("\n")
            lines[-2] = str(int(lines[-2]) + delta)
            files[name] = ("\n".join(lines) + "\n\n" + rest).encode()
    return change


def index(files):
    lines = files["data/ledger/run.tlog-proof"].decode().split("\n")
    lines[1] = f"index {int(lines[1][6:]) + 1}"
    files["data/ledger/run.tlog-proof"] = "\n".join(lines).encode()


def payload(old, new):
    def change(files):
        envelope = json.loads(files["data/attest/run.intoto.json"])
        data = base64.b64decode(envelope["payload"])
        assert old in data
        envelope["payload"] = base64.b64encode(data.replace(old, new, 1)).decode()
        files["data/attest/run.intoto.json"] = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    return change


def everywhere(old, new):
    """A number changed in the output, in the result, in the log and on the page, everywhere but in what is signed."""
    def change(files):
        for name in files:
            if name.startswith("data/") and not name.endswith(".tar"):
                files[name] = files[name].replace(old, new)
    return change


def twins(files, other):
    output = next(name for name in files if name.endswith("result.csv"))
    everyone = ["bagit", "sha256sum", "model_signing"]
    return [
        # name, change, foreign checks that have to refuse it as it is
        ("a changed output", flip(output), everyone),
        ("a removed output", drop(output), everyone + ["rocrate"]),
        ("an added output", add("data/outputs/extra.csv"), ["bagit", "model_signing"]),
        ("an added file", add("data/extra"), ["bagit"]),
        ("an added tag file", add("extra.txt"), []),
        ("exchanged outputs", swap(output, next(n for n in files if n.endswith("other.txt"))), everyone),
        ("a changed log", flip("data/logs/stdout.txt"), ["bagit", "sha256sum"]),
        ("a removed log", drop("data/logs/stderr.txt"), ["bagit", "rocrate"]),
        ("a changed spec", edit("data/run/spec.json", b'"python"', b'"pythom"'), ["bagit"]),
        ("a changed result", edit("data/run/result.json", b'"exitCode":0', b'"exitCode":1'), ["bagit"]),
        ("a changed input", flip("data/inputs/data.txt"), ["bagit"]),
        ("a changed source", edit("data/source/tree.tar", b"result", b"tlus3r"), ["bagit"]),
        ("a changed git object", flip("data/source/proof.tar", 0.4), ["bagit"]),
        ("no git objects", drop("data/source/proof.tar"), ["bagit", "rocrate"]),
        ("another commit's payload", edit("data/source/commit.payload", b"author A", b"author B"), ["commit"]),
        ("no commit signature", drop("data/source/commit.sig"), ["bagit"]),
        ("a changed record", flip("data/record.json"), ["bagit"]),
        ("another run's record", add("data/record.json", other["data/record.json"]), ["bagit"]),
        ("no record", drop("data/record.json"), ["bagit", "rocrate"]),
        ("a changed statement", payload(b'"succeeded"', b'"suceeeded"'), ["dsse"]),
        ("a changed signed text", flip("data/attest/run.pae"), ["openssl_statement"]),
        ("a changed signature", flip("data/attest/run.sig"), ["openssl_statement"]),
        ("another run's statement", add("data/attest/run.intoto.json", other["data/attest/run.intoto.json"]), ["dsse"]),
        ("intent for outcome", swap("data/attest/run.intoto.json", "data/attest/intent.intoto.json"), ["dsse"]),
        ("a changed model signature", edit("data/attest/outputs.oms.sigstore.json", b'"sig":"MEU', b'"sig":"MEV')
         if b'"sig":"MEU' in files["data/attest/outputs.oms.sigstore.json"]
         else edit("data/attest/outputs.oms.sigstore.json", b'"sig":"MEQ', b'"sig":"MER'), ["model_signing"]),
        ("a changed leaf", edit("data/ledger/leaf.json", b"hashedrekord", b"hashedrekore"), ["scitt", "go"]),
        ("exchanged leaves", swap("data/ledger/leaf.json", "data/ledger/intent.leaf.json"), ["scitt", "go"]),
        ("exchanged proofs", swap("data/ledger/run.tlog-proof", "data/ledger/intent.tlog-proof"), ["scitt", "go"]),
        ("another index", index, ["scitt", "go"]),
        ("a larger tree", size(1), ["go", "openssl_checkpoint"]),
        ("a smaller tree", size(-1), ["go", "openssl_checkpoint"]),
        ("a changed root", edit("data/ledger/checkpoint", b"=\n\n", b"A\n\n"), ["openssl_checkpoint"]),
        ("a cut proof", edit("data/ledger/run.tlog-proof", b"=\n", b"=\n\n"), ["scitt", "go"]),
        ("no consistency proof", drop("data/ledger/consistency"), ["scitt", "go"]),
        ("another log's checkpoint", add("data/ledger/checkpoint", other["data/ledger/checkpoint"]), []),
        ("another statement key", add("data/keys/attestor.pub.pem", other["data/keys/attestor.pub.pem"]),
         ["openssl_statement", "openssl_bag", "dsse", "model_signing"]),
        ("another log key", both(add("data/keys/ledger.pub.pem", other["data/keys/ledger.pub.pem"]),
                                 add("data/keys/ledger.vkey", other["data/keys/ledger.vkey"])),
         ["openssl_checkpoint", "go"]),
        ("a changed bill of materials", edit("data/sbom/bom.cdx.json", b'"library"', b'"librarz"'), ["cyclonedx"]),
        ("a changed page", edit("data/index.html", b"succeeded", b"suceeeded"), ["bagit"]),
        ("a changed script", edit("data/rerun/run.sh", b"exit 4", b"exit 0"), ["bagit"]),
        ("a crate without instrument", crate(lambda e, g: action(e).pop("instrument")), ["rocrate"]),
        ("a crate without profile", crate(lambda e, g: e["./"].pop("conformsTo")), ["rocrate"]),
        ("a crate without license", crate(lambda e, g: e["./"].pop("license")), ["rocrate"]),
        ("a changed bag-info", edit("bag-info.txt", b"Oxum: ", b"Oxum: 1"), ["bagit", "sha256sum"]),
        ("another BagIt version", edit("bagit.txt", b"1.0", b"0.9"), ["sha256sum"]),
        ("a changed manifest", flip("manifest-sha256.txt", 0.0), ["bagit", "sha256sum"]),
        ("a changed bag signature", flip("tagmanifest-sha256.txt.sig"), ["openssl_bag"]),
        ("no bag signature", drop("tagmanifest-sha256.txt.sig"), ["openssl_bag"]),
        ("a better number everywhere", everywhere(b"0.731", b"0.931"), ["bagit", "sha256sum", "model_signing"]),
    ]


def verifier(path):
    spec = importlib.util.spec_from_file_location("verify", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def check(archive):
        with contextlib.redirect_stdout(io.StringIO()):
            return 1 if module.verify(archive, module.read_pins([]), None) else 0
    return check


def make(archive, other, ibid, verify, foreign, work):
    check = verifier(verify)
    original, stranger = load(archive), load(other)
    for name, change, refused_by in twins(original, stranger):
        for kind in ("plain", "careful"):
            files = dict(original)
            change(files)
            if kind == "careful" and name not in (
                    "a changed bag-info", "another BagIt version", "a changed manifest", "a changed bag signature",
                    "no bag signature", "an added tag file"):
                renew(files)
            elif kind == "careful":
                continue
            path = f"{work}/twin.tar"
            store(files, path)
            status = subprocess.run([ibid, "verify", path], capture_output=True).returncode
            accepted = []
            if kind == "plain" and refused_by:
                place = f"{work}/twin"
                shutil.rmtree(place, ignore_errors=True)
                with tarfile.open(path) as tar:
                    tar.extractall(place)
                lines = subprocess.run([sys.executable, foreign, place + "/bag", *refused_by], capture_output=True,
                                       text=True, check=True).stdout.splitlines()
                accepted = [line.split(" ")[0] for line in lines if line.split(" ")[1] == "1"]
            print(f"{name} ({kind})", status, check(path), ",".join(accepted) or "-", sep="\t")


def flips(count, archive, ibid, verify, work):
    """The oracle is tarfile: a flip that changes no file and no name changes nothing that anybody reads."""
    check = verifier(verify)
    with open(archive, "rb") as file:
        data = file.read()
    original, seen = load(archive), 0
    for _ in range(int(count)):
        place = random.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << random.randrange(8)
        path = f"{work}/flipped.tar"
        with open(path, "wb") as file:
            file.write(changed)
        try:
            same = load(path) == original
        except Exception:
            same = False
        seen += not same
        done = subprocess.run([ibid, "verify", path], capture_output=True, text=True)
        refused = (done.returncode == 5 and "PROBLEM" in done.stdout, check(path) == 1)
        if not same and refused != (True, True):
            print("missed", place, *refused, sep="\t")
    print("flips", count, "changed", seen, sep="\t")


if sys.argv[1] == "--flips":
    flips(*sys.argv[2:])
else:
    make(*sys.argv[1:])
