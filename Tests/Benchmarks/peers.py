"""What the benchmarks share: clocks, private mounts, and the other programs with storage of their own."""
import os
import resource
import subprocess
import sys
import time

from homes import run


def timed(body):
    """Wall seconds, and the processor seconds of the children that were waited for."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    start, before = time.monotonic(), used()
    body()
    return time.monotonic() - start, used() - before


def private_mounts(program, arguments):
    """Starts a program again where its mounts are nobody else's."""
    if os.environ.get("BENCHMARK_PRIVATE") == "1":
        # On a host with both versions of control groups the others' runtimes refuse to start, unless the newer is gone.
        if os.path.isdir("/sys/fs/cgroup/unified"):
            run("mount", "-t", "tmpfs", "none", "/sys/fs/cgroup/unified")
        return
    os.environ["BENCHMARK_PRIVATE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, os.path.realpath(program),
                          *arguments])


def remove(work):
    """Removes a work directory, and what a peer left mounted below it, which a daemon does that is ended."""
    with open("/proc/self/mountinfo") as file:
        places = [line.split()[4] for line in file]
    for place in reversed([place for place in places if place.startswith(f"{work}/")]):
        run("umount", "-l", place)
    run("rm", "-rf", work)


def podman(work, program="podman"):
    """How podman (or buildah) is called, with storage below the work directory."""
    command = [program, "--root", f"{work}/{program}/root", "--runroot", f"{work}/{program}/run",
               "--storage-driver", "overlay"]
    if program == "podman":
        command += ["--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        # Its own defaults are beyond what root may have on some machines, and no container starts then.
        with open(f"{work}/containers.conf", "w") as file:
            file.write('[containers]\ndefault_ulimits=["nofile=4096:4096", "nproc=1000:1000"]\n')
        os.environ["CONTAINERS_CONF"] = f"{work}/containers.conf"
    return command


class DockerDaemon:
    """A docker daemon that touches nothing of the host's network."""

    def __init__(self, place):
        self.place = place
        self.command = ["docker", "-H", f"unix://{place}/socket"]
        self.fresh = not os.path.isdir(place)
        os.makedirs(place, exist_ok=True)
        with open(f"{place}/log", "w") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--data-root", f"{place}/data", "--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid",
                 "-H", f"unix://{place}/socket", "--bridge=none", "--iptables=false", "--ip-forward=false",
                 "--ip-masq=false"], stdout=log, stderr=log)
        for _ in range(150):
            if subprocess.run([*self.command, "info"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"dockerd does not start, see {place}/log")

    def stop(self):
        self.process.terminate()
        self.process.wait()
