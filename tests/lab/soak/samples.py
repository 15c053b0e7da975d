"""Memory, descriptors and tables of the gateway at one moment.

A sample is a flat dict: "at" (monotonic seconds), and FIGURES by name; those of a process that is not there are
left out. /proc and the kernel say what the process holds, `status` what it counts.
"""

import json
import os
import pathlib
import re
import subprocess
import time

from lab.processes import run

# figure → where it stands in `status`
_STATUS = {
    "pins": ("pins", "held"),
    "numbers of rules": ("admissions", "held"),
    "hellos": ("inspector", "flows"),
    "sessions": ("proxy", "sessions"),
    "sources with a budget": ("name_budget", "sources"),
    "log lines lost": ("verdicts", "log_lines_lost"),
    "kernel reports lost": ("kernel_reports_lost",),
    "policy, KiB": ("policy", "memory"),
}
_REASONS = ("internal", "flows_full", "pins_full", "sessions_full")  # a soak that does not overload sees none

_INSIDE = re.compile(r" src=(?:10\.42\.1\.|fd42:1:)")  # of the original direction, or of both


def _process(pid, prefix):
    folder = pathlib.Path(f"/proc/{pid}")
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return {f"{prefix} RSS, KiB": int(status["VmRSS"].split()[0]),
                f"{prefix} own memory, KiB": int(status["RssAnon"].split()[0]),
                f"{prefix} descriptors": len(os.listdir(folder / "fd")),
                f"{prefix} threads": int(status["Threads"])}
    except (OSError, KeyError):  # it ends just now
        return {}


def helper_of(pid):
    """The process id of the gateway's only child, or None."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


_KERNEL_LINE = re.compile(r"^<\d+>\[ *([\d.]+)\] .*nf_conntrack: table full(?: in netns (\d+))?", re.M)


def table_full_lines(kernel_log, inode, begin, end):
    """How often the kernel says, between two monotonic moments, that this namespace's connection table is full.

    Its bound is the host's: whoever lowers it for a moment lets every namespace drop what is new.
    """
    return sum(begin <= float(moment) <= end and named in ("", str(inode))
               for moment, named in _KERNEL_LINE.findall(kernel_log))


class Sampler:
    """Looks at one gateway; counters that start again with a new process are added up."""

    def __init__(self, lab, gateway):
        self._lab = lab
        self._gateway = gateway
        self._pid = None
        self._last, self._earlier = {}, {}

    def take(self):
        sample = {"at": time.monotonic()}
        if self._gateway.is_running():
            pid = self._gateway.server.pid
            if pid != self._pid:
                self._pid, self._earlier, self._last = pid, dict(self._sums()), {}
            sample |= _process(pid, "gateway")
            helper = helper_of(pid)
            if helper is not None:
                sample |= _process(helper, "helper")
            sample |= self._queue()
            sample |= self._status()
        sample |= self._kernel()
        return sample

    def table_full_since(self, begin):
        """See table_full_lines(); of the gateway's namespace, until now."""
        inode = os.stat(f"/run/netns/{self._lab.gateway.name}").st_ino
        return table_full_lines(run(["dmesg", "--raw"]), inode, begin, time.monotonic())

    def _sums(self):
        return {name: self._earlier.get(name, 0) + self._last.get(name, 0)
                for name in self._earlier.keys() | self._last.keys()}

    def _counter(self, name, value):
        self._last[name] = value
        return {name: self._earlier.get(name, 0) + value}

    def _queue(self):
        """man 5 proc has nothing; nf_queue's seq_show: number, peer, waiting, mode, range, dropped, user dropped."""
        text = self._lab.gateway.run(["cat", "/proc/net/netfilter/nfnetlink_queue"], check=False)
        rows = [[int(word) for word in line.split()] for line in text.splitlines()]
        return {"queued packets": sum(row[2] for row in rows),
                **self._counter("queue drops", sum(row[5] + row[6] for row in rows))}

    def _status(self):
        try:
            done = self._gateway.run_verb("status", "-o", "json")
        except subprocess.TimeoutExpired:
            return {}
        if done.returncode != 0:
            return {}
        status, sample = json.loads(done.stdout), {}
        for name, path in _STATUS.items():
            value = status
            for key in path:
                value = value[key]
            sample |= self._counter(name, value) if name.endswith("lost") else \
                {name: value // 1024 if name.endswith("KiB") else value}
        for reason in _REASONS:
            sample |= self._counter(f"denied: {reason}", status["verdicts"]["reasons"].get(reason, 0))
        return sample | self._counter("failed reloads", status["failed_reloads"])

    def _kernel(self):
        """Connections as they are listed: in the kernel's own count are those that have ended, for a minute or so."""
        listed = [line for family in ("ipv4", "ipv6") for line in self._lab.gateway.run(
            ["conntrack", "-L", "-f", family], check=False).splitlines()]
        memory = pathlib.Path("/proc/meminfo").read_text()
        slab = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("SUnreclaim:"))
        return {"connections tracked": len(listed),
                "clients' connections": sum(_INSIDE.search(line) is not None for line in listed),
                "kernel slab of the machine, KiB": slab}
