"""Floods of fresh names below a wildcard that the rules allow: as a tunnel, and as an overload."""

import json
import re
import signal

import pytest

from lab import addresses as at
from lab.gateway import default_configuration, sanitizers
from lab.processes import wait_for
from lab.story import EASTUS_DATA, MCR

WILD = "data.mcr.microsoft.com"  # *.data.mcr.microsoft.com is allowed
BURST = 64
WORKERS = default_configuration()["workers"]
MEMORY_GROWTH_KIB = WORKERS * 20 * 1024  # of the workers' caches (1.9 KiB an answer, 10,000 each), when they are full


@pytest.fixture
def limited(stage):
    """A gateway that has heard of nobody yet, with a small budget."""
    def change(configuration):
        configuration["dns"]["budget"] = {"new_names": 60, "burst": BURST}
    stage.gateway.restart(change)
    yield
    stage.gateway.restart()


@pytest.fixture
def unlimited(stage):
    def change(configuration):
        configuration["dns"]["budget"] = {"new_names": 0}
    stage.gateway.restart(change)
    yield
    stage.gateway.restart()


def _flood(stage, count, *, source=at.NODE.v4, length=12, timeout=60):
    result = stage.clients.run(stage.lab.python("dns_flood", source, at.GATEWAY_INSIDE.v4, str(count), WILD,
                                                str(length)), timeout=timeout)
    assert result.is_ok, result.out
    return json.loads(result.out)


def _figures(stage, part):
    return json.loads(stage.gateway.run_verb("status", "-o", "json").stdout)[part]


def _resident_kib(stage):
    with open(f"/proc/{stage.gateway.server.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def test_a_tunnel_gets_no_further_than_its_budget_and_another_source_is_not_harmed(stage, limited):
    assert stage.clients.dig(EASTUS_DATA).text == f"NOERROR {at.MCR_DATA.v4}"
    mark = stage.gateway.mark()
    codes, packets = stage.outside(lambda: _flood(stage, 2000), "port 53")
    asked = {packet.payload for packet in packets if packet.destination_port == 53}
    assert BURST / 2 <= codes["NXDOMAIN"] < 2 * BURST
    assert codes["REFUSED"] == 2000 - codes["NXDOMAIN"]
    assert codes["NXDOMAIN"] <= len(asked) <= codes["NXDOMAIN"] * 2  # nothing more went outside
    # What the source knows goes on, and so does all of another source.
    assert stage.clients.dig(EASTUS_DATA).text == f"NOERROR {at.MCR_DATA.v4}"
    assert stage.clients.dig(MCR).text == f"NOERROR {at.MCR.v4}"
    assert stage.clients.dig("x.y.data.mcr.microsoft.com", options=[f"-b{at.NODE_SECOND.v4}"]).text == \
        f"NOERROR {at.MCR_DATA.v4}"
    refused = stage.clients.dig(f"onemore.{WILD}", options=["+edns"])
    assert refused.text == "REFUSED" and "EDE" in refused.out
    verdict = stage.gateway.find_verdict(mark, lambda verdict: verdict["reason"] == "dns_budget")
    assert verdict["action"] == "deny" and verdict["source"].startswith(at.NODE.v4)
    wait_for(lambda: _figures(stage, "name_budget")["sources"] == 2, seconds=2)
    figures = _figures(stage, "name_budget")
    assert figures["refused"] >= 2000 - codes["NXDOMAIN"] and figures["full"] == 0


def test_long_labels_use_a_budget_up_sooner(stage, limited):
    codes = _flood(stage, 500, length=63)
    assert codes["NXDOMAIN"] < BURST / 4


def test_a_tunnel_by_names_in_hellos_is_paid_from_the_same_budget(stage, limited):
    _flood(stage, 500)
    mark = stage.gateway.mark()
    assert stage.clients.odd_hello(at.MCR_DATA.v4, f"secret.{WILD}", "whole").text != "server-hello"
    assert stage.gateway.find_verdict(mark, lambda verdict: verdict["reason"] == "dns_budget")


@pytest.mark.skipif(sanitizers() == "thread", reason="ThreadSanitizer remembers accesses: memory is not ours alone")
def test_thirty_thousand_names_keep_memory_under_its_bound(stage, unlimited):
    """The caches of two workers hold 20,000 of them."""
    before = _resident_kib(stage)
    codes = _flood(stage, 30000, timeout=150)
    assert codes.get("REFUSED", 0) == 0 and codes["NXDOMAIN"] > 29000
    assert _resident_kib(stage) - before < MEMORY_GROWTH_KIB
    assert stage.clients.dig(MCR).text == f"NOERROR {at.MCR.v4}"


def test_with_dead_resolvers_a_flood_is_answered_by_failures_and_all_is_well_afterwards(stage, unlimited):
    servers = [server.server for server in stage.lab.dns.servers]
    for server in servers:
        server.signal(signal.SIGSTOP)
    try:
        codes = _flood(stage, 200)
        assert codes == {"SERVFAIL": 200}
    finally:
        for server in servers:
            server.signal(signal.SIGCONT)
    assert wait_for(lambda: stage.clients.dig(EASTUS_DATA).text == f"NOERROR {at.MCR_DATA.v4}", seconds=8)
    assert _flood(stage, 100) == {"NXDOMAIN": 100}
