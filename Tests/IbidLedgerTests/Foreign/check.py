"""Checks a record, and the ledger it is from, with code that others wrote. One line for each check: its name, 1 or 0.

usage: check.py RECORD LEDGER CONSISTENCY OLD_CHECKPOINT
"""
import base64
import copy
import json
import sqlite3
import sys

import jcs
import pymerkle
import rfc8785
import scitt_cose
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

raw, ledger, consistency, old = (open(path, "rb").read() for path in sys.argv[1:])
record = json.loads(raw)
PREDICATES = {
    "https://slsa.dev/provenance/v1": provenance_pb2.Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
}


def unbase64(text):
    return base64.b64decode(text, validate=True)


def head(note):
    origin, size, root = note.split("\n")[:3]
    return int(size), unbase64(root)


def signatures():
    key = load_pem_public_key(record["keys"]["attestor"].encode())
    for entry in record["entries"]:
        envelope = Envelope.from_dict(copy.deepcopy(entry["envelope"]))
        keyid = entry["envelope"]["signatures"][0]["keyid"]
        envelope.verify([SSlibKey.from_crypto(key, keyid=keyid)], 1)


def statements():
    for entry in record["entries"]:
        payload = unbase64(entry["envelope"]["payload"])
        statement = json_format.Parse(payload, statement_pb2.Statement())
        Statement.copy_from_pb(statement).validate()
        json_format.ParseDict(json.loads(payload)["predicate"], PREDICATES[statement.predicate_type]())


def canonical():
    documents = [raw[:-1]]
    for entry in record["entries"]:
        documents += [unbase64(entry["envelope"]["payload"]), unbase64(entry["leaf"])]
    for document in documents:
        value = json.loads(document)
        assert rfc8785.dumps(value) == document == jcs.canonicalize(value)


def inclusion():
    size, root = head(record["checkpoint"])
    for entry in record["entries"]:
        path = [unbase64(item).hex() for item in entry["inclusionPath"]]
        assert scitt_cose.verify_inclusion(
            unbase64(entry["leaf"]).hex(), entry["leafIndex"], size, path, root.hex())


def growth():
    (old_size, old_root), (size, root) = head(old.decode()), head(record["checkpoint"])
    path = [unbase64(line).hex() for line in consistency.decode().split()]
    assert scitt_cose.verify_consistency(old_root.hex(), root.hex(), old_size, size, path)


def whole_tree():
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    database = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
    for (leaf,) in database.execute("SELECT leaf FROM entries ORDER BY leaf_index"):
        tree.append_entry(leaf)
    assert (tree.get_size(), tree.get_root()) == head(record["checkpoint"])


for check in (signatures, statements, canonical, inclusion, growth, whole_tree):
    try:
        check()
        print(check.__name__, 1)
    except Exception as problem:  # whatever a verifier throws is its refusal
        print(check.__name__, 0, type(problem).__name__, str(problem)[:200].replace("\n", " "))
