"""Twins of an archive that holds a time stamp and a cosignature, put together again and signed by the archive's own key.

usage: outside.py ARCHIVE LATER KEY IBID VERIFY_PY WORK    A line for each: its name, the exit status of ibid, that of
verify.py, and what both should be. LATER is an archive of a run that neither covers. WORK holds tsa.pem and tsa.cnf.
"""
import base64
import subprocess
import sys

archive, later, key_file, ibid, verify, work = sys.argv[1:]
sys.argv = [__file__, archive, later, later, ibid, verify, work]
import strangers
from strangers import load, serialization, sign, tar

key = serialization.load_pem_private_key(open(key_file, "rb").read(), None)
files, other = load(archive), load(later)
STAMPED, WITNESSED = "data/ledger/stamped/", "data/ledger/witnessed/"


def show(name, changed, wanted, *options):
    path = f"{work}/outside.tar"
    with open(path, "wb") as file:
        file.write(tar(changed))
    ours = subprocess.run([ibid, "verify", path, *options], capture_output=True, text=True)
    theirs = subprocess.run([sys.executable, verify, path, *options], capture_output=True, text=True)
    print(name, ours.returncode, theirs.returncode, *((0, 0) if wanted else (5, 1)), sep="\t", flush=True)
    if (ours.returncode == 0) != wanted or (theirs.returncode == 0) != wanted:
        print(name, ours.stdout[-400:], ours.stderr, theirs.stdout[-400:], theirs.stderr, file=sys.stderr)
    return ours.stdout, theirs.stdout


def twin(name, change, wanted=False, *options):
    changed = dict(files)
    change(changed)
    sign(changed, key)
    return show(name, changed, wanted, *options)


def replaced(path, data):
    return lambda changed: changed.update({path: data})


def dropped(prefix):
    return lambda changed: [changed.pop(name) for name in list(changed) if name.startswith(prefix)]


def moved(source):
    """The words of another archive about the same log."""
    return lambda changed: changed.update({name: data for name, data in source.items() if "/ledger/stamped/" in name})


def stamp_over(data):
    """A true answer of the same authority over something else."""
    with open(f"{work}/else", "wb") as file:
        file.write(data)
    for words in (["-query", "-data", "else", "-sha256", "-cert", "-out", "else.tsq"],
                  ["-reply", "-config", "tsa.cnf", "-section", "t", "-queryfile", "else.tsq", "-out", "else.tsr"]):
        subprocess.run(["openssl", "ts", *words], cwd=work, check=True, capture_output=True)
    with open(f"{work}/else.tsr", "rb") as file:
        return file.read()


ours, theirs = show("as it is", files, True, "--tsa-ca", f"{work}/tsa.pem")
assert "time-stamped: " in ours and "witnessed: witness.example/w1" in ours, ours
assert "by an authority of" in theirs and "the cosignature is the witness'" in theirs, theirs
ours, theirs = show("not judged", files, True)
assert "--tsa-ca" in ours and "--tsa-ca" in theirs, ours + theirs
show("another authority", files, False, "--tsa-ca", f"{work}/other.pem")
assert not any("/stamped/" in name or "/witnessed/" in name for name in other), "a run after the words is not covered"
show("a stamp that is not there", other, False, "--tsa-ca", f"{work}/tsa.pem")
show("none, not asked for", other, True)

newest = files["data/ledger/checkpoint"]
flipped = bytearray(files[STAMPED + "checkpoint.tsr"])
flipped[-40] ^= 1
twin("a stamp with another signature", replaced(STAMPED + "checkpoint.tsr", bytes(flipped)), False, "--tsa-ca", f"{work}/tsa.pem")
twin("a stamp over something else", replaced(STAMPED + "checkpoint.tsr", stamp_over(b"else")))
twin("a stamp over the newest checkpoint", replaced(STAMPED + "checkpoint.tsr", stamp_over(newest + b" ")))
twin("no stamp", dropped(STAMPED + "checkpoint.tsr"))
twin("no proof", dropped(STAMPED + "consistency"))
twin("no checkpoint", dropped(STAMPED + "checkpoint"))
twin("one file more", replaced(STAMPED + "more", b"more"))
twin("another kind", replaced("data/ledger/sworn/checkpoint", newest))
twin("an empty stamp", replaced(STAMPED + "checkpoint.tsr", b""))
twin("the proof of the run's own growth", replaced(STAMPED + "consistency", files["data/ledger/consistency"]))
twin("stamp and cosignature left out", lambda changed: [dropped(STAMPED)(changed), dropped(WITNESSED)(changed)], True)


def before(changed):
    """A checkpoint of before the run, truly stamped."""
    changed.update({STAMPED + "checkpoint": first, STAMPED + "checkpoint.tsr": stamp_over(first),
                    STAMPED + "consistency": proof})


with open(f"{work}/first.checkpoint", "rb") as file:
    first = file.read()
with open(f"{work}/first.consistency", "rb") as file:
    proof = file.read()
twin("a checkpoint of before the run", before)

note = files[WITNESSED + "checkpoint"].decode()
text, _, lines = note[:-1].rpartition("\n\n")
log, witness = lines.split("\n")
raw = bytearray(base64.b64decode(witness.split(" ")[2]))
raw[11] ^= 1
again = f"{witness.rpartition(' ')[0]} {base64.b64encode(raw).decode()}"
twin("a cosignature at another time", replaced(WITNESSED + "checkpoint", f"{text}\n\n{log}\n{again}\n".encode()))
twin("the log's line alone", replaced(WITNESSED + "checkpoint", f"{text}\n\n{log}\n".encode()))
twin("the witness' line alone", replaced(WITNESSED + "checkpoint", f"{text}\n\n{witness}\n".encode()))
vkey = files[WITNESSED + "witness.vkey"].decode()
twin("a witness of another name", replaced(WITNESSED + "witness.vkey", vkey.replace("w1", "w2").encode()))
twin("two witness keys", replaced(WITNESSED + "witness.vkey", (vkey + vkey).encode()))
twin("the log's key as the witness'", replaced(WITNESSED + "witness.vkey", files["data/keys/ledger.vkey"]))
