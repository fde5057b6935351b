"""Trains a classifier of handwritten digits and writes what it is worth, the model itself, and where it errs."""

import argparse
import json
import logging
import pickle
from pathlib import Path

# On a slow machine matplotlib says that it builds its font cache, on a fast one it does not;
# it does so while it is imported.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, classification_report
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--test-size", type=float, default=0.25)
parser.add_argument("--c", type=float, default=0.1, help="inverse strength of the regularisation")
options = parser.parse_args()

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    images, labels, test_size=options.test_size, random_state=options.seed, stratify=labels
)

# One thread: the order of additions, and with it the last bits, depends on how many there are.
with threadpool_limits(limits=1):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=options.c, max_iter=2000))
    model.fit(train_x, train_y)
    predicted = model.predict(test_x)

results = Path("results")
results.mkdir(exist_ok=True)

metrics = {
    "accuracy": round(accuracy_score(test_y, predicted), 6),
    "test_images": len(test_y),
    "train_images": len(train_y),
    "per_digit": {
        digit: {name: round(value, 6) for name, value in row.items()}
        for digit, row in classification_report(test_y, predicted, output_dict=True).items()
        if digit.isdigit()
    },
}
(results / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n")
(results / "model.pickle").write_bytes(pickle.dumps(model, protocol=5))

ConfusionMatrixDisplay.from_predictions(test_y, predicted, cmap="Blues", colorbar=False)
plt.title(f"accuracy {metrics['accuracy']:.3f}")
# Without this the file names the version of matplotlib that wrote it.
plt.savefig(results / "confusion.png", dpi=100, metadata={"Software": None})

print(f"accuracy {metrics['accuracy']:.4f} on {metrics['test_images']} images")
