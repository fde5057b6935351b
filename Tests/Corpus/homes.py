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


def run(*command, env=None, cwd=None):
    """Runs a command and gives its stdout."""
    result = subprocess.run(command, env={**os.environ, **IDENTITY, **(env or {})}, cwd=cwd, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {result.returncode}:\n{(result.stdout + result.stderr)[-4000:]}")
    return result.stdout


def commit(directory, message="job"):
    """Makes all files of a directory a commit."""
    if not os.path.isdir(f"{directory}/.git"):
        run("git", "init", "-q", cwd=directory)
    run("git", "add", "-A", cwd=directory)
    run("git", "commit", "-q", "--allow-empty", "-m", message, cwd=directory)


class Homes:
    """Makes homes that share their bases, by links, with one that was made once."""

    def __init__(self, program, work, bases=("python:3.11",), sources=None):
        """Bases that `sources` names come from there, as `ibid base add --from` has it; Ibid makes the others."""
        self.program, self.work = os.path.realpath(program), work
        self.template = f"{work}/template"
        if not os.path.isdir(self.template):
            self._make_template(bases, sources or {})

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

    def fresh(self, home):
        """A home with the bases."""
        run("cp", "-al", self.template, home)
        return home

    def with_bytes(self, home, lock, source):
        """A home with the bases and the packages that a lock names, taken from another home."""
        self.fresh(home)
        for step in lock["steps"]:
            for request in step["requests"]:
                if request["sha256"]:
                    blob = "store/blobs/sha256/" + request["sha256"].removeprefix("sha256:")
                    if not os.path.exists(f"{home}/{blob}"):
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
