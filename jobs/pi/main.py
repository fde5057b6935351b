"""Estimates pi by throwing darts, one stream of random numbers for each of ten batches."""

import json
import sys
from pathlib import Path

import numpy as np

seed, samples = int(sys.argv[1]), int(sys.argv[2])
batches = 10
estimates = []
for stream in np.random.SeedSequence(seed).spawn(batches):
    rng = np.random.default_rng(stream)
    x, y = rng.random(samples // batches), rng.random(samples // batches)
    estimates.append(4 * np.mean(x * x + y * y < 1))
results = Path("results")
results.mkdir(exist_ok=True)
summary = {"pi": float(np.mean(estimates)), "standard_error": float(np.std(estimates, ddof=1) / np.sqrt(batches))}
(results / "pi.json").write_text(json.dumps(summary, indent=2) + "\n")
np.savez_compressed(results / "batches.npz", estimates=np.array(estimates))
print(f"pi = {summary['pi']:.5f} ± {summary['standard_error']:.5f}")
