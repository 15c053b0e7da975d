"""A machine with a real systemd as its process 1, in namespaces of its own (see `machine` beside this file)."""

import os
import pathlib
import re
import subprocess
import tempfile

import yaml

from .gateway import default_configuration, program
from .processes import CommandFailed, Server, wait_for

SCRIPT = pathlib.Path(__file__).with_name("machine")
CGROUPS = pathlib.Path("/sys/fs/cgroup")


def reason_why_not():
    """What this host lacks, or None."""
    if not pathlib.Path("/lib/systemd/systemd").exists():
        return "no systemd is installed"
    if not _cgroup_parents():
        return "no writable cgroup tree at /sys/fs/cgroup"
    if re.search(rb"__[at]san_init", program().read_bytes()):
        return "sanitizers do not run under the unit's restrictions"
    return None


def _cgroup_parents():
    """Where a group must be made for systemd: the unified tree alone, or it and systemd's own beside version 1."""
    trees = [CGROUPS] if (CGROUPS / "cgroup.controllers").exists() else [CGROUPS / "systemd", CGROUPS / "unified"]
    return trees if all(os.access(tree / "cgroup.procs", os.W_OK) for tree in trees) else []


class Machine:
    """Started with the installed sallyport; `folder` and everything below goes with it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-machine-"))
        self._groups = [tree / f"sallyport-{os.getpid()}" for tree in _cgroup_parents()]
        self._server = None
        self._init = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._server:
            self._server.process.kill()  # unshare --kill-child: systemd goes with it, and all of its processes
            self._server.process.wait(timeout=10)
        for group in self._groups:
            wait_for(lambda group=group: _remove_group(group), seconds=10)
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)

    def _start(self):
        build = program().parent
        installed = self.folder / "installed"
        subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir", str(installed)],
                       check=True, stdout=subprocess.DEVNULL)
        configuration = default_configuration()
        del configuration["user"]  # the one that the package makes
        configuration["dns"]["listen"] = ["10.42.1.1:53"]
        (self.folder / "sallyport.yaml").write_text(yaml.safe_dump(configuration))
        (self.folder / "machine").mkdir()
        for group in self._groups:
            group.mkdir()
        join = " && ".join(f"echo $$ > {group}/cgroup.procs" for group in self._groups)
        command = ["unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--cgroup", "--kill-child",
                   str(SCRIPT), str(installed), str(self.folder / "sallyport.yaml"), str(self.folder / "machine")]
        self._server = Server("machine", ["bash", "-c", f'{join} && exec "$@"', "bash", *command],
                              self.folder / "log")
        self._server.wait_until(self._is_up, "systemd's being up", seconds=60)

    def _is_up(self):
        pid = self._server.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._init = children[0] if children else None
        if not self._init:
            return False
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def run(self, *command, timeout=30):
        """Runs a command on the machine; the result has returncode, stdout and stderr."""
        return subprocess.run(["nsenter", "-t", self._init, "-m", "-p", "-n", "-u", "-i", "-C", "-r", "-w", *command],
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def ask(self, *command):
        """What a command printed that has to succeed."""
        done = self.run(*command)
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def show(self, name):
        """A property of sallyport.service."""
        return self.ask("systemctl", "show", "sallyport", "-p", name, "--value").strip()


def _remove_group(group):
    """Whether the group and those below it are gone."""
    try:
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)
    except OSError:
        pass  # a process is still on its way out
    return not group.exists()
