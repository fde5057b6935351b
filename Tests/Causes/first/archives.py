# results/data.csv.gz: clock
# results/bundle.zip: file times
# results/bundle.tar: file times
# results/bundle.tar.gz: clock, file times
# results/strings.zip: clock
# results/fixed.gz: same
import gzip, os, shutil, tarfile, zipfile

os.makedirs("results")
os.makedirs("tmp/pack")
for name in ("a.txt", "b.txt"):
    open(f"tmp/pack/{name}", "w").write(name * 20)
gzip.open("results/data.csv.gz", "wt").write("a,b\n1,2\n")
shutil.make_archive("results/bundle", "zip", "tmp/pack")
shutil.make_archive("results/bundle", "tar", "tmp/pack")
with tarfile.open("results/bundle.tar.gz", "w:gz") as tar:
    tar.add("tmp/pack", arcname="pack")
with zipfile.ZipFile("results/strings.zip", "w") as archive:
    archive.writestr("note.txt", "hello")
open("results/fixed.gz", "wb").write(gzip.compress(b"x" * 99, mtime=0))
shutil.rmtree("tmp")
