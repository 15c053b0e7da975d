"""The gateway's daily life, end to end: what the story does not tell."""

import json
import os
import signal
import subprocess

import pytest

from lab import addresses as at
from lab.clients import Clients
from lab.dns import BIG_NAME
from lab.gateway import Gateway, default_configuration, program
from lab.laboratory import Laboratory
from lab.processes import wait_for
from lab.stage import NOTHING_ARRIVED, Stage
from lab.story import allow, deny

MCR, EVIL, UBUNTU = "mcr.microsoft.com", "evil.example", "security.ubuntu.com"


@pytest.fixture(scope="module")
def stage():
    with Laboratory() as lab, Stage(lab) as running:
        yield running


@pytest.fixture
def reloaded(stage):
    """A function that reloads with a change; the first configuration is back afterwards."""
    def reload(change):
        assert stage.gateway.reload(change), stage.gateway.messages()
    yield reload
    assert stage.gateway.reload()


@pytest.fixture
def restarted(stage):
    """A function that restarts with a change; the first configuration is back afterwards."""
    yield stage.gateway.restart
    stage.gateway.restart()


# configuration

def test_a_bad_configuration_changes_nothing_and_says_where_it_is_wrong(stage):
    def break_it(configuration):
        configuration["network"]["snat"] = "perhaps"
        configuration["collections"] = []
    messages = stage.gateway.messages_mark()
    assert not stage.gateway.reload(break_it)
    assert wait_for(lambda: "sallyport.yaml:" in stage.gateway.messages(messages), seconds=3)
    assert stage.clients.curl("https://example.com/").text == "200"
    assert stage.gateway.reload()


def test_what_takes_a_restart_is_refused_by_a_reload(stage):
    def move_the_listener(configuration):
        configuration["dns"]["listen"] = ["10.42.1.1:5353"]
    messages = stage.gateway.messages_mark()
    assert not stage.gateway.reload(move_the_listener)
    assert "dns.listen changed" in stage.gateway.messages(messages)
    assert stage.clients.dig(MCR).text == f"NOERROR {at.MCR.v4}"
    assert stage.gateway.reload()


def test_a_hangup_reloads_too(stage):
    def remove_the_team(configuration):
        configuration["collections"] = []
    stage.gateway.hang_up(remove_the_team)
    try:
        assert wait_for(lambda: stage.clients.dig("example.com").text == "REFUSED", seconds=5)
    finally:
        stage.gateway.hang_up()
    assert wait_for(lambda: stage.clients.curl("https://example.com/").text == "200", seconds=5)


def test_a_rule_may_be_for_one_source_only(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "second", "priority": 300, "action": "allow", "kind": "application",
            "rules": [{"name": "other", "sources": [at.NODE_SECOND.v4 + "/32"], "fqdns": ["other.example"],
                       "protocols": ["https:443"]}]})
    reloaded(add_rule)
    url = "https://other.example/"
    for source, expected in ((at.NODE.v4, "TLS refused"), (at.NODE_SECOND.v4, "200")):
        assert stage.clients.curl(url, address=at.EXAMPLE.v4,
                                  options=["--interface", source]).text == expected


def test_a_deny_collection_of_better_priority_wins(stage, reloaded):
    def add_denial(configuration):
        configuration["collections"].append({
            "name": "freeze", "priority": 100, "action": "deny", "kind": "application",
            "rules": [{"name": "example", "sources": ["*"], "fqdns": ["www.example.com"],
                       "protocols": ["https:443", "http:80"]}]})
    stage.clients.curl("https://www.example.com/")
    reloaded(add_denial)
    mark = stage.gateway.mark()
    assert stage.clients.curl("https://www.example.com/", address=at.EXAMPLE.v4).text == "TLS refused"
    assert stage.gateway.find_verdict(mark, deny("rule_denies", name="www.example.com",
                                                 rule="^freeze/example$").accepts)
    assert stage.clients.curl("https://example.com/").text == "200"


def test_a_network_rule_by_prefix_and_port_range(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "range", "sources": ["*"], "protocols": ["tcp"], "ports": ["8990-9010"],
                       "destinations": [f"{at.API_SERVER_A.v4}/32", f"{at.API_SERVER_A.v6}/128"]}]})
    reloaded(add_rule)
    assert stage.both(lambda family: stage.clients.echo(
        "tcp", at.API_SERVER_A.of(family), 9000).text) == "echoed"
    assert stage.clients.echo("tcp", at.API_SERVER_B.v4, 9000).text == "refused"


def test_an_icmp_rule_opens_icmp_and_nothing_else(stage, reloaded):
    def ping(host):
        return stage.both(lambda family: stage.clients.ping(host.of(family)).text)

    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "ping", "sources": ["*"], "protocols": ["icmp"], "ports": ["*"],
                       "destinations": [f"{at.EXAMPLE.v4}/32", f"{at.EXAMPLE.v6}/128"]}]})
    mark = stage.gateway.mark()
    assert stage.unreached(lambda: ping(at.HOSTILE)) == f"not answered; {NOTHING_ARRIVED}"
    assert stage.gateway.find_verdict(mark, deny("no_rule", destination=at.HOSTILE).accepts)
    assert ping(at.EXAMPLE) == "not answered"
    reloaded(add_rule)
    assert ping(at.EXAMPLE) == "answered"
    assert ping(at.HOSTILE) == "not answered"


# the log

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


def test_a_flow_s_end_has_its_bytes_and_duration(stage):
    mark = stage.gateway.mark()
    assert stage.clients.curl(f"https://{MCR}/medium").text == "200"

    def ends():
        stage.gateway.flows()  # listing them makes the kernel forget what is over; by itself it takes its time
        return [event for event in stage.gateway.events(mark)
                if event["event"] == "end" and event.get("name") == MCR]
    assert wait_for(ends, seconds=20)  # a closed connection is kept for ten
    end = ends()[-1]
    assert 1 << 20 <= end["bytes_in"] < (1 << 20) + 200_000
    assert 300 < end["bytes_out"] < 100_000
    assert 0 <= end["duration_ms"] < 8_000


def test_every_line_of_the_log_is_one_json_object_with_the_named_fields(stage):
    stage.clients.curl(f"https://{EVIL}/")
    stage.clients.curl(f"https://{MCR}/v2/")
    events = stage.gateway.events()
    assert events
    for event in events:
        assert {"time", "event", "action", "reason", "protocol"} <= event.keys(), event
        assert event["event"] in ("verdict", "end") and event["action"] in ("allow", "deny"), event


# DNS

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


# the proxy and the inspector

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


# verbs that ask the running gateway

def test_status_answers_in_words_and_in_json(stage):
    assert stage.gateway.run_verb("status").returncode == 0
    done = stage.gateway.run_verb("status", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)


# stopping

@pytest.mark.parametrize("on_stop", ["keep", "flush"])
def test_a_clean_stop_keeps_or_flushes_the_rules(on_stop):
    with Laboratory() as lab:
        configuration = default_configuration()
        configuration["network"]["on_stop"] = on_stop
        gateway, clients = Gateway(lab, configuration), Clients(lab)
        gateway.start()
        assert clients.curl(f"https://{MCR}/v2/").text == "200"
        assert gateway.stop() == 0
        assert gateway.has_ruleset() == (on_stop == "keep")
        if on_stop == "keep":
            assert not clients.curl(f"https://{MCR}/v2/", address=at.MCR.v4,
                                    options=["--max-time", "1"]).is_ok
        gateway.start()
        assert clients.curl(f"https://{MCR}/v2/").text == "200"


def test_a_second_gateway_on_the_same_host_is_refused(stage):
    done = subprocess.run(stage.lab.gateway.inside(
        [str(program()), "run", "-c", str(stage.gateway.configuration_file)]),
        capture_output=True, text=True, timeout=15)
    assert done.returncode != 0
    assert stage.clients.curl(f"https://{MCR}/v2/").text == "200"


# the explicit proxy

@pytest.fixture(scope="module")
def explicit(stage):
    """An explicit proxy without root, on a host that has the internet's names (the internet's namespace)."""
    lab = stage.lab
    lab.internet.provide_file("resolv.conf", f"nameserver {at.RESOLVER.v4}\n")
    lab.internet.provide_file("nsswitch.conf", "hosts: files dns\n")
    configuration = {"cluster": default_configuration()["cluster"], "log": {"file": "-"},
                     "dns": {"upstreams": [f"{at.RESOLVER.v4}:53"]}}
    folder = lab.folder / "explicit"
    folder.mkdir()
    folder.chmod(0o777)  # it writes its state there as nobody
    configuration["state"] = {"directory": str(folder / "state"), "socket": str(folder / "admin.sock")}
    file = folder / "sallyport.yaml"
    file.write_text(json.dumps(configuration))  # YAML holds JSON
    server = lab.start_server(lab.internet, "explicit", [
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all",
        str(program()), "run", "--explicit", "127.0.0.1:3128", "-c", str(file)])
    server.wait_until(lambda: "ready" in server.log.read_text(), "being ready")
    yield
    server.stop()


def _by_proxy(stage, url, *options):
    done = subprocess.run(stage.lab.internet.inside(
        ["curl", "-sS", "--max-time", "8", "-x", "http://127.0.0.1:3128", "--cacert",
         str(stage.lab.authority.certificate), "-o", "/dev/null", "-w", "%{http_code} %{http_connect}",
         *options, url]), capture_output=True, text=True)
    return done.stdout


def test_the_explicit_proxy_tunnels_an_allowed_name(stage, explicit):
    assert _by_proxy(stage, f"https://{MCR}/v2/") == "200 200"


def test_the_explicit_proxy_refuses_another_name(stage, explicit):
    assert _by_proxy(stage, f"https://{EVIL}/") == "000 403"


def test_the_explicit_proxy_forwards_an_allowed_absolute_request(stage, explicit):
    assert _by_proxy(stage, f"http://{UBUNTU}/") == "200 000"
    assert _by_proxy(stage, f"http://{EVIL}/") == "403 000"


def test_the_explicit_proxy_wants_the_tunnelled_hello_to_name_the_connect_name(stage, explicit):
    seen = _by_proxy(stage, f"https://{EVIL}/", "--connect-to", f"::{MCR}:443")
    assert seen == "000 200"
