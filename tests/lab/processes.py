"""Child processes: run to the end, or kept and stopped by their own id."""

import os
import pathlib
import re
import signal
import subprocess
import time


class CommandFailed(Exception):
    """A command of the laboratory itself failed (a client's failure is a result, not this)."""


def run(command, *, input=None, check=True, timeout=60):
    """Runs a command of the laboratory and returns what it printed."""
    done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=timeout,
                          stdin=None if input is not None else subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _stat(pid):
    """The fields of /proc/PID/stat from the state on, or None when there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def start_time_of(pid):
    """When the kernel started this process, in ticks: with the id it names one process for good."""
    stat = _stat(pid)
    return int(stat[19]) if stat and stat[0] != "Z" else None


def _group_is_alive(group):
    """Whether a process of the group still runs; one that waits to be reaped does not."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = _stat(pid)
        if stat and stat[0] != "Z" and int(stat[2]) == group:
            return True
    return False


def end_group(group, *, patience=3.0, reap=lambda: None):
    """Ends a process group that we started: SIGTERM, and after `patience` seconds SIGKILL."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 2.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            reap()
            if not _group_is_alive(group):
                return
            time.sleep(0.01)


class Server:
    """A process that runs beside us in a process group of its own; its output goes to a log file."""

    def __init__(self, name, command, log, *, cwd=None, env=None):
        self.name = name
        self.log = pathlib.Path(log)
        self.command = command
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, start_new_session=True, cwd=cwd,
                                            env=env)
        self.start_time = start_time_of(self.process.pid)

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def is_waiting(self):
        """Whether it has nothing to do, not only no turn: it sleeps until something comes, or has ended."""
        stat = _stat(self.process.pid)
        return stat is None or stat[0] in "SZ"

    def wait_until(self, is_ready, what, *, seconds=10.0):
        """Waits until `is_ready()`; fails with the process's own words when it ends or is late."""
        until = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running():
                raise CommandFailed(f"{self.name} ended (exit {self.process.returncode}) before {what}:\n"
                                    f"{self.log.read_text(errors='replace')[-4000:]}")
            if time.monotonic() > until:
                raise CommandFailed(f"{self.name}: {what} did not happen in {seconds:g} s:\n"
                                    f"{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def stop(self, *, patience=3.0):
        """Ends the process and its children."""
        end_group(self.process.pid, patience=patience, reap=self.process.poll)
        self.process.wait(timeout=5)


SANITIZER_REPORT = re.compile(
    r"^.*(?:(?:ERROR|WARNING|FATAL): \w+Sanitizer|Sanitizer has encountered a fatal error|runtime error:).*$", re.M)


def sanitizer_reports(log):
    """The first lines of what sanitizers complained about in a process's output."""
    return SANITIZER_REPORT.findall(log.read_text(errors="replace")) if log.exists() else []


def wait_for(condition, *, seconds, every=0.05):
    """Waits until `condition()` is true; returns whether it became so."""
    until = time.monotonic() + seconds
    while True:
        if condition():
            return True
        if time.monotonic() > until:
            return False
        time.sleep(every)
