# results/plain.sqlite: same
# results/journal.sqlite: clock
# results/random.sqlite: randomness
# results/dump.sql: clock, randomness
import os, sqlite3

os.makedirs("results")


def database(name, *statements):
    with sqlite3.connect(f"results/{name}") as connection:
        for statement in statements:
            connection.execute(statement)
    return connection


database("plain.sqlite", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, 'x'), (2, 'y')")
database("journal.sqlite", "CREATE TABLE t (a, at DEFAULT CURRENT_TIMESTAMP)",
         "INSERT INTO t (a, at) VALUES (1, strftime('%Y-%m-%d %H:%M:%f', 'now'))")
database("random.sqlite", "CREATE TABLE t (a)", "INSERT INTO t VALUES (hex(randomblob(8))), (random())")
both = sqlite3.connect(":memory:")
both.execute("CREATE TABLE log (at, key)")
both.execute("INSERT INTO log VALUES (julianday('now'), lower(hex(randomblob(6))))")
open("results/dump.sql", "w").write("\n".join(both.iterdump()))
