"""How a soak is shown: a line that lives while it runs, a table at its end, JSON for machines."""

import dataclasses
import json
import os
import pathlib
import platform
import shutil
import sys

from lab.soak.judge import GROWTH, is_excused, median, quarter
from lab.soak.kinds import KINDS
from lab.table import has_colour

SHOWN = (*GROWTH, "queued packets", "policy, KiB", "gateway RSS, KiB", "helper RSS, KiB",
         "kernel slab of the machine, KiB")


def clock(seconds):
    return f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"


def machine():
    model = next((line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in pathlib.Path("/proc/meminfo").read_text().splitlines()
                  if line.startswith("MemTotal"))
    return f"{os.cpu_count()} × {model}, {memory >> 20} GiB, Linux {platform.release()}"


class LiveLine:
    """One line on a terminal that is written over; elsewhere a line a minute."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._minute = -1

    def show(self, passed, seconds, sample, good, bad):
        text = (f"{clock(passed)} of {clock(seconds)}  {good} as expected, {bad} not  "
                f"{sample.get('gateway own memory, KiB', 0) / 1024:.1f} MiB, "
                f"{sample.get('gateway descriptors', '-')} descriptors, {sample.get('sessions', '-')} sessions, "
                f"{sample.get('pins', '-')} pins, {sample['connections tracked']} tracked")
        if self._is_terminal:
            print(f"\r\033[K{text[:shutil.get_terminal_size().columns - 1]}", end="", file=self._stream, flush=True)
        elif int(passed // 60) != self._minute:
            self._minute = int(passed // 60)
            print(text, file=self._stream, flush=True)

    def say(self, text):
        print(f"\r\033[K{text}" if self._is_terminal else text, file=self._stream, flush=True)


def traffic_rows(seen):
    """(kind, expected, played, misses in fault windows, other misses)"""
    for kind in KINDS.values():
        misses = [miss for miss in seen.misses if miss["kind"] == kind.name]
        excused = sum(is_excused(miss, seen.windows) for miss in misses)
        yield (kind.name, kind.expected, sum(seen.counts.get(kind.name, {}).values()), excused, len(misses) - excused)


def figure_rows(seen):
    """(figure, before, the quarters' medians, after)"""
    for figure in SHOWN:
        yield (figure, seen.base.get(figure), *(median(quarter(seen.samples, n, seen.begin, seen.end), figure)
                                                for n in range(1, 5)), seen.after.get(figure))


def _grid(stream, headings, rows):
    rows = [["–" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row]
            for row in rows]
    widths = [max(len(row[i]) for row in [list(headings), *rows]) for i in range(len(headings))]
    for row in [list(headings), *rows]:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip(), file=stream)


def print_table(seen, findings, version, stream=sys.stdout):
    colour = has_colour(stream)
    print(f"\n{version}; {machine()}; {clock(seen.end - seen.begin)} of load, {seen.reloads} reloads, "
          + ", ".join(f"{window.fault} {clock(window.begin - seen.begin)}–{clock(window.end - seen.begin)}"
                      for window in seen.windows) + "\n", file=stream)
    _grid(stream, ("traffic", "expected", "played", "missed in faults", "else"), traffic_rows(seen))
    print(file=stream)
    _grid(stream, ("figure, median", "before", "1st quarter", "2nd", "3rd", "4th", "after"), figure_rows(seen))
    print(file=stream)
    for finding in findings:
        mark, code = ("✓", 32) if finding.is_good else ("✗", 31)
        mark = f"\033[{code}m{mark}\033[0m" if colour else mark
        print(f"{mark} {finding.what}: {finding.seen} (allowed: {finding.bound})", file=stream)
    bad = [finding for finding in findings if not finding.is_good]
    print("─" * 60, f"{len(findings) - len(bad)} of {len(findings)} findings good, {len(bad)} not"
          + (": " + ", ".join(finding.what for finding in bad) if bad else ""), sep="\n", file=stream, flush=True)


def write_json(path, seen, findings, version):
    path.write_text(json.dumps({
        "version": version, "machine": machine(), "findings": [dataclasses.asdict(f) for f in findings],
        **dataclasses.asdict(seen)}, indent=1) + "\n")
