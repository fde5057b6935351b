# results/order.txt: scheduling
# results/sum.txt: scheduling
# results/repr.txt: addresses
# results/took.txt: elapsed time
# results/stamp.txt: clock
# results/token.txt: randomness
# results/idents.txt: addresses
import concurrent.futures, os, secrets, sys, threading, time
from multiprocessing.pool import ThreadPool

os.makedirs("results")
sys.setswitchinterval(1e-5)
begin = time.perf_counter()
done, total, idents = [], [0.0], set()


def work(n):
    idents.add(threading.get_ident())
    sum(i * i for i in range(n % 300))
    done.append(n)
    total[0] = total[0] + 1.0 / (n + 1)


with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(work, range(1500)))
open("results/order.txt", "w").write(" ".join(map(str, done)))
open("results/sum.txt", "w").write(repr(total[0]))
with ThreadPool(3) as pool:
    pool.map(work, range(20))
open("results/repr.txt", "w").write(repr(object()))
open("results/took.txt", "w").write(f"{time.perf_counter() - begin:.6f}")
open("results/stamp.txt", "w").write(time.ctime() + f" {time.time_ns()}")
open("results/token.txt", "w").write(secrets.token_hex(8))
open("results/idents.txt", "w").write(" ".join(map(str, sorted(idents))))
