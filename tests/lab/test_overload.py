"""Too much of everything: allowed traffic recovers by itself, nothing that is not allowed leaves, memory is bounded."""

import json

import pytest

from lab import addresses as at
from lab.dns import MANY_NAMES
from lab.laboratory import Laboratory
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


def _works(stage):
    return stage.clients.curl(f"https://{MCR}/", options=["--max-time", "3"]).text == "200"


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
