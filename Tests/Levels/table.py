"""table.py DIR COLUMN...: the digests of each quantity, a letter for each value; columns of a level must agree."""

import json
import sys

directory, *columns = sys.argv[1:]
digests = {column: json.load(open(f"{directory}/{column}.json")) for column in columns}
width = max(map(len, columns)) + 2
print(f"{'':26s}" + "".join(f"{column:>{width}s}" for column in columns))
bad, across = [], 0
for name in digests[columns[0]]:
    values = list(dict.fromkeys(digests[column][name] for column in columns))
    letters = {column: "abcdefgh"[values.index(digests[column][name])] for column in columns}
    print(f"{name:26s}" + "".join(f"{letters[column]:>{width}s}" for column in columns))
    for level in {column.split("-")[0] for column in columns}:
        if len({letters[column] for column in columns if column.startswith(level + "-")}) > 1:
            bad.append(f"{name} at {level}")
    across += len(values) > 1
print(f"\n{len(digests[columns[0]])} quantities; {across} differ between levels; within a level: "
      + (", ".join(bad) if bad else "none"))
sys.exit(1 if bad else 0)
