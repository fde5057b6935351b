# needs: packages
# results/seeds.csv: same
# results/stream.txt: scheduling
# results/optimum.json: randomness
# results/process.json: elapsed time
import json, os, threading
import numpy as np, psutil
from scipy.optimize import differential_evolution

os.makedirs("results")
np.savetxt("results/seeds.csv", [np.random.default_rng(n).random() for n in range(9)])
lock, lines = threading.Lock(), []


def work(name):
    for step in range(150):
        np.linalg.svd(np.random.default_rng(step).random((12, 12)))
        with lock:
            lines.append(f"{name}:{step}")


threads = [threading.Thread(target=work, args=(n,)) for n in "ab"]
[t.start() for t in threads]
[t.join() for t in threads]
open("results/stream.txt", "w").write("\n".join(lines))
best = differential_evolution(lambda v: float(np.sum(v * v)), [(-5, 5)] * 3, maxiter=5, polish=False)
json.dump(list(best.x), open("results/optimum.json", "w"))
me = psutil.Process()
json.dump({"created": me.create_time(), "name": me.name()}, open("results/process.json", "w"))
