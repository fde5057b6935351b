# results/listing.txt: same
# results/mtimes.csv: file times
# results/inodes.csv: inode numbers
# results/sizes.txt: same
# results/ls.txt: file times
# results/temp_order.txt: randomness
# results/source.txt: same
# results/checked.txt: file times, inode numbers
import glob, os, subprocess, tempfile

os.makedirs("results")
for n in range(12):
    open(f"results/part-{n:02}.txt", "w").write("x" * n)
parts = glob.glob("results/part-*.txt")
open("results/listing.txt", "w").write("\n".join(sorted(e.name for e in os.scandir("results") if e.name.startswith("part"))))
with open("results/mtimes.csv", "w") as out:
    out.write("".join(f"{p},{os.path.getmtime(p)}\n" for p in sorted(parts)))
with open("results/inodes.csv", "w") as out:
    out.write("".join(f"{p},{os.stat(p).st_ino}\n" for p in sorted(parts)))
with open("results/sizes.txt", "w") as out:
    subprocess.run(["du", "-b"] + sorted(parts), stdout=out, check=True)
with open("results/ls.txt", "w") as out:
    subprocess.run(["ls", "-l", "--full-time"] + sorted(parts), stdout=out, check=True)
with tempfile.TemporaryDirectory() as folder:
    made = [os.path.basename(tempfile.mkstemp(dir=folder, prefix=f"{n}-")[1]) for n in range(15)]
    open("results/temp_order.txt", "w").write(" ".join(name.split("-")[0] for name in os.listdir(folder)))
open("results/source.txt", "w").write(str(os.stat("main.py").st_mtime))
open("results/checked.txt", "w").write(repr(os.stat("results/part-03.txt")))
for p in parts:
    os.remove(p)
