"""Processor-bound work as analyses do it: what each piece costs, as processor and wall time, the least of several turns."""

import json
import sys
import time

import numpy as np
import pandas as pd

turns = int(sys.argv[1])
rng = np.random.default_rng(0)
a, b = rng.normal(size=(600, 600)), rng.normal(size=(600, 600))
a32, spd = a.astype("f4"), a @ a.T + np.eye(600) * 600
v = rng.normal(size=1_000_000)
v32, small, whole = v.astype("f4"), (v * 5000).astype("i2"), (v * 1e12).astype("i8")
frame = pd.DataFrame({"group": rng.integers(0, 1000, 400_000), "x": v[:400_000], "y": v[:400_000] ** 2})
means = frame.groupby("group").mean()

work = {
    "matrix product": lambda: [a @ b for _ in range(6)],
    "matrix product, single": lambda: [a32 @ a32 for _ in range(10)],
    "svd": lambda: [np.linalg.svd(a[:200, :200]) for _ in range(3)],
    "eigenvalues": lambda: [np.linalg.eigh(spd[:250, :250]) for _ in range(4)],
    "solve": lambda: [np.linalg.solve(spd, b[:, :50]) for _ in range(4)],
    "fft": lambda: [np.fft.rfft(v) for _ in range(2)],
    "sort": lambda: [np.sort(v) for _ in range(5)],
    "sort, whole numbers": lambda: [np.sort(whole) for _ in range(5)],
    "sort, 16 bits": lambda: [np.sort(small) for _ in range(15)],
    "argsort": lambda: np.argsort(v),
    "median": lambda: [np.median(v) for _ in range(3)],
    "exp": lambda: [np.exp(v) for _ in range(15)],
    "log": lambda: [np.log(v * v + 1) for _ in range(10)],
    "sin": lambda: [np.sin(v) for _ in range(5)],
    "tanh, single": lambda: [np.tanh(v32) for _ in range(20)],
    "power": lambda: [np.abs(v) ** 1.7 for _ in range(5)],
    "sums": lambda: [v.sum() + v.std() + (v * v).mean() for _ in range(12)],
    "cumulated sums": lambda: [np.cumsum(v) for _ in range(8)],
    "random numbers": lambda: [np.random.default_rng(1).normal(size=1_000_000) for _ in range(2)],
    "groupby": lambda: [frame.groupby("group").agg(["mean", "std", "sum"]) for _ in range(2)],
    "merge": lambda: [frame.merge(means, on="group") for _ in range(2)],
    "rolling": lambda: [frame.x.rolling(50).mean() for _ in range(3)],
    "plain Python": lambda: sum(n * n % 7 for n in range(300_000)),
}
times = {}
for name, function in work.items():
    function()
    turn_times = []
    for _ in range(turns):
        wall, processor = time.perf_counter(), time.process_time()
        function()
        turn_times.append((time.process_time() - processor, time.perf_counter() - wall))
    times[name] = [min(column) for column in zip(*turn_times)]
print(json.dumps(times))
