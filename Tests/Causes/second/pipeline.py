# results/steps.jsonl: clock, elapsed time, randomness
# results/order.csv: scheduling
# results/audit.txt: addresses, randomness
# results/summary.txt: same
# results/archive.tgz: clock, file times
import json, os, queue, secrets, sys, tarfile, threading, time

os.makedirs("results")
sys.setswitchinterval(1e-5)
work, lock, order = queue.Queue(), threading.Lock(), []
for n in range(1200):
    work.put(n)


def worker(name):
    while True:
        try:
            n = work.get_nowait()
        except queue.Empty:
            return
        value = sum(i % 5 for i in range(n % 150))
        with lock:
            order.append((name, n, value))


threads = [threading.Thread(target=worker, args=(f"w{i}",)) for i in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
open("results/order.csv", "w").write("worker,item,value\n" + "".join(f"{a},{b},{c}\n" for a, b, c in order))
open("results/summary.txt", "w").write(f"{len(order)} items, total {sum(c for _, _, c in order)}\n")
with open("results/steps.jsonl", "w") as out:
    for step in ("load", "fit", "save"):
        begin = time.perf_counter()
        sorted(range(20000), key=lambda v: -v)
        out.write(json.dumps({"step": step, "id": secrets.token_hex(6), "at": time.time(),
                              "seconds": time.perf_counter() - begin}) + "\n")
open("results/audit.txt", "w").write(f"handler={worker!r}\nticket={secrets.token_urlsafe(9)}\n")
with tarfile.open("results/archive.tgz", "w:gz") as tar:
    tar.add("results/summary.txt")
