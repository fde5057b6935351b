"""Checks an unpacked archive with programs that others wrote, each by its own file. A line for each: its name, 1 or 0.

usage: foreign.py BAG [CHECK]...     Needs no network.
"""
import base64
import copy
import hashlib
import json
import os
import subprocess
import sys
import tempfile

BAG = os.path.abspath(sys.argv[1])
DATA = BAG + "/data"
BIN = os.path.dirname(sys.executable)
HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(os.path.join(DATA, path), "rb") as file:
        return file.read()


def run(*command, cwd=BAG, **options):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-300:]


def bagit():
    run(BIN + "/bagit.py", "--validate", BAG)


def sha256sum():
    run("sha256sum", "--strict", "--quiet", "-c", "tagmanifest-sha256.txt", "manifest-sha256.txt")


def openssl_statement():
    run("openssl", "dgst", "-sha256", "-verify", "data/keys/attestor.pub.pem", "-signature", "data/attest/run.sig",
        "data/attest/run.pae")


def openssl_bag():
    run("openssl", "dgst", "-sha256", "-verify", "data/keys/attestor.pub.pem", "-signature",
        "tagmanifest-sha256.txt.sig", "tagmanifest-sha256.txt")


def openssl_checkpoint():
    text, signature = read("ledger/checkpoint").decode().split("\n\n")
    with tempfile.TemporaryDirectory() as place:
        with open(place + "/text", "w") as file:
            file.write(text + "\n")
        with open(place + "/sig", "wb") as file:
            file.write(base64.b64decode(signature.split(" ")[2])[4:])
        run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", DATA + "/keys/ledger.pub.pem", "-rawin", "-in",
            place + "/text", "-sigfile", place + "/sig")


def model_signing():
    run(BIN + "/model_signing", "verify", "key", "data/outputs", "--signature",
        "data/attest/outputs.oms.sigstore.json", "--public_key", "data/keys/attestor.pub.pem")


def rocrate():
    run(BIN + "/rocrate-validator", "-y", "validate", "--no-paging", "--offline", "--cache-path",
        os.path.dirname(BIN) + "/rocrate-cache", "-p", "process-run-crate-0.5", "-l", "recommended", DATA)


def cyclonedx():
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(read("sbom/bom.cdx.json").decode())
    assert problem is None, problem


def dsse():
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey
    raw = json.loads(read("attest/run.intoto.json"))
    envelope = Envelope.from_dict(copy.deepcopy(raw))
    key = load_pem_public_key(read("keys/attestor.pub.pem"))
    envelope.verify([SSlibKey.from_crypto(key, keyid=raw["signatures"][0]["keyid"])], 1)
    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    json_format.ParseDict(json.loads(envelope.payload)["predicate"], provenance_pb2.Provenance())
    leaf = json.loads(read("ledger/leaf.json"))["spec"]["hashedRekordV002"]
    assert base64.b64decode(leaf["data"]["digest"]) == hashlib.sha256(envelope.pae()).digest()
    assert leaf["signature"]["content"] == raw["signatures"][0]["sig"]


def scitt():
    import scitt_cose
    head, checkpoint = read("ledger/run.tlog-proof").decode().split("\n\n", 1)
    lines = head.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    origin, size, root = checkpoint.split("\n")[:3]
    path = [base64.b64decode(line, validate=True).hex() for line in lines[2:]]
    assert scitt_cose.verify_inclusion(
        read("ledger/leaf.json").hex(), int(lines[1][6:]), int(size), path, base64.b64decode(root).hex())
    head, checkpoint = read("ledger/consistency").decode().split("\n\n", 1)
    first, *hashes = head.split("\n")
    old, new = read("ledger/checkpoint." + first[4:]).decode().split("\n"), checkpoint.split("\n")
    if old[1] == new[1]:  # scitt-cose asks for a proof even where nothing is to be proved
        assert not hashes and old[2] == new[2]
    else:
        assert scitt_cose.verify_consistency(
            base64.b64decode(old[2]).hex(), base64.b64decode(new[2]).hex(), int(old[1]), int(new[1]),
            [base64.b64decode(line, validate=True).hex() for line in hashes])


def go():
    run(os.environ["TLOGCHECK"], DATA)


def prov():
    from prov.model import ProvDocument
    document = ProvDocument.deserialize(content=read("prov/prov.json").decode(), format="json")
    assert ProvDocument.deserialize(content=document.serialize(format="xml"), format="xml") == document


def commit():
    """OpenPGP needs the key, in the file that KEYRING names; SSH signatures hold it."""
    if not os.path.exists(DATA + "/source/commit.sig"):
        return
    if read("source/commit.sig").startswith(b"-----BEGIN PGP"):
        with tempfile.TemporaryDirectory() as place:
            run("gpg", "--homedir", place, "--batch", "--quiet", "--import", os.environ["KEYRING"])
            run("gpg", "--homedir", place, "--batch", "--verify", DATA + "/source/commit.sig", DATA + "/source/commit.payload")
        return
    with open(DATA + "/source/commit.payload") as file:
        run("ssh-keygen", "-Y", "check-novalidate", "-n", "git", "-s", DATA + "/source/commit.sig", stdin=file)


CHECKS = [bagit, sha256sum, openssl_statement, openssl_bag, openssl_checkpoint, model_signing, rocrate, cyclonedx,
          dsse, scitt, go, prov, commit]

for check in CHECKS:
    if sys.argv[2:] and check.__name__ not in sys.argv[2:]:
        continue
    if check is go and "TLOGCHECK" not in os.environ:
        continue
    try:
        check()
        print(check.__name__, 1)
    except Exception as problem:  # whatever a verifier throws is its refusal
        print(check.__name__, 0, type(problem).__name__, str(problem)[-300:].replace("\n", " "))
