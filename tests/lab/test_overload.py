"""Too much of everything: allowed traffic recovers by itself, nothing that is not allowed leaves, memory is bounded."""

import json
import subprocess

import pytest

from lab import addresses as at
from lab.clients import Download
from lab.dns import MANY_NAMES
from lab.laboratory import Laboratory, python_environment
from lab.plain_forwarding import PlainForwarding
from lab.processes import wait_for
from lab.story import MCR, deny
from lab.watch import FORBIDDEN_NAME, Watch

RSS_GROWTH = 96 << 20  # bytes, for tables that are touched for the first time
CAPACITY = 64          # the smallest that may be configured


def _resident(gateway):
    with open(f"/proc/{gateway.server.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) * 1024


def _small_tables(configuration):
    configuration["capacity"] = {"pins": CAPACITY, "flows": CAPACITY, "sessions": CAPACITY, "admissions": 1024}


def _status(gateway):
    return json.loads(gateway.run_verb("status", "-o", "json").stdout)


def _flood(stage, kind, destination, port, count, name=MCR):
    result = stage.clients.run(stage.lab.python("flood_client", kind, at.NODE.v4, destination, str(port),
                                                str(count), name), timeout=60)
    assert result.is_ok, result.out
    return int(result.out)


def _works_within(stage, seconds):
    return stage.clients.curl(f"https://{MCR}/", options=["--max-time", str(seconds)]).text == "200"


def _works(stage):
    return _works_within(stage, 3)


def test_the_watch_sees_what_leaves_where_nothing_stands_in_its_way():
    with Laboratory() as lab, PlainForwarding(lab.gateway):
        with Watch(lab) as watch:
            assert wait_for(lambda: not watch.is_sending(), seconds=1) is False
        for port in (9999, 443, 53, 8080):
            assert any((packet.destination, packet.destination_port) == (at.HOSTILE.v4, port) for packet in watch.leaked)
        assert any(packet.destination == at.MCR.v4 and FORBIDDEN_NAME.encode() in packet.payload
                   for packet in watch.leaked)


# kind -> (address, port, how many, name)
_FLOODS = {
    "SYNs to an allowed address": ("syn", at.MCR.v4, 443, 5000, MCR),
    "SYNs to the proxy": ("syn", at.HOSTILE.v4, 443, 5000, MCR),
    "SYNs to nobody's port": ("syn", at.HOSTILE.v4, 9999, 5000, MCR),
    "halves of hellos": ("half-open", at.MCR.v4, 443, 400, MCR),
    "halves of hellos to the proxy": ("half-open", at.HOSTILE.v4, 443, 400, MCR),
    "slow hellos": ("slow", at.MCR.v4, 443, 200, MCR),
    "QUIC": ("datagrams", at.MCR.v4, 443, 5000, MCR),
    "fresh names below a wildcard": ("questions", at.GATEWAY_INSIDE.v4, 53, 5000, MANY_NAMES),
    "names that are not allowed": ("questions", at.GATEWAY_INSIDE.v4, 53, 5000, "evil.example"),
}


@pytest.fixture(scope="module")
def small(stage):
    """The running gateway with the smallest tables that there are."""
    stage.gateway.restart(_small_tables)
    yield stage
    stage.gateway.restart()


@pytest.mark.parametrize("flood", _FLOODS)
def test_a_flood_ends_and_leaves_nothing_behind(small, flood):
    kind, address, port, count, name = _FLOODS[flood]
    assert wait_for(lambda: _works(small), seconds=15)
    before = _resident(small.gateway)
    with Watch(small.lab) as watch:
        sent = _flood(small, kind, address, port, count, name)
        assert sent > 0
        assert wait_for(lambda: _works(small), seconds=15), small.gateway.messages()[-2000:]
    assert watch.leaked == []
    assert _resident(small.gateway) < before + RSS_GROWTH
    assert small.gateway.is_running()


# the kernel's own table

CONNECTIONS_MAX = "/proc/sys/net/netfilter/nf_conntrack_max"  # one limit for all; each namespace counts for itself


class FewConnections:
    """For the length of a `with` block no namespace tracks more than so many. A child sets the old limit again when
    its standard input ends, which it does however this process ends."""

    def __init__(self, limit):
        with open(CONNECTIONS_MAX, encoding="ascii") as file:
            before = file.read().strip()
        self._child = subprocess.Popen(
            ["sh", "-c", 'echo "$1" >"$3" && echo ready && cat >/dev/null; echo "$2" >"$3"', "sh", str(limit), before,
             CONNECTIONS_MAX], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, text=True)
        self.is_set = self._child.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stdin.close()
        self._child.wait(timeout=5)
        self._child.stdout.close()


def test_with_the_kernels_table_full_running_flows_go_on_and_new_ones_wait(stage):
    assert _works(stage)
    download = Download(stage.lab, f"https://{MCR}/slow/blob?rate=400k", address=at.MCR.v4)
    try:
        with Watch(stage.lab) as watch:
            flood = subprocess.Popen(stage.lab.node.inside(stage.lab.python(
                "flood_client", "half-open", at.NODE.v4, at.MCR.v4, "443", "64", MCR)), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=python_environment())
            assert wait_for(lambda: len(stage.gateway.flows(at.MCR.v4)) > 64, seconds=3)
            with FewConnections(32) as table:
                if not table.is_set:
                    pytest.skip(f"{CONNECTIONS_MAX} cannot be set here")
                assert not _works_within(stage, 1)
                assert not stage.clients.curl("https://evil.example/", address=at.HOSTILE.v4,
                                              options=["--max-time", "1"]).is_ok
                assert download.goes_on()
            flood.wait(timeout=10)
            assert wait_for(lambda: _works(stage), seconds=15), stage.gateway.messages()[-2000:]
            assert download.goes_on()
        assert watch.leaked == []
        assert stage.clients.dig("example.com").text == f"NOERROR {at.EXAMPLE.v4}"
    finally:
        download.end()


def test_more_hellos_than_the_table_holds_are_denied_with_a_reason_of_their_own(small):
    assert wait_for(lambda: _works(small), seconds=15)
    mark = small.gateway.mark()
    _flood(small, "half-open", at.MCR.v4, 443, 6 * CAPACITY)
    assert small.gateway.find_verdict(mark, deny("flows_full", destination=at.MCR).accepts)
    assert wait_for(lambda: _works(small), seconds=15)


def test_more_proxied_connections_than_there_is_room_for_are_reset(small):
    mark = small.gateway.mark()
    _flood(small, "half-open", at.HOSTILE.v4, 443, 6 * CAPACITY)
    assert small.gateway.find_verdict(mark, deny("sessions_full", destination=at.HOSTILE).accepts)
    assert wait_for(lambda: small.clients.curl(f"https://{MCR}/", address=at.HOSTILE.v4).text == "200", seconds=15)


def test_when_all_pins_are_in_use_new_names_wait_and_known_ones_go_on(small):
    assert wait_for(lambda: _works(small), seconds=15)
    mark = small.gateway.mark()
    _flood(small, "questions", at.GATEWAY_INSIDE.v4, 53, 20 * CAPACITY, MANY_NAMES)
    assert small.gateway.find_verdict(mark, deny("pins_full").accepts, seconds=4)
    assert _status(small.gateway)["pins"]["held"] <= CAPACITY
    assert wait_for(lambda: small.clients.dig(f"new.{MANY_NAMES}").text.startswith("NOERROR"), seconds=20)
    assert wait_for(lambda: _works(small), seconds=15)
