# results/noise.bin: randomness
# results/manifest.txt: clock, randomness
# results/total.txt: randomness
# results/stamp.txt: clock
# results/constant.txt: same
# results/index.json: randomness
import datetime, hashlib, json, os, random

os.makedirs("results")
open("results/noise.bin", "wb").write(random.randbytes(64))
open("results/stamp.txt", "w").write(datetime.datetime.now().isoformat(sep=" "))
open("results/constant.txt", "w").write("c" * 50)
names = ["constant.txt", "noise.bin", "stamp.txt"]
digest = {n: hashlib.sha256(open(f"results/{n}", "rb").read()).hexdigest() for n in names}
open("results/manifest.txt", "w").write("".join(f"{d}  {n}\n" for n, d in digest.items()))
open("results/total.txt", "w").write(f"mean {sum(random.gauss(0, 1) for _ in range(500)) / 500:.3f}")
json.dump({"sha256": digest["noise.bin"]}, open("results/index.json", "w"))
