# needs: packages
# results/sales.csv: randomness
# results/sales.xlsx: clock, file times
# results/sales_xlsxwriter.xlsx: clock
# results/by_region.parquet: same
# results/frame.pkl: same
# results/table.html: same
# results/styled.html: randomness
import pandas as pd
from pathlib import Path

Path("results").mkdir()
base = pd.DataFrame({"region": list("NSEW") * 25, "units": range(100), "price": [n * 0.37 for n in range(100)]})
base.sample(frac=0.3).to_csv("results/sales.csv", index=False)
base.to_excel("results/sales.xlsx", index=False, engine="openpyxl")
base.to_excel("results/sales_xlsxwriter.xlsx", index=False, engine="xlsxwriter")
by = base.groupby("region").agg({"units": "sum", "price": "mean"})
by.to_parquet("results/by_region.parquet")
base.to_pickle("results/frame.pkl")
Path("results/table.html").write_text(by.to_html())
Path("results/styled.html").write_text(by.style.format(precision=2).to_html())
