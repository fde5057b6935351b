# results/shuffled.txt: randomness
# results/bash_random.txt: addresses, clock
# results/mktemp.txt: randomness
# results/perl_hash.txt: randomness
# results/perl_rand.txt: randomness
# results/srandom.txt: randomness
# results/pid.txt: same
# results/sorted.txt: same
import os, subprocess

os.makedirs("results")


def shell(name, command):
    with open(f"results/{name}", "w") as out:
        subprocess.run(["bash", "-c", command], stdout=out, check=True)


shell("shuffled.txt", "seq 30 | shuf")
shell("bash_random.txt", "echo $RANDOM $RANDOM $RANDOM")
shell("mktemp.txt", "f=$(mktemp -u); basename $f")
shell("perl_hash.txt", "perl -e '%h = map { $_ => 1 } 1..20; print join(q( ), keys %h)'")
shell("perl_rand.txt", "perl -e 'print rand()'")
shell("srandom.txt", "echo $SRANDOM")
shell("pid.txt", "echo $$ $PPID")
shell("sorted.txt", "printf 'b\\na\\nC\\n' | sort")
