# needs: packages
# results/line.png: same
# results/line.svg: same
# results/line.pdf: same
# results/strip.png: randomness
# results/interval.png: randomness
# results/stamped.png: clock
# results/stamped.svg: clock
import datetime, os
import matplotlib.pyplot as plt, numpy as np, pandas as pd, seaborn as sns

os.makedirs("results")
x = np.linspace(0, 6, 80)
figure, axis = plt.subplots()
axis.plot(x, np.sin(x), label="sin")
axis.legend()
for kind in ("png", "svg", "pdf"):
    figure.savefig(f"results/line.{kind}")
frame = pd.DataFrame({"group": list("ab") * 20, "value": np.arange(40) % 7})
figure, axis = plt.subplots()
sns.stripplot(frame, x="group", y="value", jitter=True, ax=axis)
figure.savefig("results/strip.png")
figure, axis = plt.subplots()
sns.lineplot(frame, x="value", y=np.tile(np.arange(10.0), 4), ax=axis)
figure.savefig("results/interval.png")
figure, axis = plt.subplots()
axis.plot(x, np.cos(x))
axis.set_title("as of " + datetime.datetime.now().strftime("%d.%m.%Y %H:%M:%S.%f"))
figure.savefig("results/stamped.png")
figure.savefig("results/stamped.svg")
