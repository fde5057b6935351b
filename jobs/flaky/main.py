"""What analyses do that makes them give something else each time, in one place."""

import concurrent.futures
import json
import logging
import time
import uuid
from datetime import datetime
from pathlib import Path

import numpy as np

results = Path("results")
results.mkdir(exist_ok=True)
logging.basicConfig(filename=results / "run.log", format="%(asctime)s %(message)s", level=logging.INFO)
logging.info("begun")

# A mean that is the same each time, and a bootstrap that nobody seeded.
values = np.random.default_rng(5).normal(10, 2, 500)
resampled = [np.random.default_rng().choice(values, 500).mean() for _ in range(200)]
(results / "mean.json").write_text(json.dumps({"mean": values.mean()}))
(results / "interval.json").write_text(json.dumps({"low": min(resampled), "high": max(resampled)}))

# A report that says when it was made and what it is called.
(results / "report.json").write_text(json.dumps({"run": str(uuid.uuid4()), "made": datetime.now().isoformat()}))

# A time, an address.
start = time.perf_counter()
np.linalg.eigvalsh(np.add.outer(values, values))
(results / "timing.txt").write_text(f"took {time.perf_counter() - start:.6f} s\n")
(results / "model.txt").write_text(f"{object()}\n")

# Results in the order in which threads happened to end.
def square(number):
    time.sleep(0.0001 * (number % 3))
    return number * number


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    done = concurrent.futures.as_completed([pool.submit(square, number) for number in range(500)])
    (results / "order.txt").write_text("\n".join(str(future.result()) for future in done) + "\n")
logging.info("ended")
