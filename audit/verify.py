#!/usr/bin/env python3
"""Verifies what `ibid export` wrote, an archive or an audit record, without Ibid.

    verify.py FILE.tar|DIRECTORY|RECORD.json [--key FILE]... [--outputs DIR] [--commit-keys FILE] [--tsa-ca FILE]

Needs Python 3.9 and the package "cryptography". Prints each check, then what was not proved.
Exit status: 0 everything holds, 1 something does not (tampered with, or never a record), 2 could not check.

--key FILE pins keys that you got from somewhere else than the record: PEM public keys (P-256 signs statements,
Ed25519 signs the log) or a line "name+hash+base64". Without it the record is only consistent with itself.
--outputs DIR holds the files of a directory against the run's outputs.
--commit-keys FILE judges the commit's own signature: an allowed_signers file or public keys (SSH), a keyring (OpenPGP).
--tsa-ca FILE judges the enclosed time stamp by a certificate (PEM) of the authority that you trust, with openssl.

The formats are standards, named at each step: DSSE v1.0, in-toto Statement v1, Rekor v2 hashedrekord 0.0.2,
RFC 6962 (Merkle tree), C2SP signed-note and tlog-checkpoint, RFC 8785 (canonical JSON), BagIt 1.0 (RFC 8493), git's
objects, OCI image layout. See LEDGER.md.
"""
import argparse
import base64
import binascii
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
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
OUTSIDE = {"stamped": "checkpoint.tsr", "witnessed": "witness.vkey"}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


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
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, EOFError,
                tarfile.TarError, UnsupportedAlgorithm) as problem:
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


def require_growth(old_size, old_root, size, root, path):
    """RFC 9162 section 2.1.4.2: the tree of the older root is a prefix of the newer one."""
    require(0 < old_size <= size, "the sizes are in the wrong order")
    if old_size == size:
        return require(not path and old_root == root, "two trees of one size")
    node, last = old_size - 1, size - 1
    while node % 2 == 1:
        node, last = node // 2, last // 2
    path = list(path)
    old = new = old_root if old_size & (old_size - 1) == 0 else path.pop(0)
    for sibling in path:
        require(last > 0, "the proof is too long")
        if node % 2 == 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node % 2 == 0 and node != 0:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, sibling)
        node, last = node // 2, last // 2
    require(last == 0 and (old, new) == (old_root, root), "the proof does not lead from one root to the other")


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


def read_checkpoint(note, ledger, name, key_hash):
    """C2SP signed-note around a tlog-checkpoint: (tree size, root hash)."""
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
        require(set(subject) == {"digest", "name"} and set(subject["digest"]) == {"sha256"}
                and re.fullmatch("[0-9a-f]{64}", subject["digest"]["sha256"]), "a subject is not a name and a SHA-256 digest")
    names = [subject["name"] for subject in statement["subject"]]
    require(len(set(names)) == len(names), "two subjects have one name")
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


def digests_of(items):
    """{name: SHA-256 digest} of a list of resources."""
    return {item["name"]: item["digest"]["sha256"] for item in items or [] if "name" in item and "sha256" in item["digest"]}


def check_agreement(record, statements, roles):
    """The statements agree with one another, and with the documents that they name; what only one says is no
    contradiction."""
    def same(what, *values):
        values = [value for value in values if value is not None]
        require(all(value == values[0] for value in values), f"{what} is one in a statement, another in what it names")

    def document(digest):
        encoded = record["documents"].get(f"sha256:{digest}")
        return parse_json(unbase64(encoded)) if encoded is not None else {}

    def reference(digest):
        return digest and "sha256:" + digest

    by_role = dict(zip(roles, statements))
    definitions = {role: dict(by_role[role]["predicate"]["buildDefinition"], buildType=None)
                   for role in ("intent", "outcome") if role in by_role}
    require(len(definitions) < 2 or definitions["intent"] == definitions["outcome"],
            "the intent announced another run than the outcome says ran")
    for definition in definitions.values():
        external, internal = definition.get("externalParameters", {}), definition.get("internalParameters", {})
        named, snapshot = digests_of(definition.get("resolvedDependencies")), internal.get("snapshot", {})
        spec = document(named.get("spec.json"))
        same("the command", external.get("command"), spec.get("command"))
        same("the parameters", external.get("parameters"), spec.get("params"))
        for key in ("platform", "determinism"):
            same(f"the {key}", internal.get(key), spec.get(key))
        same("the image", internal.get("image"), spec.get("image"))
        same("the image", internal.get("image"), internal.get("image") and reference(named.get("image")))
        same("the spec", internal.get("spec"), internal.get("spec") and reference(named.get("spec.json")))
        same("the source", snapshot.get("layer"), snapshot.get("layer") and reference(named.get("source")))
        same("the source's proof", snapshot.get("proof"), snapshot.get("proof") and reference(named.get("source-proof")))
        if "inputs" in spec:
            require({name[len("inputs/"):]: reference(digest) for name, digest in named.items() if name.startswith("inputs/")}
                    == {name: item["digest"] for name, item in spec["inputs"].items()}, "the spec has other inputs")
    if "outcome" not in by_role:
        return
    subjects = digests_of(by_role["outcome"]["subject"])
    result = document(subjects.pop("result.json", None))
    if result:
        outputs = {"outputs/" + item["path"]: item["digest"] for item in result["outputs"]}
        require(len(outputs) == len(result["outputs"]), "the result has an output twice")
        # A statement that would name too many names the result alone.
        require({name: reference(digest) for name, digest in subjects.items()} == outputs
                or (not subjects and len(outputs) > 1000), "the statement and the result name other outputs")
        byproducts = by_role["outcome"]["predicate"]["runDetails"].get("byproducts") or [{}]
        logs, ending = digests_of(byproducts), byproducts[0].get("annotations", {})
        for log in ("stdout", "stderr"):
            same(log, reference(logs.get(f"logs/{log}.txt")), result.get(log))
        for key in ("status", "exitCode"):
            same(f"the {key}", ending.get(key), result.get(key))
    outcome = roles.index("outcome")
    payload = unbase64(record["entries"][outcome]["envelope"]["payload"])
    for place, role in enumerate(roles):
        if role == "replay":
            require(place > outcome, "a replay comes before the outcome")
            original = digests_of(statements[place]["predicate"]["configuration"]).get("original")
            require(original in (None, sha256(payload).hex()), "a replay is of another outcome")


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


# --- The archive: a BagIt bag in a tar, or unpacked -------------------------------------------------------------------

def number(field):
    """A number in a tar header: octal, or GNU's base 256 for large files."""
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
        require(value < 2**62, "a number in a header of the tar is out of range")
        return value
    match = re.fullmatch(rb"[ \0]*([0-7]*)(?:[ \0].*)?", field, re.DOTALL)
    require(match, "a number in a header of the tar is malformed")
    return int(match[1] or b"0", 8)


def pax(data):
    """POSIX.1-2001 extended header: "length key=value\\n", repeated."""
    records = {}
    while data:
        length = data.partition(b" ")[0]
        require(length.isdigit() and 0 < int(length) <= len(data), "an extended header of the tar is malformed")
        record, data = data[len(length) + 1:int(length)], data[int(length):]
        key, equals, value = record[:-1].partition(b"=")
        require(equals and record.endswith(b"\n") and key not in records, "an extended header of the tar is malformed")
        records[key] = value
    require(records.keys() <= {b"path", b"size", b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname"},
            "an extended header of the tar means more than a name and a size")
    return records


def plain_tar(file):
    """(name, offset, size) of each file of a tar, (name, None, None) of each directory.

    Refused is whatever two readers could read in two ways, or one of them not at all."""
    length = file.seek(0, os.SEEK_END)
    offset, records, long_name = 0, {}, None
    while True:
        file.seek(offset)
        header = file.read(512)
        require(len(header) == 512, "the tar has no end")
        if not any(header):
            break
        require(number(header[148:156]) == sum(header[:148]) + 8 * 32 + sum(header[156:]), "a header has a wrong sum")
        kind, size = header[156:157], number(header[124:136])
        require(kind in (b"0", b"\0", b"5", b"x", b"L"), "the tar has a member that is neither a file nor a directory")
        require(number(header[100:108]) <= 0o777, "the tar has a member with special permissions")
        content, offset = offset + 512, offset + 512 + -(-size // 512) * 512
        if kind in b"xL":
            require(not records and long_name is None and size <= 2**20, "the tar has two extended headers in a row")
            data = file.read(size)
            require(len(data) == size, "the tar ends early")
            if kind == b"x":
                records = pax(data)
            else:
                long_name = data.partition(b"\0")[0]
            continue
        path = header[:100].partition(b"\0")[0]
        prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
        path = records.get(b"path") or long_name or (prefix + b"/" if prefix else b"") + path
        if b"size" in records:
            require(records[b"size"].isdigit(), "an extended header of the tar is malformed")
            size = int(records[b"size"])
            offset = content + -(-size // 512) * 512
        name = path.decode("utf-8")
        if kind == b"5":
            require(size == 0, f"the directory {name!r} has content")
            name = name[:-1] if name.endswith("/") else name
        require(len(path) <= 4096 and "\0" not in name
                and all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in name.split("/")),
                f"the name {name!r} is not one as it stands")
        require(content + size <= length, "the tar ends early")
        yield (name, None, None) if kind == b"5" else (name, content, size)
        records, long_name = {}, None
    rest = length - offset
    require(rest >= 1024 and rest % 512 == 0, "the tar has no end")
    file.seek(offset)
    for block in iter(lambda: file.read(1 << 20), b""):
        require(not any(block), "the tar goes on after its end")


class Part(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, path, start, size):
        super().__init__()
        self.file, self.start, self.size, self.place = open(path, "rb"), start, size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        self.place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.place, os.SEEK_END: self.size}[whence]
        return self.place

    def readinto(self, buffer):
        self.file.seek(self.start + self.place)
        data = self.file.read(max(0, min(len(buffer), self.size - self.place)))
        buffer[:len(data)] = data
        self.place += len(data)
        return len(data)

    def close(self):
        self.file.close()
        super().close()


class Archive:
    """The files of a bag by their paths. Nothing is unpacked, so no name in it can lead anywhere."""

    def __init__(self, path):
        self.opened, self.digests = {}, {}
        directories = set()
        if os.path.isdir(path):
            for parent, below, files in os.walk(path):
                for name in files + [name for name in below if os.path.islink(os.path.join(parent, name))]:
                    place = os.path.join(parent, name)
                    require(stat.S_ISREG(os.lstat(place).st_mode), f"{place} is not a file")
                    self.opened[os.path.relpath(place, path)] = lambda place=place: open(place, "rb")
                directories |= {os.path.relpath(os.path.join(parent, name), path) for name in below}
        else:
            top = None
            with open(path, "rb") as file:
                for member, offset, size in plain_tar(file):
                    first, _, name = member.partition("/")
                    top = top or first
                    require(first == top and (name or offset is None), "it holds more than one directory")
                    require(name not in self.opened and name not in directories, f"it has {member!r} twice")
                    if offset is None:
                        directories |= {name} - {""}
                    else:
                        self.opened[name] = lambda offset=offset, size=size: io.BufferedReader(Part(path, offset, size))
        parents = {name[:place] for name in self.opened for place in range(len(name)) if name[place] == "/"}
        require(directories <= parents, f"{sorted(directories - parents)[:1]} holds no file")
        require(not parents & set(self.opened), "a name is both a file and a directory")
        require("bagit.txt" in self.opened, "it is neither an audit record nor a bag")

    def read(self, path):
        require(path in self.opened, f"{path} is missing")
        with self.opened[path]() as file:
            return file.read()

    def digest(self, path):
        if path not in self.digests:
            require(path in self.opened, f"{path} is missing")
            digest = hashlib.sha256()
            with self.opened[path]() as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
            self.digests[path] = digest.hexdigest()
        return self.digests[path]

    def below(self, prefix):
        return {path for path in self.opened if path.startswith(prefix)}


def check_bag(archive):
    """RFC 8493: every listed file has its digest, and no other is there."""
    listed = {}
    for name in ("tagmanifest-sha256.txt", "manifest-sha256.txt"):
        for line in archive.read(name).decode().splitlines():
            digest, path = line[:64], line[66:]
            require(line[64:66] == "  " and path not in listed, f"{name} has the line {line[:80]!r}")
            listed[path] = digest
    require(archive.read("bagit.txt") == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "not BagIt 1.0")
    require({"bagit.txt", "bag-info.txt", "manifest-sha256.txt"} <= set(listed), "a tag file is not listed")
    problems = [f"{path} has other bytes" for path, digest in listed.items()
                if path not in archive.opened or archive.digest(path) != digest]
    problems += [f"{path} is not listed" for path in set(archive.opened) - set(listed)
                 - {"tagmanifest-sha256.txt", "tagmanifest-sha256.txt.sig"}]
    require(not problems, "; ".join(sorted(problems)))


def check_bag_signature(archive, attestor):
    """The list of the lists is signed, so the bag is as its exporter made it, every byte of it."""
    signature = archive.read("tagmanifest-sha256.txt.sig")
    # Of each ECDSA signature there is a second form, which anybody can make; that of an archive is the lower one.
    require(decode_dss_signature(signature)[1] <= P256_ORDER // 2, "its signature is in the second form")
    try:
        attestor.verify(signature, archive.read("tagmanifest-sha256.txt"), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Bad("its signature is wrong") from None


def check_files(archive, record, outcome):
    """Outputs, logs, inputs, source: each file is the bytes that the outcome names."""
    files = parse_json(archive.read("data/files.json"))
    require_canonical(archive.read("data/files.json"), files, "files.json")
    require(files["schema"] == "ibid.archive.v1" and files["run"] == record["run"], "files.json is of another run")
    named = {item["name"]: item["digest"]["sha256"] for item in outcome["subject"]}
    definition, details = outcome["predicate"]["buildDefinition"], outcome["predicate"]["runDetails"]
    for item in definition["resolvedDependencies"] + details["byproducts"]:
        if "sha256" in item["digest"] and "name" in item:
            named.setdefault(item["name"], item["digest"]["sha256"])
    listed = set()
    for item in files["documents"]:
        require(item["name"] in named, f"no statement names {item['name']!r}")
        require(archive.digest("data/" + item["file"]) == named[item["name"]], f"{item['file']} has other bytes")
        listed.add("data/" + item["file"])
    require({"data/run/spec.json", "data/run/result.json", "data/logs/stdout.txt", "data/logs/stderr.txt"} <= listed,
            "a document of the run is missing")
    places = {item["path"]: "data/" + item["file"] for item in files["outputs"]}
    require(len(places) == len(files["outputs"]) and len({item["file"] for item in files["documents"]})
            == len(files["documents"]), "files.json lists something twice")
    result = parse_json(archive.read("data/run/result.json"))
    outputs = {item["path"]: item["digest"][len("sha256:"):] for item in result["outputs"]}
    require(set(places) == set(outputs), "the outputs listed are not those of the result")
    for path, digest in outputs.items():
        require(archive.digest(places[path]) == digest, f"output {path} has other bytes")
    for prefix, free in (("run/", ()), ("logs/", ()), ("inputs/", ()), ("outputs/", ()),
                         ("source/", ("data/source/commit.payload", "data/source/commit.sig"))):
        extra = archive.below("data/" + prefix) - listed - set(places.values()) - set(free)
        require(not extra, f"{sorted(extra)} belong to nothing")


def check_derived(archive, record, keys, checkpoint):
    """The same statements, proofs and keys once more, each in the form that its own verifiers read."""
    expected = {"keys/attestor.pub.pem": record["keys"]["attestor"], "keys/ledger.pub.pem": record["keys"]["ledger"],
                "keys/ledger.vkey": record["keys"]["ledgerVerifier"] + "\n", "ledger/checkpoint": record["checkpoint"]}
    for entry in record["entries"]:
        name = {"outcome": "run", "replay": f"replay-{entry['leafIndex']}"}.get(entry["role"], entry["role"])
        envelope = entry["envelope"]
        payload, kind = unbase64(envelope["payload"]), envelope["payloadType"].encode()
        expected[f"attest/{name}.intoto.json"] = canonical(envelope)
        expected[f"attest/{name}.pae"] = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        expected[f"attest/{name}.sig"] = unbase64(envelope["signatures"][0]["sig"])
        expected[f"ledger/{name}.tlog-proof"] = "\n".join(
            ["c2sp.org/tlog-proof@v1", f"index {entry['leafIndex']}", *entry["inclusionPath"], "",
             record["checkpoint"]])
        expected["ledger/leaf.json" if name == "run" else f"ledger/{name}.leaf.json"] = unbase64(entry["leaf"])
    pem, size, root = record["keys"]["attestor"], *checkpoint
    material = {"publicKey": {"hint": sha256(pem.encode()).hex()}, "tlogEntries": []}
    media = "application/vnd.dev.sigstore.bundle.v0.3+json"
    for entry in record["entries"]:  # the same once more as a Sigstore bundle
        if entry["role"] == "outcome" and "data/attest/run.sigstore.json" in archive.opened:
            index = str(entry["leafIndex"])
            expected["attest/run.sigstore.json"] = canonical({
                "dsseEnvelope": entry["envelope"], "mediaType": media,
                "verificationMaterial": dict(material, tlogEntries=[{
                    "logIndex": index, "logId": {"keyId": base64.b64encode(keys[3]).decode()},
                    "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"}, "canonicalizedBody": entry["leaf"],
                    "inclusionProof": {"logIndex": index, "rootHash": base64.b64encode(root).decode(), "treeSize": str(size),
                                       "hashes": entry["inclusionPath"], "checkpoint": {"envelope": record["checkpoint"]}}}])})
    if "data/ledger/policy" in archive.opened:
        expected["ledger/policy"] = f"log {record['keys']['ledgerVerifier']}\nquorum none\n"
    for path, content in expected.items():
        content = content.encode() if isinstance(content, str) else content
        require(archive.read("data/" + path) == content, f"{path} is not what the record says")
    # The growth since the run was entered: C2SP tlog-witness, body of add-checkpoint.
    head, _, newest = archive.read("data/ledger/consistency").decode().partition("\n\n")
    first, *hashes_ = head.split("\n")
    require(first.startswith("old ") and newest == record["checkpoint"], "ledger/consistency is malformed")
    old = archive.read(f"data/ledger/checkpoint.{int(first[4:])}").decode()
    old_size, old_root = read_checkpoint(old, *keys[1:])
    require(old_size == int(first[4:]), "the older checkpoint is of another size")
    require_growth(old_size, old_root, *checkpoint, [unbase64(item) for item in hashes_])
    outside = {f"data/ledger/{kind}/{name}" for kind, word in OUTSIDE.items() if archive.below(f"data/ledger/{kind}/")
               for name in ("checkpoint", "consistency", word)}
    if "data/attest/outputs.oms.sigstore.json" in archive.opened:
        check_model_signature(archive, keys[0], {"mediaType": media, "verificationMaterial": material})
    check_account(archive, {f"data/{path}" for path in expected} | {f"data/ledger/checkpoint.{old_size}"} | outside)


def read_outside(archive, kind, record, keys, checkpoint):
    """(bytes, size) of the checkpoint that somebody outside saw: the outcome is in it, and the newest continues it."""
    place = f"data/ledger/{kind}/"
    data = archive.read(place + "checkpoint")
    size, root = read_checkpoint(data.decode(), *keys[1:])
    head, _, newest = archive.read(place + "consistency").decode().partition("\n\n")
    first, *path = head.split("\n")
    require(first == f"old {size}" and newest == record["checkpoint"], f"ledger/{kind}/consistency is malformed")
    require_growth(size, root, *checkpoint, [unbase64(item) for item in path])
    outcome = [entry["leafIndex"] for entry in record["entries"] if entry["role"] == "outcome"]
    require(outcome and outcome[-1] < size, "the outcome is not in it")
    return data, size


def judge_stamp(archive, data, authority):
    """RFC 3161: the answer is over these bytes, and by an authority of that certificate."""
    stamp = archive.read("data/ledger/stamped/checkpoint.tsr")
    # The answer holds the digest as an ASN.1 octet string; openssl reads the rest of it.
    require(b"\x04\x20" + sha256(data) in stamp, "it is over something else")
    if authority is None:
        return
    with tempfile.TemporaryDirectory() as place:
        for name, content in (("data", data), ("tsr", stamp)):
            with open(os.path.join(place, name), "wb") as file:
                file.write(content)
        try:
            done = subprocess.run(["openssl", "ts", "-verify", "-data", place + "/data", "-in", place + "/tsr", "-CAfile",
                                   authority], capture_output=True)
        except FileNotFoundError:
            raise OSError("openssl is not installed") from None
        require(done.returncode == 0, "it is not one of that authority")


def witness_of(archive, data):
    """C2SP tlog-cosignature: (name of the witness, its time in seconds since 1970)."""
    key = archive.read("data/ledger/witnessed/witness.vkey").decode()
    require(key.endswith("\n") and key.count("\n") == 1, "witness.vkey is not one key")
    name, key_hash, encoded = key[:-1].split("+", 2)
    public = unbase64(encoded)
    require(len(public) == 33 and public[0] == 4
            and sha256(name.encode() + b"\n" + public)[:4].hex() == key_hash, "witness.vkey is no key of a witness")
    text, _, lines = data.decode()[:-1].rpartition("\n\n")
    for line in lines.split("\n"):
        _, signer, encoded = line.split(" ")
        signature = unbase64(encoded)
        if signer == name and signature[:4].hex() == key_hash and len(signature) == 76:
            time = int.from_bytes(signature[4:12], "big")
            message = f"cosignature/v1\ntime {time}\n{text}\n".encode()
            try:
                ed25519.Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[12:], message)
            except InvalidSignature:
                continue
            return name, time
    raise Bad(f"{name} did not sign it")


def check_outside(report, archive, record, keys, checkpoint, authority):
    """What others saw of the log. Returns the sentences about what was not proved."""
    not_proved = []
    if archive.below("data/ledger/stamped/"):
        seen = report.check("a time stamp is over a checkpoint with the outcome in it, and the log only grew since",
                            lambda: read_outside(archive, "stamped", record, keys, checkpoint))
        if seen:
            by = f"by an authority of {authority}" if authority else "enclosed, its signature not judged"
            report.check(f"the time stamp over {seen[1]} entries: {by}", lambda: judge_stamp(archive, seen[0], authority))
        if authority is None:
            not_proved.append("when the outcome was in the log: a time stamp is enclosed, not judged (--tsa-ca)")
    elif authority is not None:
        report.check("a time stamp is enclosed", lambda: require(False, "there is none"))
    if archive.below("data/ledger/witnessed/"):
        seen = report.check("a cosignature is over a checkpoint with the outcome in it, and the log only grew since",
                            lambda: read_outside(archive, "witnessed", record, keys, checkpoint))
        name, time = seen and report.check("the cosignature is the witness'", lambda: witness_of(archive, seen[0])) or ("", 0)
        not_proved.append(f"that {name}, who saw the outcome in the log at {time} s after 1970, is somebody else than the "
                          "log's owner: compare ledger/witnessed/witness.vkey with its key as you know it")
    return not_proved


def check_model_signature(archive, attestor, bundle):
    """OpenSSF Model Signing: over the very files that are in data/outputs, by the key of the statements."""
    data = archive.read("data/attest/outputs.oms.sigstore.json")
    envelope = parse_json(data)["dsseEnvelope"]
    statement, _ = read_envelope({"envelope": envelope}, attestor)
    place = "data/outputs/"
    outputs = sorted((name[len(place):], archive.digest(name)) for name in archive.below(place))
    predicate = {"serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []},
                 "resources": [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in outputs]}
    whole = sha256(b"".join(bytes.fromhex(digest) for _, digest in outputs)).hex()
    require(statement == {"_type": STATEMENT, "predicateType": "https://model_signing/signature/v1.0",
                          "predicate": predicate, "subject": [{"name": "outputs", "digest": {"sha256": whole}}]},
            "the statement of Model Signing is over other files")
    require_canonical(data, dict(bundle, dsseEnvelope=envelope), "outputs.oms.sigstore.json")


def check_account(archive, compared):
    """Every file belongs to something: a statement, the record, or what an export derives."""
    files = parse_json(archive.read("data/files.json"))
    require(set(files) == {"documents", "outputs", "run", "schema"}
            and all(set(item) == {"file", "name"} for item in files["documents"])
            and all(set(item) == {"file", "path"} for item in files["outputs"]), "files.json has unknown members")
    known = compared | {"data/" + item["file"] for item in files["documents"] + files["outputs"]} | {"data/" + name for name in (
        "record.json", "files.json", "index.html", "ro-crate-metadata.json", "prov/prov.json", "sbom/bom.cdx.json",
        "rerun/run.sh", "rerun/outputs.txt", "attest/outputs.oms.sigstore.json", "source/commit.sig",
        "source/commit.payload", "ledger/consistency")}
    extra = {name for name in archive.below("data/") - known if not name.startswith(("data/oci/", "data/rerun/profile/"))}
    require(not extra, f"{sorted(extra)} belong to nothing")


def check_source(archive, outcome):
    """From git's objects alone: the source layer is the tree of the commit. Returns the raw commit."""
    snapshot = outcome["predicate"]["buildDefinition"]["internalParameters"]["snapshot"]
    directory = outcome["predicate"]["buildDefinition"]["externalParameters"]["source"]["subdirectory"]
    objects, layer = {}, {}
    with archive.opened["data/source/proof.tar"]() as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in filter(tarfile.TarInfo.isreg, tar):
            data = tar.extractfile(member).read()
            if hashlib.sha1(data).hexdigest() == member.name.rpartition("/")[2]:
                header, _, content = data.partition(b"\0")
                objects[member.name.rpartition("/")[2]] = header.split(b" ")[0], content

    def blob(data):
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    with archive.opened["data/source/tree.tar"]() as file, \
            tarfile.open(fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            name = os.fsencode(member.name)
            if member.issym():
                layer[name] = "120000", blob(os.fsencode(member.linkname)), None
            elif member.isreg():
                data = tar.extractfile(member).read()
                mode = "100755" if member.mode & 0o100 else "100644"
                layer[name] = mode, blob(data), f"oid sha256:{hashlib.sha256(data).hexdigest()}\nsize {len(data)}\n"
            else:
                require(member.isdir(), f"the source holds {member.name!r}")
                layer[name] = "40000", None, None

    def content(oid, kind):
        require(objects.get(oid, (None,))[0] == kind, f"the proof has no {kind.decode()} {oid}")
        return objects[oid][1]

    def tree_of(commit):
        return content(commit, b"commit").split(b"\n")[0].decode()[len("tree "):]

    def entries(tree):
        data = content(tree, b"tree")
        while data:
            mode, _, data = data.partition(b" ")
            name, _, data = data.partition(b"\0")
            yield mode.decode(), name, data[:20].hex()
            data = data[20:]

    def walk(tree, prefix):
        for mode, name, oid in entries(tree):
            path = prefix + name
            found, got, pointer = layer.pop(path, (None, None, None))
            # 40000 is a directory, 160000 a submodule's commit; git knows 100664 of old, and reads it as 100644.
            wanted = {"160000": "40000", "100664": "100644"}.get(mode, mode)
            require(found == wanted, f"{path!r} is not in the source as in the tree")
            if found == "40000":
                walk(oid if mode == "40000" else tree_of(oid), path + b"/")
            elif got != oid:  # Git LFS: the tree has a pointer to the file
                text = content(oid, b"blob").decode()
                require(pointer and text.startswith("version https://") and text.endswith("\n" + pointer),
                        f"{path!r} has other bytes than the tree says")

    require(tree_of(snapshot["commit"]) == snapshot["rootTree"], "the commit has another tree")
    if not snapshot["dirty"]:
        tree = snapshot["rootTree"]
        for part in filter(None, directory.split("/")):
            tree = {name: oid for mode, name, oid in entries(tree) if mode == "40000"}[part.encode()]
        require(tree == snapshot["tree"], "the directory has another tree")
    walk(snapshot["tree"], b"")
    require(not layer, f"the source has {sorted(layer)[:3]}, which the tree has not")
    return content(snapshot["commit"], b"commit")


def commit_signature(archive, commit):
    """(signature, what it is over) of a raw commit; None when it carries none."""
    head, blank, message = commit.partition(b"\n\n")
    signature, payload, inside = [], [], False
    for line in head.split(b"\n"):
        inside = line.startswith(b"gpgsig ") or (inside and line.startswith(b" "))
        if inside:
            signature.append(line.partition(b" ")[2] + b"\n")
        else:
            payload.append(line)
    signature, payload = b"".join(signature), b"\n".join(payload) + blank + message
    if not signature:
        require("data/source/commit.sig" not in archive.opened, "commit.sig is of no signed commit")
        return None
    require(archive.read("data/source/commit.sig") == signature and archive.read("data/source/commit.payload") == payload,
            "commit.sig and commit.payload are not the commit's")
    return signature, payload


def judge_commit(found, keys):
    """Judges a commit's signature by the keys in a file, with ssh-keygen or gpg. Returns whose it is."""
    require(found, "it carries no signature")
    signature, payload = found
    with tempfile.TemporaryDirectory() as place:
        def run(*command):
            try:
                return subprocess.run(command, input=payload, capture_output=True, cwd=place)
            except FileNotFoundError:
                raise OSError(f"{command[0]} is not installed") from None

        with open(place + "/signature", "wb") as file:
            file.write(signature)
        with open(place + "/payload", "wb") as file:
            file.write(payload)
        if signature.startswith(b"-----BEGIN SSH SIGNATURE"):
            with open(keys, encoding="utf-8") as file, open(place + "/allowed", "w", encoding="utf-8") as allowed:
                for line in file.read().splitlines():  # a bare public key stands for any name
                    allowed.write(("* " if line.startswith(("ssh-", "ecdsa-", "sk-")) else "") + line + "\n")
            names = run("ssh-keygen", "-Y", "find-principals", "-f", "allowed", "-s", "signature")
            require(names.returncode == 0 and names.stdout.strip(), f"not by a key of {keys}")
            done = run("ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", names.stdout.decode().splitlines()[0], "-n",
                       "git", "-s", "signature")
            require(done.returncode == 0, "the signature is wrong")
            return done.stdout.decode().splitlines()[0]
        require(signature.startswith(b"-----BEGIN PGP"), "X.509 signatures are not judged here")
        gpg = ("gpg", "--homedir", place, "--batch", "--no-tty", "--quiet", "--status-fd", "1")
        imported = run(*gpg, "--import", os.path.abspath(keys))
        require(imported.returncode == 0, f"{keys} is no keyring that gpg reads")
        done = run(*gpg, "--verify", "signature", "payload")
        good = [line[9:] for line in done.stdout.decode("utf-8", "replace").splitlines() if line[9:].startswith("GOODSIG ")]
        require(done.returncode == 0 and good, "not a good signature by a key of the keyring")
        return good[0]


def check_image(archive, outcome):
    """OCI image layout: manifest, configuration and layers are those of the image that ran."""
    image = outcome["predicate"]["buildDefinition"]["internalParameters"]["image"][len("sha256:"):]
    place = "data/oci/blobs/sha256/"
    require(archive.digest(place + image) == image, "the manifest has other bytes")
    manifest = parse_json(archive.read(place + image))
    named = {item["digest"][len("sha256:"):] for item in [manifest["config"], *manifest["layers"]]} | {image}
    index = parse_json(archive.read("data/oci/index.json"))
    require([item["digest"] for item in index["manifests"]] == ["sha256:" + image], "index.json is of another image")
    require(archive.below(place) == {place + digest for digest in named}, "its blobs are not those that it names")
    for digest in named:
        require(archive.digest(place + digest) == digest, f"blob {digest} has other bytes")


def verify_archive(report, archive, pins, outputs, commit_keys, authority):
    """Returns the sentences about what was not proved."""
    report.check("the bag is complete, and nothing else is in it", lambda: check_bag(archive))
    data = report.check("the bag has an audit record", lambda: archive.read("data/record.json"))
    found = verify_record(report, data, pins, outputs) if data is not None else None
    if found is None:
        return []
    record, keys, checkpoint, outcome, not_proved = found
    report.check("the bag is signed as a whole by the key of the statements",
                 lambda: check_bag_signature(archive, keys[0]))
    if outcome is None:
        report.check("the run has an outcome", lambda: require(False, "there is none"))
        return []
    report.check("outputs, logs and documents are those that the outcome names",
                 lambda: check_files(archive, record, outcome))
    report.check("statements, proofs and keys say the same in every form, and the log only grew",
                 lambda: check_derived(archive, record, keys, checkpoint))
    not_proved += check_outside(report, archive, record, keys, checkpoint, authority)
    if "data/source/tree.tar" in archive.opened:
        commit = report.check("the source is the tree of the commit that the outcome names",
                              lambda: check_source(archive, outcome))
        signature = None
        if commit is not None:
            signature = report.check("the commit's own signature is the one enclosed, if it has one",
                                     lambda: commit_signature(archive, commit))
        if commit_keys is not None:
            report.check(f"the commit is signed by a key of {commit_keys}", lambda: judge_commit(signature, commit_keys))
        else:
            not_proved.append("whose signature the commit carries: signed, not judged (--commit-keys)" if signature
                              else "who made the commit: it carries no signature")
    else:
        if commit_keys is not None:
            report.check("the commit is enclosed", lambda: require(False, "it is not, so nobody can judge its signature"))
        not_proved.append("that the source is the tree of the commit: it is not enclosed")
    if archive.below("data/oci/"):
        report.check("the image enclosed is the one that ran", lambda: check_image(archive, outcome))
    else:
        not_proved.append("what is in the image: it is not enclosed")
    return not_proved


# --- All of it -------------------------------------------------------------------------------------------------------

def verify_record(report, data, pins, outputs):
    """(record, keys, checkpoint, outcome, sentences about what was not proved), or None when something is wrong."""
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
        return None
    keys = report.check("the keys are well formed", lambda: read_keys(record))
    if keys is None:
        return None
    attestor, ledger, name, key_hash = keys
    if any(pins):
        report.check("the keys are the pinned ones", lambda: check_pins(pins, attestor, ledger, name))
    checkpoint = report.check(
        f"the checkpoint is signed by the key of log {name}",
        lambda: read_checkpoint(record["checkpoint"], ledger, name, key_hash))

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
    if None in statements or checkpoint is None:
        return None

    roles = report.check(f"the entries belong together, to run {record['run']}",
                         lambda: check_together(record, statements))
    if roles:
        report.check("the statements agree with one another, and with the documents that they name",
                     lambda: check_agreement(record, statements, roles))
    report.check(f"{len(record['documents'])} enclosed documents are those that the statements name",
                 lambda: check_documents(record["documents"], statements))
    outcome = next((s for s, role in zip(statements, roles or []) if role == "outcome"), None)
    if outputs is not None:
        report.check(f"the files in {outputs} are the run's outputs",
                     lambda: check_outputs(outputs, read_outputs(outcome, record["documents"]) if outcome else {}))
    not_proved = [] if all(pins) else [
        "whose keys these are: they came with the record; pin those you got another way with --key"]
    if outcome is None:
        not_proved.append("how the run ended: it has no outcome entry")
    if "replay" not in (roles or []):
        not_proved.append("that the run gives the same again: it has no replay entry")
    not_proved += [
        "that these are all entries about the run: some can be left out of a record",
        "that the host told the truth: the statements are what its keys asserted",
        "when it happened: times are those of the host's clock",
        "that no newer entries were dropped, and that nobody was shown another history: compare the checkpoint with "
        "one that somebody else holds"]
    return record, keys, checkpoint, outcome, not_proved


def verify(path, pins, outputs, commit_keys=None, authority=None):
    report = Report()
    data = None
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            if file.read(1) == b"{":
                file.seek(0)
                data = file.read()
    if data is not None:
        if commit_keys is not None or authority is not None:
            raise ValueError("a record holds neither commit nor time stamp: give the archive")
        found = verify_record(report, data, pins, outputs)
        not_proved = found[4] if found else []
    else:
        archive = report.check("the archive holds one bag of plain files", lambda: Archive(path))
        not_proved = verify_archive(report, archive, pins, outputs, commit_keys, authority) if archive else []
    if not report.problems:
        print("not proved:")
        for sentence in not_proved:
            print("  - " + sentence)
    return report.problems


def main():
    parser = argparse.ArgumentParser(description="Verify an archive or audit record of Ibid, without Ibid.")
    parser.add_argument("record")
    parser.add_argument("--key", action="append", default=[], metavar="FILE", help="keys you trust: PEM or vkey")
    parser.add_argument("--commit-keys", metavar="FILE", help="keys you trust commits of: allowed_signers, or a keyring")
    parser.add_argument("--tsa-ca", metavar="FILE", help="a certificate (PEM) of a time stamp authority that you trust")
    parser.add_argument("--outputs", metavar="DIR", help="hold the files in DIR against the run's outputs")
    arguments = parser.parse_args()
    try:
        pins = read_pins(arguments.key)
        if arguments.key and not any(pins):
            raise ValueError("there is no key in the files given with --key")
        if arguments.outputs is not None:
            os.listdir(arguments.outputs)
        problems = verify(arguments.record, pins, arguments.outputs, arguments.commit_keys,
                          arguments.tsa_ca and os.path.abspath(arguments.tsa_ca))
    except (OSError, ValueError) as problem:
        print(f"verify.py: could not check: {problem}", file=sys.stderr)
        return 2
    print(f"FAILED: {problems} problem(s)" if problems else "verified")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
