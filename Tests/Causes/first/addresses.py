# results/repr.txt: addresses
# results/traceback.txt: addresses
# results/mixed_set.txt: addresses
# results/objects.txt: addresses
# results/cache.json: addresses
# results/seeded_by_id.txt: addresses
# results/words.json: same
import json, os, random, traceback

os.makedirs("results")


class Model:
    pass


class Named:
    def __init__(self, name):
        self.name = name


open("results/repr.txt", "w").write(f"fitted {Model()} with {len}")
try:
    raise ValueError(f"cannot fit {Model()}")
except ValueError:
    open("results/traceback.txt", "w").write(traceback.format_exc())
open("results/mixed_set.txt", "w").write(" ".join(map(str, {Model, Named, ValueError, KeyError, int, str, float, dict, OSError})))
open("results/objects.txt", "w").write(" ".join(o.name for o in {Named(w) for w in "abcdefghij"}))
json.dump({"key": id(object()) % 100000, "size": 3}, open("results/cache.json", "w"))
random.seed(id(Model))
open("results/seeded_by_id.txt", "w").write(" ".join(str(random.randrange(100)) for _ in range(9)))
json.dump({"words": list({"delta", "alpha", "beta", "gamma"})}, open("results/words.json", "w"))
