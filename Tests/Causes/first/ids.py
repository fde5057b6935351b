# results/rows.jsonl: randomness
# results/run.json: clock, randomness
# results/keys.txt: randomness
# results/names.txt: randomness
# results/uuid5.txt: same
# results/uuid1.txt: clock, randomness
import json, os, random, secrets, tempfile, time, uuid

os.makedirs("results")
with open("results/rows.jsonl", "w") as rows:
    for n in range(5):
        rows.write(json.dumps({"id": str(uuid.uuid4()), "n": n}) + "\n")
json.dump({"run": secrets.token_hex(4), "at": time.time(), "version": 3}, open("results/run.json", "w"))
open("results/keys.txt", "w").write(secrets.token_urlsafe(16) + "\n" + str(random.SystemRandom().randrange(10**6)))
with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
    open("results/names.txt", "w").write(f"{os.path.basename(file.name)} {os.path.basename(folder)}")
open("results/uuid5.txt", "w").write(str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")))
open("results/uuid1.txt", "w").write(str(uuid.uuid1()))
