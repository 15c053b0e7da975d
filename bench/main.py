"""The measuring laboratory: sallyport beside plain kernel forwarding and the programs a user would pick instead.

usage: bench/run [--quick] [--only flows,wire,tls,dns,alone] [--ways KEY,...] [--rounds N] [--output FOLDER]
                 [--programs FOLDER]

Prints one table a part, writes bench.json and an SVG a part into the output folder (build-bench/results).
Exit codes: 0 measured, whatever the numbers; 1 nothing could be measured; 2 wrong usage or not root.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import signal
import sys
import time
from dataclasses import dataclass

from . import alone, chart, report
from .arithmetic import Samples
from .measures import DNS_ROWS, FLOW_ROWS, TARGETS, TLS_ROWS, WIRE_ROWS, Round, last_words
from .real_tls import real_tls
from .topology import ROOT, Topology
from .ways import forwarding, peers, resolvers, sallyport

FLOW_WAYS = (forwarding.PlainForwarding, forwarding.Nftables, sallyport.Inspected, sallyport.Proxied, sallyport.Http,
             peers.Nginx, peers.NginxTuned, peers.Haproxy, peers.HaproxyTuned, peers.Squid, peers.Sniproxy)
DNS_WAYS = (resolvers.SallyportDns, resolvers.DnsdistCache, resolvers.Dnsdist, resolvers.Unbound, resolvers.Dnsmasq)
# Of the peers the best: all that a quick run has, and the passes with other links and with real clients.
BEST_WAYS = {"plain", "nft", "inspected", "proxied", "http", "nginx-tuned", "haproxy-tuned"}
PARTS = ("flows", "wire", "tls", "dns", "alone")
PACKAGES = ("nftables", "nginx", "haproxy", "squid-openssl", "sniproxy", "dnsdist", "unbound", "dnsmasq-base")


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    quick: bool
    rounds: int
    seconds: float  # counted, of each measure; the load's warm-up is before it

    @property
    def directions(self):
        return ("down",) if self.quick else ("down", "up")


def say(text):
    print(text, file=sys.stderr, flush=True)


def in_turn(ways, number):
    """The ways in a round's order: forth and back, so that none is always the one after another."""
    return ways if number % 2 == 0 else tuple(reversed(ways))


def run_rounds(topology, ways, plan, complaints, measure):
    """Every way once in each round; returns the samples."""
    samples = Samples()
    for number in range(plan.rounds):
        for kind in in_turn(ways, number):
            began = time.monotonic()
            way = kind(topology)
            round_ = Round(samples, complaints, number, way, plan.seconds)
            topology.clean_gateway()
            try:
                if round_.start():
                    measure(round_)
            finally:
                round_.stop()
            say(f"round {number + 1}/{plan.rounds}: {way.title} ({time.monotonic() - began:.1f} s)")
    return samples


def measure_flows(plan):
    def measure(round_):
        if not plan.quick or round_.is_first:
            round_.idle()
        for flows in (1, 16):
            round_.throughput(flows, plan.directions)
        for at_once in (1, 64, 512):
            round_.connections(at_once)
    return measure


def measure_wire(round_):
    for flows in (1, 16):
        round_.throughput(flows, ("down",), prefix="wire-")
    round_.connections(64, prefix="wire-")


def measure_names(round_):
    round_.questions(resolvers.HOT_NAMES, "hot")
    round_.questions("new", "cold")


class Results:
    """All parts' tables as they come, and what is written at the end."""

    def __init__(self, plan, folder):
        self.folder = folder
        self.complaints = []
        self.data = {"machine": machine(), "method": {"rounds": plan.rounds, "seconds": plan.seconds,
                                                      "quick": plan.quick}, "parts": {}}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, part, title, samples, rows, ways):
        named = [(way.key, way.title) for way in ways]
        quotes = report.quotes(samples, rows, named, TARGETS)
        print(f"\n{title}\n\n{report.table(samples, rows, named, TARGETS)}", flush=True)
        self.data["parts"][part] = {"title": title, "quotes": quotes, "samples": samples.numbers}
        (self.folder / f"{part}.svg").write_text(chart.draw(title, quotes, named))

    def add_findings(self, title, findings):
        lines = [["", "", "target", ""]]
        for finding in findings:
            mark = {None: "", True: f" {report.MET}", False: f" {report.MISSED}"}[finding.is_met]
            target = "" if finding.limit is None else f"{finding.sense} {finding.limit:g}"
            lines.append([finding.what, f"{finding.value:.4g} {finding.unit}{mark}", target, finding.note])
        print(f"\n{title}\n\n{report.render(lines)}", flush=True)
        self.data["parts"].setdefault("alone", []).extend(finding.as_json() for finding in findings)

    def write(self):
        for complaint in self.complaints:
            print(f"failed: {complaint}")
        self.data["complaints"] = self.complaints
        (self.folder / "bench.json").write_text(json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")


def machine():
    model = [line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]
    return {"cores": os.cpu_count(), "processor": model[0] if model else platform.machine(),
            "kernel": platform.release(), "load_before": os.getloadavg()[0],
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "packages": {package: peers.version(package) for package in PACKAGES}}


def chosen(ways, keys):
    """The ways asked for; what others are compared with is always among them."""
    return tuple(way for way in ways if not keys or way.key in keys or way.is_base)


def measure_alone(topology, plan, results):
    jobs = {"verdicts": lambda: alone.verdicts(topology.programs, plan.quick),
            "reload, 100,000 rules": lambda: alone.reloads(topology, 100_000),
            "reload, 1,000,000 rules": lambda: alone.reloads(topology, 1_000_000),
            "50,000 prefixes": lambda: alone.prefixes(topology, 50_000),
            "start-up, few rules": lambda: alone.start_up(topology, 0),
            "start-up, 100,000 rules": lambda: alone.start_up(topology, 100_000),
            "start-up, 1,000,000 rules": lambda: alone.start_up(topology, 1_000_000)}
    findings = []
    for what, job in jobs.items():
        topology.clean_gateway()
        try:
            findings += job()
        except Exception as problem:
            results.complaints.append(f"{what}: {last_words(problem)}")
        say(f"alone: {what}")
    results.add_findings("sallyport alone", findings)


def measure_flow_parts(topology, plan, results, keys, only):
    best = chosen(FLOW_WAYS, keys or BEST_WAYS)
    if "flows" in only:
        ways = chosen(FLOW_WAYS, keys or (BEST_WAYS if plan.quick else None))
        samples = run_rounds(topology, ways, plan, results.complaints, measure_flows(plan))
        results.add("flows", "Flows; ratios to plain forwarding", samples, FLOW_ROWS, ways)
    if "wire" in only:
        topology.set_offload(False)
        samples = run_rounds(topology, best, plan, results.complaints, measure_wire)
        topology.set_offload(True)
        results.add("wire", "Flows with packets as on a wire (TSO off); ratios to plain forwarding", samples,
                    WIRE_ROWS, best)
    if "tls" in only:
        best = tuple(way for way in best if not way.is_http)
        with real_tls(topology):
            samples = run_rounds(topology, best, plan, results.complaints, Round.real_clients)
        results.add("tls", "Real TLS at both ends; ratios to plain forwarding", samples, TLS_ROWS, best)


def measure_all(arguments, plan, results):
    with Topology(pathlib.Path(arguments.programs)) as topology:
        measure_flow_parts(topology, plan, results, arguments.ways, arguments.only)
        if "dns" in arguments.only:
            ways = chosen(DNS_WAYS, arguments.ways & {way.key for way in DNS_WAYS})
            samples = run_rounds(topology, ways, plan, results.complaints, measure_names)
            results.add("dns", "DNS; ratios to dnsdist", samples, DNS_ROWS, ways)
        if "alone" in arguments.only:
            measure_alone(topology, plan, results)


def read_arguments(words):
    parser = argparse.ArgumentParser(prog="bench/run", usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=None)
    parser.add_argument("--ways", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--output", default=str(ROOT / "build-bench" / "results"))
    parser.add_argument("--programs", default=str(ROOT / "build-bench" / "bench"))
    arguments = parser.parse_args(words)
    # A quick run leaves out the passes with other links and with real clients.
    everything = [part for part in PARTS if not (arguments.quick and part in ("wire", "tls"))]
    arguments.only = arguments.only.split(",") if arguments.only else everything
    arguments.ways = set(filter(None, arguments.ways.split(",")))
    known = {way.key for way in FLOW_WAYS + DNS_WAYS}
    for what, given, allowed in (("part", arguments.only, PARTS), ("way", arguments.ways, known)):
        for word in given:
            if word not in allowed:
                parser.error(f"there is no {what} '{word}'; there are: {', '.join(sorted(allowed))}")
    return arguments


def main(words):
    arguments = read_arguments(words)
    if os.geteuid() != 0:
        say("bench: must be run as root: it makes network namespaces")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # `with` blocks then clean up
    os.environ.setdefault("SALLYPORT_BUILD", str(pathlib.Path(arguments.programs).parent))
    plan = Plan(arguments.quick, arguments.rounds or (3 if arguments.quick else 5), 0.35 if arguments.quick else 1.0)
    results = Results(plan, pathlib.Path(arguments.output))
    began = time.monotonic()
    kind = "A quick run: an impression, not a result. " if plan.quick else ""
    print(f"{kind}Medians of {plan.rounds} rounds, the ways in turn in each; {plan.seconds:g} s a measure.\n"
          f"{platform.release()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began.")
    try:
        measure_all(arguments, plan, results)
    finally:
        results.write()
    print(f"\n{time.monotonic() - began:.0f} s; numbers and charts: {results.folder}")
    return 0 if results.data["parts"] else 1
