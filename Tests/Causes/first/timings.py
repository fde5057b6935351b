# results/took.txt: elapsed time
# results/profile.txt: elapsed time
# results/rate.json: elapsed time
# results/run.log: clock, elapsed time
# results/cpu.txt: elapsed time
# results/loops.txt: elapsed time
# results/steps.log: clock
import cProfile, json, logging, os, pstats, resource, time

os.makedirs("results")


def work():
    return sum(n * n % 7 for n in range(60000))


logging.basicConfig(filename="results/run.log", level=logging.INFO,
                    format="%(asctime)s.%(msecs)03d %(levelname)s %(message)s")
begin = time.perf_counter()
work()
seconds = time.perf_counter() - begin
logging.info("work took %.6f s", seconds)
open("results/took.txt", "w").write(f"Finished in {seconds:.4f} s\n")
profiler = cProfile.Profile()
profiler.runcall(work)
with open("results/profile.txt", "w") as out:
    pstats.Stats(profiler, stream=out).sort_stats("cumulative").print_stats()
begin = time.monotonic_ns()
work()
json.dump({"rows_per_second": round(60000 / ((time.monotonic_ns() - begin) / 1e9), 1)}, open("results/rate.json", "w"))
usage = resource.getrusage(resource.RUSAGE_SELF)
open("results/cpu.txt", "w").write(f"user {usage.ru_utime:.6f} system {usage.ru_stime:.6f}\n")
end, count = time.monotonic() + 0.03, 0
while time.monotonic() < end:
    count += 1
open("results/loops.txt", "w").write(f"{count} loops\n")
with open("results/steps.log", "w") as log:
    for step in range(3):
        log.write(time.strftime("[%H:%M:%S] ") + f"step {step} done\n")
