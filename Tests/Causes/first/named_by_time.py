# results/report_*.csv: clock
# results/model-*.bin: randomness
# results/log.*.txt: same
import datetime, os, uuid

os.makedirs("results")
open(f"results/report_{datetime.datetime.now():%Y%m%d_%H%M%S_%f}.csv", "w").write("a\n1\n")
open(f"results/model-{uuid.uuid4().hex[:8]}.bin", "wb").write(b"weights")
open(f"results/log.{os.getpid()}.txt", "w").write("done")
