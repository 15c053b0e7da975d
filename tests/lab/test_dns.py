"""The DNS proxy, end to end: transports, sizes, chains, the cache, silent upstreams."""

import re
import signal
import time

import pytest

from lab import addresses as at
from lab.dns import BIG_NAME, Record
from lab.gateway import default_configuration
from lab.processes import wait_for
from lab.stage import NOTHING_ARRIVED
from lab.story import EASTUS_DATA, EVIL, MCR, allow

WORKERS = default_configuration()["workers"]  # each has a cache of its own


@pytest.mark.parametrize("options", [[], ["+tcp"], ["+noedns"]])
def test_an_answer_keeps_its_chain(stage, options):
    result = stage.clients.dig(MCR, options=options)
    assert result.text == f"NOERROR {at.MCR.v4}"
    assert result.out.count("CNAME") == 3


def test_a_big_answer_is_truncated_over_udp_and_whole_over_tcp(stage):
    truncated = stage.clients.dig(BIG_NAME, options=["+ignore", "+bufsize=1232"])
    assert " tc" in truncated.out.lower()
    assert len(stage.clients.dig(BIG_NAME, options=["+tcp"]).text.split()) == 121


def test_a_name_that_does_not_exist_below_an_allowed_wildcard_is_a_name_error(stage):
    assert stage.clients.dig("nothing.data.mcr.microsoft.com").text == "NXDOMAIN"


def test_a_refusal_says_why(stage):
    assert "EDE" in stage.clients.dig(EVIL, options=["+edns"]).out


def test_refusals_may_be_name_errors(stage, restarted):
    def answer_nxdomain(configuration):
        configuration["dns"]["answer"] = "nxdomain"
    restarted(answer_nxdomain)
    assert stage.clients.dig(EVIL).text == "NXDOMAIN"


@pytest.mark.parametrize("stopped", [0, 1])
def test_names_resolve_while_one_upstream_is_silent(stage, stopped):
    server = stage.lab.dns.servers[stopped].server
    server.signal(signal.SIGSTOP)
    try:
        for name, host in ((MCR, at.MCR), ("management.azure.com", at.MANAGEMENT)):
            assert stage.clients.dig(name, options=["+timeout=5"]).text == f"NOERROR {host.v4}"
    finally:
        server.signal(signal.SIGCONT)


def test_with_all_upstreams_dead_clients_that_know_an_address_go_on(stage):
    """The pin of this name lasts as long as its time to live, five minutes; that of the other has ended."""
    other = "management.azure.com"
    for name in (EASTUS_DATA, other):
        assert stage.clients.dig(name).text.startswith("NOERROR ")
    servers = [server.server for server in stage.lab.dns.servers]
    for server in servers:
        server.signal(signal.SIGSTOP)
    try:
        time.sleep(5)  # dns.stale_after, and a second
        mark = stage.gateway.mark()
        assert stage.clients.curl(f"https://{EASTUS_DATA}/", address=at.MCR_DATA.v4).text == "200"
        assert stage.gateway.find_verdict(mark, allow(name=EASTUS_DATA, path="inspect").accepts)
        assert not stage.clients.curl(f"https://{other}/", address=at.MANAGEMENT.v4, options=["--max-time", "1"]).is_ok
    finally:
        for server in servers:
            server.signal(signal.SIGCONT)
    assert wait_for(lambda: stage.clients.curl(f"https://{other}/", address=at.MANAGEMENT.v4).text == "200", seconds=8)


def test_with_intercept_queries_to_any_resolver_are_answered_by_the_gateway(stage, restarted):
    def intercept(configuration):
        configuration["dns"]["intercept"] = True
    restarted(intercept)

    def ask():
        return stage.both(lambda family: ", ".join(
            stage.clients.dig(name, server=at.HOSTILE_RESOLVER.of(family), options=options).text
            for name in (MCR, EVIL) for options in ([], ["+tcp"])))
    assert stage.unreached(ask) == \
        f"NOERROR {at.MCR.v4}, NOERROR {at.MCR.v4}, REFUSED, REFUSED; {NOTHING_ARRIVED}"


@pytest.mark.parametrize("server", at.GATEWAY_INSIDE.both())
@pytest.mark.parametrize("options", [[], ["+tcp"]])
@pytest.mark.parametrize("kind,address", [("A", at.MCR.v4), ("AAAA", at.MCR.v6)])
def test_both_kinds_of_addresses_are_answered_over_both_families(stage, server, options, kind, address):
    assert stage.clients.dig(MCR, kind, server=server, options=options).text == f"NOERROR {address}"


def test_a_client_that_gets_a_truncated_answer_asks_again_over_tcp(stage):
    result = stage.clients.dig(BIG_NAME)
    assert "retrying over TCP" in result.out
    assert len(result.text.split()) == 121


def test_an_answer_speaks_edns_when_the_question_does(stage):
    assert "EDNS PSEUDOSECTION" in stage.clients.dig(MCR, options=["+edns"]).out
    assert "EDNS PSEUDOSECTION" not in stage.clients.dig(MCR, options=["+noedns"]).out


def test_several_questions_may_come_over_one_connection(stage):
    result = stage.clients.run(["kdig", f"@{at.GATEWAY_INSIDE.v4}", "+tcp", "+keepopen", f"{MCR}.", "A",
                                "management.azure.com.", "A", f"{EVIL}.", "A"])
    assert re.findall(r"status: (\w+)", result.out) == ["NOERROR", "NOERROR", "REFUSED"]


def _asked_upstream(stage, name, play):
    """What `play()` returns, and how many questions for the name left the gateway meanwhile."""
    label = name.split(".")[0].encode()
    seen, packets = stage.outside(play, "port 53")
    return seen, sum(1 for packet in packets if packet.destination_port == 53
                     and bytes([len(label)]) + label in packet.payload)


def test_a_negative_answer_is_kept_for_as_long_as_the_zone_says(stage):
    name = "nowhere.data.mcr.microsoft.com"
    seen, asked = _asked_upstream(stage, name, lambda: [
        stage.clients.dig(name, options=options).text for options in ([], ["+tcp"]) * 4])
    assert set(seen) == {"NXDOMAIN"}
    assert 1 <= asked <= WORKERS
    time.sleep(2.1)  # the zone's limit is 2 s
    assert _asked_upstream(stage, name, lambda: stage.clients.dig(name).text) == ("NXDOMAIN", 1)


def test_an_answer_is_kept_and_its_time_to_live_runs_down(stage):
    def ask():
        return [int(ttl) for _ in range(4 * WORKERS) for ttl in re.findall(
            r"^\S+\s+(\d+)\s+IN\s", stage.clients.dig(EASTUS_DATA).out, re.M)]
    first, asked = _asked_upstream(stage, EASTUS_DATA, ask)
    assert asked <= WORKERS
    time.sleep(1.1)
    assert 0 < min(ask()) < min(first)


@pytest.mark.parametrize("kind,address", [
    ("A", "192.0.0.192"), ("A", "127.0.0.1"), ("AAAA", "::ffff:169.254.169.254"), ("AAAA", "::169.254.169.254"),
    ("AAAA", "::ffff:0:169.254.169.254"), ("AAAA", "64:ff9b::a9fe:a9fe"), ("AAAA", "64:ff9b:1::a9fe:a9fe"),
    ("AAAA", "2002:a9fe:a9fe::1"), ("AAAA", "2001:0:4136:e378:8000:63bf:5601:5601")])
def test_a_name_that_is_pointed_at_a_special_address_in_disguise_is_not_answered(stage, kind, address):
    name = "rebound.data.mcr.microsoft.com"
    for server in stage.lab.dns.servers:
        server.replace(name, [Record(name, kind, address, 0)])
    mark = stage.gateway.mark()
    assert stage.clients.dig(name, kind).text == "REFUSED"
    assert stage.gateway.find_verdict(mark, lambda verdict: verdict["reason"] == "special_address")


def test_the_links_of_a_chain_are_not_names_of_the_policy(stage):
    assert stage.clients.dig("star.t-0001.t-msedge.net").text == "REFUSED"
    assert stage.clients.curl(f"https://{EASTUS_DATA}/").text == "200"
    assert stage.clients.curl("https://star.t-0001.t-msedge.net/",
                              address=at.MCR_DATA.v4).text == "TLS refused"


def test_a_dead_resolver_s_port_is_passed_over_at_once(stage, restarted):
    def put_a_dead_one_first(configuration):
        configuration["dns"]["upstreams"].insert(0, f"{at.EXAMPLE.v4}:53")  # nobody listens there
    restarted(put_a_dead_one_first)
    for name in (MCR, "management.azure.com", "x.y.data.mcr.microsoft.com"):
        assert stage.clients.dig(name).text.startswith("NOERROR 203.")


def test_with_all_resolvers_silent_a_question_is_answered_by_a_server_failure(stage):
    servers = [server.server for server in stage.lab.dns.servers]
    for server in servers:
        server.signal(signal.SIGSTOP)
    try:
        assert stage.clients.dig("silent.data.mcr.microsoft.com", timeout=12).text == "SERVFAIL"
    finally:
        for server in servers:
            server.signal(signal.SIGCONT)
