# needs: packages
# results/seeded.npy: same
# results/noise.npy: randomness
# results/legacy.npz: randomness
# results/shuffled.txt: randomness
# results/seeded_by_second.txt: clock
# results/product.npy: same
import os, time
import numpy as np

os.makedirs("results")
np.save("results/seeded.npy", np.random.default_rng(5).normal(size=200))
np.save("results/noise.npy", np.random.default_rng().normal(size=200))
np.savez("results/legacy.npz", a=np.random.rand(10), b=np.arange(4))
order = np.arange(50)
np.random.shuffle(order)
np.savetxt("results/shuffled.txt", order, fmt="%d")
generator = np.random.default_rng(time.time_ns())
np.savetxt("results/seeded_by_second.txt", generator.integers(0, 1000, 20), fmt="%d")
a = np.random.default_rng(1).normal(size=(120, 120))
np.save("results/product.npy", a @ a.T)
