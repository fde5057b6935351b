# results/finished.txt: scheduling
# results/done_set.txt: addresses
# results/jitter.txt: randomness
# results/gathered.txt: same
import asyncio, os, random

os.makedirs("results")


async def fetch(n, log):
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()
    log.append(n)
    return n


async def quick(n):
    return n


async def main():
    log = []
    values = await asyncio.gather(*(fetch(n, log) for n in range(25)))
    open("results/finished.txt", "w").write(" ".join(map(str, log)))
    open("results/gathered.txt", "w").write(" ".join(map(str, values)))
    done, _ = await asyncio.wait([asyncio.ensure_future(quick(n)) for n in range(30)])
    open("results/done_set.txt", "w").write(" ".join(str(t.result()) for t in done))
    log = []

    async def late(n):
        await asyncio.sleep(random.random() / 20)
        log.append(n)

    await asyncio.gather(*(late(n) for n in range(12)))
    open("results/jitter.txt", "w").write(" ".join(map(str, log)))


asyncio.run(main())
