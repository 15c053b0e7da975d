"""The soak's command line."""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from lab.gateway import Gateway, program
from lab.laboratory import Laboratory, python_environment
from lab.processes import CommandFailed, wait_for
from lab.quic_server import QuicServers
from lab.soak.judge import BACK, Seen, judge
from lab.soak.outside import Outside
from lab.soak.plan import Plan, configuration
from lab.soak.report import LiveLine, print_table, write_json
from lab.soak.samples import Sampler
from lab.storyteller import raise_on_signals

COLD_NAMES = 26000   # more than the caches of two workers hold, 10,000 answers each
BEFORE = 12          # seconds of quiet: the gateway's own lookups are all there then
SETTLING = 120       # seconds after the load until all must be as before
COMPLAINT = re.compile(r"^.*sallyport: (?:warning|error): .*$", re.M)
# Silence of upstreams is the resolver's daily life and is counted, not logged: nothing is expected in the log.
# Connections end from the kernel's table sooner than by default, so that it turns over often; per namespace.
TIMEOUTS = {"tcp_timeout_close": 5, "tcp_timeout_last_ack": 10, "tcp_timeout_fin_wait": 20,
            "tcp_timeout_syn_sent": 20, "udp_timeout": 10, "udp_timeout_stream": 20}


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="soak", description="Runs the gateway in a laboratory under a mix of traffic and faults and judges what "
        "it lets out, what it fails at and what it holds on to. Exit code 0 when all is good, 1 when not.")
    parser.add_argument("--minutes", type=float, default=30, help="of load, from 2 to 1440 (30)")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write all that was seen there")
    options = parser.parse_args(arguments)
    if not 2 <= options.minutes <= 24 * 60:  # in less, the first quarter is over before the kill and what follows it
        parser.error("--minutes is from 2 to 1440")
    return options


class Traffic:
    """The clients' process, and what it has said so far."""

    def __init__(self, lab):
        self._lab = lab
        self.counts, self.misses, self.is_done = {}, [], False
        self.server = lab.start_server(lab.node, "traffic", lab.python(
            "soak.traffic", str(lab.authority.certificate), str(COLD_NAMES)), env=python_environment())
        self._read = open(self.server.log, encoding="utf-8")
        self._rest = ""

    def read(self):
        *lines, self._rest = (self._rest + self._read.read()).split("\n")
        for line in lines:
            if not line.startswith("{"):
                raise CommandFailed(f"the clients: {line}\n{self._read.read()}")
            self._note(json.loads(line))

    def _note(self, facts):
        if "counts" in facts:
            for kind, seen in facts["counts"].items():
                mine = self.counts.setdefault(kind, {})
                for what, count in seen.items():
                    mine[what] = mine.get(what, 0) + count
        elif "kind" in facts:
            self.misses.append(facts)
        self.is_done = self.is_done or facts.get("done", False)

    def fill_caches(self):
        """Asks for so many names that the caches are full: then they do not grow any more by themselves."""
        self.server.signal(signal.SIGUSR1)

    def totals(self):
        played = sum(sum(seen.values()) for seen in self.counts.values())
        return played - len(self.misses), len(self.misses)

    def end(self):
        """No new attempts; returns when those under way have ended."""
        self.server.signal(signal.SIGTERM)
        wait_for(lambda: not self.server.is_running(), seconds=60)
        self.read()
        if not self.is_done:
            raise CommandFailed("the clients did not end in order")


class Soak:
    """One run, from a laboratory to what was seen in it."""

    def __init__(self, lab, seconds):
        self._lab, self._seconds = lab, seconds
        self._gateway = Gateway(lab, configuration())
        self._sampler = Sampler(lab, self._gateway)
        self._outside = Outside(lab)
        self._line = LiveLine()
        self._samples = []

    def run(self):
        QuicServers(self._lab)
        self._gateway.start()
        self._lab.gateway.sysctl({f"net.netfilter.nf_conntrack_{key}": value for key, value in TIMEOUTS.items()})
        hostile = self._lab.hostile_mark()
        self._outside.start()
        time.sleep(BEFORE)
        base = self._sampler.take()
        traffic = Traffic(self._lab)
        plan = Plan(self._lab, self._gateway, self._outside, self._seconds, traffic.fill_caches)
        begin = time.monotonic()
        self._load(traffic, plan, begin)
        end = time.monotonic()
        plan.finish()
        self._line.say("the load stops; what is left?")
        traffic.end()
        after = self._settle(base)
        self._outside.stop()
        return Seen(begin=begin, end=end, base=base, samples=self._samples, after=after, counts=traffic.counts,
                    misses=traffic.misses, windows=plan.windows, log=COMPLAINT.findall(self._gateway.messages()),
                    table_full=self._sampler.table_full_since(begin), reloads=plan.reloads, problems=plan.problems,
                    outside={"seen": self._outside.seen, "forbidden": self._outside.forbidden,
                             "examples": self._outside.examples, "missed": self._outside.missed,
                             "hostile": len(self._lab.hostile_events(hostile))},
                    exit_code=self._gateway.stop())

    def _load(self, traffic, plan, begin):
        every = min(5, self._seconds / 60)
        sample_at = begin
        while (now := time.monotonic()) < begin + self._seconds:
            plan.tick()
            if now >= sample_at:
                sample_at = now + every
                self._samples.append(self._sampler.take())
                traffic.read()
                self._line.show(now - begin, self._seconds, self._samples[-1], *traffic.totals())
            if not (self._gateway.is_running() and traffic.server.is_running()):
                raise CommandFailed("the gateway or the clients ended by themselves:\n"
                                    + self._gateway.messages()[-4000:])
            time.sleep(0.2)

    def _settle(self, base):
        """A sample in which all is as before, or the last one before patience ended."""
        last = {}

        def is_back():
            nonlocal last
            last = self._sampler.take()
            return all(last.get(figure, 0) - base.get(figure, 0) <= bound for figure, bound in BACK.items())
        wait_for(is_back, seconds=SETTLING, every=2)
        return last


def perform(options):
    with Laboratory() as lab:
        seen = Soak(lab, options.minutes * 60).run()
    findings = judge(seen)
    version = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print_table(seen, findings, version)
    if options.json:
        write_json(options.json, seen, findings, version)
    return 0 if all(finding.is_good for finding in findings) else 1


def main(arguments=None):
    options = parse(arguments)
    if os.geteuid() != 0:
        print("soak: the laboratory needs root (network namespaces)", file=sys.stderr)
        return 2
    if not program().exists():
        print(f"soak: {program()} is not built (make builds it)", file=sys.stderr)
        return 2
    raise_on_signals()
    try:
        return perform(options)
    except CommandFailed as problem:
        print(f"\nsoak: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsoak: interrupted; everything is taken down", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
