"""A first look at the iris data: the first rows, a summary per species, a plot."""

import logging
from pathlib import Path

# On a slow machine matplotlib says that it builds its font cache, on a fast one it does not;
# it does so while it is imported.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

import matplotlib.pyplot as plt
import seaborn as sns

# load_dataset downloads, unless the file is in its data directory: that is where Ibid mounts inputs.
iris = sns.load_dataset("iris", data_home="/inputs")
print(iris.head())

results = Path("results")
results.mkdir(exist_ok=True)
iris.head().to_csv(results / "head.csv", index=False)
iris.groupby("species").mean().round(3).to_csv(results / "summary.csv")

sns.scatterplot(iris, x="sepal_length", y="petal_length", hue="species", style="species")
plt.title(f"{len(iris)} irises")
# Without this the file names the version of matplotlib that wrote it.
plt.savefig(results / "iris.png", dpi=100, metadata={"Software": None})
