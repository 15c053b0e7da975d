"""QUIC: rejected at once by default; with `quic: inspect` its hello is judged like TLS's, and stays judged.

The genuine server and the honest client are ngtcp2's; who plays tricks is our own quic_client.
"""

import contextlib

import pytest

from lab import addresses as at
from lab import quic_packets as quic
from lab.capture import UDP, Capture
from lab.laboratory import Laboratory
from lab.processes import wait_for
from lab.quic_client import SOURCE_ID, TRANSPORT_PARAMETERS
from lab.quic_server import RETRY_PORT, QuicServers, get
from lab.stage import FAMILIES, NOTHING_ARRIVED, Stage
from lab.story import allow, deny

ALLOWED, OTHER = "example.com", "other.example"  # of one server, by one certificate
RULE = "team/example"


def inspect(configuration):
    rule = configuration["collections"][0]["rules"][0]
    rule["quic"] = "inspect"
    rule["protocols"] = ["https:443", f"https:{RETRY_PORT}", "http:80"]


@pytest.fixture(scope="module")
def stage():
    with Laboratory() as lab, Stage(lab) as running:
        QuicServers(lab)
        yield running


@pytest.fixture(scope="module")
def inspecting(stage):
    assert stage.gateway.reload(inspect), stage.gateway.messages()
    yield stage
    assert stage.gateway.reload(), stage.gateway.messages()


def pin(stage):
    for kind in ("A", "AAAA"):
        assert stage.clients.dig(ALLOWED, kind).text.startswith("NOERROR ")


@contextlib.contextmanager
def outside(stage):
    """The UDP datagrams that leave the gateway for the server meanwhile, as a list at the end."""
    datagrams = []
    with Capture(stage.lab.internet, "uplink", stage.lab.captures, "udp") as wire:
        yield datagrams
        datagrams += [packet for packet in wire.settle()
                      if packet.protocol == UDP and packet.destination in at.EXAMPLE.both()]


def play(stage, trick, address=at.EXAMPLE.v4, port=443):
    """What the tricky client saw, and the datagrams that left the gateway meanwhile."""
    pin(stage)
    with outside(stage) as datagrams:
        seen = stage.clients.run(stage.lab.python("quic_client", address, str(port), trick, ALLOWED,
                                                  OTHER)).out.strip()
    return seen, datagrams


PORT_UNREACHABLE = {1: b"\x03\x03", 58: b"\x01\x04"}  # RFC 792; RFC 4443 §3.1


def refused(stage, name, address, **options):
    """Whether a real client was told at once that nobody listens there, and none of its datagrams got out."""
    with Capture(stage.lab.gateway, "inside", stage.lab.captures) as inside, outside(stage) as datagrams:
        assert get(stage, name, address, patience="500ms", **options).text == "no answer"
        packets = inside.settle()
    asked = [packet.time for packet in packets if packet.protocol == UDP and packet.destination == address]
    told = [packet.time for packet in packets
            if packet.protocol in PORT_UNREACHABLE and packet.payload[:2] == PORT_UNREACHABLE[packet.protocol]]
    return datagrams == [] and told != [] and told[0] - asked[0] < 0.2


def hello_bytes(datagrams):
    """Everything in the CRYPTO frames of the client's Initial packets, by whatever keys open them."""
    found = b""
    originals = {destination for packet in datagrams
                 for _, _, destination, _, _ in quic.packets(packet.payload)}
    for packet in datagrams:
        for kind, version, _, initial, number_at in quic.packets(packet.payload):
            for original in originals if kind == quic.INITIAL else ():
                found += quic.open_initial(initial, number_at, quic.Keys.derive(version, original)) or b""
    return found


def hellos(datagrams):
    """How many hellos of the tricky client those are: each has its transport parameters once."""
    kind = TRANSPORT_PARAMETERS.to_bytes(2, "big")
    return hello_bytes(datagrams).count(kind + len(SOURCE_ID).to_bytes(2, "big") + SOURCE_ID)


# without a rule that inspects it

@pytest.mark.parametrize("family", FAMILIES)
def test_an_http3_client_is_told_at_once_to_fall_back(stage, family):
    pin(stage)
    mark = stage.gateway.mark()
    assert refused(stage, ALLOWED, at.EXAMPLE.of(family))
    assert stage.gateway.find_verdict(mark, deny("quic", destination=at.EXAMPLE, path="kernel").accepts)
    assert play(stage, "ordinary", at.EXAMPLE.of(family)) == ("refused", [])  # a socket that listens to ICMP
    assert stage.clients.curl(f"https://{ALLOWED}/", family=family).text == "200"


# the honest client

@pytest.mark.parametrize("family", FAMILIES)
def test_an_allowed_name_is_forwarded_by_the_kernel(inspecting, family):
    pin(inspecting)
    mark = inspecting.gateway.mark()
    result = get(inspecting, ALLOWED, at.EXAMPLE.of(family))
    assert result.text == "200", result.out[-2000:]
    verdict = inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, destination=at.EXAMPLE, rule=RULE,
                                                          path="inspect").accepts)
    assert verdict["protocol"] == "quic"
    assert "inspected" in {flow.state for flow in inspecting.gateway.flows() if flow.protocol == "udp"
                           and at.EXAMPLE.of(family) == flow.destination}


def test_only_the_handshake_comes_to_the_queue(inspecting):
    pin(inspecting)
    before = inspecting.gateway.queued_packets()
    result = get(inspecting, ALLOWED, at.EXAMPLE.v4, path="/medium")
    assert result.text == "200"
    assert 0 < inspecting.gateway.queued_packets() - before < 10  # of about a thousand


def test_after_a_retry_the_second_initial_is_judged_too(inspecting):
    pin(inspecting)
    mark = inspecting.gateway.mark()
    assert get(inspecting, ALLOWED, at.EXAMPLE.v4, port=RETRY_PORT).text == "200"
    assert inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, port=RETRY_PORT).accepts)
    assert refused(inspecting, OTHER, at.EXAMPLE.v4, port=RETRY_PORT)


def test_a_resumed_session_with_early_data_is_forwarded(inspecting):
    pin(inspecting)
    folder = inspecting.lab.folder
    options = [f"--session-file={folder}/quic-session", f"--tp-file={folder}/quic-parameters"]
    assert get(inspecting, ALLOWED, at.EXAMPLE.v4, options=options).text == "200"
    with outside(inspecting) as datagrams:
        assert get(inspecting, ALLOWED, at.EXAMPLE.v4, options=options).text == "200"
    kinds = {kind for packet in datagrams for kind, *_ in quic.packets(packet.payload)}
    assert quic.ZERO_RTT in kinds


@pytest.mark.parametrize("family", FAMILIES)
def test_a_name_that_no_rule_allows_never_reaches_the_server(inspecting, family):
    pin(inspecting)
    mark = inspecting.gateway.mark()
    assert refused(inspecting, OTHER, at.EXAMPLE.of(family))
    verdict = inspecting.gateway.find_verdict(mark, deny("no_rule", name=OTHER, destination=at.EXAMPLE,
                                                         path="inspect").accepts)
    assert verdict["protocol"] == "quic"


def test_an_address_that_was_not_answered_for_the_name_is_rejected(inspecting):
    mark = inspecting.gateway.mark()
    assert inspecting.unreached(lambda: refused(inspecting, ALLOWED, at.HOSTILE.v4)) == f"True; {NOTHING_ARRIVED}"
    assert inspecting.gateway.find_verdict(mark, deny("quic", destination=at.HOSTILE, path="kernel").accepts)
    # pinned, but for another name whose rule says nothing of QUIC
    assert inspecting.clients.dig("mcr.microsoft.com").text.startswith("NOERROR ")
    mark = inspecting.gateway.mark()
    assert refused(inspecting, ALLOWED, at.MCR.v4)
    assert inspecting.gateway.find_verdict(mark, deny("name_address_mismatch", name=ALLOWED,
                                                      destination=at.MCR).accepts)
    mark = inspecting.gateway.mark()
    assert refused(inspecting, "mcr.microsoft.com", at.MCR.v4)
    assert inspecting.gateway.find_verdict(mark, deny("quic", name="mcr.microsoft.com", rule="aks-fqdn/mcr",
                                                      destination=at.MCR, path="inspect").accepts)


def test_another_version_is_rejected(inspecting):
    pin(inspecting)
    mark = inspecting.gateway.mark()
    assert refused(inspecting, ALLOWED, at.EXAMPLE.v4, options=["-v", "v2draft"])
    assert inspecting.gateway.find_verdict(mark, deny("not_tls", destination=at.EXAMPLE).accepts)


# the hello in odd shapes

@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("trick", ["ordinary", "split", "reversed", "shuffled", "early-data"])
def test_an_honest_hello_is_let_through_however_it_comes(inspecting, trick, family):
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, trick, at.EXAMPLE.of(family))
    assert seen == "initial"
    assert inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, rule=RULE).accepts)
    assert len({packet.source_port for packet in datagrams}) == 1  # one flow, also behind masquerade


def test_a_hello_of_version_2_is_judged(inspecting):
    mark = inspecting.gateway.mark()
    _, datagrams = play(inspecting, "version-2")  # ngtcp2 0.12 knows the draft's number only
    assert ALLOWED.encode() in hello_bytes(datagrams)
    assert inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, rule=RULE).accepts)


@pytest.mark.parametrize("trick", ["denied", "split-denied"])
def test_a_denied_hello_is_refused_at_once(inspecting, trick):
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, trick)
    assert (seen, datagrams) == ("refused", [])
    assert inspecting.gateway.find_verdict(mark, deny("no_rule", name=OTHER).accepts)


@pytest.mark.parametrize("trick, reason", [("overlap", "hello_overlap"), ("short-first", "not_tls")])
def test_what_could_be_read_in_two_ways_or_not_at_all_is_denied(inspecting, trick, reason):
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, trick)
    assert (seen, datagrams) == ("refused", [])
    assert inspecting.gateway.find_verdict(mark, deny(reason, destination=at.EXAMPLE).accepts)


def test_half_a_hello_times_out_and_nothing_of_it_gets_out(inspecting):
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, "half-and-half")
    assert (seen, datagrams) == ("silence", [])
    assert inspecting.gateway.find_verdict(mark, deny("hello_timeout", destination=at.EXAMPLE).accepts,
                                           seconds=7)


# another connection on the ports of one that is allowed

@pytest.mark.parametrize("trick, answer, reason", [
    ("second", "refused", "name_mismatch"), ("hidden", "refused", "name_mismatch"), ("draft", "silence", None),
    ("datagram-tls", "silence", None)])
def test_another_name_on_the_same_ports_never_reaches_the_server(inspecting, trick, answer, reason):
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, trick)
    assert seen == f"initial {answer}"
    assert ALLOWED.encode() in hello_bytes(datagrams)
    assert OTHER.encode() not in hello_bytes(datagrams) + b"".join(p.payload for p in datagrams)
    assert not any(p.payload[1:5] == b"\xff\0\0\x1d" for p in datagrams)
    if reason:
        assert inspecting.gateway.find_verdict(mark, deny(reason, name=ALLOWED).accepts)


def test_the_tricks_work_where_nothing_stands_in_their_way(inspecting):
    """With a network rule for UDP 443 the same datagrams do leave: the tests of them can fail."""
    def open_up(configuration):
        configuration["collections"].append(
            {"name": "open", "priority": 100, "action": "allow", "kind": "network",
             "rules": [{"name": "udp", "destinations": ["*"], "protocols": ["udp"], "ports": [443]}]})
    assert inspecting.gateway.reload(open_up)
    try:
        for trick in ("denied", "split-denied", "second", "hidden"):
            assert OTHER.encode() in hello_bytes(play(inspecting, trick)[1]), trick
        for trick in ("then-nameless", "then-encrypted"):
            assert hellos(play(inspecting, trick)[1]) == 2, trick
    finally:
        assert inspecting.gateway.reload(inspect)


# the switches of a rule

def with_switches(**switches):
    def change(configuration):
        inspect(configuration)
        configuration["collections"][0]["rules"][0].update(switches)
    return change


@pytest.fixture
def switched(inspecting):
    def switch(**switches):
        assert inspecting.gateway.reload(with_switches(**switches)), inspecting.gateway.messages()
    yield switch
    assert inspecting.gateway.reload(inspect), inspecting.gateway.messages()


def test_a_hello_without_a_name_passes_to_the_addresses_of_a_rule_that_says_so(inspecting, switched):
    mark = inspecting.gateway.mark()
    assert play(inspecting, "nameless") == ("refused", [])
    assert inspecting.gateway.find_verdict(mark, deny("no_name", destination=at.EXAMPLE).accepts)
    switched(no_sni="allow")
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, "nameless")
    assert seen == "initial" and datagrams
    verdict = inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, rule=RULE).accepts)
    assert (verdict["name_from"], verdict["protocol"]) == ("pin", "quic")
    # another name's, whose rule says nothing of QUIC
    assert inspecting.clients.dig("mcr.microsoft.com").text.startswith("NOERROR ")
    mark = inspecting.gateway.mark()
    assert play(inspecting, "nameless", at.MCR.v4) == ("refused", [])
    assert inspecting.gateway.find_verdict(mark, deny("no_name", destination=at.MCR).accepts)


def test_an_encrypted_hello_is_told_and_denied_by_a_rule_that_refuses_it(inspecting, switched):
    mark = inspecting.gateway.mark()
    assert play(inspecting, "encrypted")[0] == "initial"
    assert inspecting.gateway.find_verdict(mark, allow(name=ALLOWED, rule=RULE).accepts)["ech"] is True
    switched(ech="deny")
    mark = inspecting.gateway.mark()
    assert play(inspecting, "encrypted") == ("refused", [])
    assert inspecting.gateway.find_verdict(mark, deny("encrypted_hello", name=ALLOWED).accepts)["ech"] is True
    assert play(inspecting, "ordinary")[0] == "initial"  # without one


@pytest.mark.parametrize("trick, reason", [("then-nameless", "name_mismatch"),
                                           ("then-encrypted", "encrypted_hello")])
def test_a_switch_does_not_open_what_the_first_hello_did_not_ask(inspecting, switched, trick, reason):
    switched(no_sni="allow", ech="deny")
    mark = inspecting.gateway.mark()
    seen, datagrams = play(inspecting, trick)
    assert seen == "initial refused"
    assert hellos(datagrams) == 1
    assert inspecting.gateway.find_verdict(mark, deny(reason, name=ALLOWED).accepts)


# reload and end

def test_a_reload_that_no_longer_inspects_quic_cuts_its_flows(stage):
    assert stage.gateway.reload(inspect)
    pin(stage)
    assert get(stage, ALLOWED, at.EXAMPLE.v4).text == "200"
    mark = stage.gateway.mark()
    assert stage.gateway.reload()
    assert stage.gateway.find_verdict(mark, deny("revoked", name=ALLOWED, destination=at.EXAMPLE).accepts)
    assert "denied" in {flow.state for flow in stage.gateway.flows(at.EXAMPLE.v4) if flow.protocol == "udp"}


def test_the_end_of_a_quic_flow_has_its_line(stage):
    assert stage.gateway.reload(inspect)
    pin(stage)
    mark = stage.gateway.mark()
    assert get(stage, ALLOWED, at.EXAMPLE.v6, path="/medium").text == "200"
    stage.lab.gateway.run(["conntrack", "-D", "-p", "udp", "-d", at.EXAMPLE.v6], check=False)
    ends = []

    def look():
        ends[:] = [event for event in stage.gateway.events(mark) if event["event"] == "end"
                   and event.get("name") == ALLOWED and event["protocol"] == "quic"]
        return bool(ends)
    assert wait_for(look, seconds=3)
    assert ends[-1]["bytes_in"] > 1 << 20
    assert stage.gateway.reload()
