# needs: packages
# results/junit.xml: clock, elapsed time
# results/console.txt: elapsed time
import os, subprocess, sys

os.makedirs("results")
open("test_it.py", "w").write("def test_one():\n    assert sum(range(200000)) > 0\n\ndef test_two():\n    assert 1 < 2\n")
with open("results/console.txt", "w") as console:
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=2", "-vv",
                    "--junitxml=results/junit.xml", "test_it.py"], stdout=console, check=True)
os.remove("test_it.py")
