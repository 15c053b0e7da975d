"""Flows that a configuration is about, and what `sallyport explain` says of each: what an export is held
against, by a reading of the export that knows nothing of sallyport's code.

An export may allow less than the rules, where its header says so; never more.
"""

import functools
import ipaddress
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import yaml

SOURCE, BUILD = (pathlib.Path(argument) for argument in sys.argv[1:3])
GOLDEN = SOURCE / "tests/golden/export"
INPUTS = pathlib.Path(os.environ.get("SALLYPORT_INPUTS") or SOURCE / "../shared/inputs")
WEB = ("https", "http")
VIA = ("203.0.114.9", "198.51.100.200")  # an address that no rule names, and one that a rule denies


class Skip(Exception):
    pass


@dataclass(frozen=True)
class Flow:
    """`address` is the destination; with a name, one that DNS gave for it. `shown`: what SNI or Host says."""
    name: str
    address: str
    protocol: str
    port: int
    source: str

    @property
    def shown(self):
        return self.name if self.protocol in WEB else ""

    @property
    def transport(self):
        return "tcp" if self.protocol in WEB else self.protocol


def program(*words):
    return subprocess.run([BUILD / "sallyport", *words], cwd=GOLDEN, capture_output=True, text=True, check=False)


def export(target, config):
    """{file name: text}"""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "out"
        done = program("export", target, "-c", config, "--write", str(path))
        assert done.returncode == 0, f"export {target} -c {config}: {done.stderr}"
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return {file.name: file.read_text() for file in files}


def rules(config):
    return json.loads(program("export", "json", "-c", config).stdout)


# ---------------------------------------------------------------------------- flows

def names_around(pattern):
    """Names that fit the pattern, and names that nearly do."""
    first, _, rest = pattern.partition(".")
    if "*" not in pattern:
        return [pattern, "x." + pattern, "x" + pattern]
    if pattern == "*":
        return ["any.name.example"]
    if first == "*":
        return ["a." + rest, "b.a." + rest, rest, "a" + rest]
    return [first.replace("*", star) + "." + rest for star in ("", "1", "1.z")] + ["z." + rest]


def addresses_around(prefix):
    network = ipaddress.ip_network(prefix)
    edges = [int(network[0]), int(network[-1]), int(network[-1]) + 1]
    return [str(type(network[0])(edge)) for edge in edges]


def is_prefix(text):
    return text[0].isdigit() and "/" in text or ":" in text


def ends(rule):
    """The first and last port of each of a rule's ranges, by protocol; icmp and any port have none."""
    for item in rule["ports"]:
        protocol, _, ports = item.partition(":")
        for port in (ports or "*").split("-"):
            yield protocol, 0 if port == "*" else int(port)


def flows(config, source):
    """Every name and address that the rules are near to, with every protocol and port that they have."""
    made = {}
    given = rules(config)
    services = {(protocol, port) for rule in given for protocol, port in ends(rule) if port}
    services |= {("https", 444), ("tcp", 22)}
    names = {name for rule in given for pattern in rule.get("fqdns", rule.get("destinations"))
             if not is_prefix(pattern) and pattern != "*" for name in names_around(pattern)} | {"evil.example"}
    addresses = {address for rule in given for prefix in rule.get("destinations", []) if is_prefix(prefix)
                 for address in addresses_around(prefix)}
    for protocol, port in sorted(services):
        for name in sorted(names):
            made[Flow(name, VIA[0], protocol, port, source)] = None
            if (protocol, port) == ("https", 443):
                made[Flow(name, VIA[1], protocol, port, source)] = None
        for address in sorted(addresses):
            if protocol not in WEB:
                made[Flow("", address, protocol, port, source)] = None
    for address in sorted(addresses):
        made[Flow("", address, "icmp", 0, source)] = None
    return tuple(made)


def explain(config, flow):
    """(allowed, the rule's label or None)"""
    words = ["explain", "-c", config, "-o", "json", "-p", flow.protocol, "--source", flow.source]
    end = flow.name or (f"[{flow.address}]" if ":" in flow.address and flow.port else flow.address)
    if flow.name:
        words += ["--via", flow.address]
    words += ["--", f"{end}:{flow.port}" if flow.port else end]
    done = program(*words)
    assert done.returncode < 2, done.stderr
    verdict = json.loads(done.stdout)
    return verdict["action"] == "allow", verdict.get("rule")


@functools.cache
def explain_all(config, asked):
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(asked, pool.map(lambda flow: explain(config, flow), asked)))


# ---------------------------------------------------------------------------- comparing

def stricter_lines(text):
    return [line for line in text.splitlines() if line.startswith("# stricter:")]


def compare(config, source, allows, header, same=lambda a, b: a == b, least=20):
    """`allows(flow)`: by the export. What explain denies is not allowed by it, unless explain allows another
    flow that is the same to the product (`same`, which its notes then tell of); a rule of whose flows it
    denies some stands in a line of the header that says what is stricter."""
    asked = flows(config, source)
    verdicts = explain_all(config, asked)
    allowed_names = {}
    for flow, (allowed, _) in verdicts.items():
        if allowed:
            allowed_names.setdefault((flow.name, flow.address), []).append(flow)
    wider, untold = [], set()
    told = " ".join(stricter_lines(header))
    for flow, (allowed, label) in verdicts.items():
        verdict = allows(flow)
        if verdict and not allowed and not any(same(flow, other) for other in
                                               allowed_names.get((flow.name, flow.address), [])):
            wider.append(flow)
        if allowed and not verdict and label not in told:
            untold.add(f"{label} {flow}")
    assert sum(1 for flow in asked if allows(flow)) > least, "the export allows next to nothing: is it read rightly?"
    assert not wider, f"allowed by the export only: {wider[:5]}"
    assert not untold, f"denied by the export, and its header does not say so: {sorted(untold)[:5]}"


def same_port(flow, other):
    """To a product that knows names by their addresses only, or does not tell TLS from HTTP."""
    return flow.transport == other.transport and flow.port == other.port


# ---------------------------------------------------------------------------- YAML

class UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice among {keys}"
        return super().construct_mapping(node, deep)


def documents(text):
    return list(yaml.load_all(text, Loader=UniqueKeys))


# ---------------------------------------------------------------------------- TAP

def run(tests):
    """Each test's name is its sentence."""
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        sentence = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {sentence}")
        except Skip as reason:
            print(f"ok {number} - {sentence} # SKIP {reason}")
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {sentence}")
            for line in str(error).splitlines():
                print(f"# {line}")
    return 1 if failed else 0
