"""What somebody with keys of their own writes: every signature, proof and digest is right, and the contents contradict
one another, or have a form in which two readers may read two things.

usage: forgers.py ARCHIVE OTHER SAME IBID VERIFY_PY WORK

The arguments and the lines that are printed are those of strangers.py.
"""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import unicodedata

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import strangers
from strangers import PEM, SPKI, canonical, path_of

KIND = {"outcome": "run"}


def b64(data):
    return base64.b64encode(data).decode()


class Forgery:
    """An archive taken apart; whatever is changed in it, `write` signs it and leads it to one checkpoint."""

    def __init__(self, files):
        self.files, self.record = dict(files), json.loads(files["data/record.json"])
        self.attestor, self.ledger = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
        self.name = self.record["keys"]["ledgerVerifier"].split("+")[0]
        self.size = int(self.record["checkpoint"].split("\n")[1])
        self.entries = {entry["role"]: entry for entry in self.record["entries"]}
        self.index = {role: entry["leafIndex"] for role, entry in self.entries.items()}
        self.statements = {role: json.loads(base64.b64decode(entry["envelope"]["payload"]))
                           for role, entry in self.entries.items()}
        # What the changes may take into their hands.
        self.payloads, self.types, self.keyids, self.leaves, self.paths = {}, {}, {}, {}, {}
        self.envelope = self.leaf = lambda role, value: value
        self.text = self.note = lambda value: value
        self.finish = lambda files: None
        self.verifier = self.model = lambda value: value

    @property
    def outcome(self):
        return self.statements["outcome"]

    def definition(self, role="outcome"):
        return self.statements[role]["predicate"]["buildDefinition"]

    def document(self, path, change):
        """Changes a JSON document, and every word for it in the statements and in the record."""
        old = self.files[path]
        value = json.loads(old)
        change(value)
        new = canonical(value) + (b"\n" if old.endswith(b"\n") else b"")
        assert new != old, path
        before, after = (hashlib.sha256(data).hexdigest() for data in (old, new))
        self.files[path] = new
        self.statements = json.loads(json.dumps(self.statements).replace(before, after))
        self.record["documents"].pop("sha256:" + before, None)
        self.record["documents"]["sha256:" + after] = b64(new)
        self.files["data/files.json"] = self.files["data/files.json"].replace(before.encode(), after.encode())

    def write(self):
        spki = self.attestor.public_key().public_bytes(serialization.Encoding.DER, SPKI)
        public = self.ledger.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        key_hash = hashlib.sha256(self.name.encode() + b"\n\x01" + public).digest()[:4]
        vkey = self.verifier(f"{self.name}+{key_hash.hex()}+{b64(bytes([1]) + public)}")
        record, files = self.record, self.files
        record["keys"] = {"attestor": self.attestor.public_key().public_bytes(PEM, SPKI).decode(),
                          "ledger": self.ledger.public_key().public_bytes(PEM, SPKI).decode(), "ledgerVerifier": vkey}
        tree = [hashlib.sha256(b"\0%d" % i).digest() for i in range(self.size)]
        record["entries"] = []
        for role in sorted(self.entries, key=self.index.get):
            payload = self.payloads.get(role, canonical(self.statements[role]))
            kind = self.types.get(role, "application/vnd.in-toto+json").encode()
            signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
            signature = self.attestor.sign(signed, ec.ECDSA(hashes.SHA256()))
            envelope = self.envelope(role, {
                "payload": b64(payload), "payloadType": kind.decode(),
                "signatures": [{"keyid": self.keyids.get(role, hashlib.sha256(spki).hexdigest()), "sig": b64(signature)}]})
            leaf = self.leaf(role, {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(signed).digest())},
                "signature": {"content": b64(signature), "verifier": {
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": b64(spki)}}}}}})
            leaf = leaf if isinstance(leaf, bytes) else canonical(leaf)
            tree[self.index[role]] = hashlib.sha256(b"\0" + leaf).digest()
            record["entries"].append({"envelope": envelope, "leaf": b64(leaf), "leafIndex": self.index[role], "role": role})
            name = KIND.get(role, f"replay-{self.index[role]}" if role == "replay" else role)
            for old in [n for n in files if n.startswith(f"data/attest/{name.partition('-')[0]}") and "sigstore" not in n
                        and (role == "replay" or n.split("/")[-1].split(".")[0] == name)]:
                files.pop(old)
            files.update({f"data/attest/{name}.intoto.json": canonical(envelope), f"data/attest/{name}.pae": signed,
                          f"data/attest/{name}.sig": signature})
            files["data/ledger/" + ("" if name == "run" else name + ".") + "leaf.json"] = leaf

        def note(text):
            line = b64(key_hash + self.ledger.sign(text.encode()))
            return self.note(f"{text}\n\u2014 {self.name} {line}\n")

        root = path_of(tree, 0)[0]
        record["checkpoint"] = note(self.text(f"{self.name}\n{self.size}\n{b64(root)}\n"))
        for entry in record["entries"]:
            path = [b64(item) for item in path_of(tree, self.paths.get(entry["role"], entry["leafIndex"]))[1]]
            entry["inclusionPath"] = path
            name = KIND.get(entry["role"], entry["role"] + (f"-{entry['leafIndex']}" if entry["role"] == "replay" else ""))
            files[f"data/ledger/{name}.tlog-proof"] = "\n".join(
                ["c2sp.org/tlog-proof@v1", f"index {entry['leafIndex']}", *path, "", record["checkpoint"]]).encode()
        self.bundles(record, files, spki, key_hash, root)
        for old in [name for name in files if name.startswith("data/ledger/checkpoint.")]:
            files.pop(old)
        files["data/ledger/checkpoint"] = files[f"data/ledger/checkpoint.{self.size}"] = record["checkpoint"].encode()
        files["data/ledger/consistency"] = f"old {self.size}\n\n{record['checkpoint']}".encode()
        files["data/keys/attestor.pub.pem"] = record["keys"]["attestor"].encode()
        files["data/keys/ledger.pub.pem"] = record["keys"]["ledger"].encode()
        files["data/keys/ledger.vkey"] = vkey.encode() + b"\n"
        self.sign_note = note
        self.finish(files)
        files["data/record.json"] = canonical(record) + b"\n"
        strangers.sign(files, self.attestor)
        return files


    def bundles(self, record, files, spki, key_hash, root):
        hint = {"publicKey": {"hint": hashlib.sha256(record["keys"]["attestor"].encode()).hexdigest()}, "tlogEntries": []}
        media = "application/vnd.dev.sigstore.bundle.v0.3+json"
        entry = next((entry for entry in record["entries"] if entry["role"] == "outcome"))
        index = str(entry["leafIndex"])
        files["data/attest/run.sigstore.json"] = canonical({
            "mediaType": media, "dsseEnvelope": entry["envelope"], "verificationMaterial": dict(hint, tlogEntries=[{
                "logIndex": index, "logId": {"keyId": b64(key_hash)}, "canonicalizedBody": entry["leaf"],
                "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
                "inclusionProof": {"logIndex": index, "rootHash": b64(root), "treeSize": str(self.size),
                                   "hashes": entry["inclusionPath"], "checkpoint": {"envelope": record["checkpoint"]}}}])})
        model = json.loads(files["data/attest/outputs.oms.sigstore.json"])
        payload = canonical(self.model(json.loads(base64.b64decode(model["dsseEnvelope"]["payload"]))))
        signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
        model["dsseEnvelope"] = {"payload": b64(payload), "payloadType": "application/vnd.in-toto+json", "signatures": [
            {"keyid": hashlib.sha256(spki).hexdigest(), "sig": b64(self.attestor.sign(signed, ec.ECDSA(hashes.SHA256())))}]}
        model["verificationMaterial"] = hint
        files["data/attest/outputs.oms.sigstore.json"] = canonical(model)
        files["data/ledger/policy"] = f"log {record['keys']['ledgerVerifier']}\nquorum none\n".encode()


def forgeries(files):
    """(name, function that changes a forgery): all of them have to be refused."""
    def statement(role, change):
        return lambda f: change(f.statements[role])

    def payload(role, change):
        return lambda f: f.payloads.update({role: change(canonical(f.statements[role]))})

    def dependency(name, role="outcome"):
        def find(f):
            return next(item for item in f.definition(role)["resolvedDependencies"] if item.get("name") == name)
        return find

    def subject(f, suffix="result.csv"):
        return next(item for item in f.outcome["subject"] if item["name"].endswith(suffix))

    def finish(change):
        return lambda f: setattr(f, "finish", change)

    def put(name, data):
        return finish(lambda files: files.update({name: data}))

    zeros, other = "0" * 64, hashlib.sha256(b"other").hexdigest()

    # What the outcome says of files.
    yield "an output with another digest", lambda f: subject(f)["digest"].update(sha256=other)
    yield "an output that is not named", lambda f: f.outcome["subject"].remove(subject(f))
    yield "an output that is not there", lambda f: f.outcome["subject"].append(
        {"name": "outputs/more.csv", "digest": {"sha256": other}})
    yield "an output twice, with two digests", lambda f: f.outcome["subject"].append(
        {"name": subject(f)["name"], "digest": {"sha256": other}})
    yield "an output twice, first another", lambda f: f.outcome["subject"].insert(
        0, {"name": subject(f)["name"], "digest": {"sha256": other}})
    yield "two outputs exchanged", lambda f: (lambda a, b: (a.update(name=b["name"]), b.update(name="x"))
                                             )(subject(f), subject(f, "other.txt"))
    yield "a name in the other normal form", lambda f: [item.update(name=unicodedata.normalize("NFD", item["name"]))
                                                       for item in f.outcome["subject"]]
    yield "a name with a letter that looks the same", lambda f: subject(f).update(name="outputs/r\u0435sult.csv")
    yield "a name that leads out", lambda f: subject(f).update(name="outputs/../outputs/result.csv")
    yield "a name with a dot", lambda f: subject(f).update(name="outputs/./result.csv")
    yield "an absolute name", lambda f: subject(f).update(name="/outputs/result.csv")
    yield "a digest in capitals", lambda f: subject(f)["digest"].update(sha256=subject(f)["digest"]["sha256"].upper())
    yield "a digest of another algorithm", lambda f: subject(f).update(digest={"sha512": other * 2})
    yield "a digest of two algorithms", lambda f: subject(f)["digest"].update(sha512=other * 2)
    yield "a digest with spaces", lambda f: subject(f)["digest"].update(sha256=" " + subject(f)["digest"]["sha256"][1:])
    yield "a subject with annotations", lambda f: subject(f).update(annotations={"note": "better"})
    yield "no subjects", lambda f: f.outcome.update(subject=[])
    yield "another log", lambda f: next(item for item in f.outcome["predicate"]["runDetails"]["byproducts"]
                                        if item["name"] == "logs/stdout.txt")["digest"].update(sha256=other)
    yield "logs exchanged", finish(lambda files: files.update({
        "data/logs/stdout.txt": files["data/logs/stderr.txt"], "data/logs/stderr.txt": files["data/logs/stdout.txt"]}))
    yield "another input", lambda f: dependency("inputs/data.txt")(f)["digest"].update(sha256=other)
    yield "another spec", lambda f: dependency("spec.json")(f)["digest"].update(sha256=other)
    yield "another source", lambda f: dependency("source")(f)["digest"].update(sha256=other)

    # What it says of the run, against what else is there.
    snapshot = lambda f: f.definition()["internalParameters"]["snapshot"]  # noqa: E731
    yield "another commit", lambda f: snapshot(f).update(commit="1" * 40)
    yield "another root tree", lambda f: snapshot(f).update(rootTree="1" * 40)
    yield "another tree", lambda f: snapshot(f).update(tree="1" * 40)
    yield "another run's id in the outcome", lambda f: f.outcome["predicate"]["runDetails"]["metadata"].update(
        invocationId="01m8egja11fadksrxd92pf9akj")
    yield "the run's id in capitals", lambda f: f.outcome["predicate"]["runDetails"]["metadata"].update(
        invocationId=f.record["run"].upper())
    yield "another run's id in the intent", lambda f: f.statements["intent"]["predicate"]["runDetails"]["metadata"].update(
        invocationId="01m8egja11fadksrxd92pf9akj")
    yield "another run's id for the record", lambda f: f.record.update(run="01m8egja11fadksrxd92pf9akj")
    yield "a replay of another run", lambda f: [
        item.update(uri="urn:ibid:run:01m8egja11fadksrxd92pf9akj")
        for item in f.statements["replay"]["predicate"]["configuration"] if "uri" in item]
    yield "an intent that is an outcome", lambda f: f.definition("intent").update(buildType="urn:ibid:run:v1")
    yield "an outcome that is an intent", lambda f: f.definition().update(buildType="urn:ibid:run-intent:v1")
    yield "an outcome of no known kind", lambda f: f.definition().update(buildType="urn:ibid:run:v2")
    yield "a predicate of another type", lambda f: f.outcome.update(predicateType="https://slsa.dev/provenance/v0.2")
    yield "a statement of another type", lambda f: f.outcome.update(_type="https://in-toto.io/Statement/v0.1")
    yield "an image that did not run", lambda f: f.statements["image"]["subject"][0]["digest"].update(sha256=other)
    yield "an intent of another image", lambda f: dependency("image", "intent")(f)["digest"].update(sha256=other)
    yield "an intent of another spec", lambda f: dependency("spec.json", "intent")(f)["digest"].update(sha256=other)
    yield "an intent of another source", lambda f: dependency("source", "intent")(f)["digest"].update(sha256=other)
    yield "an exit code that the result has not", lambda f: f.document(
        "data/run/result.json", lambda value: value.update(exitCode=7))
    yield "a status that the result has not", lambda f: f.document(
        "data/run/result.json", lambda value: value.update(status="failed"))
    yield "a command that the spec has not", lambda f: f.document(
        "data/run/spec.json", lambda value: value.update(command=["true"]))

    # The order in the log.
    def exchange(one, two):
        return lambda f: f.index.update({one: f.index[two], two: f.index[one]})
    yield "an outcome before its intent", exchange("intent", "outcome")
    yield "a replay before the outcome", exchange("replay", "outcome")
    yield "the path of another index", lambda f: f.paths.update(outcome=f.index["intent"])

    # Forms.
    yield "a payload with a member twice", payload("outcome", lambda p: p.replace(b'{"_type"', b'{"_type":"x","_type"', 1))
    yield "a payload with a newline", payload("outcome", lambda p: p + b"\n")
    yield "a payload with a byte order mark", payload("outcome", lambda p: b"\xef\xbb\xbf" + p)
    yield "a payload with a space", payload("outcome", lambda p: p.replace(b":", b": ", 1))
    yield "a payload with a fraction", payload("outcome", lambda p: p.replace(b'"predicate":{', b'"predicate":{"a":0.5,', 1))
    yield "a payload with half a character", payload("outcome", lambda p: p.replace(
        b'"predicate":{', b'"predicate":{"a":"\\ud800",', 1))
    yield "a payload that is not UTF-8", payload("outcome", lambda p: p.replace(
        b'"predicate":{', b'"predicate":{"a":"\xff",', 1))
    yield "a payload with a huge number", payload("outcome", lambda p: p.replace(
        b'"predicate":{', b'"predicate":{"a":9007199254740993,', 1))
    yield "a payload that is an array", payload("outcome", lambda p: b"[" + p + b"]")
    yield "a payload in UTF-16", payload("outcome", lambda p: p.decode().encode("utf-16"))
    yield "a payload without end", payload("intent", lambda p: p[:-1])
    yield "a payload of deep arrays", payload("intent", lambda p: b"[" * 5000 + b"]" * 5000)
    yield "another payload type", lambda f: f.types.update(outcome="application/json")
    yield "a payload type in capitals", lambda f: f.types.update(outcome="application/vnd.in-toto+JSON")
    yield "the name of another key", lambda f: f.keyids.update(outcome=other)
    yield "the key's name in capitals", lambda f: f.keyids.update(outcome=hashlib.sha256(
        f.attestor.public_key().public_bytes(serialization.Encoding.DER, SPKI)).hexdigest().upper())
    yield "a signature twice", lambda f: setattr(f, "envelope", lambda role, value: {
        **value, "signatures": value["signatures"] * 2})

    def leaf(change):
        def edit(f):
            def changed(role, value):
                return change(value) or value if role == "outcome" else value
            f.leaf = changed
        return edit
    body = lambda value: value["spec"]["hashedRekordV002"]  # noqa: E731
    yield "a leaf of the payload alone", leaf(lambda v: body(v)["data"].update(digest=b64(b"0" * 32)))
    yield "a leaf of another algorithm", leaf(lambda v: body(v)["data"].update(algorithm="SHA2_512"))
    yield "a leaf with another key", leaf(lambda v: body(v)["signature"]["verifier"]["publicKey"].update(
        rawBytes=b64(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(serialization.Encoding.DER, SPKI))))
    yield "a leaf with more in it", leaf(lambda v: v.update(note="x"))
    yield "a leaf with spaces", leaf(lambda v: json.dumps(v, sort_keys=True).encode())
    yield "a leaf that is a node", leaf(lambda v: b"\x01" + bytes(64))

    # The head.
    def text(change):
        return lambda f: setattr(f, "text", change)

    def note(change):
        return lambda f: setattr(f, "note", change)
    yield "a head with a leading zero", text(lambda t: t.replace("\n", "\n0", 1))
    yield "a head with a sign", text(lambda t: t.replace("\n", "\n+", 1))
    yield "a head over nothing", text(lambda t: "\n".join([t.split("\n")[0], "0", *t.split("\n")[2:]]))
    yield "a head over 2^63 entries", text(lambda t: "\n".join([t.split("\n")[0], str(2**63), *t.split("\n")[2:]]))
    yield "a head of another log", text(lambda t: "ibid.local/ledger/" + "0" * 32 + t[t.index("\n"):])
    yield "a head with a shorter root", text(lambda t: "\n".join([*t.split("\n")[:2], b64(bytes(31)), ""]))
    yield "a head with its root in hexadecimal", text(lambda t: "\n".join([*t.split("\n")[:2], zeros, ""]))
    yield "a head with CR", note(lambda n: n.replace("\n", "\r\n"))
    yield "a head with a wrong second signature", note(lambda n: n + n.split("\n\n")[1].replace(
        n.split(" ")[-1][8:12], "AAAA"))
    yield "a head with its signature before the text", note(lambda n: n.split("\n\n")[1] + "\n" + n)
    yield "a key whose hash is another's", lambda f: setattr(f, "verifier", lambda v: v.replace(
        v.split("+")[1], "00000000"))
    def another_type(vkey):
        name, hash_, key = vkey.split("+", 2)
        return f"{name}+{hash_}+{b64(bytes([2]) + base64.b64decode(key)[1:])}"
    yield "a key of another type", lambda f: setattr(f, "verifier", another_type)

    def fork(f):
        def change(files):
            files[f"data/ledger/checkpoint.{f.size}"] = f.sign_note(f"{f.name}\n{f.size}\n{b64(bytes(32))}\n").encode()
        f.finish = change
    yield "two heads of one size", fork

    def smaller(f):
        def change(files):
            old = f.sign_note(f"{f.name}\n1\n{b64(bytes(32))}\n")
            files.pop(f"data/ledger/checkpoint.{f.size}")
            files["data/ledger/checkpoint.1"] = old.encode()
            files["data/ledger/consistency"] = f"old 1\n\n{f.record['checkpoint']}".encode()
        f.finish = change
    yield "an older head that is no beginning", smaller

    # The bag.
    def listing(change):
        def edit(files):
            value = json.loads(files["data/files.json"])
            change(value)
            files["data/files.json"] = canonical(value) + (b"\n" if files["data/files.json"].endswith(b"\n") else b"")
        return finish(edit)
    listed = json.loads(files["data/files.json"])
    outputs = next(key for key, value in listed.items() if "outputs" in key)
    yield "a list of files without an output", listing(lambda v: v[outputs].pop() if isinstance(v[outputs], list)
                                                      else v[outputs].popitem())
    yield "a list of files with more in it", listing(lambda v: v.update(note="x"))
    yield "a list of files of another run", listing(lambda v: v.update(run="01m8egja11fadksrxd92pf9akj"))
    yield "an output more", put("data/outputs/more.csv", b"1\n")
    yield "a log more", put("data/logs/debug.txt", b"1\n")
    yield "a statement more", put("data/attest/replay-99.intoto.json", files["data/attest/run.intoto.json"])
    yield "a checkpoint more", put("data/ledger/checkpoint.9999", files["data/ledger/checkpoint"])
    yield "a document more", put("data/run/notes.json", b"{}")
    yield "a file more, beside all", put("data/evil.html", b"<script>")
    yield "a model signature over other files", lambda f: setattr(f, "model", lambda v: json.loads(
        json.dumps(v).replace(v["predicate"]["resources"][0]["digest"], other)))
    yield "a model signature over fewer files", lambda f: setattr(f, "model", lambda v: {
        **v, "predicate": {**v["predicate"], "resources": v["predicate"]["resources"][1:]}})
    yield "a bundle with another proof", finish(lambda files: files.update({
        "data/attest/run.sigstore.json": files["data/attest/run.sigstore.json"].replace(b'"treeSize":"', b'"treeSize":"1', 1)}))
    yield "a policy with another log", finish(lambda files: files.update({
        "data/ledger/policy": files["data/ledger/policy"].replace(b"ibid.local", b"ibid.lokal")}))
    yield "a policy with a witness", finish(lambda files: files.update({
        "data/ledger/policy": files["data/ledger/policy"].replace(b"none", b"all")}))
    yield "a signature of an unsigned commit", finish(lambda files: files.update({"data/source/commit.sig": b"x"}))


def directories(place):
    """(name, function that changes the unpacked bag): all of them have to be refused."""
    result = f"{place}/data/outputs/result.csv"

    def instead(make):
        def change():
            os.rename(result, result + ".kept")
            make()
            if os.path.lexists(result + ".kept"):
                os.remove(result + ".kept")
        return change

    def outside():
        shutil.copy(result + ".kept", f"{strangers.WORK}/outside")
        os.symlink(f"{strangers.WORK}/outside", result)
    yield "a link to the same bytes outside", instead(outside)
    yield "a link that leads nowhere", instead(lambda: os.symlink("/nowhere", result))
    yield "a pipe for a file", instead(lambda: os.mkfifo(result))
    yield "a directory for a file", instead(lambda: os.mkdir(result))
    yield "a link to a directory", lambda: os.symlink("outputs", f"{place}/data/more")
    yield "a pipe beside", lambda: os.mkfifo(f"{place}/data/pipe")
    yield "a hidden file", lambda: open(f"{place}/data/outputs/.DS_Store", "w").close()
    yield "a hidden directory", lambda: os.mkdir(f"{place}/.git")

    def linked():
        shutil.move(f"{place}/data", f"{strangers.WORK}/elsewhere")
        os.symlink(f"{strangers.WORK}/elsewhere", f"{place}/data")
    yield "data as a link", linked


def main():
    files = strangers.load(strangers.ARCHIVE)
    strangers.show("forged, nothing changed", strangers.tar(Forgery(files).write()), "accept")
    for name, change in forgeries(files):
        forgery = Forgery(files)
        change(forgery)
        strangers.show(name, strangers.tar(forgery.write()), "refuse")
    place = f"{strangers.WORK}/unpacked"
    for position in range(len(list(directories(place)))):
        for old in (place, f"{strangers.WORK}/elsewhere"):
            shutil.rmtree(old, ignore_errors=True)
        os.makedirs(place)
        subprocess.run(["tar", "-xf", strangers.ARCHIVE, "-C", place, "--strip-components=1"], check=True)
        name, change = list(directories(place))[position]
        change()
        strangers.judge(name, place, "refuse")


if __name__ == "__main__":
    main()
