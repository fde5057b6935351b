"""Draws the same figure as PNG, PDF and SVG, the formats that papers want."""

import logging
from pathlib import Path

# On a slow machine matplotlib says that it builds its font cache, on a fast one it does not.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

import matplotlib.pyplot as plt
import numpy as np

figures = Path("figures")
figures.mkdir(exist_ok=True)
rng = np.random.default_rng(3)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
x = np.linspace(0, 4 * np.pi, 400)
for damping in (0.05, 0.1, 0.2):
    left.plot(x, np.exp(-damping * x) * np.cos(x), label=f"{damping}")
left.legend(title="damping")
right.scatter(*rng.normal(size=(2, 300)), c=rng.random(300), cmap="viridis", s=12)
figure.tight_layout()
for kind in ("png", "pdf", "svg"):
    # SOURCE_DATE_EPOCH and svg.hashsalt, which Ibid sets, keep dates and random ids out of PDF and SVG.
    figure.savefig(figures / f"damping.{kind}")
