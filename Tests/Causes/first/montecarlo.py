# results/estimate.csv: randomness
# results/converged.json: randomness
# results/seeded.csv: same
# results/trace.csv: clock, randomness
# <stdout>: randomness
import json, os, random, time

os.makedirs("results")
inside, rows = 0, []
for n in range(1, 20001):
    inside += random.random() ** 2 + random.random() ** 2 < 1
    if n % 4000 == 0:
        rows.append((n, 4 * inside / n))
open("results/estimate.csv", "w").write("n,pi\n" + "".join(f"{n},{p}\n" for n, p in rows))
json.dump({"converged": True, "steps": random.randrange(50, 10000)}, open("results/converged.json", "w"))
generator = random.Random(3)
open("results/seeded.csv", "w").write("".join(f"{generator.random()}\n" for _ in range(20)))
with open("results/trace.csv", "w") as trace:
    for step in range(5):
        trace.write(f"{step},{time.time():.6f},{random.random():.6f}\n")
print("pi is about", rows[-1][1])
