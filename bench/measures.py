"""What is measured of a way in one round, and the rows that come of it."""

import time

from . import accounting, load, real_tls
from .arithmetic import AT_LEAST, AT_MOST, Measure, Target
from .topology import QUESTIONS
from .ways.resolvers import ADDRESS

GIB = 1e9
MIB = 1 << 20
IDLE = 9_000  # connections held; what is shown is for IDLE_SHOWN
IDLE_SHOWN = 10_000
SETTLE = 0.5  # seconds in which the kernel frees what the way before has closed


FLOW_ROWS = (
    Measure("down-1", "throughput, 1 flow, down", less_is_better=True),
    Measure("down-16", "throughput, 16 flows, down", less_is_better=True),
    Measure("up-1", "throughput, 1 flow, up"),
    Measure("up-16", "throughput, 16 flows, up"),
    Measure("cpu-1", "CPU s/GB of the machine, 1 flow", less_is_better=True),
    Measure("cpu-16", "CPU s/GB of the machine, 16 flows", less_is_better=True),
    Measure("own-16", "CPU s/GB of the process, 16 flows", quote="plain", unit="s", less_is_better=True),
    Measure("connections-1", "new connections/s, 1 at once"),
    Measure("connections-64", "new connections/s, 64 at once"),
    Measure("connections-512", "new connections/s, 512 at once"),
    Measure("connections-64", "new connections/s, 64 at once, ÷ tuned nginx's", base="nginx-tuned"),
    Measure("p50-1", "set-up time p50, 1 at once", less_is_better=True),
    Measure("p99-1", "set-up time p99, 1 at once", less_is_better=True),
    Measure("p50-64", "set-up time p50, 64 at once", less_is_better=True),
    Measure("p99-64", "set-up time p99, 64 at once", less_is_better=True),
    Measure("connection-cpu", "CPU s of the machine, 10,000 connections", less_is_better=True),
    Measure("connection-own", "CPU s of the process, 10,000 connections", quote="plain", unit="s", less_is_better=True),
    Measure("idle-own", "MiB of the process, 10,000 idle", quote="plain", digits=1, less_is_better=True),
    Measure("idle-kernel", "MiB of the kernel, 10,000 idle, beyond plain", quote="beyond", digits=1,
            less_is_better=True),
    Measure("start", "start-up, s", quote="plain", less_is_better=True),
)
WIRE_ROWS = (
    Measure("wire-down-1", "throughput, 1 flow, down", less_is_better=True),
    Measure("wire-down-16", "throughput, 16 flows, down", less_is_better=True),
    Measure("wire-cpu-1", "CPU s/GB of the machine, 1 flow", less_is_better=True),
    Measure("wire-cpu-16", "CPU s/GB of the machine, 16 flows", less_is_better=True),
    Measure("wire-own-16", "CPU s/GB of the process, 16 flows", quote="plain", unit="s", less_is_better=True),
    Measure("wire-connections-64", "new connections/s, 64 at once"),
)
TLS_ROWS = (
    Measure("download", "one download by curl", less_is_better=True),
    Measure("handshakes", "handshakes/s by wrk, 64 at once"),
    Measure("requests", "requests/s by wrk over 64 kept connections"),
)
DNS_ROWS = (
    Measure("hot", "hot names, queries/s ÷ dnsdist's with cache", base="dnsdist-cache"),
    Measure("hot-cpu", "hot names, CPU of the process ÷ dnsdist's with cache", base="dnsdist-cache",
            less_is_better=True),
    Measure("hot-own", "hot names, CPU s of the process, 100,000", quote="plain", unit="s", less_is_better=True),
    Measure("hot-lost", "hot names, lost, %", quote="plain", less_is_better=True),
    Measure("cold", "cold names, queries/s ÷ dnsdist's without cache", base="dnsdist"),
    Measure("cold-cpu", "cold names, CPU of the process ÷ dnsdist's", base="dnsdist", less_is_better=True),
    Measure("cold-lost", "cold names, lost, %", quote="plain", less_is_better=True),
    Measure("cold-p99", "cold names, p99 ÷ dnsdist's", base="dnsdist", less_is_better=True),
)


def _both(measure, sense, limit):
    return [Target(measure, way, sense, limit) for way in ("proxied", "http")]


TARGETS = (
    Target("down-1", "inspected", AT_LEAST, 0.95), Target("up-1", "inspected", AT_LEAST, 0.95),
    Target("down-16", "inspected", AT_LEAST, 0.90), Target("up-16", "inspected", AT_LEAST, 0.90),
    *_both("down-1", AT_LEAST, 0.55), *_both("up-1", AT_LEAST, 0.55),
    *_both("down-16", AT_LEAST, 0.75), *_both("up-16", AT_LEAST, 0.75),
    Target("cpu-1", "inspected", AT_MOST, 1.15), Target("cpu-16", "inspected", AT_MOST, 1.15),
    Target("wire-cpu-1", "inspected", AT_MOST, 1.15), Target("wire-cpu-16", "inspected", AT_MOST, 1.15),
    Target("wire-down-1", "inspected", AT_LEAST, 0.95), Target("wire-down-16", "inspected", AT_LEAST, 0.90),
    Target("own-16", "inspected", AT_MOST, 0.005), *_both("own-16", AT_MOST, 0.35),  # 0 but for a tick's rounding
    Target("wire-own-16", "inspected", AT_MOST, 0.005),
    Target("connections-64", "inspected", AT_LEAST, 0.72), Target("connections-512", "inspected", AT_LEAST, 0.72),
    Target("wire-connections-64", "inspected", AT_LEAST, 0.72),
    Target("connections-64 ÷ nginx-tuned", "proxied", AT_LEAST, 1.1),
    Target("p50-1", "inspected", AT_MOST, 2.0),
    Target("idle-own", "inspected", AT_MOST, 0.5),
    Target("idle-kernel", "inspected", AT_MOST, 5.0),
    Target("hot ÷ dnsdist-cache", "sallyport-dns", AT_LEAST, 1.0),
    Target("hot-cpu ÷ dnsdist-cache", "sallyport-dns", AT_MOST, 0.75), Target("cold ÷ dnsdist", "sallyport-dns", AT_LEAST, 1.0),
)


def last_words(problem):
    """What a failure said in the end, or the last line of it that calls itself an error."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [repr(problem)]
    return ([line for line in lines if "error" in line.lower()] or lines)[-1]


class Round:
    """One way, started, in one round: adds its numbers to the samples."""

    def __init__(self, samples, complaints, number, way, seconds):
        self._samples = samples
        self._complaints = complaints
        self._number = number
        self._way = way
        self._seconds = seconds

    @property
    def is_first(self):
        return self._number == 0

    def add(self, measure, value):
        self._samples.add(self._way.key, measure, self._number, value)

    def attempt(self, what, measure):
        """Runs one measure; when the way fails in it, that is told and the others go on."""
        try:
            measure()
        except Exception as problem:  # whatever it is, it is this way's result here
            self.complain(what, last_words(problem))

    def complain(self, what, words):
        self._complaints.append(f"round {self._number + 1}, {self._way.title}, {what}: {words}")

    def start(self):
        """Starts the way; False when it does not."""
        began = time.monotonic()

        def measure():
            self._way.start()
            if self._way.server is not None:
                self.add("start", time.monotonic() - began)
            started.append(True)
        started = []
        self.attempt("start", measure)
        return bool(started)

    def stop(self):
        self.attempt("stop", self._way.stop)

    def idle(self):
        self.attempt("idle connections", self._idle)

    def _idle(self):
        groups = self._way.groups()
        time.sleep(SETTLE)
        kernel, process = accounting.kernel_bytes(), accounting.process_bytes(groups)
        with load.held_connections(self._way, IDLE):
            kernel = accounting.kernel_bytes() - kernel
            process = accounting.process_bytes(groups) - process
        self.add("idle-kernel", kernel / MIB * IDLE_SHOWN / IDLE)
        self.add("idle-own", process / MIB * IDLE_SHOWN / IDLE)

    def throughput(self, flows, directions, prefix=""):
        self.attempt(f"{flows} flows", lambda: self._throughput(flows, directions, prefix))

    def _throughput(self, flows, directions, prefix):
        machine = process = moved = 0
        for direction in directions:
            with accounting.Meter(self._way.groups()) as meter:
                result = load.move_bytes(self._way, flows=flows, direction=direction, seconds=self._seconds)
            self.add(f"{prefix}{direction}-{flows}", result["bytes_per_second"])
            machine += meter.cost.machine
            process += meter.cost.process
            moved += result["all_bytes"] / GIB
        self.add(f"{prefix}cpu-{flows}", machine / moved)
        self.add(f"{prefix}own-{flows}", process / moved)

    def connections(self, at_once, prefix=""):
        self.attempt(f"connections, {at_once} at once", lambda: self._connections(at_once, prefix))

    def _connections(self, at_once, prefix):
        with accounting.Meter(self._way.groups()) as meter:
            result = load.connect(self._way, at_once=at_once, seconds=self._seconds)
        self.add(f"{prefix}connections-{at_once}", result["per_second"])
        self.add(f"{prefix}p50-{at_once}", result["p50_us"])
        self.add(f"{prefix}p99-{at_once}", result["p99_us"])
        if result["failed"]:
            self.complain(f"{at_once} at once", f"{result['failed']} connections failed")
        if at_once == 64:
            self.add(f"{prefix}connection-cpu", meter.cost.machine / result["all"] * 10_000)
            self.add(f"{prefix}connection-own", meter.cost.process / result["all"] * 10_000)

    def real_clients(self):
        for measure, client in real_tls.CLIENTS.items():
            self.attempt(measure, lambda: self.add(measure, client(self._way, self._seconds)))

    def questions(self, names, row):
        self.attempt(f"{row} names", lambda: self._questions(names, row))

    def _questions(self, names, row):
        with accounting.Meter(self._way.groups()) as meter:
            result = load.ask(self._way.topology, server=ADDRESS, names=names, seconds=self._seconds, suffix=QUESTIONS)
        asked = result["good"] + result["refused"] + result["failed"] + result["lost"]
        own = meter.cost.process / result["all"] * 100_000
        # An answer that is no answer does not count: whoever refuses everything would be the fastest.
        self.add(row, result["per_second"] * result["good"] / max(1, asked - result["lost"]))
        self.add(f"{row}-lost", 100 * result["lost"] / max(1, asked))
        self.add(f"{row}-p99", result["p99_us"])
        self.add(f"{row}-cpu", own)
        self.add(f"{row}-own", own)
        if result["refused"] or result["failed"]:
            self.complain(f"{row} names", f"{result['refused']} refused, {result['failed']} other errors")
