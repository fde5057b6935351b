# needs: packages
# results/h5py.h5: same
# results/tables.h5: clock
# results/sky.h5: clock, randomness
import datetime, os
import h5py, numpy as np, pandas as pd

os.makedirs("results")
with h5py.File("results/h5py.h5", "w") as file:
    file["grid"] = np.arange(12.0).reshape(3, 4)
    file.attrs["units"] = "K"
pd.DataFrame({"a": range(10)}).to_hdf("results/tables.h5", key="frame", format="table")
with h5py.File("results/sky.h5", "w") as file:
    file["noise"] = np.random.default_rng().random(30)
    file.attrs["written"] = datetime.datetime.now().isoformat()
