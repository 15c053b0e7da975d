"""The verdict log: what every line has, what the kernel denied, how flows ended, rotation."""

import os
import signal

import pytest

from lab import addresses as at
from lab.processes import wait_for
from lab.story import EVIL, MCR, UBUNTU, allow, deny, split_endpoint


def test_the_log_is_opened_anew_after_rotation(stage):
    gateway = stage.gateway
    rotated = gateway.log_file.with_suffix(".1")
    os.rename(gateway.log_file, rotated)
    size = rotated.stat().st_size
    gateway.signal(signal.SIGUSR1)
    assert wait_for(gateway.log_file.exists, seconds=3)
    assert stage.clients.curl(f"https://{MCR}/v2/").text == "200"
    assert gateway.find_verdict(0, allow(name=MCR).accepts)
    assert rotated.stat().st_size == size


def test_every_line_of_the_log_is_one_json_object_with_the_named_fields(stage):
    stage.clients.curl(f"https://{EVIL}/")
    stage.clients.curl(f"https://{MCR}/v2/")
    events = stage.gateway.events()
    assert events
    for event in events:
        assert {"time", "event", "action", "reason", "protocol"} <= event.keys(), event
        assert event["event"] in ("verdict", "end") and event["action"] in ("allow", "deny"), event


def _ends(stage, mark, **facts):
    stage.gateway.flows()  # listing them makes the kernel forget what is over; by itself it takes its time
    return [event for event in stage.gateway.events(mark)
            if event["event"] == "end" and event["bytes_in"] >= 1 << 20  # not the small ones of other tests
            and all(event.get(key) == value for key, value in facts.items())]


def test_a_flow_s_end_has_its_bytes_and_duration_whatever_way_it_went(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "login", "protocols": ["tcp"], "ports": [443],
                       "destinations": [at.LOGIN.v4, at.LOGIN.v6]}]})
    reloaded(add_rule)
    mark = stage.gateway.mark()
    assert stage.clients.curl(f"https://{MCR}/medium").text == "200"
    assert stage.clients.curl(f"https://{MCR}/medium", family=6).text == "200"
    assert stage.clients.curl(f"https://{MCR}/medium", address=at.HOSTILE.v4).text == "200"
    assert stage.clients.curl(f"http://{UBUNTU}/medium").text == "200"
    assert stage.clients.curl("https://login.microsoftonline.com/medium", address=at.LOGIN.v4).text == "200"
    wanted = [{"path": "inspect", "name": MCR, "protocol": "https", "rule": "aks-fqdn/mcr"},
              {"path": "proxy", "name": MCR, "protocol": "https", "rule": "aks-fqdn/mcr"},
              {"path": "proxy", "name": UBUNTU, "protocol": "http", "rule": "aks-recommended/ubuntu-updates"},
              {"path": "network", "protocol": "tcp", "rule": "net/login"}]
    assert wait_for(lambda: all(_ends(stage, mark, **facts) for facts in wanted)
                    and len(_ends(stage, mark, **wanted[0])) == 2, seconds=20)  # closed ones are kept for ten
    for facts in wanted:
        for end in _ends(stage, mark, **facts):
            assert end["bytes_in"] < (1 << 20) + 200_000, end
            assert 50 < end["bytes_out"] < 100_000, end
            assert 0 <= end["duration_ms"] < 8_000, end


# what is tried -> (the client, the protocol in the log, port, reason)
_DENIED = {
    "TCP": (lambda c, a: c.echo("tcp", a, 9999), "tcp", 9999, "no_rule"),
    "UDP": (lambda c, a: c.echo("udp", a, 9999), "udp", 9999, "no_rule"),
    "ICMP": (lambda c, a: c.ping(a), "icmp", None, "no_rule"),
    "DNS over UDP": (lambda c, a: c.echo("udp", a, 53), "udp", 53, "dns_other_resolver"),
    "DNS over TCP": (lambda c, a: c.echo("tcp", a, 53), "tcp", 53, "dns_other_resolver"),
    "DNS over TLS": (lambda c, a: c.echo("tcp", a, 853), "tcp", 853, "dns_over_tls"),
    "QUIC of a whole packet": (lambda c, a: c.echo("udp", a, 443, payload="q" * 1200), "udp", 443, "quic"),
}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("what", _DENIED)
def test_what_the_kernel_denied_has_its_line_with_its_reason(stage, what, family):
    client, protocol, port, reason = _DENIED[what]
    mark = stage.gateway.mark()
    client(stage.clients, at.HOSTILE.of(family))
    verdict = stage.gateway.find_verdict(mark, deny(reason, destination=at.HOSTILE, path="kernel").accepts)
    assert verdict["protocol"] == protocol
    assert split_endpoint(verdict["source"])[0] == at.NODE.of(family)
    assert split_endpoint(verdict["destination"])[1] == (str(port) if port else None)


@pytest.mark.parametrize("family", [4, 6])
def test_a_source_that_is_not_protected_gets_nothing_and_a_line(stage, family):
    lab, stranger = stage.lab, {4: "10.99.0.7", 6: "fd99::7"}[family]
    size, route = {4: 32, 6: 128}[family], f"{stranger} via {at.NODE.of(family)}"
    lab.node.add_addresses("lo", f"{stranger}/{size}")
    lab.gateway.ip(f"route add {route}")
    try:
        mark = stage.gateway.mark()
        for port in (443, 80, 8080):
            assert stage.clients.curl(f"http://{UBUNTU}:{port}/", family=family, address=at.UBUNTU.of(family),
                                      options=["--interface", stranger, "--max-time", "2"]).text == "refused"
            assert stage.gateway.find_verdict(mark, deny("source_not_protected", destination=at.UBUNTU,
                                                         port=port).accepts)
    finally:
        lab.gateway.ip(f"route del {route}")
        lab.node.ip(f"addr del {stranger}/{size} dev lo")
