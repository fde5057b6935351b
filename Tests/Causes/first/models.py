# needs: packages
# results/forest.joblib: randomness
# results/seeded.joblib: same
# results/split.csv: randomness
# results/kmeans.csv: randomness
# results/timing.json: elapsed time
# results/report.txt: same
import json, os, time
import joblib, numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

os.makedirs("results")
x, y = load_iris(return_X_y=True)
begin = time.perf_counter()
joblib.dump(RandomForestClassifier(5).fit(x, y), "results/forest.joblib")
seconds = time.perf_counter() - begin
model = RandomForestClassifier(5, random_state=0).fit(x, y)
joblib.dump(model, "results/seeded.joblib")
train, test, _, _ = train_test_split(x, y)
np.savetxt("results/split.csv", test, delimiter=",")
np.savetxt("results/kmeans.csv", KMeans(8, n_init=1).fit(x).cluster_centers_, delimiter=",")
json.dump({"fit_seconds": round(seconds, 4), "accuracy": 1.0}, open("results/timing.json", "w"))
logistic = LogisticRegression(max_iter=500).fit(x, y)
open("results/report.txt", "w").write(classification_report(y, logistic.predict(x)))
