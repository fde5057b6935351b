# results/table.txt: same
# results/order.txt: same
# results/quote.txt: randomness
# results/report.md: clock, randomness, elapsed time
# results/warnings.txt: addresses
# <stdout>: elapsed time
import collections, os, random, sys, time, uuid

begin = time.process_time()
os.makedirs("results")
answers = [("yes", 3), ("no", 2), ("maybe", 9)]
open("results/table.txt", "w").write("".join(f"{a:<8}{n:>5}\n" for a, n in answers))
open("results/order.txt", "w").write(" ".join(set("the quick brown fox jumps over the lazy dog".split())))
open("results/quote.txt", "w").write(random.choice([f"quote {n}" for n in range(100000)]))
count = collections.Counter(n % 13 for n in range(100000))
with open("results/report.md", "w") as out:
    out.write(f"# Report {uuid.uuid4()}\n\nMade {time.strftime('%A %d %B %Y %H:%M:%S')}, {count[3]} answers, "
              f"in {time.process_time() - begin:.6f} s\n")
open("results/warnings.txt", "w").write(f"DeprecationWarning: {(lambda: 0)} is old\n")
print(f"processed 100000 answers in {time.process_time() - begin:.6f} s")
