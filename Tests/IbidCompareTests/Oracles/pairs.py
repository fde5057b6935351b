"""Writes pairs of files and what must be said of each: Python's own readers and arithmetic as a second opinion.

usage: pairs.py DIRECTORY; prints a JSON list of cases.
"""

import base64, csv, gzip, io, json, math, pickle, random, re, sqlite3, struct, sys, tarfile, zipfile, zlib
from pathlib import Path

root = Path(sys.argv[1])
rng = random.Random(20260101)
cases = []


def case(name, path, before, after, rule="bytes", equal=None, nature=None, says=None, **settings):
    number = len(cases)
    for side, data in (("before", before), ("after", after)):
        (root / f"{number}.{side}").write_bytes(data)
    cases.append(
        {"name": name, "path": path, "rule": rule, "settings": settings, "equal": equal, "nature": nature, "says": says}
    )


# Numbers: the verdict is that of numpy.isclose's formula.
def close(old, new, rtol, atol):
    if old == new or (math.isnan(old) and math.isnan(new)):
        return True
    return math.isfinite(old) and math.isfinite(new) and abs(old - new) <= atol + rtol * abs(old)


def table(rows, delimiter=","):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


for number in range(60):
    rtol, atol = rng.choice([(1e-9, 0), (1e-3, 0), (0, 1e-6), (1e-6, 1e-6)])
    values = [rng.choice([rng.gauss(0, 1e3), rng.random(), 0.0, float("nan"), float("inf")]) for _ in range(6)]
    others = [v * (1 + rng.choice([0, 1e-12, 1e-4, 1e-8])) + rng.choice([0, 0, 1e-7]) for v in values]
    equal = all(close(a, b, rtol, atol) for a, b in zip(values, others))
    settings = {"rtol": repr(rtol), "atol": repr(atol)}
    rows = lambda v: [["a", "b, c", 'd "e"'], v[:3], v[3:]]
    if values == others:
        others[0] += 1
        equal = all(close(a, b, rtol, atol) for a, b in zip(values, others))
    case("csv", "t.csv", table(rows(values)), table(rows(others)), "numeric", equal, **settings)
    case("tsv", "t.tsv", table(rows(values), "\t"), table(rows(others), "\t"), "numeric", equal, **settings)
    dump = lambda v: json.dumps({"x": {"y": v}, "text": "ü \" \\ \n \U0001f600"}, indent=rng.choice([None, 1])).encode()
    case("json", "t.json", dump(values), dump(others), "numeric", equal, **settings)
    array = lambda v: b"\x93NUMPY\x01\x00\x76\x00" + (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }".ljust(117) + b"\n" + struct.pack("<6d", *v)
    )
    case("npy", "t.npy", array(values), array(others), "numeric", equal, **settings)

    def npz(v):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as archive:
            with archive.open("arr_0.npy", "w", force_zip64=True) as member:
                member.write(array(v))
        return data.getvalue()

    case("npz", "t.npz", npz(values), npz(others), "numeric", equal, **settings)
    prose = lambda v: ("mean   %r ± %r\n" % (v[0], v[1]) + "model x2 has %r\n" % v[2]).encode()
    equal = all(close(a, b, rtol, atol) for a, b in zip(values[:3], others[:3]))
    if all(map(math.isfinite, values[:3])):
        case("prose", "t.txt", prose(values), prose(others), "numeric", equal, **settings)

big = 9007199254740993
case("whole numbers beyond 2^53", "t.csv", f"n\n{big}\n".encode(), f"n\n{big - 1}\n".encode(), "numeric", False, rtol="0")
case("a row more", "t.csv", b"a\n1\n2\n", b"a\n1\n", "numeric", False, says="3 lines, now 2")
case("another column", "t.csv", b"a,b\n1,2\n", b"a,c\n1,2\n", "numeric", False)
case("text in a number's place", "t.json", b'{"a": 1}', b'{"a": "1"}', "numeric", False, says="$.a was a number, is a string")
case("a key gone", "t.json", b'{"a": 1, "b": 2}', b'{"a": 1}', "numeric", False, says="$.b is gone")
case("other shape", "t.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + bytes(8),
     b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }".ljust(117) + b"\n" + bytes(16), "numeric", False, says="shape")
case("no numbers at all", "t.parquet", b"PAR1xPAR1", b"PAR1yPAR1", "numeric", False)


# Notebooks.
def notebook(count, value, picture, source="1 + 1"):
    output = {"output_type": "execute_result", "execution_count": count, "metadata": {"t": count},
              "data": {"text/plain": [f"{value!r}\n", "done"], "image/png": base64.b64encode(picture).decode()}}
    cell = {"cell_type": "code", "id": f"{count:08x}", "execution_count": count, "metadata": {"at": count}, "source": source, "outputs": [output]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


# Pictures: one random picture, written in every way that PNG has.
def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def scanlines(rows, distance):
    out, above = b"", None
    for row in rows:
        above = above or bytes(len(row))
        kind = rng.randrange(5)
        line = bytearray([kind])
        for i, value in enumerate(row):
            a = row[i - distance] if i >= distance else 0
            c = above[i - distance] if i >= distance else 0
            b = above[i]
            line.append((value - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
        out += bytes(line)
        above = row
    return out


def pack(pixels, depth):
    flat = [s for p in pixels for s in p]
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in flat)
    if depth == 8:
        return bytes(flat)
    bits = "".join(format(s, f"0{depth}b") for s in flat)
    return bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))


def png(width, height, pixel, colour, depth, interlaced, extra=b""):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    raw = b""
    for x0, y0, dx, dy in passes:
        rows = [pack([pixel(x, y) for x in range(x0, width, dx)], depth) for y in range(y0, height, dy)]
        if rows and rows[0]:
            raw += scanlines(rows, max(1, channels * depth // 8))
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    data = zlib.compress(raw, rng.randrange(10))
    cut = rng.randrange(len(data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"tEXt", b"Software\0x%d" % rng.randrange(9**9))
            + chunk(b"IDAT", data[:cut]) + chunk(b"IDAT", data[cut:]) + chunk(b"IEND", b""))


def written(width, height, grid, how):
    """The same picture of 1-bit greys, in one of PNG's ways."""
    colour, depth, interlaced = how
    full = 2**depth - 1
    if colour == 3:
        extra = chunk(b"PLTE", b"\0\0\0\xff\xff\xff")
        return png(width, height, lambda x, y: [grid[y][x]], 3, depth, interlaced, extra)
    values = {0: lambda g: [g], 2: lambda g: [g] * 3, 4: lambda g: [g, full], 6: lambda g: [g, g, g, full]}[colour]
    return png(width, height, lambda x, y: values(grid[y][x] * full), colour, depth, interlaced)


ways = [(c, d, i) for c, ds in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items() for d in ds for i in (False, True)]
for how in ways:
    width, height = rng.randrange(1, 20), rng.randrange(1, 20)
    grid = [[rng.randrange(2) for _ in range(width)] for _ in range(height)]
    other = [list(row) for row in grid]
    x, y = rng.randrange(width), rng.randrange(height)
    other[y][x] ^= 1
    case(f"png {how}", "p.png", written(width, height, grid, how), written(width, height, grid, rng.choice(ways)), "image", True)
    case(f"png {how}, a pixel", "p.png", written(width, height, grid, how), written(width, height, other, how), "image", False,
         says=f"1 of {width * height} pixels differ")
    case(f"png {how}, the place", "p.png", written(width, height, grid, how), written(width, height, other, how), says=f"1×1 at ({x}, {y})")

grey = lambda shift: png(10, 10, lambda x, y: [(x * y + shift * (x == 3)) % 256] * 3, 2, 8, False)
case("near", "p.png", grey(0), grey(2), "image", True, threshold="0.01")
case("not near", "p.png", grey(0), grey(9), "image", False, threshold="0.01")
case("a few pixels", "p.png", grey(0), grey(9), "image", True, threshold="0.01", pixels="0.1")
case("too many pixels", "p.png", grey(0), grey(9), "image", False, threshold="0.01", pixels="0.05")
case("other size", "p.png", grey(0), png(9, 10, lambda x, y: [1, 2, 3], 2, 8, False), "image", False, says="10×10 pixels, now 9×10")
huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
case("a bomb", "p.png", huge, grey(0), "image", False, says="more than")
case("no png", "p.jpg", b"\xff\xd8\xff\xe0a", b"\xff\xd8\xff\xe0b", "image", False, says="could not be read as a picture")
case("notebook", "n.ipynb", notebook(1, 0.1, grey(0)), notebook(7, 0.1 + 1e-15, grey(0)), "numeric", True)
case("notebook, number", "n.ipynb", notebook(1, 0.1, grey(0)), notebook(1, 0.2, grey(0)), "numeric", False)
case("notebook, picture", "n.ipynb", notebook(1, 0.1, grey(0)), notebook(1, 0.1, grey(9)), "numeric", False, says="pixels differ")
case("notebook, code", "n.ipynb", notebook(1, 0.1, grey(0)), notebook(1, 0.1, grey(0), "1 + 2"), "numeric", False)

# Text: Python's re leaves out the same.
words = ["at 2026-01-02 03:04:05", "id 0x7f12ab", "x", "größe 12", "aaa", "", "[1] (2)", "tab\t."]
for pattern in [r"\d+", r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "0x[0-9a-f]+", "^at .*$", "a{2}", "(ab|a)+", r"\s", "[^a-z ]", "g.*e", r"\[\d\]|\(\d\)", "ö", "x?", r"\w+$"]:
    for _ in range(25):
        lines = [rng.choice(words) for _ in range(4)]
        others = [line if rng.random() < 0.6 else re.sub(r"\d", lambda m: str(rng.randrange(10)), line) if rng.random() < 0.7 else rng.choice(words) for line in lines]
        if lines == others:
            continue
        drop = lambda text: [re.sub(pattern, "", line, flags=re.ASCII) for line in text]
        case(f"text {pattern}", "t.txt", "\n".join(lines).encode(), "\n".join(others).encode(), "text", drop(lines) == drop(others), drop=pattern)
case("a pattern that explodes elsewhere", "t.txt", b"a" * 3000 + b"!", b"a" * 2999 + b"!", "text", False, drop="(a*)*b")
case("line ends", "t.txt", b"a\r\nb\r\n", b"a\nb\n", "text", True)

# What changed.
uuids = lambda seed: str(__import__("uuid").UUID(int=random.Random(seed).getrandbits(128)))
case("times", "t.txt", b"x\nat 2026-01-02T03:04:05Z\n", b"x\nat 2026-01-02T03:04:07Z\n", nature="times")
case("uuids", "t.json", json.dumps({"id": uuids(1)}).encode(), json.dumps({"id": uuids(2)}).encode(), nature="UUIDs")
case("addresses", "t.txt", b"<object at 0x7f0011223344>", b"<object at 0x7f00aabbccdd>", nature="addresses")
case("order", "t.csv", b"a\n1\n2\n3\n", b"a\n3\n1\n2\n", nature="order")
case("rounding", "t.csv", b"a\n1.00000000001\n", b"a\n1.00000000002\n", nature="last digits of numbers")
case("content", "t.txt", b"yes\n", b"no\n", nature="content")


def archive(time, body=b"body"):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("a/b.csv", time), body)
    return data.getvalue()


def tarball(time, body=b"body"):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as t:
        info = tarfile.TarInfo("x" * 150)
        info.mtime, info.size = time, len(body)
        t.addfile(info, io.BytesIO(body))
    return data.getvalue()


case("zip times", "a.zip", archive((2026, 1, 2, 3, 4, 6)), archive((2026, 1, 2, 3, 4, 8)), nature="times", says="only times differ")
case("zip member", "a.zip", archive((2026, 1, 2, 3, 4, 6), b"v\n1\n"), archive((2026, 1, 2, 3, 4, 6), b"v\n2\n"), nature="content", says="a/b.csv: 1 of 2 values differ")
case("tar times", "a.tar", tarball(1), tarball(2), nature="times")
case("tar member", "a.tar", tarball(1, b"a"), tarball(1, b"b"), nature="content")
case("gzip times", "a.gz", gzip.compress(b"x" * 99, mtime=1), gzip.compress(b"x" * 99, mtime=2), nature="times")
case("gzip inside", "a.csv.gz", gzip.compress(b"v\n1\n" * 9, mtime=0), gzip.compress(b"v\n2\n" * 9, mtime=0), says="inside, CSV")
for protocol in (2, 3, 4, 5):
    value = lambda v: pickle.dumps({"a": [1.5, v, "x" * 300, b"y", None, True, 2**80], "set": {1}}, protocol=protocol)
    case(f"pickle {protocol}", "m.pickle", value(2.5), value(3.5), says="BINFLOAT 2.5 → BINFLOAT 3.5")
case("pdf dates", "f.pdf", b"%PDF-1.4\n1 0 obj\n<< /CreationDate (D:20260101000000Z) >>", b"%PDF-1.4\n1 0 obj\n<< /CreationDate (D:20260102000000Z) >>", nature="times", says="only its dates")
case("pdf object", "f.pdf", b"%PDF-1.4\n7 0 obj\n<< /A 1 >>", b"%PDF-1.4\n7 0 obj\n<< /A 2 >>", says="in object 7")


def database(name, values, *statements):
    with sqlite3.connect(root / name) as db:
        db.execute("create table t (id integer primary key, v real, s text, b blob)")
        db.executemany("insert into t (v, s, b) values (?, ?, ?)", values)
        for statement in statements:
            db.execute(statement)
    db.close()
    return (root / name).read_bytes()


one = database("db0", [(1.5, "a", b"x"), (2.5, "1.0", None)])
case("sqlite", "d.sqlite", one, database("db1", [(1.5, "a", b"x"), (3.5, "1.0", None)]), says="1 of 8 values differ, at most 1.0 (relative 0.4) at table t, row 2, column v")
case("sqlite, near", "d.sqlite", one, database("db2", [(1.5 + 1e-12, "a", b"x"), (2.5, "1.0", None)]), "numeric", True)
case("sqlite, far", "d.sqlite", one, database("db3", [(1.6, "a", b"x"), (2.5, "1.0", None)]), "numeric", False)
case("sqlite, texts are no numbers", "d.sqlite", one, database("db4", [(1.5, "a", b"x"), (2.5, "1.00", None)]), "numeric", False)
case("sqlite, a row gone", "d.sqlite", one, database("db5", [(1.5, "a", b"x")]), "numeric", False, says="table t has 2 rows, now 1")
case("sqlite, a table more", "d.sqlite", one, database("db6", [(1.5, "a", b"x"), (2.5, "1.0", None)], "create table u (x)"), "numeric", False, says="table u is new")
case("sqlite, another view", "d.sqlite", database("db7", [], "create view w as select 1"), database("db8", [], "create view w as select 2"), "numeric", False, says="view w is defined otherwise")
case("sqlite, written otherwise", "d.sqlite", one, database("db9", [(1.5, "a", b"x"), (2.5, "1.0", None)], "pragma user_version = 7"), "numeric", True)
case("sqlite, damaged", "d.sqlite", one, one[:4096] + bytes(len(one) - 4096), "numeric", False, says="could not be read as SQLite")
case("other kind", "p.png", grey(0), b"text", says="was PNG, is text")
case("bytes", "p.bin", bytes(100), bytes(50) + b"\1" + bytes(49), says="the first at 50")
json.dump(cases, sys.stdout)
