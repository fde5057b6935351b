"""Monthly sales: additive decomposition, an autoregression of the remainder, and a forecast with its band."""

import argparse
import logging
from pathlib import Path

# On a slow machine matplotlib says that it builds its font cache, on a fast one it does not.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--horizon", type=int, default=12)
horizon = parser.parse_args().horizon

rng = np.random.default_rng(12)
months = pd.date_range("2016-01-01", periods=120, freq="MS")
t = np.arange(120)
noise = np.zeros(120)
for i in range(1, 120):
    noise[i] = 0.6 * noise[i - 1] + rng.normal(0, 3)
sales = pd.Series(100 + 0.8 * t + 12 * np.sin(2 * np.pi * t / 12) + noise, index=months)

slope, level = np.polyfit(t, sales, 1)
season = (sales - (level + slope * t)).groupby(months.month).mean()
remainder = sales - (level + slope * t) - season.reindex(months.month).to_numpy()
phi = (remainder.iloc[1:].to_numpy() @ remainder.iloc[:-1].to_numpy()) / (remainder.iloc[:-1] ** 2).sum()
sigma = (remainder.iloc[1:].to_numpy() - phi * remainder.iloc[:-1].to_numpy()).std(ddof=1)

future = pd.date_range(months[-1], periods=horizon + 1, freq="MS")[1:]
steps = np.arange(1, horizon + 1)
forecast = level + slope * (119 + steps) + season.reindex(future.month).to_numpy() + phi**steps * remainder.iloc[-1]
band = 1.96 * sigma * np.sqrt(np.cumsum(phi ** (2 * (steps - 1))))

results = Path("results")
results.mkdir(exist_ok=True)
pd.DataFrame({"sales": sales, "remainder": remainder}).to_csv(results / "decomposition.csv", index_label="month")
pd.DataFrame({"forecast": forecast, "low": forecast - band, "high": forecast + band}, index=future).to_csv(
    results / "forecast.csv", index_label="month"
)
sales.plot(figsize=(8, 4), label="sales")
plt.plot(future, forecast, label="forecast")
plt.fill_between(future, forecast - band, forecast + band, alpha=0.3)
plt.legend()
plt.tight_layout()
plt.savefig(results / "forecast.svg")
print(f"trend {slope:.3f} a month, autocorrelation {phi:.3f}, standard deviation {sigma:.3f}")
