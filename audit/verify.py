#!/usr/bin/env python3
"""Verifies an Ibid audit record without Ibid.

    verify.py RECORD.json [--key FILE]... [--outputs DIR]

Needs Python 3.9 and the package "cryptography". Prints each check, then what was not proved.
Exit status: 0 everything holds, 1 something does not (tampered with, or never a record), 2 could not check.

--key FILE pins keys that you got from somewhere else than the record: PEM public keys (P-256 signs statements,
Ed25519 signs the log) or a line "name+hash+base64". Without it the record is only consistent with itself.
--outputs DIR holds the files of a directory against the run's outputs.

The formats are standards, named at each step: DSSE v1.0, in-toto Statement v1, Rekor v2 hashedrekord 0.0.2,
RFC 6962 (Merkle tree), C2SP signed-note and tlog-checkpoint, RFC 8785 (canonical JSON). See LEDGER.md.
"""
import argparse
import base64
import binascii
import hashlib
import json
import os
import stat
import sys

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
except ImportError:
    print("verify.py: the Python package 'cryptography' is missing (Debian: python3-cryptography)", file=sys.stderr)
    sys.exit(2)

MEDIA_TYPE = "application/vnd.ibid.record.v1+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
ROLE_OF_BUILD_TYPE = {
    "urn:ibid:run-intent:v1": "intent", "urn:ibid:run:v1": "outcome", "urn:ibid:image:v1": "image"}
RUN_URI = "urn:ibid:run:"


class Bad(Exception):
    """Something in the record is not as it should be."""


class Report:
    def __init__(self):
        self.problems = 0

    def check(self, what, test):
        """Runs one check, prints what came of it, and returns what the test returned (None when it failed)."""
        try:
            result = test()
        except Bad as problem:
            self.problems += 1
            print(f"BAD  {what}: {problem}")
            return None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError,
                UnsupportedAlgorithm) as problem:
            self.problems += 1
            print(f"BAD  {what}: malformed ({type(problem).__name__}: {problem})")
            return None
        print(f"ok   {what}")
        return result


def require(condition, problem):
    if not condition:
        raise Bad(problem)


# --- Encodings -------------------------------------------------------------------------------------------------------

def unbase64(text):
    """Base 64 in its one canonical form: a second spelling of the same bytes is refused."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(f"not base 64: {text[:40]!r}") from None
    require(base64.b64encode(data).decode() == text, "base 64 that is not canonical")
    return data


def no_fraction(text):
    raise Bad(f"the number {text} has no place in a record")


def parse_json(data):
    try:
        return json.loads(data.decode("utf-8"), parse_float=no_fraction, parse_constant=no_fraction)
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise Bad(f"not JSON ({problem})") from None


def canonical(value):
    """RFC 8785 for values without fractions: keys in the order of their UTF-16 code units, no white space."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(canonical(key) + ":" + canonical(item) for key, item in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, int) and not isinstance(value, bool):
        require(abs(value) < 2**53, f"the number {value} has no place in a record")
    return json.dumps(value, ensure_ascii=False)


def require_canonical(data, value, what):
    try:
        same = canonical(value).encode("utf-8") == data
    except UnicodeEncodeError:
        same = False
    require(same, f"{what} is not in canonical form (changed, or reformatted)")


def sha256(data):
    return hashlib.sha256(data).digest()


# --- The Merkle tree: RFC 6962 section 2.1, RFC 9162 section 2.1.3.2 -------------------------------------------------

def leaf_hash(leaf):
    return sha256(b"\x00" + leaf)


def node_hash(left, right):
    return sha256(b"\x01" + left + right)


def root_from_path(index, size, current, path):
    require(0 <= index < size, f"index {index} is not in a tree of {size}")
    last = size - 1
    for sibling in path:
        require(last > 0, "the path is too long")
        if index % 2 == 1 or index == last:
            current = node_hash(sibling, current)
            while index % 2 == 0 and index != 0:  # a node without a sibling rises as it is
                index //= 2
                last //= 2
        else:
            current = node_hash(current, sibling)
        index //= 2
        last //= 2
    require(last == 0, "the path is too short")
    return current


# --- Keys, the checkpoint, envelopes ---------------------------------------------------------------------------------

def load_pem(text, kind):
    key = serialization.load_pem_public_key(text.encode())
    require(isinstance(key, kind), "not a key of the expected kind")
    if kind is ec.EllipticCurvePublicKey:
        require(isinstance(key.curve, ec.SECP256R1), "not on the curve P-256")
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    require(pem.decode() == text, "not written as OpenSSL writes it")
    return key


def spki(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def raw(key):
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def read_keys(record):
    keys = record["keys"]
    require(set(keys) == {"attestor", "ledger", "ledgerVerifier"}, "unknown or missing members")
    attestor = load_pem(keys["attestor"], ec.EllipticCurvePublicKey)
    ledger = load_pem(keys["ledger"], ed25519.Ed25519PublicKey)
    # C2SP signed-note: name+hash+base64(01 key), hash = first four bytes of SHA-256(name 0A 01 key).
    name, key_hash, encoded = keys["ledgerVerifier"].split("+", 2)
    require(unbase64(encoded) == b"\x01" + raw(ledger), "the two forms of the log's key differ")
    computed = sha256(name.encode() + b"\n\x01" + raw(ledger))[:4]
    require(key_hash == computed.hex(), "the log's key does not have the hash of its name")
    return attestor, ledger, name, computed


def read_checkpoint(record, ledger, name, key_hash):
    """C2SP signed-note around a tlog-checkpoint: (tree size, root hash)."""
    note = record["checkpoint"]
    require(all(c >= " " or c == "\n" for c in note) and note.endswith("\n"), "not a signed note")
    text, blank, signatures = note[:-1].rpartition("\n\n")
    require(blank, "not a signed note")
    text += "\n"
    mine = []
    for line in signatures.split("\n"):
        dash, signer, encoded = line.split(" ")
        signature = unbase64(encoded)
        require(dash == "\u2014" and signer and len(signature) > 4, "a malformed signature line")
        if signer == name and signature[:4] == key_hash:
            mine.append(signature[4:])
    require(mine, "not signed by the log's key")
    for signature in mine:
        try:
            ledger.verify(signature, text.encode())
        except InvalidSignature:
            raise Bad("its signature is wrong") from None
    lines = text.split("\n")
    require(len(lines) >= 4 and lines[0] == name, f"it is of the log {lines[0]!r}, the key of {name!r}")
    require(lines[1].isascii() and lines[1].isdigit() and str(int(lines[1])) == lines[1], "its size is no number")
    root = unbase64(lines[2])
    require(len(root) == 32, "its root is no hash")
    require(int(lines[1]) > 0, "it is over an empty log")
    return int(lines[1]), root


def read_envelope(entry, attestor):
    """DSSE v1.0 with exactly one signature: (statement, leaf that stands for it)."""
    envelope = entry["envelope"]
    require(set(envelope) == {"payload", "payloadType", "signatures"}, "unknown or missing members in the envelope")
    require(len(envelope["signatures"]) == 1, "not exactly one signature")
    signature = envelope["signatures"][0]
    require(set(signature) == {"keyid", "sig"}, "unknown or missing members in the signature")
    require(signature["keyid"] == sha256(spki(attestor)).hex(), "it names another key")
    require(envelope["payloadType"] == PAYLOAD_TYPE, "its payload is of another type")
    payload, sig = unbase64(envelope["payload"]), unbase64(signature["sig"])
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    try:
        attestor.verify(sig, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Bad("its signature is wrong") from None
    statement = parse_json(payload)
    require_canonical(payload, statement, "the statement")
    require(statement["_type"] == STATEMENT and statement["subject"], "not an in-toto statement")
    for subject in statement["subject"]:
        require(len(bytes.fromhex(subject["digest"]["sha256"])) == 32, "a subject has no SHA-256 digest")
    leaf = canonical({
        "apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": base64.b64encode(sha256(signed)).decode()},
            "signature": {"content": base64.b64encode(sig).decode(), "verifier": {
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "publicKey": {"rawBytes": base64.b64encode(spki(attestor)).decode()}}}}}})
    return statement, leaf.encode()


# --- What the statements say about one another -----------------------------------------------------------------------

def describe(statement):
    """(role, run, image) as the statement itself says."""
    predicate = statement["predicate"]
    if statement["predicateType"] == PROVENANCE:
        definition, details = predicate["buildDefinition"], predicate["runDetails"]
        role = ROLE_OF_BUILD_TYPE.get(definition["buildType"])
        if role == "image":
            return role, None, statement["subject"][0]["digest"]["sha256"]
        images = [item["digest"]["sha256"] for item in definition.get("resolvedDependencies", [])
                  if item.get("name") == "image"]
        return role, details["metadata"]["invocationId"], images[0] if images else None
    if statement["predicateType"] == TEST_RESULT:
        runs = [item["uri"][len(RUN_URI):] for item in predicate["configuration"]
                if item.get("uri", "").startswith(RUN_URI)]
        return "replay", runs[-1] if runs else None, None
    return None, None, None


def check_together(record, statements):
    indices = [entry["leafIndex"] for entry in record["entries"]]
    require(indices == sorted(set(indices)), f"the order of entries is {indices}")
    described = [describe(statement) for statement in statements]
    roles = [role for role, _, _ in described]
    require(roles == [entry["role"] for entry in record["entries"]], "a role is not what the statement says")
    images = {image for role, _, image in described if role in ("intent", "outcome") and image}
    for entry, (role, run, image) in zip(record["entries"], described):
        if role == "image":
            require(image in images, f"entry {entry['leafIndex']} is about another image")
        else:
            require(run == record["run"], f"entry {entry['leafIndex']} is about run {run}")
    for role in ("intent", "outcome", "image"):
        require(roles.count(role) <= 1, f"several entries of role {role}")
    require("intent" in roles or "outcome" in roles, "neither intent nor outcome")
    if "intent" in roles and "outcome" in roles:
        require(roles.index("intent") < roles.index("outcome"), "the outcome comes before the intent")
    return roles


def digests_in(value):
    """Every SHA-256 digest in any text of a JSON value."""
    if isinstance(value, str):
        text = value[7:] if value.startswith("sha256:") else value
        return {text} if len(text) == 64 and set(text) <= set("0123456789abcdef") else set()
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return set().union(*map(digests_in, items))


def check_documents(documents, statements):
    """Each document hashes to its name, and a statement (or a document that one names) names it."""
    contents = {}
    for name, encoded in documents.items():
        require(name.startswith("sha256:"), f"document {name!r} has no digest as its name")
        contents[name[7:]] = unbase64(encoded)
        require(sha256(contents[name[7:]]).hex() == name[7:], f"document {name} has other bytes")
    named, todo = set(), list(statements)
    while todo:
        for digest in digests_in(todo.pop()) - named:
            named.add(digest)
            if digest in contents:
                try:
                    todo.append(parse_json(contents[digest]))
                except Bad:
                    pass  # not every document is JSON
    for digest in contents:
        require(digest in named, f"document sha256:{digest} is named by no statement")


# --- A directory of outputs ------------------------------------------------------------------------------------------

def written_name(path):
    """Names as records write them: \\xNN for what is not UTF-8, for backslashes and control characters."""
    text = ""
    for character in os.fsencode(path).decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            text += f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or code == 0x7F or character == "\\":
            text += f"\\x{code:02x}"
        else:
            text += character
    return text


def file_digest(path):
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return sha256(os.fsencode(os.readlink(path))).hex()
    require(stat.S_ISREG(mode), f"{path} is not a file")
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read_outputs(outcome, documents):
    """{path: digest}: the outcome's subjects "outputs/...", or what the enclosed result lists when they are too many."""
    subjects = {subject["name"]: subject["digest"]["sha256"] for subject in outcome["subject"]}
    outputs = {name[len("outputs/"):]: digest for name, digest in subjects.items() if name.startswith("outputs/")}
    result = documents.get("sha256:" + subjects.get("result.json", ""))
    if not outputs and result:
        outputs = {item["path"]: item["digest"][len("sha256:"):] for item in parse_json(unbase64(result))["outputs"]}
    return {path.lstrip("/"): digest for path, digest in outputs.items()}


def check_outputs(directory, expected):
    found = {}
    for parent, directories, files in os.walk(directory):
        links = [name for name in directories if os.path.islink(os.path.join(parent, name))]
        for name in files + links:
            path = os.path.join(parent, name)
            found[written_name(os.path.relpath(path, directory))] = path
    problems = []
    for name, digest in expected.items():
        if name not in found:
            problems.append(f"{name} is missing")
        elif file_digest(found[name]) != digest:
            problems.append(f"{name} has other bytes")
    problems += [f"{name} is not an output of the run" for name in sorted(set(found) - set(expected))]
    require(not problems, "; ".join(problems))


# --- Pinned keys -----------------------------------------------------------------------------------------------------

def read_pins(paths):
    """({SPKI of statement keys}, {(name or None, raw log key)})"""
    attestors, ledgers = set(), set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        block = []
        for line in lines:
            if block or line.startswith("-----BEGIN "):
                block.append(line)
                if line.startswith("-----END "):
                    key = serialization.load_pem_public_key("\n".join(block).encode() + b"\n")
                    if isinstance(key, ed25519.Ed25519PublicKey):
                        ledgers.add((None, raw(key)))
                    else:
                        attestors.add(spki(key))
                    block = []
            elif line and not line.startswith("#"):
                name, _, encoded = line.split("+", 2)
                ledgers.add((name, base64.b64decode(encoded, validate=True)[1:]))
    return attestors, ledgers


def check_pins(pins, attestor, ledger, name):
    attestors, ledgers = pins
    require(not attestors or spki(attestor) in attestors, "the statements are signed by another key")
    require(not ledgers or {(name, raw(ledger)), (None, raw(ledger))} & ledgers, "the log is another key's")


# --- All of it -------------------------------------------------------------------------------------------------------

def verify(data, pins, outputs):
    report = Report()

    def read_record():
        record = parse_json(data)
        require(isinstance(record, dict) and record.get("mediaType") == MEDIA_TYPE, "not an audit record")
        require(set(record) == {"checkpoint", "documents", "entries", "keys", "mediaType", "run"},
                "unknown or missing members")
        require(data.endswith(b"\n"), "it does not end with a newline")
        require_canonical(data[:-1], record, "the record")
        return record

    record = report.check("the record is one document in canonical form", read_record)
    if record is None:
        return report.problems
    keys = report.check("the keys are well formed", lambda: read_keys(record))
    if keys is None:
        return report.problems
    attestor, ledger, name, key_hash = keys
    if any(pins):
        report.check("the keys are the pinned ones", lambda: check_pins(pins, attestor, ledger, name))
    checkpoint = report.check(
        f"the checkpoint is signed by the key of log {name}",
        lambda: read_checkpoint(record, ledger, name, key_hash))

    statements = []
    for position, entry in enumerate(record["entries"] if isinstance(record["entries"], list) else []):
        def check_entry(entry=entry):
            require(set(entry) == {"envelope", "inclusionPath", "leaf", "leafIndex", "role"},
                    "unknown or missing members")
            require(type(entry["leafIndex"]) is int, "its index is no number")
            statement, leaf = read_envelope(entry, attestor)
            require(unbase64(entry["leaf"]) == leaf, "its leaf is not that of its statement")
            require(checkpoint, "there is no checkpoint to lead to")
            size, root = checkpoint  # the size that is signed, never one that the proof claims
            path = [unbase64(item) for item in entry["inclusionPath"]]
            require(all(len(item) == 32 for item in path), "its path holds something that is no hash")
            require(root_from_path(entry["leafIndex"], size, leaf_hash(leaf), path) == root,
                    "its path does not lead to the checkpoint's root")
            return statement
        label = f"{entry.get('role')}, entry {entry.get('leafIndex')}" if isinstance(entry, dict) else f"{position}"
        statements.append(report.check(f"{label}: signed, and in the log", check_entry))
    if report.problems:
        return report.problems

    roles = report.check(f"the entries belong together, to run {record['run']}",
                         lambda: check_together(record, statements))
    report.check(f"{len(record['documents'])} enclosed documents are those that the statements name",
                 lambda: check_documents(record["documents"], statements))
    outcome = next((s for s, role in zip(statements, roles or []) if role == "outcome"), None)
    if outputs is not None:
        report.check(f"the files in {outputs} are the run's outputs",
                     lambda: check_outputs(outputs, read_outputs(outcome, record["documents"]) if outcome else {}))
    if report.problems:
        return report.problems

    print("not proved:")
    if not all(pins):
        print("  - whose keys these are: they came with the record; pin those you got another way with --key")
    if outcome is None:
        print("  - how the run ended: it has no outcome entry")
    if "replay" not in roles:
        print("  - that the run gives the same again: it has no replay entry")
    print("  - that these are all entries about the run: some can be left out of a record")
    print("  - that the host told the truth: the statements are what its keys asserted")
    print("  - when it happened: times are those of the host's clock")
    print("  - that no newer entries were dropped, and that nobody was shown another history: compare the checkpoint")
    print("    with one that somebody else holds")
    return 0


def main():
    parser = argparse.ArgumentParser(description="Verify an Ibid audit record without Ibid.")
    parser.add_argument("record")
    parser.add_argument("--key", action="append", default=[], metavar="FILE", help="keys you trust: PEM or vkey")
    parser.add_argument("--outputs", metavar="DIR", help="hold the files in DIR against the run's outputs")
    arguments = parser.parse_args()
    try:
        with open(arguments.record, "rb") as file:
            data = file.read()
        pins = read_pins(arguments.key)
        if arguments.key and not any(pins):
            raise ValueError("there is no key in the files given with --key")
        if arguments.outputs is not None:
            os.listdir(arguments.outputs)
        problems = verify(data, pins, arguments.outputs)
    except (OSError, ValueError) as problem:
        print(f"verify.py: could not check: {problem}", file=sys.stderr)
        return 2
    print(f"FAILED: {problems} problem(s)" if problems else "verified")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
