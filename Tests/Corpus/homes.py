"""Homes of Ibid for tests and benchmarks: with the bases in them, or with the bytes that a lock names and nothing else."""
import json
import os
import shutil
import subprocess
import sys

IDENTITY = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
            # Repositories and programs of one user are used by another.
            "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}


class Failed(Exception):
    """A command that failed, with the end of what it wrote."""


def run(*command, env=None, cwd=None, statuses=(0,)):
    """Runs a command and gives its stdout."""
    result = subprocess.run(command, env={**os.environ, **IDENTITY, **(env or {})}, cwd=cwd, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode not in statuses:
        raise Failed(f"{' '.join(command)} ended with {result.returncode}:\n{(result.stdout + result.stderr)[-4000:]}")
    return result.stdout


def commit(directory, message="job"):
    """Makes all files of a directory a commit."""
    if not os.path.isdir(f"{directory}/.git"):
        run("git", "init", "-q", cwd=directory)
    run("git", "add", "-A", cwd=directory)
    run("git", "commit", "-q", "--allow-empty", "-m", message, cwd=directory)


class OrdinaryUser:
    """Somebody without rights, who is on no list of the machine: what they run sees lists of its own, in a mount
    namespace of its own. They have a range of ids, and files of their own: the program, and a template of their own."""
    ID = 64_991
    FIRST_SUBORDINATE = 1_400_000_000

    def __init__(self, work, program):
        self.lists, self.bin = f"{work}/user/lists", f"{work}/user/bin"
        os.makedirs(self.lists, exist_ok=True)
        os.makedirs(self.bin, exist_ok=True)
        for name, line in (("passwd", f"ibidcorpus:x:{self.ID}:{self.ID}::/nonexistent:/bin/sh\n"),
                           ("group", f"ibidcorpus:x:{self.ID}:\n")):
            with open(f"/etc/{name}") as known, open(f"{self.lists}/{name}", "w") as file:
                file.write(known.read() + line)
        for name in ("subuid", "subgid"):
            with open(f"{self.lists}/{name}", "w") as file:
                file.write(f"ibidcorpus:{self.FIRST_SUBORDINATE}:65536\n")
        # The build directory may lie where nobody else comes.
        for name in ("ibid", "ibid-sandbox", "ibid-init", "ibid-strict"):
            shutil.copy(f"{os.path.dirname(program)}/{name}", f"{self.bin}/{name}")
        # What lies above is on the user's way.
        place = os.path.realpath(work)
        while place != "/" and os.stat(place).st_mode & 0o5 != 0o5:
            os.chmod(place, os.stat(place).st_mode | 0o5)
            place = os.path.dirname(place)
        self.program = f"{self.bin}/ibid"

    def command(self, *words):
        """The command line that runs a command as this user."""
        script = ('for name in passwd group subuid subgid; do [ -e /etc/$name ] || : > /etc/$name; '
                  'mount --bind "$0/$name" /etc/$name || exit 99; done; '
                  f'exec setpriv --reuid={self.ID} --regid={self.ID} --clear-groups "$@"')
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, self.lists, *words]

    def own(self, place):
        """Gives the user what lies at a place."""
        run("chown", "-R", f"{self.ID}:{self.ID}", place)


class Homes:
    """Makes homes that share the bytes of their bases, by links, with one that was made once."""

    def __init__(self, program, work, bases=("python:3.11",), sources=None):
        """Bases that `sources` names come from there, as `ibid base add --from` has it; Ibid makes the others."""
        self.program, self.work, self.bases = os.path.realpath(program), work, list(bases)
        self.template = f"{work}/template"
        if not os.path.isdir(self.template):
            self._make_template(bases, sources or {})

    def template_of(self, user):
        """A template of the user's own, with the bases as the user unpacked them."""
        template = f"{self.work}/user/template"
        if os.path.isdir(template):
            return template
        partial, job = f"{self.work}/user/template.partial", f"{self.work}/user/base-job"
        for leftover in (partial, job):
            shutil.rmtree(leftover, ignore_errors=True)
        os.makedirs(partial)
        run("cp", "-r", f"{self.template}/store", f"{partial}/store")
        # Before anything is unpacked: layers have files of many owners.
        user.own(partial)
        for base in self.bases:
            os.makedirs(job, exist_ok=True)
            with open(f"{job}/Dockerfile", "w") as file:
                file.write(f"FROM {base}\nRUN true\n")
            commit(job)
            user.own(job)
            run(*user.command(user.program, "image", "build", job), env={"IBID_HOME": partial, "HOME": "/nonexistent"})
            shutil.rmtree(job)
        for made in ("steps", "builds"):
            shutil.rmtree(f"{partial}/cache/{made}", ignore_errors=True)
        os.rename(partial, template)
        return template

    def _make_template(self, bases, sources):
        partial, job = f"{self.work}/template.partial", f"{self.work}/base-job"
        for leftover in (partial, job):
            shutil.rmtree(leftover, ignore_errors=True)
        os.makedirs(job)
        for base in bases:
            if base in sources:
                run(self.program, "base", "add", base, "--from", sources[base], env={"IBID_HOME": partial})
            with open(f"{job}/Dockerfile", "w") as file:
                # A step, so that the base is unpacked.
                file.write(f"FROM {base}\nRUN true\n")
            commit(job)
            run(self.program, "image", "build", job, env={"IBID_HOME": partial})
        for made in ("steps", "builds"):
            shutil.rmtree(f"{partial}/cache/{made}", ignore_errors=True)
        os.rename(partial, self.template)

    @staticmethod
    def _copy(template, home):
        """A home that shares the template's blobs. Unpacked layers are files of its own: programs see how many names a
        file has, and mandb for one writes down another index then."""
        run("cp", "-al", template, home)
        run("rm", "-rf", f"{home}/layers")
        run("cp", "-a", f"{template}/layers", f"{home}/layers")

    def fresh(self, home):
        """A home with the bases."""
        self._copy(self.template, home)
        # What is written in place is each home's own.
        for name in ("ledger.sqlite", "ledger.sqlite.lock", "keys"):
            if os.path.exists(f"{self.template}/{name}"):
                run("rm", "-rf", f"{home}/{name}")
                run("cp", "-a", f"{self.template}/{name}", home)
        return home

    def with_bytes(self, home, lock, source, user=None):
        """A home with the bases and the packages that a lock names, taken from another home; the user's, if one is
        given."""
        self._copy(self.template_of(user) if user else self.template, home)
        for step in lock["steps"]:
            for request in step["requests"]:
                if request["sha256"]:
                    blob = "store/blobs/sha256/" + request["sha256"].removeprefix("sha256:")
                    if os.path.exists(f"{home}/{blob}"):
                        continue
                    if user:
                        shutil.copyfile(f"{source}/{blob}", f"{home}/{blob}")
                        os.chown(f"{home}/{blob}", user.ID, user.ID)
                    else:
                        os.link(f"{source}/{blob}", f"{home}/{blob}")
        return home

    def lock(self, home, directory):
        """Writes a job's lock.

        Returns the image's digest and the lock. A build that takes nothing from outside has no use for one."""
        environment = {"IBID_HOME": home}
        try:
            made = json.loads(run(self.program, "lock", directory, "--json", env=environment))
        except Failed as failure:
            if "lock-empty" not in str(failure):
                raise
            built = json.loads(run(self.program, "image", "build", directory, "--json", env=environment))
            return built["image"], {"steps": []}
        with open(f"{directory}/ibid.lock") as file:
            return made["image"], json.load(file)


def need(*programs):
    """Ends the program when it cannot work here."""
    if os.geteuid() != 0:
        sys.exit("error: this needs root")
    for program in programs:
        if not shutil.which(program):
            sys.exit(f"error: this needs {program}")
