# needs: packages
# results/layout.json: randomness
# results/figure.html: randomness
# results/ranks.txt: same
# results/bars.txt: elapsed time
# results/functions.pkl: randomness
import json, os, time
import cloudpickle, networkx as nx, plotly.graph_objects as go
from tqdm import tqdm

os.makedirs("results")
graph = nx.karate_club_graph()
json.dump({k: list(v) for k, v in nx.spring_layout(graph).items()}, open("results/layout.json", "w"))
go.Figure(go.Bar(x=["a", "b"], y=[1, 2])).write_html("results/figure.html", include_plotlyjs="cdn")
open("results/ranks.txt", "w").write(str(sorted(nx.pagerank(graph).values())))
with open("results/bars.txt", "w") as log:
    for _ in tqdm(range(40), file=log, mininterval=0):
        time.sleep(0.001)


def make():
    class Local:
        rate = 3

    return Local


cloudpickle.dump(make(), open("results/functions.pkl", "wb"))
