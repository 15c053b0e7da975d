"""The exports for Squid and HAProxy, run by the real programs: they judge as the gateway itself does.

Every probe (probes.py) is tried through sallyport, through Squid and through HAProxy, in a laboratory each,
and the three verdicts are laid side by side: `pytest -s` prints the table. The verdict is what the servers
outside saw, not how a client put it: a reset, an error page and a name that is not resolved are all "denied",
and a packet at the hostile host is a leak, whatever the client says. Where a product cannot judge as
sallyport does, DIFFERENCES says so, and why.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from lab import addresses as at
from lab.capture import Capture
from lab.clients import Clients
from lab.exported_proxy import HaproxyExport, SquidExport
from lab.gateway import Gateway
from lab.laboratory import Laboratory
from lab.probes import ALLOWED, DENIED, EXPLICIT, NO_REQUEST, PROBES, REACHED
from lab.processes import wait_for
from lab.stage import FAMILIES
from lab.table import wrap

# Whoever an export must never lead to, as seen behind the gateway.
FORBIDDEN = " or ".join(["net 169.254.0.0/16", "host 168.63.129.16", *(f"host {a}" for a in at.PRIVATE.both())])

EITHER = "allowed or denied"  # by the moment at which the bytes come

# (product, probe) -> its verdict and why it is another one than sallyport's.
DIFFERENCES = {
    ("squid", "an allowed name's hello, all"): (
        EITHER, "Squid 5 gives a hello up whose several TLS records it does not get in one read"),
    ("haproxy", "an allowed name's hello, records"): (
        DENIED, "HAProxy reads a hello's name out of its first TLS record alone"),
    ("haproxy", "an allowed name's hello, all"): (
        DENIED, "HAProxy reads a hello's name out of its first TLS record alone"),
    ("squid", "an allowed SNI at the hostile address"): (
        DENIED, "Squid insists on an address of the name; sallyport dials the genuine one instead"),
    ("squid", "an allowed Host: at the hostile address"): (
        DENIED, "Squid insists on an address of the name; sallyport dials the genuine one instead"),
    ("squid", "a second request to another allowed name on one connection"): (
        DENIED, "Squid insists on an address of the name; sallyport dials the genuine one instead"),
    ("haproxy", "an allowed SNI at another allowed name's address"): (
        ALLOWED, "HAProxy dials every name itself, so the genuine host answers, whoever was dialled"),
}


@dataclass(frozen=True)
class Outcome:
    """Over IPv4 and over IPv6."""

    verdicts: tuple
    words: tuple  # the client's

    def __str__(self):
        return " | ".join(dict.fromkeys(f"{verdict} ({words})" for verdict, words in zip(self.verdicts, self.words)))


@contextmanager
def sallyport(lab):
    gateway = Gateway(lab)
    gateway.start()
    yield gateway
    assert gateway.stop() == 0, gateway.messages()


GATEWAYS = {"sallyport": sallyport, "squid": SquidExport, "haproxy": HaproxyExport}


class Witness:
    """What came out of a gateway: packets where none may be, and requests that genuine servers saw."""

    def __init__(self, lab):
        self._lab = lab
        self._wires = [Capture(lab.hostile, "eth0", lab.captures),
                       Capture(lab.internet, "uplink", lab.captures, FORBIDDEN)]
        self._mark, self._packets = 0, 0

    def __enter__(self):
        for wire in self._wires:
            wire.__enter__()
        return self

    def __exit__(self, *_):
        for wire in self._wires:
            wire.stop()

    def begin(self):
        self._mark = self._lab.web.mark()

    def forbidden_packets(self):
        """How many there were since the last time that this was asked."""
        before = self._packets
        self._packets = sum(len(wire.settle()) for wire in self._wires)
        return self._packets - before

    def services(self):
        return [request["service"] for request in self._lab.web.requests(self._mark)]


def judge(probe, words, witness):
    """One verdict out of what the client says and what was seen outside; they must agree."""
    packets = witness.forbidden_packets()
    if packets:
        return f"LEAK: {packets} forbidden packets"
    if words in NO_REQUEST:
        return ALLOWED
    reached = words in REACHED
    expected = probe.before + int(reached)
    wait_for(lambda: len(witness.services()) >= expected, seconds=0.5)
    served = witness.services()
    if len(served) != expected:
        return f"LEAK: {len(served)} requests were served"
    if reached and served[-1] != (probe.service or served[-1]):
        return f"LED ASTRAY to {served[-1]}"
    return ALLOWED if reached else DENIED


def play(probe, clients, witness):
    verdicts, words = [], []
    for family in FAMILIES:
        witness.begin()
        words.append(probe.run(clients, family))
        verdicts.append(judge(probe, words[-1], witness))
    return Outcome(tuple(verdicts), tuple(words))


def probes_of(kind):
    return PROBES + EXPLICIT if kind == "squid" else PROBES


def play_all(kind):
    """Every probe through one kind of gateway, in a laboratory of its own."""
    with Laboratory() as lab, GATEWAYS[kind](lab), Witness(lab) as witness:
        clients = Clients(lab)
        return {probe.what: play(probe, clients, witness) for probe in probes_of(kind)}


@pytest.fixture(scope="module")
def outcomes():
    seen = {kind: play_all(kind) for kind in GATEWAYS}
    print_table(seen)
    return seen


WIDTHS = (58, 30, 30, 30)


def print_table(seen):
    """For `pytest -s`, and for the report of a failure."""
    rows = [("probe", *seen)]
    for probe in PROBES + EXPLICIT:
        rows.append((probe.what, *(str(outcomes.get(probe.what, "-")) for outcomes in seen.values())))
    print()
    for row in rows:
        cells = [wrap(cell, width) for cell, width in zip(row, WIDTHS)]
        for line in range(max(map(len, cells))):
            print("  ".join((cell[line] if line < len(cell) else "").ljust(width)
                            for cell, width in zip(cells, WIDTHS)).rstrip())


def disagreements(product, outcomes):
    """(probe, expected, seen) wherever a product did not do what it should."""
    found = []
    for probe in probes_of(product):
        expected = DIFFERENCES.get((product, probe.what), (probe.verdict,))[0]
        accepted = (ALLOWED, DENIED) if expected == EITHER else (expected,)
        outcome = outcomes[product][probe.what]
        if not all(verdict in accepted for verdict in outcome.verdicts):
            found.append((probe.what, expected, str(outcome)))
    return found


def test_sallyport_itself_judges_as_the_probes_say(outcomes):
    assert disagreements("sallyport", outcomes) == []


@pytest.mark.parametrize("product", ["squid", "haproxy"])
def test_an_exported_proxy_judges_as_sallyport_does(outcomes, product):
    assert disagreements(product, outcomes) == []


def test_every_difference_is_about_a_probe_and_is_one():
    verdicts = {probe.what: probe.verdict for probe in PROBES}
    for (product, what), (verdict, why) in DIFFERENCES.items():
        assert product in GATEWAYS and verdict != verdicts[what] and why
