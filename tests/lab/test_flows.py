"""Connections through the proxy and the inspector: what is let through, how, and what is not."""

import subprocess

import pytest

from lab import addresses as at
from lab.laboratory import python_environment
from lab.processes import wait_for
from lab.story import EVIL, MCR, UBUNTU, allow, deny


def test_the_first_connection_to_a_fresh_address_is_proxied_and_the_next_inspected(stage):
    name, url = "acs-mirror.azureedge.net", "https://acs-mirror.azureedge.net/healthz"
    mark = stage.gateway.mark()
    assert stage.clients.curl(url, address=at.HOSTILE.v4).text == "200"
    assert stage.gateway.find_verdict(mark, allow(name=name).accepts)["path"] == "proxy"
    mark = stage.gateway.mark()
    assert stage.clients.curl(url, address=at.ACS_MIRROR.v4).text == "200"
    assert stage.gateway.find_verdict(mark, allow(name=name).accepts)["path"] == "inspect"


def test_the_hello_of_another_tls_library_is_judged_the_same(stage):
    assert stage.clients.gnutls(MCR).text == "connected"
    assert stage.clients.gnutls(EVIL, at.MCR.v4).text == "TLS refused"


def test_a_denial_over_http_names_its_reason(stage):
    result = stage.clients.run(["curl", "-sS", "--max-time", "5", "--connect-to", f"::{at.HOSTILE.v4}:",
                                f"http://{EVIL}/"])
    assert "no_rule" in result.out or "no rule" in result.out


@pytest.mark.parametrize("head", [
    "Content-Length: 4\r\nTransfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5",
    f"Host: {EVIL}", "Transfer-Encoding : chunked"])
def test_a_request_that_could_be_read_in_two_ways_never_reaches_a_server(stage, head):
    request = f"POST / HTTP/1.1\r\nHost: {UBUNTU}\r\n{head}\r\n\r\n0\r\n\r\n"
    mark = stage.gateway.mark()
    result, requests = stage.served(lambda: stage.clients.run(
        ["socat", "-t", "1", "-", f"TCP:{at.UBUNTU.v4}:80"], input=request, timeout=5))
    assert requests == []
    assert not result.out.startswith("HTTP/1.1 200")
    assert stage.gateway.find_verdict(mark, deny("http_malformed").accepts)


def test_half_a_hello_times_out_and_no_byte_of_it_gets_out(stage):
    stage.clients.curl(f"https://{MCR}/")  # pins the address
    mark = stage.gateway.mark()

    def send_half():
        return stage.clients.run(["socat", "-t", "8", "-T", "8", "-", f"TCP:{at.MCR.v4}:443"],
                                 input="\x16\x03\x01\x01\x00\x01\x00\x00\x7c", timeout=10)
    _, packets = stage.outside(send_half, "tcp port 443")
    assert [packet for packet in packets
            if packet.destination == at.MCR.v4 and packet.payload] == []
    assert stage.gateway.find_verdict(mark, deny("hello_timeout", destination=at.MCR).accepts)


def test_the_gateway_s_own_services_are_closed_to_the_outside(stage):
    for address in at.GATEWAY_OUTSIDE.both():
        done = subprocess.run(stage.lab.internet.inside(
            ["kdig", f"@{address}", "+timeout=1", "+retry=0", f"{MCR}.", "A"]), capture_output=True, text=True)
        assert "NOERROR" not in done.stdout


def test_nothing_from_outside_gets_in(stage):
    listener = stage.lab.node.start("listener", ["socat", "TCP6-LISTEN:7777,fork,reuseaddr", "EXEC:cat"],
                                    stage.lab.folder / "listener.log")
    try:
        stage.lab.internet.ip(f"route add {at.NODE.v4}/32 via {at.GATEWAY_OUTSIDE.v4}")
        done = subprocess.run(stage.lab.internet.inside(
            ["socat", "-t", "1", "-", f"TCP:{at.NODE.v4}:7777,connect-timeout=1"]),
            input="hello", capture_output=True, text=True)
        assert "hello" not in done.stdout
    finally:
        stage.lab.internet.ip(f"route del {at.NODE.v4}/32")
        listener.stop()


TWO_QUESTIONS = """
import socket, sys, time, dns.message
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
slowest = 0
for round in range(200):
    asked = socket.socket(family, socket.SOCK_DGRAM)
    asked.settimeout(2)
    asked.connect((sys.argv[1], 53))
    started = time.monotonic()
    for kind in ("A", "AAAA"):
        asked.send(dns.message.make_query(sys.argv[2], kind).to_wire())
    for answer in range(2):
        asked.recv(4096)
    slowest = max(slowest, time.monotonic() - started)
print(slowest < 1)
"""


@pytest.mark.parametrize("server", at.GATEWAY_INSIDE.both())
def test_both_questions_of_one_port_are_answered_without_a_stall(stage, server):
    """As resolvers ask for A and AAAA: the second must not be lost in connection tracking."""
    result = stage.clients.run(["/usr/bin/python3", "-c", TWO_QUESTIONS, server, MCR], timeout=20)
    assert result.out.strip() == "True", result


def test_without_a_free_port_the_next_connection_is_denied_and_later_ones_are_not(stage):
    """The kernel chooses the ports of the proxy's connections, four here for each of the server's addresses."""
    setting = "net.ipv4.ip_local_port_range"
    before = stage.lab.gateway.run(["sysctl", "-n", setting]).strip()
    request = f"GET / HTTP/1.1\r\nHost: {UBUNTU}\r\n\r\n".encode().hex()
    hold = stage.lab.python("http_client", at.UBUNTU.v4, "80", "3", request)
    stage.lab.gateway.sysctl({setting: "61000 61003"})
    try:
        mark = stage.gateway.mark()
        heard = stage.at_once(*[lambda: stage.clients.run(hold, env=python_environment(), timeout=15).out] * 12)
        assert sum("HTTP/1.1 200" in said for said in heard) == 8
        assert sum("HTTP/1.1 502" in said for said in heard) == 4
        assert {"connect_failed"} == {event["reason"] for event in stage.gateway.events(mark)
                                      if event.get("name") == UBUNTU and event.get("action") == "deny"}
    finally:
        stage.lab.gateway.sysctl({setting: before})
    assert stage.clients.curl(f"http://{UBUNTU}/").text == "200"


HELLO_FROM_PORT = """
import socket, sys
from lab import tls_hello
address, port, name = sys.argv[1:]
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
    client.bind(("", int(port)))
    client.settimeout(4)
    client.connect((address, 443))
    client.sendall(tls_hello.client_hello(name))
    first = client.recv(4096)
    print("server hello" if first[:1] == b"\\x16" else "refused", flush=True)
    while first[:1] == b"\\x15" and client.recv(4096):  # it closes first, so TIME_WAIT is on its side
        pass
"""


@pytest.mark.parametrize("family", [4, 6])
def test_a_port_that_was_proxied_a_moment_ago_is_inspected_when_its_address_is_pinned_by_now(stage, family):
    """The proxy's socket for the first one, in TIME_WAIT, must not take the second one's packets from the router."""
    name, port = "login.microsoftonline.com", str(40000 + family)
    host = {4: at.API_SERVER_ABROAD, 6: at.PICKY}[family]  # nobody has asked for their names

    def hello(name):
        return stage.clients.run(["/usr/bin/python3", "-c", HELLO_FROM_PORT, host.of(family), port, name], timeout=8).out
    assert hello(EVIL).startswith("refused")
    waiting = stage.lab.gateway.run(["ss", "-Htn", "state", "time-wait"])
    assert any(host.of(family) in line and f":{port}" in line for line in waiting.splitlines())
    stage.lab.dns.point(name, host)
    try:
        kind = {4: "A", 6: "AAAA"}[family]
        assert wait_for(lambda: stage.clients.dig(name, kind).text == f"NOERROR {host.of(family)}", seconds=5)
        mark = stage.gateway.mark()
        assert hello(name).startswith("server hello")
        assert stage.gateway.find_verdict(mark, allow(name=name, path="inspect").accepts)
    finally:
        stage.lab.dns.point(name, at.LOGIN)
