"""Quantities whose bits follow the kernels that a processor gets; written as digests of their bytes, by name."""

import hashlib
import json
import math
import sys

import numpy as np

rng = np.random.default_rng(1)
a = rng.normal(size=(90, 90))
v = rng.normal(size=4000)
v32, ties, small = v.astype("f4"), (v * 3).astype("i8"), (v * 900).astype("i2")
spd = a @ a.T + np.eye(90)
half = v.astype("f2")
libm = lambda f: np.array([f(x) for x in v[:2000]])

quantities = {
    "matrix product": lambda: a @ a,
    "matrix product, single": lambda: a.astype("f4") @ a.astype("f4"),
    "matrix by vector": lambda: a @ v[:90],
    "dot product": lambda: v @ v,
    "svd": lambda: np.linalg.svd(a)[1],
    "eigenvalues": lambda: np.linalg.eigvalsh(spd),
    "solve": lambda: np.linalg.solve(spd, v[:90]),
    "inverse": lambda: np.linalg.inv(spd),
    "qr": lambda: np.linalg.qr(a)[0],
    "cholesky": lambda: np.linalg.cholesky(spd),
    "determinant": lambda: np.linalg.slogdet(a)[1],
    "least squares": lambda: np.linalg.lstsq(a[:, :9], v[:90], rcond=None)[0],
    "fft": lambda: np.fft.rfft(v),
    "sum": lambda: v.sum(),
    "sum, single": lambda: v32.sum(),
    "variance": lambda: v.var(),
    "exp": lambda: np.exp(v),
    "exp, single": lambda: np.exp(v32),
    "exp, half": lambda: np.exp(half),
    "log": lambda: np.log(v * v + 1),
    "sin": lambda: np.sin(v),
    "sin, single": lambda: np.sin(v32),
    "tanh": lambda: np.tanh(v),
    "power": lambda: np.abs(v) ** 1.7,
    "cbrt": lambda: np.cbrt(v),
    "argsort of ties": lambda: np.argsort(ties),
    "argpartition": lambda: np.argpartition(v, 2000),
    "partition, 16 bits": lambda: np.partition(small, 2000),
    "median": lambda: np.median(v),
    "cumulated sum": lambda: np.cumsum(v),
    "correlation": lambda: np.corrcoef(a[:9]),
    "convolution": lambda: np.convolve(v, v[:50]),
    "polynomial fit": lambda: np.polyfit(v[:200], np.sin(v[:200]), 5),
    "random normals": lambda: np.random.default_rng(2).normal(size=2000),
    "libm exp": lambda: libm(math.exp),
    "libm sin": lambda: libm(math.sin),
    "libm pow": lambda: libm(lambda x: math.pow(abs(x), 1.7)),
    "libm lgamma": lambda: libm(math.lgamma),
}
digests = {}
for name, function in quantities.items():
    digests[name] = hashlib.sha256(np.ascontiguousarray(function()).tobytes()).hexdigest()[:12]
json.dump(digests, open("digests.json", "w"), indent=1)
