"""The laboratory itself, checked with plain forwarding in the gateway's place."""

import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from lab import addresses as at
from lab import tls_hello
from lab.capture import Capture, stream_bytes
from lab.dns import BIG_NAME, METADATA_NAME, PICKY_NAME, WIRESERVER_NAME
from lab.laboratory import PYTHON, TESTS, Laboratory, python_environment
from lab.processes import CommandFailed, start_time_of, wait_for
from lab.web import SERVICES

pytestmark = pytest.mark.usefixtures("plain")
FAMILIES = pytest.mark.parametrize("family", [4, 6])
SHAPES = pytest.mark.parametrize("shape", ["whole", "segments", "records", "padded", "all"])
EXACT_NAMES = [names[0] for service, (_, names) in SERVICES.items() if service != "api-server-b"]


@FAMILIES
@pytest.mark.parametrize("name", EXACT_NAMES)
def test_every_name_that_a_cluster_needs_answers_over_https(lab, clients, name, family):
    mark = lab.web.mark()
    assert clients.curl(f"https://{name}/healthz", family=family).text == "200"
    assert [r["sni"] for r in lab.web.requests(mark)] == [name]


@FAMILIES
def test_the_registry_answers_its_version_check(clients, family):
    assert clients.curl("https://mcr.microsoft.com/v2/", family=family).text == "200"


def test_the_api_server_negotiates_http2(lab, clients):
    mark = lab.web.mark()
    assert clients.curl(f"https://{at.API_SERVER_NAME}/healthz").text == "200"
    assert lab.web.requests(mark)[-1]["alpn"] == "h2"


@FAMILIES
def test_the_api_server_answers_by_address_without_a_name(clients, family):
    assert clients.tls_without_name(at.API_SERVER_A.of(family)).text == "connected"


@FAMILIES
def test_gnutls_and_ping_work_too(clients, family):
    assert clients.gnutls("mcr.microsoft.com", at.MCR.of(family)).text == "connected"
    assert clients.ping(at.HOSTILE.of(family)).text == "answered"


@FAMILIES
def test_apt_installs_from_the_repository_into_a_root_of_its_own(clients, family):
    assert clients.apt_install(family).text == "installed"


@FAMILIES
def test_the_time_server_answers(clients, family):
    assert clients.ntp("ntp.ubuntu.com", family).text == "time received"


@FAMILIES
@pytest.mark.parametrize("protocol,port", [("udp", 1194), ("tcp", 9000)])
def test_the_tunnel_ports_echo(clients, family, protocol, port):
    assert clients.echo(protocol, at.API_SERVER_A.of(family), port).text == "echoed"
    assert clients.echo("tcp", at.API_SERVER_A.of(family), 9001).text == "refused"


def test_dns_follows_a_chain_to_another_zone(clients):
    result = clients.dig("mcr.microsoft.com")
    assert result.text == f"NOERROR {at.MCR.v4}"
    assert result.out.count("CNAME") == 3


def test_a_name_that_does_not_exist_is_a_name_error(clients):
    assert clients.dig("no.such.name").text == "NXDOMAIN"


def test_a_big_answer_is_truncated_over_udp_and_whole_over_tcp(clients):
    assert clients.dig(BIG_NAME, options=["+ignore"]).text == "NOERROR"
    assert len(clients.dig(BIG_NAME, options=["+tcp"]).text.split()) == 121


def test_some_names_answer_the_platform_s_own_addresses(clients):
    assert clients.dig(METADATA_NAME).text == "NOERROR 169.254.169.254"
    assert clients.dig(WIRESERVER_NAME).text == "NOERROR 168.63.129.16"


def test_both_dns_servers_follow_a_change(lab, clients):
    name = "login.microsoftonline.com"
    lab.dns.point(name, at.EXAMPLE)
    try:
        for server in (at.RESOLVER, at.RESOLVER_SECOND):
            assert clients.dig(name, server=server.v4).text == f"NOERROR {at.EXAMPLE.v4}"
            assert clients.dig(name, "AAAA", server=server.v6).text == f"NOERROR {at.EXAMPLE.v6}"
    finally:
        lab.dns.point(name, at.LOGIN)


@FAMILIES
@SHAPES
def test_a_server_understands_a_hello_in_every_shape(clients, shape, family):
    assert clients.odd_hello(at.MCR.of(family), "mcr.microsoft.com", shape).text == "server-hello"


@SHAPES
def test_a_hello_leaves_the_node_in_the_shape_asked_for(lab, clients, shape):
    with Capture(lab.internet, "uplink", lab.captures) as capture:
        clients.odd_hello(at.MCR.v4, "mcr.microsoft.com", shape)
        packets = [p for p in capture.settle() if p.destination == at.MCR.v4 and p.payload]
    flight = stream_bytes(capture.packets(), at.MCR.v4, 443)
    assert tls_hello.first_flight(flight) == flight
    in_segments, in_records = shape in ("segments", "all"), shape in ("records", "all")
    assert (len(packets) > 10) == in_segments
    assert (tls_hello.message_of(flight) != flight[tls_hello.RECORD_HEADER:]) == in_records
    assert (len(flight) >= 1700) == (shape in ("padded", "all"))


def test_a_padded_hello_crosses_the_links_in_more_than_one_packet(lab, clients):
    with Capture(lab.internet, "uplink", lab.captures) as capture:
        clients.odd_hello(at.MCR.v4, "mcr.microsoft.com", "padded")
        packets = [p for p in capture.settle() if p.destination == at.MCR.v4 and p.payload]
    assert len(packets) == 2


def test_one_server_asks_for_a_second_hello(lab, clients):
    with Capture(lab.internet, "uplink", lab.captures) as capture:
        assert clients.curl(f"https://{PICKY_NAME}/healthz").text == "200"
        flight = stream_bytes(capture.settle(), at.PICKY.v4, 443)
    assert flight.count(PICKY_NAME.encode()) == 2


@FAMILIES
def test_captures_on_both_sides_show_the_same_hello(lab, clients, family):
    address = at.API_SERVER_A.of(family)
    with Capture(lab.node, "eth0", lab.captures) as near, Capture(lab.internet, "uplink", lab.captures) as far:
        assert clients.curl(f"https://{at.API_SERVER_NAME}/healthz", family=family).text == "200"
        sent, arrived = (tls_hello.first_flight(stream_bytes(c.settle(), address, 443)) for c in (near, far))
    assert at.API_SERVER_NAME.encode() in sent
    assert sent == arrived


@FAMILIES
def test_the_hostile_host_answers_everything_and_writes_it_down(lab, clients, family):
    hostile, mark = at.HOSTILE.of(family), lab.hostile_mark()
    assert clients.curl("https://evil.example/", family=family, options=["-k"]).text == "200"
    assert clients.curl("http://mcr.microsoft.com/", address=hostile, family=family).text == "200"
    assert clients.curl(f"http://{at.bracketed(hostile)}:8080/", family=family).text == "200"
    assert clients.ssh(hostile).text == "connected"
    assert clients.echo("udp", hostile, 443).text == "echoed"
    resolver = at.HOSTILE_RESOLVER.of(family)
    for options in ([], ["+tcp"], ["+tls"]):
        assert clients.dig("any.name", server=resolver, options=options).text == f"NOERROR {at.HOSTILE.v4}"
    events = lab.hostile_events(mark)
    assert {(e["what"], e["port"]) for e in events} >= {
        ("connection", 443), ("connection", 80), ("connection", 8080), ("connection", 53),
        ("connection", 853), ("datagram", 443), ("datagram", 53)}
    assert any(b"evil.example" in bytes.fromhex(e["data"]) for e in events)


def test_the_second_resolver_answers_when_the_first_is_stopped(lab, clients):
    first = lab.dns.servers[0].server
    first.signal(signal.SIGSTOP)
    try:
        assert clients.dig("mcr.microsoft.com", server=at.RESOLVER.v4).text == "no answer"
        assert clients.dig("mcr.microsoft.com", server=at.RESOLVER_SECOND.v4).text == f"NOERROR {at.MCR.v4}"
    finally:
        first.signal(signal.SIGCONT)


# what a laboratory leaves behind

_HOLD = """
import signal, sys, time
from lab.laboratory import Laboratory
def end(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, end)
with Laboratory() as lab:
    print(lab.folder, flush=True)
    if sys.argv[1] == "fail":
        raise RuntimeError("on purpose")
    if sys.argv[1] == "keep":
        lab.keep()
        sys.exit(0)
    time.sleep(60)
"""


def _hold(how):
    return subprocess.Popen([PYTHON, "-c", _HOLD, how], env=python_environment(), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _left_behind(state, folder):
    """What is still there of a laboratory whose lab.json said `state`."""
    namespaces = {line.split()[0] for line in os.popen("ip netns").read().splitlines()}
    files = [f"/etc/netns/{name}" for name in state["namespaces"]] + [folder]
    return ([name for name in state["namespaces"] if name in namespaces]
            + [file for file in files if os.path.exists(file)]
            + [pid for pid, start_time in state["processes"] if start_time_of(pid) == start_time])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_laboratory_leaves_nothing_behind(how):
    holder = _hold("sleep")
    folder = holder.stdout.readline().strip()
    state = json.loads(pathlib.Path(folder, "lab.json").read_text())
    assert len(state["processes"]) >= 6
    assert _left_behind(state, folder)
    holder.send_signal(how)
    holder.wait(timeout=20)
    assert _left_behind(state, folder) == []


def test_a_laboratory_interrupted_while_it_is_built_leaves_nothing_behind():
    holder = _hold("sleep")
    names = [f"sp{holder.pid}{part}" for part in ("node", "gateway", "internet", "hostile")]
    assert wait_for(lambda: os.path.exists(f"/run/netns/{names[1]}"), seconds=10, every=0.005)
    holder.send_signal(signal.SIGINT)
    holder.wait(timeout=20)
    assert holder.stdout.read() == ""
    assert _left_behind({"namespaces": names, "processes": []}, "") == []


def test_a_laboratory_that_fails_leaves_nothing_behind():
    holder = _hold("fail")
    folder = holder.stdout.readline().strip()
    assert holder.wait(timeout=20) == 1
    names = [f"sp{holder.pid}{part}" for part in ("node", "gateway", "internet", "hostile")]
    assert _left_behind({"namespaces": names, "processes": []}, folder) == []


@pytest.mark.parametrize("how", ["keep", "kill"])
def test_what_a_kept_or_killed_laboratory_left_is_taken_down_by_the_demo(how):
    holder = _hold("keep" if how == "keep" else "sleep")
    folder = holder.stdout.readline().strip()
    state = json.loads(pathlib.Path(folder, "lab.json").read_text())
    if how == "kill":
        holder.kill()
    holder.wait(timeout=20)
    assert _left_behind(state, folder)
    done = subprocess.run([TESTS / "lab" / "demo", "--down", folder], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert _left_behind(state, folder) == []


def test_what_still_runs_in_a_laboratory_is_ended_with_it():
    with Laboratory() as lab:
        sleeper = lab.node.start("sleep", ["sleep", "60"], lab.folder / "sleep.log")
    assert wait_for(lambda: not sleeper.is_running(), seconds=2)


@pytest.mark.parametrize("report", [
    "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010", "a.c:1:2: runtime error: overflow",
    "WARNING: ThreadSanitizer: data race (pid=1)", "==1==LeakSanitizer has encountered a fatal error."])
def test_what_a_sanitizer_reports_of_any_process_fails_the_laboratory_at_its_end(report):
    with pytest.raises(CommandFailed, match=re.escape(report)):
        with Laboratory() as lab:
            lab.start_server(lab.gateway, "racer", ["echo", report]).process.wait(timeout=5)


def test_two_laboratories_live_side_by_side(lab):
    other = _hold("sleep")
    try:
        folder = other.stdout.readline().strip()
        assert re.match(r"/.*/sallyport-lab-", folder)
        assert folder != str(lab.folder)
    finally:
        other.terminate()
        other.wait(timeout=20)
