# needs: packages
# results/network.svg: randomness
# results/centrality.parquet: same
# results/clusters.feather: randomness
# results/page.html: clock
# results/cache_*.pkl: randomness
import datetime, os, pickle, uuid
import matplotlib.pyplot as plt, networkx as nx, pandas as pd
from sklearn.cluster import KMeans

os.makedirs("results")
graph = nx.karate_club_graph()
positions = nx.spring_layout(graph)
figure, axis = plt.subplots()
nx.draw(graph, positions, ax=axis, node_size=30)
figure.savefig("results/network.svg")
table = pd.DataFrame({"node": list(graph), "rank": list(nx.pagerank(graph).values())})
table.to_parquet("results/centrality.parquet")
points = pd.DataFrame(list(positions.values()), columns=["x", "y"])
points["cluster"] = KMeans(3, n_init=1).fit_predict(points)
points.to_feather("results/clusters.feather")
open("results/page.html", "w").write(f"<p>Stand: {datetime.date.today():%d.%m.%Y}, {datetime.datetime.now():%H:%M:%S.%f}</p>")
pickle.dump(dict(graph.degree), open(f"results/cache_{uuid.uuid4()}.pkl", "wb"))
