"""Pairs of files as pandas, numpy, pyarrow and Pillow write them, and what these libraries themselves say of each pair.

usage: libraries.py DIRECTORY [SEED [ROUNDS]]; prints a JSON list of cases, as pairs.py does.
"""

import datetime, decimal, io, json, random, sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

root = Path(sys.argv[1])
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 12
rng = random.Random(seed)
nprng = np.random.default_rng(seed)
cases = []


def case(name, path, before, after, rule="bytes", equal=None, nature=None, says=None, **settings):
    number = len(cases)
    if before == after and equal is None:
        return
    for side, data in (("before", before), ("after", after)):
        (root / f"{number}.{side}").write_bytes(data)
    cases.append(
        {"name": name, "path": path, "rule": rule, "settings": settings, "equal": equal, "nature": nature, "says": says}
    )


def close(old, new, rtol, atol):
    with np.errstate(all="ignore"):
        return bool(np.allclose(new, old, rtol=rtol, atol=atol, equal_nan=True))


# Parquet: one table in two forms; a number moved within the tolerance, or beyond, or something else altered.
def column(kind, n):
    holes = rng.random() < 0.5
    hole = lambda values: [None if holes and rng.random() < 0.2 else v for v in values]
    if kind == "double":
        return pa.array(hole([rng.choice([rng.gauss(0, 1e3), float("inf"), float("nan"), 0.0, -0.0, 1e-300]) for _ in range(n)]), pa.float64())
    if kind == "float":
        return pa.array(hole([rng.gauss(0, 10) for _ in range(n)]), pa.float32())
    if kind == "half":
        return pa.array([np.float16(rng.gauss(0, 10)) for _ in range(n)], pa.float16())
    if kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        info = np.iinfo(kind)
        return pa.array(hole([rng.randint(int(info.min), int(info.max)) if rng.random() < 0.3 else rng.randrange(100) for _ in range(n)]), getattr(pa, kind)())
    if kind == "bool":
        return pa.array(hole([rng.random() < 0.5 for _ in range(n)]), pa.bool_())
    if kind == "string":
        return pa.array(hole([rng.choice(["", "a", "größe", "1.10", "x" * 50, "pre" + str(rng.randrange(9))]) for _ in range(n)]))
    if kind == "binary":
        return pa.array(hole([rng.randbytes(rng.randrange(5)) for _ in range(n)]), pa.binary())
    if kind == "fixed":
        return pa.array(hole([rng.randbytes(6) for _ in range(n)]), pa.binary(6))
    if kind == "decimal":
        return pa.array(hole([decimal.Decimal(rng.randrange(-10**6, 10**6)).scaleb(-3) for _ in range(n)]), pa.decimal128(rng.choice([9, 18, 30]), 3))
    if kind == "time stamp":
        return pa.array(hole([datetime.datetime(2026, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**6)) for _ in range(n)]), pa.timestamp(rng.choice(["ms", "us", "ns"])))
    if kind == "date":
        return pa.array(hole([datetime.date(2026, 1, 1) + datetime.timedelta(days=rng.randrange(999)) for _ in range(n)]))
    if kind == "list":
        return pa.array(hole([hole([rng.gauss(0, 1) for _ in range(rng.randrange(4))]) for _ in range(n)]), pa.list_(pa.float64()))
    if kind == "struct":
        return pa.array(hole([{"a": rng.gauss(0, 1), "b": [{"c": rng.randrange(9)}] * rng.randrange(3)} for _ in range(n)]))
    if kind == "map":
        return pa.array(hole([[(f"k{j}", rng.gauss(0, 1)) for j in range(rng.randrange(3))] for _ in range(n)]), pa.map_(pa.string(), pa.float64()))
    if kind == "category":
        return pa.array(hole([rng.choice(["x", "y", "z"]) for _ in range(n)])).dictionary_encode()


kinds = ["double", "float", "half", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string", "binary",
         "fixed", "decimal", "time stamp", "date", "list", "struct", "map", "category"]
codecs = ["none", "snappy", "gzip", "lz4", "zstd"]


def written(table, form=None, **options):
    how = dict(compression=rng.choice(codecs), data_page_version=rng.choice(["1.0", "2.0"]), row_group_size=rng.choice([7, 50, 10**6]),
               data_page_size=rng.choice([16, 10**6]), write_statistics=rng.random() < 0.5, version=rng.choice(["2.4", "2.6"]),
               use_dictionary=rng.random() < 0.5, write_page_checksum=rng.random() < 0.5)
    how.update(options)
    if form:
        how.update(use_dictionary=False, column_encoding=form)
    data = io.BytesIO()
    pq.write_table(table, data, **how)
    return data.getvalue()


encodings = {"double": ["BYTE_STREAM_SPLIT", "PLAIN"], "float": ["BYTE_STREAM_SPLIT"], "int32": ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
             "int64": ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"], "string": ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"],
             "binary": ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"], "fixed": ["DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"], "bool": ["RLE"]}
for _ in range(rounds):
    n = rng.choice([1, 3, 40, 300, 3000])
    for kind in kinds:
        table = pa.table({"id": pa.array(range(n)), "v": column(kind, n), "größe": pa.array([0.5] * n)})
        form = {"v": rng.choice(encodings[kind])} if kind in encodings and rng.random() < 0.6 else None
        case(f"parquet {kind} {form}", "t.parquet", written(table, form), written(table), "numeric", True)
        if kind == "double":
            old = table["v"].to_numpy(zero_copy_only=False)
            rtol, atol = rng.choice([(1e-9, 0), (0, 1e-6), (1e-3, 1e-3)])
            new = old * (1 + rng.choice([1e-12, 1e-10, 1e-5])) + rng.choice([0, 1e-8])
            both = [t.set_column(1, "v", pa.array(v)) for t, v in ((table, old), (table, new))]
            case("parquet numbers", "t.parquet", written(both[0], form), written(both[1]), "numeric", close(old, new, rtol, atol),
                 rtol=repr(rtol), atol=repr(atol))
        other = column(kind, n)
        if not other.equals(table["v"].combine_chunks()) and kind not in ("double", "float", "half", "list", "struct", "map"):
            case(f"parquet {kind} altered", "t.parquet", written(table, form), written(table.set_column(1, "v", other)), "numeric", False, rtol="0", says="column v")
            case(f"parquet {kind} explained", "t.parquet", written(table, form), written(table.set_column(1, "v", other)), says="column v")
    whole = pa.table({"a": pa.array([1, 2, 3]), "b": pa.array([0.5, 1.5, 2.5])})
    case("parquet, a column gone", "t.parquet", written(whole), written(whole.drop_columns(["b"])), "numeric", False, says="column b is gone")
    case("parquet, a row gone", "t.parquet", written(whole), written(whole.slice(0, 2)), "numeric", False, says="3 rows, now 2")
    case("parquet, another type", "t.parquet", written(whole), written(whole.set_column(0, "a", pa.array([1.0, 2.0, 3.0]))), "numeric", False, says="column a was int64")
    case("parquet, brotli", "t.parquet", written(whole), written(whole, compression="brotli"), "numeric", False, says="Brotli")
    case("parquet, cut", "t.parquet", written(whole), written(whole)[:-9], "numeric", False, says="could not be read as Parquet: it ends in the middle")
    times = lambda s: pa.table({"t": pa.array([datetime.datetime(2026, 1, 1, 0, 0, s)], pa.timestamp("ns"))})
    case("parquet, a second is no rounding", "t.parquet", written(times(1)), written(times(2)), "numeric", False, rtol="0.1")
    case("parquet, texts are no numbers", "t.parquet", written(pa.table({"s": ["1.0"]})), written(pa.table({"s": ["1.00"]})), "numeric", False)
    case("parquet, lists", "t.parquet", written(pa.table({"l": [[1.0], [2.0, 3.0]]})), written(pa.table({"l": [[1.0, 2.0], [3.0]]})), "numeric", False, says="list")
    case("parquet, missing", "t.parquet", written(pa.table({"x": [1.0, None]})), written(pa.table({"x": [1.0, 2.0]})), "numeric", False, rtol="9", says="1 of 2")
    case("parquet, notes", "t.parquet", written(whole), written(whole.replace_schema_metadata({"made": "later"})), "numeric", False, says="metadata 'made'")
    big = lambda v: written(pa.table({"x": pa.array([v], pa.uint64())}))
    case("parquet, beyond 2^63", "t.parquet", big(2**64 - 1), big(2**64 - 2), "numeric", False, rtol="0", atol="0.5")

# Arrays of numpy.
for _ in range(rounds):
    for kind in ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "c16", "c8", ">f8", ">i4", "g"]:
        shape = rng.choice([(), (0,), (5,), (3, 4), (2, 3, 4)])
        values = (nprng.normal(size=shape) * 100).astype(kind)
        moved = np.array(values)
        if moved.size:
            moved.flat[rng.randrange(moved.size)] += np.dtype(kind).type(rng.choice([0, 1, 2]) if np.dtype(kind).kind in "iu" else rng.choice([0, 1e-3, 1e-7, 3]))
        rtol, atol = rng.choice([(1e-9, 0), (0, 1), (1e-2, 1e-6)])

        def saved(a):
            data = io.BytesIO()
            np.save(data, a)
            return data.getvalue()

        wide = lambda a: a.astype("O") if np.dtype(kind).kind in "iu" else a
        same = all(abs(int(x) - int(y)) <= atol + rtol * abs(int(x)) for x, y in zip(values.flat, moved.flat)) if np.dtype(kind).kind in "iu" else close(values, moved, rtol, atol)
        if kind == "g":
            same = bool((values == moved).all())
        case(f"npy {kind} {shape}", "a.npy", saved(values), saved(np.asfortranarray(moved) if shape and rng.random() < 0.5 else moved), "numeric", same, rtol=repr(rtol), atol=repr(atol))
    stamp = np.array(["2026-01-01T00:00:00", "2026-01-02T00:00:00"], "M8[ns]")
    case("npy times", "a.npy", saved(stamp), saved(stamp + np.timedelta64(1, "ms")), "numeric", False)
    record = np.array([(1.5, 2, "x")], dtype=[("a", "f8"), ("b", "i4"), ("c", "U3")])
    near, far = record.copy(), record.copy()
    near["a"] += 1e-12
    far["b"] += 1
    case("npy records", "a.npy", saved(record), saved(near), "numeric", True)
    case("npy records, far", "a.npy", saved(record), saved(far), "numeric", False, says="1 of 3 values differ")
    case("npy objects", "a.npy", saved(np.array([1.5])), b"\x93NUMPY\x01\x00\x76\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + b"\x80\x04N.", "numeric", False, says="pickles")
    for save in (np.savez, np.savez_compressed):
        def zipped(a):
            data = io.BytesIO()
            save(data, first=a, second=np.arange(3))
            return data.getvalue()
        case("npz", "a.npz", zipped(np.array([1.0, 2.0])), zipped(np.array([1.0, 2.0 + 1e-12])), "numeric", True)
        case("npz, far", "a.npz", zipped(np.array([1.0, 2.0])), zipped(np.array([1.0, 2.1])), "numeric", False, says="first[1]")

# Pictures: the largest difference is Pillow's.
def jpeg(a, **options):
    data = io.BytesIO()
    Image.fromarray(a, options.pop("mode", None)).save(data, "JPEG", **options)
    return data.getvalue()


for _ in range(rounds * 3):
    height, width = rng.randrange(1, 40), rng.randrange(1, 40)
    shape, mode = rng.choice([((height, width), "L"), ((height, width, 3), "RGB"), ((height, width, 4), "CMYK")])
    smooth = np.indices((height, width)).sum(0)[..., None] * 3 + nprng.integers(0, 60, 4)
    array = (smooth if len(shape) == 3 else smooth[..., 0])[..., : shape[-1] if len(shape) == 3 else width].reshape(shape).clip(0, 255).astype("u1")
    other = array.copy()
    other[rng.randrange(height), rng.randrange(width)] ^= rng.choice([0, 8, 64, 128])
    forms = [dict(quality=rng.choice([50, 90, 100]), progressive=rng.random() < 0.5, optimize=rng.random() < 0.5) for _ in range(2)]
    if mode == "RGB":
        forms[0]["subsampling"] = forms[1]["subsampling"] = rng.choice([0, 1, 2])
    pair = [jpeg(a, mode=mode, **form) for a, form in zip((array, other), forms)]
    if pair[0] == pair[1]:
        continue
    decoded = [np.asarray(Image.open(io.BytesIO(b)).convert("RGB")).astype(int) for b in pair]
    most = abs(decoded[0] - decoded[1]).max()
    # Two decoders may differ by one step, CMYK by two: nothing is asked at the very border.
    for threshold in (0, 2, 10, 60):
        if abs(most - threshold) > 4 or (threshold == 0 and most == 0 and mode != "CMYK"):
            case(f"jpeg {mode} {forms} {most} {threshold}", "p.jpg", *pair, "image", bool(most <= threshold), threshold=repr(threshold / 255 + 1e-9))
    if most > 8:
        case(f"jpeg {mode}", "p.jpeg", *pair, says="pixels differ")
    case("jpeg, cut", "p.jpg", pair[0], pair[0][: len(pair[0]) // 2], "image", False, says="could not be read as a picture")


def png(a, **options):
    data = io.BytesIO()
    Image.fromarray(a).save(data, "PNG", **options)
    return data.getvalue()


for _ in range(rounds):
    array = nprng.integers(0, 256, (9, 11, rng.choice([3, 4])), dtype="u1")
    case("png against Pillow", "p.png", png(array), png(array, optimize=True), "image", True) if png(array) != png(array, optimize=True) else None
    deep = nprng.integers(0, 65536, (9, 11), dtype="u2")
    other = deep.copy()
    other[3, 4] ^= 0x0100
    case("png of 16 bits", "p.png", png(deep), png(other), "image", False, says="1 of 99 pixels differ")
    case("png of 16 bits, near", "p.png", png(deep), png(other), "image", True, threshold="0.0040")
colours = Image.fromarray(nprng.integers(0, 256, (9, 11, 3), dtype="u1"))
plain, gamma = io.BytesIO(), io.BytesIO()
from PIL import PngImagePlugin
info = PngImagePlugin.PngInfo()
info.add(b"gAMA", (45455).to_bytes(4, "big"))
colours.save(plain, "PNG")
colours.save(gamma, "PNG", pnginfo=info)
case("png, gamma", "p.png", plain.getvalue(), gamma.getvalue(), "image", False, says="gAMA")
frames = [Image.fromarray(np.full((4, 4, 3), v, "u1")) for v in (1, 2, 3)]
films = []
for last in (1, 2):
    data = io.BytesIO()
    frames[0].save(data, "PNG", save_all=True, append_images=[frames[last]])
    films.append(data.getvalue())
case("png, animated", "p.png", *films, "image", False, says="animat")

# Tables as pandas writes them, where it is there.
try:
    import pandas as pd
except ImportError:
    pd = None
for _ in range(rounds if pd else 0):
    n = rng.randrange(1, 30)
    frame = pd.DataFrame({"x": nprng.normal(size=n), "b, c": nprng.integers(0, 2**60, n), "name": [rng.choice(["a", 'q"q', "l1\nl2", "", "ü"]) for _ in range(n)],
                          "hole": [None if rng.random() < 0.3 else rng.random() for _ in range(n)]})
    other = frame.copy()
    other["x"] = other["x"] * (1 + rng.choice([0, 1e-12, 1e-3]))
    rtol = rng.choice([1e-9, 1e-2])
    options = dict(sep=rng.choice([",", ";", "\t", "|"]), index=rng.random() < 0.5)
    form = lambda: dict(options, lineterminator=rng.choice(["\n", "\r\n"]), quoting=rng.choice([0, 1, 2]), encoding=rng.choice(["utf-8", "utf-8-sig"]))

    def text(f, form):
        data = io.BytesIO()
        f.to_csv(data, **form)
        return data.getvalue()

    first, second = form(), form()
    if first["lineterminator"] != second["lineterminator"]:
        second["lineterminator"] = first["lineterminator"]
    case(f"csv {first} {second}", "t.csv", text(frame, first), text(other, second), "numeric", close(frame["x"], other["x"], rtol, 0), rtol=repr(rtol))
    case("csv, a column gone", "t.csv", text(frame, first), text(frame.drop(columns=["x"]), first), "numeric", False, says="column x is gone")
    comma = dict(sep=";", decimal=",", index=False)
    case("csv, decimal comma", "t.csv", text(frame, comma), text(other, comma), "numeric", close(frame["x"], other["x"], rtol, 0), rtol=repr(rtol))
    plain = lambda a: b"".join(b" ".join(b"%.17e" % v for v in row) + b"\n" for row in a)
    block = nprng.normal(size=(3, 4))
    moved = block * (1 + rng.choice([1e-13, 1e-5]))
    case("csv of savetxt", "t.csv", plain(block), plain(moved), "numeric", close(block, moved, 1e-9, 0))
json.dump(cases, sys.stdout)
