"""Other builders, for comparison: docker's BuildKit and buildah, of this machine or of another root directory."""
import gzip
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import tarfile
import time


class Refused(Exception):
    """A builder did not build: the end of what it said."""


class Place:
    """Where a peer's programs are: this machine, or a directory with a whole system in it (a newer Debian, made by
    mmdebstrap). It has to run in a mount namespace of its own."""

    def __init__(self, root, work):
        self.prefix = []
        # On a host with both versions of control groups their runtimes refuse to start, unless the newer is gone.
        if os.path.isdir("/sys/fs/cgroup/unified"):
            subprocess.run(["mount", "-t", "tmpfs", "none", "/sys/fs/cgroup/unified"], check=True)
        if root:
            root = os.path.realpath(root)
            subprocess.run(["mount", "--bind", root, root], check=True)
            for name in ("proc", "sys", "dev"):
                subprocess.run(["mount", "--rbind", f"/{name}", f"{root}/{name}"], check=True)
            for name in ("run", "tmp"):
                subprocess.run(["mount", "-t", "tmpfs", "none", f"{root}/{name}"], check=True)
            os.makedirs(root + work, exist_ok=True)
            subprocess.run(["mount", "--bind", work, root + work], check=True)
            self.prefix = ["chroot", root]
        self.root = root or ""

    def has(self, program):
        return any(os.path.exists(f"{self.root}{way}/{program}") for way in ("/usr/bin", "/usr/sbin", "/usr/local/bin"))

    def run(self, *command, env=None, merge=False):
        result = subprocess.run([*self.prefix, *command], env={**os.environ, "TMPDIR": "/tmp", **(env or {})}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT if merge else subprocess.PIPE)
        if result.returncode != 0:
            raise Refused((result.stdout + (result.stderr or b"")).decode(errors="replace")[-2000:])
        return result.stdout.decode(errors="replace")


class BuildKit:
    """The BuildKit of a docker daemon of its own, which touches nothing of the host's network."""
    name = "docker"

    def __init__(self, place, work, client):
        self.place, self.work, self.client = place, f"{work}/docker", client
        os.makedirs(self.work, exist_ok=True)
        self.socket = f"unix://{self.work}/socket"
        environment = {**os.environ, "TMPDIR": "/tmp"}
        with open(f"{self.work}/log", "w") as log:
            self.daemon = subprocess.Popen(
                [*place.prefix, "dockerd", "--data-root", f"{self.work}/data", "--exec-root", f"{self.work}/exec",
                 "--pidfile", f"{self.work}/pid", "-H", self.socket, "--bridge=none", "--iptables=false",
                 "--ip-forward=false", "--ip-masq=false"], env=environment, stdout=log, stderr=log)
        for _ in range(300):
            if self.daemon.poll() is not None:
                break
            try:
                self._docker("version")
                return
            except (subprocess.CalledProcessError, OSError):
                time.sleep(0.1)
        self.stop()
        raise Refused(f"dockerd does not start, see {self.work}/log")

    def _docker(self, *words):
        return subprocess.run([self.client, "-H", self.socket, *words], env={**os.environ, "DOCKER_BUILDKIT": "1"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)

    def load(self, archive, name):
        self._docker("load", "-q", "-i", archive)

    def build(self, context, arguments):
        try:
            self._docker("build", "--network", "none", "-t", "compared", *arguments, context)
            archive = f"{self.work}/saved.tar"
            self._docker("save", "-o", archive, "compared")
        except subprocess.CalledProcessError as error:
            raise Refused(error.stdout.decode(errors="replace")[-2000:]) from None
        with tarfile.open(archive) as saved:
            manifest = json.load(saved.extractfile("manifest.json"))[0]
            config = json.load(saved.extractfile(manifest["Config"]))
            return image(config, [saved.extractfile(layer).read() for layer in manifest["Layers"]])

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()


class Buildah:
    """buildah, with storage of its own."""
    name = "buildah"

    def __init__(self, place, work):
        self.place, self.work = place, f"{work}/buildah"
        os.makedirs(self.work, exist_ok=True)
        self.command = ["buildah", "--root", f"{self.work}/root", "--runroot", f"{self.work}/run",
                        "--storage-driver", "overlay"]

    def load(self, archive, name):
        found = self.place.run(*self.command, "pull", "-q", f"docker-archive:{archive}").split()[-1]
        self.place.run(*self.command, "tag", found, f"localhost/{name}:latest")

    def build(self, context, arguments):
        self.place.run(*self.command, "build", "--isolation", "chroot", "--format", "docker", "--pull-never",
                       "--identity-label=false", *limits(), "-q", "-t", "localhost/compared", *arguments, context, merge=True)
        out = f"{self.work}/pushed"
        shutil.rmtree(out, ignore_errors=True)
        self.place.run(*self.command, "push", "-q", "localhost/compared", f"dir:{out}")
        with open(f"{out}/manifest.json") as file:
            manifest = json.load(file)

        def blob(descriptor):
            with open(f"{out}/{descriptor['digest'].removeprefix('sha256:')}", "rb") as file:
                return file.read()
        return image(json.loads(blob(manifest["config"])), [blob(layer) for layer in manifest["layers"]])

    def stop(self):
        """Nothing runs."""


def limits():
    """The limits of this process, where buildah would ask for more than a container may have."""
    words = []
    for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(kind)[1]
        words += ["--ulimit", f"{name}={hard}:{hard}"] if hard != resource.RLIM_INFINITY else []
    return words


# MARK: what an image is

# What runtimes mount into containers, and what a layer has of it.
MOUNTED = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "run", ".dockerenv", "etc/mtab")


def image(config, layers):
    """The configuration and the files of an image, for comparison."""
    found = config.get("config") or {}
    kept = {}
    for key in ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Healthcheck", "Labels", "OnBuild", "Shell", "StopSignal",
                "User", "Volumes", "WorkingDir"):
        if found.get(key):
            kept[key] = sorted(found[key]) if key in ("ExposedPorts", "Volumes") else found[key]
    if kept.get("WorkingDir") == "/":
        del kept["WorkingDir"]
    if "author" in config and config["author"]:
        kept["author"] = config["author"]
    return {"config": kept, "files": flattened(layers)}


def flattened(layers):
    """Path to type, permissions, owner, and link target or content, after all layers (layer.md of the OCI)."""
    files = {}
    for number, blob in enumerate(layers):
        data = gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = [(os.path.normpath(member.name).lstrip("/"), member) for member in archive]
            for path, _ in members:
                parent, name = os.path.split(path)
                if name == ".wh..wh..opq":
                    remove(files, parent, number, itself=False)
                elif name.startswith(".wh."):
                    remove(files, os.path.join(parent, name[4:]), number)
            for path, member in members:
                if os.path.basename(path).startswith(".wh.") or path == ".":
                    continue
                if not member.isdir():
                    remove(files, path, number + 1)
                elif path in files and files[path][1][0] != "directory":
                    del files[path]
                files[path] = (number, entry(archive, member, files))
    return {path: what for path, (_, what) in files.items()
            if not any(path == name or path.startswith(name + "/") for name in MOUNTED)}


def remove(files, path, before, itself=True):
    """Takes away what earlier layers have at a path, and below it."""
    for other in [other for other, (number, _) in files.items()
                  if number < before and (other == path and itself or other.startswith(f"{path}/"))]:
        del files[other]


def entry(archive, member, files):
    owner = f"{member.uid}:{member.gid}"
    if member.islnk():
        return files[os.path.normpath(member.linkname).lstrip("/")][1]
    if member.issym():
        return "link", "", owner, member.linkname
    mode = f"{member.mode & 0o7777:o}"
    if member.isdir():
        return "directory", mode, owner, ""
    if member.isreg():
        content = archive.extractfile(member).read()
        shown = content[:200].decode(errors="replace")
        return "file", mode, owner, f"{hashlib.sha256(content).hexdigest()[:8]} {shown!r}"
    return f"type {member.type!r}", mode, owner, ""
