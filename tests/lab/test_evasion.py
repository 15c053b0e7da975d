"""Clients with raw sockets: what they show the gateway must be what the server gets, or nothing gets out."""

import itertools

import pytest

from lab import addresses as at
from lab import hello_client
from lab.capture import Capture
from lab.clients import Clients
from lab.dns import PICKY_NAME
from lab.laboratory import Laboratory
from lab.plain_forwarding import PlainForwarding
from lab.stage import Stage
from lab.story import allow, deny

ALLOWED, OTHER = "mcr.microsoft.com", "evil.some.example"  # of one length: see fragment-gap
SOURCE_PORTS = itertools.count(41000)

OTHER_IN_ITS_PLACE = ("overlap", "second-hello", "bad-checksum", "reset-between", "decoy-ttl")
HONEST = ("ordinary", "shuffled", "repeated", "ttl", "honest-gap")
BEHIND_HEADERS = ("options", "routing", "atomic")

# The node's kernel knows nothing of these connections and would reset them; its resets have no window.
_QUIET = """\
table inet quiet {
    chain output {
        type filter hook output priority 0;
        tcp sport 41000-41999 tcp flags & rst == rst tcp window 0 drop
    }
}
"""


def play(lab, trick, family=4):
    """How the far end answered the trick, and the packets between gateway and server meanwhile."""
    server = at.MCR.of(family)
    command = lab.python("raw_client", at.NODE.of(family), server, "443", str(next(SOURCE_PORTS)), trick,
                         ALLOWED, OTHER)
    with Capture(lab.internet, "uplink", lab.captures, f"host {server}") as wire:
        answer = Clients(lab).run(command).out.strip()
        return answer, [packet for packet in wire.settle() if server in (packet.source, packet.destination)]


def to_server(packets):
    return [packet for packet in packets if packet.destination in at.MCR.both()]


def before_the_answer(packets):
    """Those before the server's first payload. With it the server has shown that it has read the hello: what
    comes in its place later is an old retransmission to the server, whatever is in it."""
    return list(itertools.takewhile(lambda packet: packet.source not in at.MCR.both() or not packet.payload, packets))


def has_left(packets, name):
    return any(name.encode() in packet.payload for packet in to_server(packets))


@pytest.fixture(scope="module")
def quiet_lab():
    with Laboratory() as lab:
        lab.node.run(["nft", "-f", "-"], input=_QUIET)
        yield lab


@pytest.fixture(scope="module")
def stage(quiet_lab):
    with Stage(quiet_lab) as running:
        for family in (4, 6):  # its addresses are pinned now
            assert running.clients.curl(f"https://{ALLOWED}/", family=family).text == "200"
        yield running


def test_the_tricks_work_where_nothing_stands_in_their_way(quiet_lab):
    with PlainForwarding(quiet_lab.gateway):
        for trick in HONEST:
            assert play(quiet_lab, trick)[0] == "server-hello", trick
        for trick in OTHER_IN_ITS_PLACE + ("out-of-window", "second-syn"):
            assert has_left(play(quiet_lab, trick)[1], OTHER), trick
        for trick, family in itertools.product(("fragments", "fragment-gap", "reset-first"), (4, 6)):
            answer, packets = play(quiet_lab, trick, family)
            assert (answer, has_left(packets, OTHER)) == ("server-hello", True), trick
        for trick in BEHIND_HEADERS:
            assert has_left(play(quiet_lab, trick, 6)[1], OTHER), trick
        assert has_left(play(quiet_lab, "urgent")[1], ALLOWED)
        assert any(p.is_syn and p.payload for p in to_server(play(quiet_lab, "syn-data")[1]))


@pytest.mark.parametrize("trick", HONEST)
def test_an_honest_hello_is_let_through_however_it_comes(stage, trick):
    mark = stage.gateway.mark()
    assert play(stage.lab, trick)[0] == "server-hello"
    assert stage.gateway.find_verdict(mark, allow(name=ALLOWED).accepts)


def test_the_time_to_live_of_a_hello_tells_nothing_about_where_it_ends(stage):
    with Capture(stage.lab.internet, "uplink", stage.lab.captures, "tcp port 443 and ip[8] < 16") as wire:
        assert play(stage.lab, "ttl")[0] == "server-hello"
        assert [p for p in wire.settle() if p.destination == at.MCR.v4 and p.payload] == []


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("trick", OTHER_IN_ITS_PLACE)
def test_another_hello_in_the_same_place_never_gets_out(stage, trick, family):
    _, packets = play(stage.lab, trick, family)
    assert not has_left(before_the_answer(packets), OTHER)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("trick", ["fragments", "fragment-gap", "out-of-window", "reset-first"])
def test_a_hello_of_another_name_is_read_behind_any_detour(stage, trick, family):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, trick, family)
    assert answer == "reset"
    assert not has_left(packets, OTHER)
    assert stage.gateway.find_verdict(mark, deny("no_rule", name=OTHER).accepts)


@pytest.mark.parametrize("family", [4, 6])
def test_a_stream_that_begins_anew_elsewhere_does_not_get_out(stage, family):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, "second-syn", family)
    assert answer == "silence"
    assert not has_left(packets, OTHER)
    assert stage.gateway.find_verdict(mark, deny("invalid_packet", destination=at.MCR).accepts)


@pytest.mark.parametrize("trick", BEHIND_HEADERS)
def test_a_hello_behind_an_extension_header_of_ipv6_is_judged(stage, trick):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, trick, 6)
    assert answer == "reset"
    assert not has_left(packets, OTHER)
    assert stage.gateway.find_verdict(mark, deny("no_rule", name=OTHER).accepts)


def test_an_honest_hello_behind_destination_options_is_let_through(stage):
    mark = stage.gateway.mark()
    assert play(stage.lab, "honest-options", 6)[0] == "server-hello"
    assert stage.gateway.find_verdict(mark, allow(name=ALLOWED).accepts)


@pytest.mark.parametrize("family", [4, 6])
def test_an_urgent_byte_in_a_hello_denies_it(stage, family):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, "urgent", family)
    assert answer == "reset"
    assert [p for p in to_server(packets) if p.payload] == []
    assert stage.gateway.find_verdict(mark, deny("hello_malformed", destination=at.MCR).accepts)


@pytest.mark.parametrize("family", [4, 6])
def test_segments_that_overlap_and_differ_are_denied(stage, family):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, "overlap", family)
    assert answer == "reset"
    assert [p for p in to_server(packets) if p.payload] == []
    assert stage.gateway.find_verdict(mark, deny("hello_overlap", destination=at.MCR).accepts)


@pytest.mark.parametrize("family", [4, 6])
def test_a_syn_with_data_is_dropped(stage, family):
    mark = stage.gateway.mark()
    answer, packets = play(stage.lab, "syn-data", family)
    assert (answer, packets) == ("silence", [])
    assert stage.gateway.find_verdict(mark, deny("syn_data", destination=at.MCR).accepts)


# a second hello, which the server asked for

def say_twice(stage, shape, address):
    """How the server answered the second hello, and what left for it, in order."""
    with Capture(stage.lab.internet, "uplink", stage.lab.captures, "tcp port 443") as wire:
        seen = stage.clients.odd_hello(address, PICKY_NAME, shape).text
        return seen, b"".join(packet.payload for packet in wire.settle() if packet.destination in at.PICKY.both())


@pytest.fixture(scope="module")
def picky(stage):
    """Its addresses are pinned now."""
    for family in (4, 6):
        assert stage.clients.curl(f"https://{PICKY_NAME}/", family=family).text == "200"
    return stage


@pytest.mark.parametrize("path, host", [("inspect", at.PICKY), ("proxy", at.HOSTILE)])
@pytest.mark.parametrize("family", [4, 6])
def test_a_second_hello_adds_and_changes_nothing(picky, path, host, family):
    refused = "reset" if path == "inspect" else "alert"
    for shape, reason, trace in (("retry-other", "name_mismatch", hello_client.other_name(PICKY_NAME).encode()),
                                 ("retry-ech", "encrypted_hello", hello_client.ENCRYPTED)):
        mark = picky.gateway.mark()
        seen, sent = say_twice(picky, shape, host.of(family))
        assert picky.gateway.find_verdict(mark, deny(reason, name=PICKY_NAME, path=path).accepts), shape
        assert (seen, sent.count(PICKY_NAME.encode()), trace in sent) == (refused, 1, False), shape
    seen, sent = say_twice(picky, "retry", host.of(family))
    assert (seen, sent.count(PICKY_NAME.encode())) == ("server-hello", 2)


@pytest.mark.parametrize("trick", ["cookie-reset", "cookie-end"])
def test_a_server_s_cookie_makes_no_second_connection_out_of_an_allowed_one(stage, trick):
    stage.lab.internet.sysctl({"net.ipv4.tcp_syncookies": 2})
    answer, packets = play(stage.lab, trick)
    assert answer in ("reset", "silence")
    assert not has_left(packets, OTHER)


def test_the_stream_s_order_is_tcp_s(stage):
    option = "tcp[tcpflags] & tcp-syn != 0 and tcp[12] > 0x50 and tcp[20] == 30"
    with Capture(stage.lab.internet, "uplink", stage.lab.captures, option) as wire:
        assert play(stage.lab, "multipath")[0] == "server-hello"
        assert wire.settle() == []


@pytest.fixture
def slow_answers(stage):
    """A bottleneck behind which the servers' answers wait, so that a next SYN overtakes the last one's."""
    change = ["tc", "qdisc", "add", "dev", "uplink", "root"]
    stage.lab.internet.run([*change, "tbf", "rate", "8kbit", "burst", "700", "latency", "5s"])
    yield
    stage.lab.internet.run(["tc", "qdisc", "del", "dev", "uplink", "root"])


def test_a_server_s_cookie_begins_no_stream_within_a_judged_hello(stage, slow_answers):
    stage.lab.internet.sysctl({"net.ipv4.tcp_syncookies": 2})
    answer, packets = play(stage.lab, "cookie-shift")
    assert answer == "reset"
    assert [packet for packet in to_server(packets) if packet.payload] == []


@pytest.mark.parametrize("family", [4, 6])
def test_a_syn_may_be_repeated(stage, family):
    stage.lab.internet.sysctl({"net.ipv4.tcp_syncookies": 2})
    assert play(stage.lab, "syn-twice", family)[0] == "server-hello"
