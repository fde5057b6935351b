# needs: packages
# results/paths.npz: randomness
# results/walk.csv: clock
# results/ensemble.csv: randomness
# results/fit.txt: same
# results/notes.md: clock, elapsed time
# <stdout>: elapsed time
import concurrent.futures, os, random, time
import numpy as np
from scipy.optimize import curve_fit

os.makedirs("results")
begin = time.process_time()
np.savez("results/paths.npz", paths=np.random.standard_normal((5, 50)).cumsum(axis=1))
generator = random.Random(int(time.time() * 1e6))
position = 0
with open("results/walk.csv", "w") as walk:
    for step in range(30):
        position += generator.choice((-3, 7, 11))
        walk.write(f"{step},{position}\n")


def member(n):
    return float(np.random.default_rng().normal(n, 1))


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    values = list(pool.map(member, range(20)))
open("results/ensemble.csv", "w").write("\n".join(f"{v:.6f}" for v in values))
x = np.linspace(0, 4, 40)
best, _ = curve_fit(lambda t, a, b: a * np.exp(-b * t), x, 2.5 * np.exp(-1.3 * x))
open("results/fit.txt", "w").write(f"a = {best[0]:.6f}, b = {best[1]:.6f}")
seconds = time.process_time() - begin
open("results/notes.md", "w").write(f"# Notes\n\nMade {time.strftime('%c')} ({time.time():.3f}), {seconds:.4f} s of processor time.\n")
print(f"done in {seconds * 1000:.3f} ms")
