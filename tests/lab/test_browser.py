"""A real browser behind the gateway: how it gets over a QUIC that is refused, and its hellos that are judged.

Chromium is not among the laboratory's packages, for its size; these tests run where it is installed already.
"""

import pytest

from lab import addresses as at
from lab import browser
from lab.browser import Browser
from lab.capture import TCP, UDP, Capture
from lab.laboratory import Laboratory
from lab.quic_server import QuicServers
from lab.stage import Stage
from lab.story import allow, deny
from lab.test_quic import PORT_UNREACHABLE, inspect

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason="Debian's chromium is not installed")

NAME = "example.com"
RULE = "team/example"


@pytest.fixture(scope="module")
def stage():
    with Laboratory() as lab, Stage(lab) as running:
        QuicServers(lab)
        browser.provide_page(lab)
        yield running


@pytest.fixture
def inspecting(stage):
    assert stage.gateway.reload(inspect), stage.gateway.messages()
    yield stage
    assert stage.gateway.reload(), stage.gateway.messages()


OVER_TCP = ("h2", ["h2"] * browser.REQUESTS)  # the page, and what it asked for then
OVER_QUIC = ("h3", ["h3"] * browser.REQUESTS)


def watch(stage, visitor):
    """A visit, the packets on the node's side of the gateway, and those on the other side."""
    with Capture(stage.lab.gateway, "inside", stage.lab.captures) as inside:
        visit, outside = stage.outside(lambda: visitor.visit(NAME))
        return visit, inside.settle(), outside


def between(packets, protocol):
    """The packets with data between the node and the server, in either direction."""
    return [packet for packet in packets if packet.protocol == protocol and packet.payload
            and {packet.source, packet.destination} & set(at.EXAMPLE.both())]


def test_a_browser_that_is_offered_quic_stays_with_tcp(stage):
    visit, inside, outside = watch(stage, Browser(stage))
    assert (visit.page, visit.requests) == OVER_TCP, visit.out
    assert between(inside, UDP) and between(outside, UDP) == []  # it did try


def test_a_browser_that_begins_with_quic_has_the_page_over_tcp_within_a_second(stage):
    visitor = Browser(stage)
    assert stage.gateway.reload(inspect)
    assert visitor.visit(NAME).requests[-1] == "h3"  # it now knows that the server speaks it
    assert stage.gateway.reload()
    mark = stage.gateway.mark()
    visit, inside, outside = watch(stage, visitor)
    assert (visit.page, visit.requests) == OVER_TCP, visit.out
    asked, answered = between(inside, UDP), between(inside, TCP)
    told = [packet for packet in inside if packet.payload[:2] == PORT_UNREACHABLE.get(packet.protocol)
            and packet.source in at.GATEWAY_INSIDE.both()]
    assert asked[0].time < told[0].time < asked[0].time + 0.2
    assert answered[-1].time < asked[0].time + 1  # the page, and all that it asked for
    assert between(outside, UDP) == []
    assert stage.gateway.find_verdict(mark, deny("quic", destination=at.EXAMPLE, path="kernel").accepts)


def test_with_inspection_a_browser_has_the_page_over_quic(inspecting):
    visitor = Browser(inspecting)
    visitor.visit(NAME)
    mark = inspecting.gateway.mark()
    visit, _, outside = watch(inspecting, visitor)
    assert (visit.page, visit.requests) == OVER_QUIC, visit.out
    verdict = inspecting.gateway.find_verdict(mark, lambda event: event["protocol"] == "quic")
    assert allow(name=NAME, destination=at.EXAMPLE, rule=RULE, path="inspect").accepts(verdict)
    assert verdict["ech"] is True  # as all its hellos say, for fear of middleboxes that trip over it
    assert between(outside, UDP)
