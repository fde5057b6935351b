"""Outputs that exercise what makes analyses irreproducible, each with its true cause.

`main.py` writes them all below results/; `main.py --causes` prints JSON: path -> cause, null for what the default
profile makes the same on every run. Standard library only.
"""

import array, base64, bz2, calendar, collections, configparser, csv, ctypes, datetime, decimal, difflib, email.utils
import fractions
import glob, gzip, hashlib, html, io, itertools, json, locale, logging, lzma, marshal, math, multiprocessing, os, pickle
import platform, py_compile, random, re, secrets, shelve, socket, sqlite3, statistics, struct, subprocess, sys, tarfile
import tempfile, textwrap, threading, time, unicodedata, urllib.parse, uuid, weakref, zipfile, zlib
import concurrent.futures
import xml.etree.ElementTree as ElementTree
from email.mime.multipart import MIMEMultipart
from pathlib import Path

OUTPUTS = {}
ROOT = Path("results")


def output(name, cause=None):
    def register(function):
        OUTPUTS[name] = (cause, function)
        return function

    return register


def text(name, cause=None):
    """The function gives the text."""
    return lambda function: output(name, cause)(lambda path: path.write_text(function()))


def data(name, cause=None):
    """The function gives the bytes."""
    return lambda function: output(name, cause)(lambda path: path.write_bytes(function()))


WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa".split()
NOW = lambda: datetime.datetime.now()


class Thing:
    pass


# --- the same on every run: pure values ---------------------------------------------------------------------------
text("pure/sum.txt")(lambda: repr(math.fsum(1 / n for n in range(1, 1000))))
text("pure/table.csv")(lambda: "\n".join(f"{n},{n * n},{math.sqrt(n)!r}" for n in range(50)))
text("pure/sorted.json")(lambda: json.dumps({w: len(w) for w in WORDS}, sort_keys=True, indent=1))
text("pure/decimal.txt")(lambda: str(decimal.Decimal(2).sqrt()))
text("pure/fraction.txt")(lambda: str(sum(fractions.Fraction(1, n) for n in range(1, 30))))
text("pure/statistics.json")(lambda: json.dumps([statistics.stdev(range(99)), statistics.median(range(99))]))
text("pure/diff.txt")(lambda: "\n".join(difflib.unified_diff(WORDS, WORDS[::-1], lineterm="")))
text("pure/wrapped.txt")(lambda: textwrap.fill(" ".join(WORDS * 9), 40))
text("pure/html.html")(lambda: "<p>" + html.escape("<&>") + "</p>")
text("pure/calendar.txt")(lambda: calendar.month(2026, 1))
text("pure/unicode.txt")(lambda: unicodedata.normalize("NFD", "größe"))
text("pure/url.txt")(lambda: urllib.parse.urlencode({"a": "b c", "d": "é"}))
text("pure/regex.txt")(lambda: re.sub(r"\w+", lambda m: m[0].title(), " ".join(WORDS)))
text("pure/products.csv")(lambda: "\n".join(map(str, itertools.product("ab", repeat=4))))
data("pure/values.pickle")(lambda: pickle.dumps([WORDS, {"a": 1.5}, (1, 2)], protocol=5))
data("pure/values.marshal")(lambda: marshal.dumps([1, 2.5, "x"]))
data("pure/array.bin")(lambda: array.array("d", [math.sin(x) for x in range(200)]).tobytes())
data("pure/struct.bin")(lambda: struct.pack("<10f", *range(10)))
data("pure/zlib.z")(lambda: zlib.compress(" ".join(WORDS * 50).encode()))
data("pure/bz2.bz2")(lambda: bz2.compress(b"x" * 5000))
data("pure/lzma.xz")(lambda: lzma.compress(b"y" * 5000))
data("pure/base64.txt")(lambda: base64.b64encode(bytes(range(256))))
text("pure/digest.txt")(lambda: hashlib.sha256(b"x").hexdigest())
text("pure/uuid5.txt")(lambda: str(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org")))
text("pure/counter.json")(lambda: json.dumps(collections.Counter("abracadabra").most_common()))
data("pure/gzip.gz")(lambda: gzip.compress(b"z" * 999, mtime=0))
data("pure/xml.xml")(lambda: ElementTree.tostring(ElementTree.Element("a", b="c")))

# --- the same on every run: seeded ---------------------------------------------------------------------------------
for _name in ["random", "gauss", "expovariate", "betavariate", "triangular", "paretovariate", "lognormvariate",
              "weibullvariate", "gammavariate", "vonmisesvariate"]:
    _arguments = {"expovariate": (1,), "betavariate": (2, 3), "paretovariate": (3,), "gauss": (0, 1),
                  "lognormvariate": (0, 1), "weibullvariate": (1, 2), "gammavariate": (2, 1), "vonmisesvariate": (0, 4)}.get(_name, ())
    text(f"seeded/{_name}.csv")(
        lambda n=_name, a=_arguments: "\n".join(repr(getattr(random.Random(n), n)(*a)) for _ in range(20)))
text("seeded/shuffle.txt")(lambda: " ".join(random.Random(1).sample(WORDS, 10)))
text("seeded/pi.txt")(lambda: repr(sum((lambda r: sum(r.random() ** 2 + r.random() ** 2 < 1 for _ in range(5000)))(random.Random(s)) for s in range(3))))
text("seeded/bootstrap.json")(lambda: (lambda r: json.dumps([statistics.mean(r.choices(range(50), k=50)) for _ in range(20)]))(random.Random(7)))
text("seeded/walk.csv")(lambda: (lambda r: "\n".join(map(str, itertools.accumulate(r.choice([-1, 1]) for _ in range(99)))))(random.Random(3)))
text("seeded/folds.json")(lambda: (lambda r, rows: (r.shuffle(rows), json.dumps([rows[n::5] for n in range(5)]))[1])(random.Random(5), list(range(60))))
text("seeded/permutation.json")(lambda: (lambda r, v: json.dumps(sum(sum(r.sample(v, 20)) >= 800 for _ in range(500)) / 500))(random.Random(9), list(range(60))))
text("seeded/report.md")(lambda: (lambda r: "| group | mean |\n|---|---|\n" + "\n".join(f"| {w} | {statistics.mean(r.gauss(0, 1) for _ in range(50)):.6f} |" for w in WORDS))(random.Random(4)))
text("seeded/points.jsonl")(lambda: (lambda r: "\n".join(json.dumps({"x": r.random(), "y": r.random()}) for _ in range(30)))(random.Random(6)))

# --- the same under the default profile: the hash seed ---------------------------------------------------------------
text("hash/set.txt")(lambda: " ".join({*WORDS}))
text("hash/hash.txt")(lambda: str(hash("text")))
text("hash/dict.json")(lambda: json.dumps({w: i for i, w in enumerate({*WORDS})}))
data("hash/set.pickle")(lambda: pickle.dumps({*WORDS}))
text("hash/union.csv")(lambda: "\n".join({*WORDS} | {w.upper() for w in WORDS}))
text("hash/groups.json")(lambda: json.dumps({k: [w for w in WORDS if len(w) == k] for k in {len(w) for w in WORDS}}))
text("hash/difference.txt")(lambda: " ".join({*WORDS} - {"alpha", "beta"}))
text("hash/tuples.txt")(lambda: repr({(w, len(w)) for w in WORDS}))
text("hash/vocabulary.json")(lambda: json.dumps({w: i for i, w in enumerate(set(" ".join(WORDS * 3).replace("eta", "et a").split()))}))
text("hash/frozenset.txt")(lambda: repr(frozenset(WORDS)))
data("hash/bytes.txt")(lambda: b" ".join({w.encode() for w in WORDS}))

# --- the same under the default profile: the surroundings ------------------------------------------------------------
text("machine/hostname.txt")(socket.gethostname)
text("machine/cpus.txt")(lambda: str(os.cpu_count()))
text("machine/zone.txt")(lambda: f"{time.tzname} {datetime.datetime.fromtimestamp(86400 * 365)}")
text("machine/locale.txt")(lambda: f"{locale.getlocale()} {locale.setlocale(locale.LC_ALL, '')} {1234567.891:n}")
text("machine/encoding.txt")(lambda: f"{sys.getdefaultencoding()} {sys.stdout.encoding} {locale.getpreferredencoding()}")
text("machine/home.txt")(lambda: os.path.expanduser("~") + tempfile.gettempdir())
text("machine/umask.txt")(lambda: oct(os.umask(0o022)))
text("machine/pid.txt")(lambda: f"{os.getpid()} {os.getppid()}")
text("machine/user.txt")(lambda: f"{os.getuid()} {os.getgid()} {os.getgroups()}")
text("machine/environment.json")(lambda: json.dumps({k: v for k, v in sorted(os.environ.items()) if not k.startswith(("IBID", "LD_"))}))
text("machine/cwd.txt")(os.getcwd)
text("machine/python.txt")(lambda: f"{platform.python_version()} {sys.executable} {sys.argv}")
text("machine/epoch.pdf")(lambda: f"%PDF-1.4 (D:{time.strftime('%Y%m%d', time.gmtime(int(os.environ['SOURCE_DATE_EPOCH'])))})")
text("machine/listdir.txt")(lambda: " ".join(os.listdir("/etc")))
text("machine/glob.txt")(lambda: " ".join(glob.glob("/usr/lib/*")))
text("machine/limits.txt")(lambda: repr(__import__("resource").getrlimit(__import__("resource").RLIMIT_NOFILE)))
text("machine/stack.txt")(lambda: str(sys.getrecursionlimit()))
text("machine/child.txt")(lambda: subprocess.run([sys.executable, "-c", "print({'a','b','c','d'})"], capture_output=True, text=True).stdout)
text("machine/mounts.txt")(lambda: Path("/proc/self/mounts").read_text())
text("machine/cgroup.txt")(lambda: Path("/proc/self/cgroup").read_text())
text("machine/descriptors.txt")(lambda: " ".join(sorted(os.listdir("/proc/self/fd"))))
text("machine/network.txt")(lambda: Path("/proc/net/dev").read_text() + Path("/etc/hosts").read_text())
text("machine/all-limits.txt")(lambda: Path("/proc/self/limits").read_text())
text("machine/boot.txt")(lambda: Path("/proc/sys/kernel/random/boot_id").read_text())
text("machine/command.txt")(lambda: Path("/proc/self/cmdline").read_text() + Path("/proc/cmdline").read_text())
text("machine/flags.txt")(lambda: f"{sys.flags} {sys.path}")
text("machine/uname.txt")(lambda: f"{os.uname()} {platform.platform()}")
text("machine/mode.txt")(lambda: (Path("/tmp/mode").write_text(""), oct(os.stat("/tmp/mode").st_mode))[1])
text("machine/terminal.txt")(lambda: f"{os.get_terminal_size.__name__} {sys.stdout.isatty()} {sys.stdin.isatty()}")
text("machine/all-variables.json")(lambda: json.dumps(dict(sorted(os.environ.items()))))
text("machine/meminfo.txt")(lambda: Path("/proc/meminfo").read_text())
text("machine/cpuinfo.txt")(lambda: Path("/proc/cpuinfo").read_text())
text("machine/load.txt")(lambda: Path("/proc/loadavg").read_text() + Path("/proc/uptime").read_text())
text("machine/stat.txt")(lambda: Path("/proc/stat").read_text())
text("machine/walk.txt")(lambda: " ".join(name for _, _, files in os.walk("/etc") for name in files))


@output("files/ini.ini")
def _(path):
    parser = configparser.ConfigParser()
    parser["a"] = {"b": "c"}
    with path.open("w") as file:
        parser.write(file)


@output("files/table.sqlite")
def _(path):
    with sqlite3.connect(path) as db:
        db.execute("create table t (a, b)")
        db.executemany("insert into t values (?, ?)", [(n, n * n) for n in range(100)])


@output("files/dump.sql")
def _(path):
    with sqlite3.connect(":memory:") as db:
        db.execute("create table t (a, b)")
        db.executemany("insert into t values (?, ?)", [(n, f"row {n}") for n in range(20)])
        path.write_text("\n".join(db.iterdump()))


@output("files/fixed.zip")
def _(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("a.txt", (2026, 1, 1, 0, 0, 0)), "a")


@output("files/fixed.tar")
def _(path):
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO(b""))


@output("files/module.pyc")
def _(path):
    source = Path("/tmp/module.py")
    source.write_text("x = 1\n")
    py_compile.compile(str(source), str(path), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)


@output("files/dialect.csv")
def _(path):
    with path.open("w", newline="") as file:
        csv.writer(file, dialect="excel-tab").writerows([[1, "a b"], [2, 'c"d']])


# --- the clock -------------------------------------------------------------------------------------------------------
text("clock/time.csv", "clock")(lambda: f"name,when\nrun,{time.time()!r}\n")
text("clock/now.json", "clock")(lambda: json.dumps({"value": 1, "generated": NOW().isoformat()}))
text("clock/report.txt", "clock")(lambda: time.strftime("report of %Y-%m-%d %H:%M:%S\nall is well\n"))
data("clock/now.pickle", "clock")(lambda: pickle.dumps({"at": NOW(), "model": [1, 2]}))
data("clock/default.gz", "clock")(lambda: gzip.compress(b"x" * 999))
text("clock/date.pdf", "clock")(lambda: f"%PDF-1.4\n1 0 obj\n<< /CreationDate (D:{NOW():%Y%m%d%H%M%S}Z) >>\nendobj\n")
text("clock/mail.txt", "clock")(lambda: "Date: " + email.utils.formatdate() + "\n")
text("clock/page.html", "clock")(lambda: f"<footer>generated at {NOW()}</footer>")
data("clock/stamp.xml", "clock")(lambda: ElementTree.tostring(ElementTree.Element("run", at=NOW().isoformat())))
text("clock/child.txt", "clock")(lambda: subprocess.run(["date", "+%s %N"], capture_output=True, text=True).stdout)
text("clock/seed.txt", "clock")(lambda: repr(random.Random(time.time_ns()).random()))
text("clock/bare-child.txt", "clock")(lambda: subprocess.run(["/bin/date", "+%s %N"], capture_output=True, text=True, env={}).stdout)
text("clock/ctime.html", "clock")(lambda: f"<meta name='date' content='{time.ctime()}'>")
text("clock/thread.txt", "clock")(lambda: concurrent.futures.ThreadPoolExecutor(1).submit(lambda: str(NOW())).result())
text("clock/in-a-row.csv", "clock")(lambda: "\n".join(str(time.time_ns()) for _ in range(20)))


@output("clock/file.gz", "clock")
def _(path):
    with gzip.open(path, "wb") as file:
        file.write(b"x" * 999)


@output("clock/member.zip", "clock")
def _(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")


@output("clock/member.tar", "clock")
def _(path):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.mtime = time.time()
        archive.addfile(info, io.BytesIO(b""))


@output("clock/stamp.sqlite", "clock")
def _(path):
    with sqlite3.connect(path) as db:
        db.execute("create table t (a, at default current_timestamp)")
        db.execute("insert into t (a) values (1)")


@output("clock/run.log", "clock")
def _(path):
    logger = logging.Logger("run")
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.warning("began")
    logger.warning("ended")


# --- randomness ------------------------------------------------------------------------------------------------------
text("random/random.txt", "randomness")(lambda: repr(random.random()))
text("random/uuid4.json", "randomness")(lambda: json.dumps({"id": str(uuid.uuid4()), "n": 1}))
text("random/token.txt", "randomness")(lambda: secrets.token_hex())
data("random/bytes.bin", "randomness")(lambda: os.urandom(64))
data("random/device.bin", "randomness")(lambda: open("/dev/urandom", "rb").read(32))
text("random/sample.csv", "randomness")(lambda: "\n".join(map(str, random.sample(range(1000), 20))))
text("random/shuffle.txt", "randomness")(lambda: " ".join(random.sample(WORDS, 10)))
text("random/system.txt", "randomness")(lambda: repr(random.SystemRandom().random()))
text("random/interval.json", "randomness")(lambda: json.dumps(sorted(statistics.mean(random.choices(range(99), k=99)) for _ in range(50))[2:48:45]))
text("random/boundary.txt", "randomness")(lambda: MIMEMultipart().as_string())
text("random/hash.txt", "randomness")(lambda: subprocess.run([sys.executable, "-c", "print(hash('text'))"], capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "random"}).stdout)
text("random/temporary.txt", "randomness")(lambda: tempfile.mkstemp()[1])
text("random/split.json", "randomness")(lambda: json.dumps((lambda r: {"train": sorted(r.sample(range(40), 30))})(random.Random())))


def c_library(name, *arguments, result=ctypes.c_long):
    function = getattr(ctypes.CDLL(None), name)
    function.restype = result
    return function(*arguments)


def drawn(read):
    """What a function writes into a buffer."""
    buffer = ctypes.create_string_buffer(16)
    read(buffer)
    return buffer.raw


def read_stream(buffer):
    stream = ctypes.c_void_p(c_library("fopen", b"/dev/urandom", b"rb", result=ctypes.c_void_p))
    c_library("fread", buffer, 1, 16, stream)


GETRANDOM = {"x86_64": 318, "aarch64": 278}[platform.machine()]
data("random/stream.bin", "randomness")(lambda: drawn(read_stream))
data("random/syscall.bin", "randomness")(lambda: drawn(lambda buffer: c_library("syscall", GETRANDOM, buffer, 16, 0)))
data("random/entropy.bin", "randomness")(lambda: drawn(lambda buffer: c_library("getentropy", buffer, 16)))
data("random/relative.bin", "randomness")(lambda: os.read(os.open("../urandom", os.O_RDONLY, dir_fd=os.open("/dev/pts", os.O_RDONLY)), 16))
text("random/kernel-uuid.txt", "randomness")(lambda: Path("/proc/sys/kernel/random/uuid").read_text())
text("random/bare-child.txt", "randomness")(lambda: subprocess.run([sys.executable, "-c", "import uuid; print(uuid.uuid4(), hash('x'))"], capture_output=True, text=True, env={}).stdout)
text("random/directory.txt", "randomness")(lambda: tempfile.mkdtemp(prefix="run-"))

# --- addresses -------------------------------------------------------------------------------------------------------
text("addresses/id.txt", "addresses")(lambda: str(id(Thing())))
text("addresses/repr.txt", "addresses")(lambda: repr(Thing()))
text("addresses/function.txt", "addresses")(lambda: f"model: {text}")
text("addresses/set.txt", "addresses")(lambda: (lambda things: " ".join(str(things.index(t)) for t in set(things)))([type(f"T{n}", (), {}) for n in range(40)]))
text("addresses/weak.txt", "addresses")(lambda: repr(weakref.ref(Thing)))
text("addresses/sorted.txt", "addresses")(lambda: (lambda things: " ".join(str(things.index(t)) for t in sorted(things, key=id)))([type(f"S{n}", (), {}) for n in range(40)]))

# --- times and numbers of files ----------------------------------------------------------------------------------------


@output("times/member.zip", "file times")
def _(path):
    Path("/tmp/a.csv").write_text("a\n1\n")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write("/tmp/a.csv", "a.csv")


@output("times/member.tar", "file times")
def _(path):
    Path("/tmp/b.csv").write_text("b\n1\n")
    with tarfile.open(path, "w") as archive:
        archive.add("/tmp/b.csv", "b.csv")


@output("times/listing.csv", "file times")
def _(path):
    Path("/tmp/c.csv").write_text("c\n")
    path.write_text(f"name,modified\nc.csv,{os.stat('/tmp/c.csv').st_mtime!r}\n")


@output("inodes/inode.txt", "inode numbers")
def _(path):
    path.write_text("")
    path.write_text(str(path.stat().st_ino))


# --- elapsed time ------------------------------------------------------------------------------------------------------


@output("elapsed/seconds.txt", "elapsed time")
def _(path):
    start = time.perf_counter()
    sum(range(100_000))
    path.write_text(f"took {time.perf_counter() - start!r} s\n")


text("elapsed/times.txt", "elapsed time")(lambda: (sum(range(10_000_000)), repr(os.times()))[1])
text("elapsed/monotonic.txt", "elapsed time")(lambda: repr(time.monotonic()))
text("elapsed/cpu.txt", "elapsed time")(lambda: (sum(range(10_000)), repr(time.process_time()))[1])

# --- scheduling: last, as threads go on for a moment --------------------------------------------------------------------


def square(number):
    sum(range(number * 37 % 500))
    return number * number


@output("scheduling/threads.txt", "scheduling")
def _(path):
    order = []
    sys.setswitchinterval(1e-5)

    def work(name):
        for number in range(400):
            sum(range(number % 200))
            order.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    path.write_text("".join(order))


@output("scheduling/unordered.txt", "scheduling")
def _(path):
    with multiprocessing.Pool(3) as pool:
        path.write_text(" ".join(map(str, pool.imap_unordered(square, range(3000)))))


@output("scheduling/completed.txt", "scheduling")
def _(path):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(square, n) for n in range(1500)]
        path.write_text(" ".join(str(f.result()) for f in concurrent.futures.as_completed(futures)))


# Two causes at one time: a UUID of the first version has the time and a random node.
text("random/uuid1.txt", "randomness")(lambda: str(uuid.uuid1()))

if __name__ == "__main__":
    if "--causes" in sys.argv:
        print(json.dumps({f"results/{name}": cause for name, (cause, _) in OUTPUTS.items()}))
    else:
        late = [name for name, (cause, _) in OUTPUTS.items() if cause == "scheduling" or "thread" in name]
        for name in [name for name in OUTPUTS if name not in late] + late:
            path = ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            OUTPUTS[name][1](path)
