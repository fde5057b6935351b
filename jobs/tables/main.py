"""Writes one table of orders as Parquet, SQLite, and CSV in a ZIP archive."""

import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(42)
count = 5000
orders = pd.DataFrame(
    {
        "order": np.arange(count),
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 365, count), unit="D"),
        "country": rng.choice(["AT", "CH", "DE", "FR"], count),
        "amount": rng.gamma(2, 40, count).round(2),
    }
)
tables = Path("tables")
tables.mkdir(exist_ok=True)
orders.to_parquet(tables / "orders.parquet")
with sqlite3.connect(tables / "orders.sqlite") as database:
    orders.astype({"day": str}).to_sql("orders", database, index=False)
totals = orders.groupby("country")["amount"].agg(["sum", "mean", "count"])
with zipfile.ZipFile(tables / "totals.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    # With a date of its own a member does not get that of today.
    archive.writestr(zipfile.ZipInfo("totals.csv", (2026, 1, 1, 0, 0, 0)), totals.to_csv())
print(totals.round(2))
