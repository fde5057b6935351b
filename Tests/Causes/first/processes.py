# results/unordered.txt: scheduling
# results/mapped.txt: same
# results/pids.txt: same
# results/worker_noise.txt: randomness, scheduling
# results/forked.txt: same
import multiprocessing, os, random


def work(n):
    return sum(i % 7 for i in range(n % 2000)) * 0 + n


def noise(n):
    return random.Random().random()


def pid(n):
    return os.getpid()


if __name__ == "__main__":
    os.makedirs("results")
    with multiprocessing.Pool(3) as pool:
        open("results/unordered.txt", "w").write(" ".join(map(str, pool.imap_unordered(work, range(4000)))))
        open("results/mapped.txt", "w").write(" ".join(map(str, pool.map(work, range(50)))))
        open("results/worker_noise.txt", "w").write(repr(pool.map(noise, range(3))))
    open("results/pids.txt", "w").write(str(os.getpid()))
    random.seed(4)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        open("results/forked.txt", "w").write(repr(pool.map(work, range(5))))
