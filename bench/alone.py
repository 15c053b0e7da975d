"""What sallyport is measured in without a peer: verdicts, reloads, start-up, large sets of prefixes."""

import statistics
import subprocess
import threading
import time

import yaml

from lab.gateway import READY, program
from lab.processes import CommandFailed

from . import load
from .arithmetic import AT_LEAST, AT_MOST
from .topology import QUESTIONS
from .ways import sallyport
from .ways.resolvers import ADDRESS, HOT_NAMES

PROBE_RATE = 2000  # DNS questions a second
PLACEHOLDER = "placeholder.example"


class Finding:
    """One line of the table: what, how much, and its target."""

    def __init__(self, what, value, unit, sense=None, limit=None, note=""):
        self.what, self.value, self.unit, self.sense, self.limit, self.note = what, value, unit, sense, limit, note

    @property
    def is_met(self):
        if self.limit is None:
            return None
        return self.value >= self.limit if self.sense == AT_LEAST else self.value <= self.limit

    def as_json(self):
        return {"what": self.what, "value": self.value, "unit": self.unit, "note": self.note,
                "target": None if self.limit is None else f"{self.sense} {self.limit:g}", "met": self.is_met}


def verdicts(programs, quick):
    """Findings about verdicts and the memory of rules, for each number of rules."""
    queries = 1 << (15 if quick else 17)
    rows = [load.run_json([str(programs / "verdicts"), kind, str(count), str(queries)], 120)
            for kind, count in (("names", 1000), ("names", 100_000), ("names", 1_000_000), ("prefixes", 1000),
                                ("prefixes", 100_000))]
    names = {row["names"]: row for row in rows if "names" in row}
    prefixes = {row["prefixes"]: row for row in rows if "prefixes" in row}
    findings = []
    for count, row in names.items():
        million = count == 1_000_000
        for shape in ("hot", "uniform", "zipf", "miss"):
            limit = (AT_MOST, 150) if million else ()
            findings.append(Finding(f"verdict on a name, {count:,} rules, {shape}", row[f"policy_{shape}_ns"], "ns",
                                    *limit, note=f"name table alone {row[f'table_{shape}_ns']:.0f} ns"))
        findings.append(Finding(f"policy, {count:,} name rules", row["policy_bytes"] / count, "bytes a rule",
                                *((AT_MOST, 64) if million else ()),
                                note=f"name table alone {row['table_bytes'] / count:.1f}"))
    findings.append(Finding("verdict, uniform: 1,000,000 rules ÷ 1,000",
                            names[1_000_000]["policy_uniform_ns"] / names[1000]["policy_uniform_ns"], "×", AT_MOST, 2,
                            note="name table alone "
                            f"{names[1_000_000]['table_uniform_ns'] / names[1000]['table_uniform_ns']:.1f}"))
    for count, row in prefixes.items():
        findings.append(Finding(f"verdict by address, {count:,} prefixes", row["policy_uniform_ns"], "ns"))
        findings.append(Finding(f"policy, {count:,} prefixes", row["policy_bytes"] / count, "bytes a prefix"))
    return findings


def _with_list(gateway, kind, rule, field, entries):
    """The gateway's configuration with one more collection, of one rule with a long list, as text.

    The list is put in as text: a YAML library would take a minute for a million entries.
    """
    many = {"name": "many", "priority": 300, "action": "allow", "kind": kind,
            "rules": [{"name": "many", "sources": [sallyport.INSIDE], **rule, field: [PLACEHOLDER]}]}
    collections = [*gateway.configuration["collections"], many]
    text, line = yaml.safe_dump({**gateway.configuration, "collections": collections}), f"- {PLACEHOLDER}\n"
    at = text.index(line)
    indent = at - (text.rindex("\n", 0, at) + 1)
    return text[:at] + ("\n" + " " * indent).join(f"- {entry}" for entry in entries) + "\n" + text[at + len(line):]


def many_names(gateway, count):
    """`*.x` rules: exact names would have the gateway look each of them up as well."""
    names = (f"'*.h{number:06x}.s{number % 97}.example.com'" for number in range(count))
    return _with_list(gateway, "application", {"protocols": ["https:443"]}, "fqdns", names)


def many_prefixes(gateway, count):
    prefixes = (f"{20 + (number >> 19)}.{number >> 11 & 255}.{number >> 3 & 255}.{(number & 7) * 32}/28"
                for number in range(count))
    return _with_list(gateway, "network", {"protocols": ["tcp"], "ports": [443]}, "destinations", prefixes)


def _reload(topology, gateway, text):
    """Seconds that `sallyport reload` took with that configuration."""
    gateway.configuration_file.write_text(text)
    began = time.monotonic()
    done = subprocess.run(topology.gateway.inside([str(program()), "reload", "--socket", str(gateway.socket)]),
                          capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CommandFailed(f"reload: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return time.monotonic() - began


def _probe(topology, seconds):
    """The longest wait for a DNS answer, in ms; every worker has some of the probe's sockets."""
    result = load.ask(topology, server=ADDRESS, names=HOT_NAMES, seconds=seconds, suffix=QUESTIONS, rate=PROBE_RATE)
    return 1e9 if result["lost"] else result["longest_us"] / 1000


def _probe_during_reload(topology, gateway, text, seconds):
    longest = []
    probe = threading.Thread(target=lambda: longest.append(_probe(topology, seconds)))
    probe.start()
    time.sleep(0.4)
    took = _reload(topology, gateway, text)
    probe.join()
    return took, longest[0]


def reloads(topology, rules):
    """Findings about a reload with so many name rules."""
    way = sallyport.Inspected(topology)
    way.start()
    try:
        gateway = sallyport.gateway_of(topology)
        big, small = many_names(gateway, rules), gateway.configuration_file.read_text()
        first = _reload(topology, gateway, big)
        _reload(topology, gateway, small)
        seconds = max(2.0, 2 * first + 1)
        still = _probe(topology, seconds)
        took, longest = _probe_during_reload(topology, gateway, big, seconds)
        return [Finding(f"reload with {rules:,} name rules", took, "s", AT_MOST, 1),
                Finding("longest wait for a DNS answer during it", longest, "ms", AT_MOST, 1,
                        note=f"{PROBE_RATE} questions/s; without a reload in the same time: {still:.2f} ms")]
    finally:
        way.stop()


def _throughput(way):
    return statistics.median(load.move_bytes(way, flows=1, direction="down", seconds=0.5)["bytes_per_second"]
                             for _ in range(5))


def prefixes(topology, count):
    """Findings about so many prefixes in a network rule."""
    way = sallyport.Inspected(topology)
    way.start()
    try:
        gateway = sallyport.gateway_of(topology)
        small = gateway.configuration_file.read_text()
        before = _throughput(way)
        took = _reload(topology, gateway, many_prefixes(gateway, count))
        after = _throughput(way)
        _reload(topology, gateway, small)
        return [Finding(f"reload with {count:,} prefixes, nft's transaction in it", took, "s", AT_MOST, 2),
                Finding("1-flow throughput with them ÷ before", after / before, "×", AT_LEAST, 0.95)]
    finally:
        way.stop()


def start_up(topology, rules):
    """Seconds from exec to ready, with so many name rules more than the bench has."""
    gateway = sallyport.gateway_of(topology)
    text = many_names(gateway, rules) if rules else yaml.safe_dump(gateway.configuration)
    gateway.configuration_file.write_text(text)
    mark = gateway.messages_mark()
    began = time.monotonic()
    server = topology.start_server(topology.gateway, "sallyport",
                                   [str(program()), "run", "-c", str(gateway.configuration_file)])
    try:
        server.wait_until(lambda: READY in gateway.messages(mark), "being ready", seconds=120)
        return [Finding(f"start-up to ready, {f'{rules:,}' if rules else 'few'} rules", time.monotonic() - began, "s")]
    finally:
        topology.stop_server(server)
