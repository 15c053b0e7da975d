"""What a measure cost: CPU time of the machine and of processes, memory of processes and of the kernel."""

import os
import pathlib
from dataclasses import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")


def machine_seconds(stat=None):
    """Seconds that all cores together were not idle since the boot."""
    fields = [int(field) for field in (stat or pathlib.Path("/proc/stat").read_text()).split("\n")[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / _TICKS


def group_members(group):
    """The processes of a process group."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(pid)
        if fields and int(fields[2]) == group:
            found.append(int(pid))
    return found


def _stat(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def process_seconds(groups):
    """CPU seconds of all processes of these groups, theirs and of children that they have waited for."""
    total = 0
    for group in groups:
        for pid in group_members(group):
            fields = _stat(pid)
            if fields:
                total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


def process_bytes(groups):
    """The proportional memory of all processes of these groups."""
    total = 0
    for group in groups:
        for pid in group_members(group):
            try:
                text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total << 10


def _is_of_files(cache):
    """Whether it keeps what the kernel knows of files that anybody on the machine has looked at."""
    return cache.endswith("inode_cache") and cache != "sock_inode_cache"


def kernel_bytes(slabinfo=None):
    """Bytes in objects of the kernel's slab caches that are in use: sockets, conntrack entries, descriptors."""
    total = 0
    for line in (slabinfo or pathlib.Path("/proc/slabinfo").read_text()).splitlines()[2:]:
        fields = line.split()
        if not _is_of_files(fields[0]):
            total += int(fields[1]) * int(fields[3])
    return total


@dataclass(frozen=True)
class Cost:
    machine: float  # CPU seconds
    process: float


class Meter:
    """CPU seconds between `with`'s begin and end, of the machine and of a way's process groups."""

    def __init__(self, groups):
        self._groups = groups
        self.cost = None

    def __enter__(self):
        self._machine, self._process = machine_seconds(), process_seconds(self._groups)
        return self

    def __exit__(self, *_):
        self.cost = Cost(machine_seconds() - self._machine, process_seconds(self._groups) - self._process)
