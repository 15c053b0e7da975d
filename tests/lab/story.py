"""The story: what clients in the node try, what must come of it, and what the gateway must say.

STEPS is data: `demo` prints it, test_story.py holds the gateway to it. A step's `run` plays it on a
Stage and returns what was seen, in the words of `expected`; `verdict` says which line the gateway's
own log must have.
"""

import json
import re
import subprocess
import time
from dataclasses import dataclass
from typing import Callable, Optional

from . import addresses as at
from . import tls_hello
from .capture import Capture, stream_bytes
from .clients import Download
from .dns import METADATA_NAME, PICKY_NAME, WIRESERVER_NAME
from .laboratory import python_environment
from .processes import wait_for
from .stage import NOTHING_ARRIVED
from .web import GIB, MEDIUM

MCR = "mcr.microsoft.com"
EASTUS_DATA = "eastus.data.mcr.microsoft.com"
DEEP_DATA = "x.y.data.mcr.microsoft.com"
APEX_DATA = "data.mcr.microsoft.com"
UBUNTU = "security.ubuntu.com"
EVIL = "evil.example"
ODD_SHAPES = ("segments", "records", "padded", "all")


def split_endpoint(text):
    """Address and port of "1.2.3.4:443" or "[2001:db8::1]:443"; a bare address, as of ICMP, has no port."""
    match = re.fullmatch(r"\[(.*)\]:(\d+)|([^:]*):(\d+)", text)
    if match is None:
        return text, None
    return match[1] or match[3], match[2] or match[4]


@dataclass(frozen=True)
class Expected:
    """A line that the gateway's log must have: all that is given must be so."""

    action: str
    reason: str
    name: Optional[str] = None
    destination: Optional[at.Host] = None
    port: Optional[int] = None
    rule: Optional[str] = None  # a regular expression
    path: Optional[str] = None  # how the flow was handled

    def is_about(self, verdict):
        """Whether the verdict is about what this step tried."""
        address, port = split_endpoint(verdict.get("destination", ""))
        return ((self.name is None or verdict.get("name") == self.name)
                and (self.destination is None or address in self.destination.both())
                and (self.port is None or port == str(self.port)))

    def accepts(self, verdict):
        return (self.is_about(verdict) and verdict.get("action") == self.action
                and verdict.get("reason") == self.reason
                and self.path in (None, verdict.get("path"))
                and (self.rule is None or re.search(self.rule, verdict.get("rule") or "") is not None))


@dataclass(frozen=True)
class Step:
    number: str
    what: str  # a sentence
    client: str  # what is typed in the node
    expected: str
    run: Callable
    verdict: Optional[Expected] = None

    @property
    def part(self):
        return int(self.number.partition(".")[0])


@dataclass(frozen=True)
class Outcome:
    """A step that was played."""

    step: Step
    seen: str
    verdict: Optional[dict]  # the gateway's line, the right one or else the last about the same

    @property
    def is_as_expected(self):
        good = self.step.verdict is None or (
            self.verdict is not None and self.step.verdict.accepts(self.verdict))
        return good and self.seen == self.step.expected


def play(step, stage):
    """Plays one step and looks up the gateway's own verdict on it."""
    mark = stage.gateway.mark()
    try:
        seen = step.run(stage)
    except Exception as problem:  # one broken step must not end the story
        seen = f"{type(problem).__name__}: {problem}"
    verdict = None
    if step.verdict is not None:
        verdict = (stage.gateway.find_verdict(mark, step.verdict.accepts)
                   or stage.gateway.find_verdict(mark, step.verdict.is_about, seconds=0))
    return Outcome(step, seen, verdict)


def allow(reason="rule_allows", **facts):
    return Expected("allow", reason, **facts)


def deny(reason, **facts):
    return Expected("deny", reason, **facts)


# Small plays that many steps share.

def fetch(url, **options):
    """curl over IPv4 and IPv6."""
    def run(stage):
        return stage.both(lambda family: stage.clients.curl(url, family=family, **options).text)
    return run


def unreached(play_it):
    """The same, seen from the hostile host as well."""
    def run(stage):
        return stage.unreached(lambda: play_it(stage))
    return run


def fetch_from(url, host, **options):
    """curl, dialling this host whatever the name in the URL resolves to."""
    def run(stage):
        return stage.both(lambda family: stage.clients.curl(
            url, family=family, address=host.of(family), **options).text)
    return run


# 1: the registry, and the way a flow takes

def _registry_download(stage):
    """Downloads 1 GiB and looks at its mark and at the queue while it runs."""
    download = subprocess.Popen(
        stage.lab.node.inside(["curl", "-sS", "-4", "--http1.1", "--max-time", "60", "--cacert",
                               str(stage.lab.authority.certificate), "-o", "/dev/null", "-w",
                               "%{size_download}", f"https://{MCR}/blob"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=python_environment())

    def states():
        return {flow.state for flow in stage.gateway.flows(at.MCR.v4)
                if flow.source_port in _local_ports(stage, at.MCR.v4)}
    wait_for(lambda: "inspected" in states(), seconds=3)
    seen_states = states()
    before = stage.gateway.queued_packets()
    out, problems = download.communicate(timeout=60)
    queued = stage.gateway.queued_packets() - before
    if download.returncode or int(out) != GIB:
        return f"curl exit {download.returncode}: {problems.strip()}"
    return f"1 GiB; mark {' '.join(sorted(seen_states)) or 'unknown'}; {queued} packets queued"


def _local_ports(stage, address):
    """The node's ports of its live connections to an address."""
    lines = stage.lab.node.run(["ss", "-Htn", "state", "established", "dst", address]).splitlines()
    return {int(line.split()[2].rpartition(":")[2]) for line in lines}


# 3: the API server by name

def _api_server_by_name(stage):
    def observe(family):
        lab, address = stage.lab, at.API_SERVER_A.of(family)
        with Capture(lab.node, "eth0", lab.captures) as near, \
                Capture(lab.internet, "uplink", lab.captures) as far:
            result, requests = stage.served(lambda: stage.clients.curl(
                f"https://{at.API_SERVER_NAME}/healthz", family=family))
            sent, arrived = (tls_hello.first_flight(stream_bytes(wire.settle(), address, 443))
                             for wire in (near, far))
        alpn = requests[-1]["alpn"] if requests else "no request"
        same = "identical" if sent and sent == arrived else f"differs ({len(sent)}, {len(arrived)} bytes)"
        return f"{result.text} over {alpn}; hello {same}"
    return stage.both(observe)


# 4: the API server by address

def _api_server_by_address(host):
    def run(stage):
        return stage.both(lambda family: stage.clients.tls_without_name(host.of(family), alpn="h2").text)
    return run


def _api_server_moves(stage):
    """Points the name to B and waits until B is let through, without asking anything meanwhile."""
    stage.lab.dns.point(at.API_SERVER_NAME, at.API_SERVER_B)
    stage.notes["api server moved"] = time.monotonic()
    connect = _api_server_by_address(at.API_SERVER_B)
    wait_for(lambda: connect(stage) == "connected", seconds=20, every=0.5)
    return connect(stage)


def _old_api_server_is_forgotten(stage):
    connect = _api_server_by_address(at.API_SERVER_A)
    wait_for(lambda: "connected" not in connect(stage), seconds=20, every=0.5)  # in both families
    return connect(stage)


# 5, 6: packages, time, tunnel

def _apt(stage):
    return stage.both(lambda family: stage.clients.apt_install(family).text)


def _time(stage):
    return stage.both(lambda family: stage.clients.ntp("ntp.ubuntu.com", family).text)


def _tunnel(protocol, port):
    def run(stage):
        return stage.both(lambda family: stage.clients.echo(
            protocol, at.API_SERVER_B.of(family), port).text)
    return run


def _with_tunnel_rules(run):
    """Plays with a profile whose cluster has no konnectivity-agent, then returns to the first one."""
    def with_rules(stage):
        def without_konnectivity(configuration):
            configuration["cluster"]["konnectivity"] = False
        if not stage.gateway.reload(without_konnectivity):
            return "the profile was refused"
        try:
            return run(stage)
        finally:
            stage.gateway.reload()
    return with_rules


# 7: what must not get out

def _genuine_instead(url, **options):
    """An allowed name at the hostile address: says who answered."""
    def run(stage):
        def observe(family):
            result, requests = stage.served(lambda: stage.clients.curl(
                url, family=family, address=at.HOSTILE.of(family), **options))
            return f"{result.text} from {requests[-1]['service']}" if requests else result.text
        return stage.unreached(lambda: stage.both(observe))
    return run


def _second_request(stage):
    """Two requests on one kept-alive connection, the second for another host."""
    def observe(family):
        options = ["-sS", f"-{family}", "--max-time", "8", "-o", "/dev/null",
                   "-w", "%{http_code} (%{num_connects} new) "]
        result = stage.clients.run(["curl", *options, f"http://{UBUNTU}/",
                                    "--next", *options, "-H", f"Host: {EVIL}", f"http://{UBUNTU}/"])
        return result.out.strip()
    return stage.unreached(lambda: stage.both(observe))


def _without_name(host):
    def run(stage):
        return stage.both(lambda family: stage.clients.tls_without_name(host.of(family)).text)
    return run


def _ssh(stage):
    return stage.both(lambda family: stage.clients.ssh(at.HOSTILE.of(family)).text)


def _dig(name, *options, server=at.GATEWAY_INSIDE):
    def run(stage):
        return stage.both(lambda family: stage.clients.dig(
            name, server=server.of(family), options=options).text, at_once=True)
    return run


def _quic(stage):
    return stage.both(lambda family: stage.clients.echo("udp", at.HOSTILE.of(family), 443).text)


# 8: hellos in odd shapes

def _odd_hello(shape, host, name):
    def run(stage):
        return stage.both(lambda family: stage.clients.odd_hello(host.of(family), name, shape).text)
    return run


def _odd_hello_denied(stage):
    """Every shape with a name that no rule allows, to an address that an allowed name has."""
    def observe():
        return {stage.clients.odd_hello(at.MCR.of(family), EVIL, shape).text
                for shape in ODD_SHAPES for family in (4, 6)}
    seen, packets = stage.outside(observe, "tcp port 443")
    leaked = sum(len(packet.payload) for packet in packets if packet.destination_port == 443)
    return f"{' or '.join(sorted(seen))}; {leaked} bytes of them outside"


# 9: answers that lead to the platform's own addresses

def _special_answer(name, *forbidden):
    def run(stage):
        seen = stage.clients.dig(name).text
        pinned = [address for address in forbidden if address in stage.gateway.pinned()]
        return f"{seen}; {'pinned: ' + ' '.join(pinned) if pinned else 'not pinned'}"
    return run


# 10: a crash and a restart

def _crash(stage):
    """kill -9 while a download runs: it goes on, and nothing new gets out."""
    stage.clients.curl(f"https://{EASTUS_DATA}/")  # a pin that the restart must bring back
    stage.gateway.wait_for_save(EASTUS_DATA)
    download = stage.notes["download"] = Download(
        stage.lab, f"https://{MCR}/slow/blob?rate=400k")
    known = at.MCR.v4
    ports = _local_ports(stage, known)
    stage.gateway.kill()

    def try_everything():
        clients, quick = stage.clients, ["--max-time", "1.5"]

        def curl(url, address, **options):
            return lambda: clients.curl(url, address=address, options=quick, **options).is_ok
        return stage.at_once(
            curl(f"https://{MCR}/v2/", known), curl(f"https://{MCR}/v2/", at.MCR.v6, family=6),
            curl(f"http://{UBUNTU}/", at.UBUNTU.v4), curl(f"https://{EVIL}/", at.HOSTILE.v4),
            lambda: clients.echo("udp", at.NTP.v4, 123).text == "echoed",
            lambda: clients.dig(MCR).text != "no answer",
            lambda: clients.dig(MCR, server=at.RESOLVER.v4).text != "no answer")
    goes_on = download.goes_on()
    answers, packets = stage.outside(try_everything)
    others = [packet for packet in packets
              if packet.source in at.GATEWAY_OUTSIDE.both()
              and not (packet.destination == known and packet.source_port in ports)]
    return (f"download {'goes on' if goes_on and download.goes_on() else 'stalls'}; "
            f"{sum(answers)} new connections answered; {len(others)} new packets outside")


def _restart(stage):
    """Starts it again: the pins are there before any name is asked for."""
    stage.gateway.start()
    download = stage.notes.pop("download")
    by_pin = stage.both(lambda family: stage.clients.curl(
        f"https://{EASTUS_DATA}/", family=family, address=at.MCR_DATA.of(family)).text)
    by_name = stage.both(lambda family: stage.clients.curl(f"https://{MCR}/v2/", family=family).text)
    goes_on = download.goes_on()
    download.end()
    return f"{by_pin} by the restored pin, {by_name} by name; download {'goes on' if goes_on else 'stalls'}"


# 11: reload under load

DOWNLOADS, REMOVED, RATE, LOAD_SECONDS = 100, 10, 500, 6
CURL_RESET = "56"  # "failure in receiving network data"; a time-out would be 28


def _parallel_downloads(stage, url, count, seconds):
    """curl with `count` connections at once; one line a transfer: HTTP status, bytes, exit code."""
    return subprocess.Popen(
        stage.lab.node.inside(["curl", "-sS", "-4", "--http1.1", "--parallel", "--parallel-immediate",
                               "--parallel-max", str(count), "--max-time", str(seconds), "--cacert",
                               str(stage.lab.authority.certificate),
                               "-w", "%{http_code} %{size_download} %{exitcode}\\n"]
                              + [word for _ in range(count) for word in ("-o", "/dev/null", url)]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=python_environment())


def _transfers(download, size, seconds):
    """How many transfers were whole and how many were reset on the way."""
    out, _ = download.communicate(timeout=seconds)
    rows = [line.split() for line in out.splitlines()]
    whole = sum(1 for status, got, code in rows if (status, int(got), code) == ("200", size, "0"))
    reset = sum(1 for status, got, code in rows if 0 < int(got) < size and code == CURL_RESET)
    return whole, reset


def _reload_under_load(stage):
    size = MEDIUM
    kept = _parallel_downloads(stage, f"https://{MCR}/slow/medium?rate=150k", DOWNLOADS, 40)
    removed = _parallel_downloads(stage, "https://example.com/slow/medium?rate=50k", REMOVED, 40)
    load = subprocess.Popen(
        stage.lab.node.inside(stage.lab.python("load_client", MCR, at.MCR.v4, "443", str(RATE),
                                               str(LOAD_SECONDS))),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=python_environment())
    try:
        time.sleep(2)

        def add_a_rule(configuration):
            configuration["collections"][0]["rules"].append(
                {"name": "more", "sources": ["*"], "fqdns": ["more.example"], "protocols": ["https:443"]})

        def remove_the_team(configuration):
            configuration["collections"] = []
        reloads = [stage.gateway.reload(add_a_rule)]
        time.sleep(2)
        reloads.append(stage.gateway.reload(remove_the_team))
        count = json.loads(load.communicate(timeout=40)[0])
        _, cut = _transfers(removed, size, 60)
        whole, _ = _transfers(kept, size, 60)
    finally:
        for process in (kept, removed, load):
            process.kill()
            process.wait()
        stage.gateway.reload()
    if reloads != [True, True]:
        return "a reload was refused"
    if count["opened"] < 0.95 * RATE * LOAD_SECONDS:
        return f"only {count['opened']} connections were opened"
    bad = count["opened"] - count["good"]
    return (f"{whole} downloads whole; {bad} of {RATE}/s new connections failed; "
            f"{cut} flows of the removed rule cut")


PARTS = {
    1: "The registry, and the way a flow takes",
    2: "Names below a wildcard",
    3: "The API server by name",
    4: "The API server by address, which changes",
    5: "Packages over plain HTTP",
    6: "Time, and the tunnel to the API server",
    7: "What must not get out",
    8: "Hellos in odd shapes",
    9: "Answers that lead to the platform's own addresses",
    10: "The gateway dies and comes back",
    11: "Reloads under load",
}

STEPS = [
    Step("1.1", "the registry answers through the gateway", f"curl https://{MCR}/v2/", "200",
         fetch(f"https://{MCR}/v2/"), allow(name=MCR)),
    Step("1.2", "a long download is forwarded by the kernel, not by the program",
         f"curl https://{MCR}/blob", "1 GiB; mark inspected; 0 packets queued",
         _registry_download, allow(name=MCR, path="inspect")),

    Step("2.1", "a name below a wildcard is allowed", f"curl https://{EASTUS_DATA}/", "200",
         fetch(f"https://{EASTUS_DATA}/"), allow(name=EASTUS_DATA)),
    Step("2.2", "a name two labels below a wildcard is allowed", f"curl https://{DEEP_DATA}/", "200",
         fetch(f"https://{DEEP_DATA}/"), allow(name=DEEP_DATA)),
    Step("2.3", "the wildcard's apex is not resolved", f"curl https://{APEX_DATA}/",
         "name not resolved", fetch(f"https://{APEX_DATA}/"), deny("dns_name", name=APEX_DATA)),
    Step("2.4", "the wildcard's apex is denied at the address of an allowed name",
         f"curl https://{APEX_DATA}/ --connect-to ::{at.MCR_DATA.v4}", "TLS refused",
         fetch_from(f"https://{APEX_DATA}/", at.MCR_DATA), deny("no_rule", name=APEX_DATA)),

    Step("3.1", "the region's API server sees the ClientHello byte for byte, ALPN included",
         f"curl https://{at.API_SERVER_NAME}/healthz", "200 over h2; hello identical",
         _api_server_by_name, allow(name=at.API_SERVER_NAME)),
    Step("3.2", "another region's API server is not resolved",
         f"curl https://{at.API_SERVER_NAME_ABROAD}/healthz", "name not resolved",
         fetch(f"https://{at.API_SERVER_NAME_ABROAD}/healthz"),
         deny("dns_name", name=at.API_SERVER_NAME_ABROAD)),
    Step("3.3", "another region's API server is denied when it is dialled by address",
         f"curl https://{at.API_SERVER_NAME_ABROAD}/ --connect-to ::{at.API_SERVER_ABROAD.v4}",
         "TLS refused", fetch_from(f"https://{at.API_SERVER_NAME_ABROAD}/", at.API_SERVER_ABROAD),
         deny("no_rule", name=at.API_SERVER_NAME_ABROAD)),

    Step("4.1", "the API server is reached by address, without a name in TLS",
         f"openssl s_client -connect {at.API_SERVER_A.v4}:443 -noservername", "connected",
         _api_server_by_address(at.API_SERVER_A), allow(destination=at.API_SERVER_A, port=443)),
    Step("4.2", "its DNS answer changes: the new address is allowed without a restart",
         f"openssl s_client -connect {at.API_SERVER_B.v4}:443 -noservername", "connected",
         _api_server_moves, allow(destination=at.API_SERVER_B, port=443)),
    Step("4.3", "its old address is denied once stale_after has passed",
         f"openssl s_client -connect {at.API_SERVER_A.v4}:443 -noservername", "TLS refused",
         _old_api_server_is_forgotten, deny("no_name", destination=at.API_SERVER_A, port=443)),

    Step("5.1", "apt updates and installs over plain HTTP", "apt-get update && apt-get install",
         "installed", _apt, allow(name="azure.archive.ubuntu.com")),

    Step("6.1", "the clock is set by ntp.ubuntu.com", "chronyd -Q 'server ntp.ubuntu.com'",
         "time received", _time, allow(destination=at.NTP, port=123)),
    Step("6.2", "with konnectivity the tunnel's UDP 1194 is closed",
         f"socat - UDP:{at.API_SERVER_B.v4}:1194", "refused", _tunnel("udp", 1194),
         deny("no_rule", destination=at.API_SERVER_B, port=1194)),
    Step("6.3", "with konnectivity the tunnel's TCP 9000 is closed",
         f"socat - TCP:{at.API_SERVER_B.v4}:9000", "refused", _tunnel("tcp", 9000),
         deny("no_rule", destination=at.API_SERVER_B, port=9000)),
    Step("6.4", "without konnectivity the profile opens UDP 1194 to the API server",
         f"socat - UDP:{at.API_SERVER_B.v4}:1194", "echoed", _with_tunnel_rules(_tunnel("udp", 1194)),
         allow(destination=at.API_SERVER_B, port=1194)),
    Step("6.5", "without konnectivity the profile opens TCP 9000 to the API server",
         f"socat - TCP:{at.API_SERVER_B.v4}:9000", "echoed", _with_tunnel_rules(_tunnel("tcp", 9000)),
         allow(destination=at.API_SERVER_B, port=9000)),

    Step("7.1", "an unlisted site is not resolved", f"curl https://{EVIL}/",
         f"name not resolved; {NOTHING_ARRIVED}", unreached(fetch(f"https://{EVIL}/")),
         deny("dns_name", name=EVIL)),
    Step("7.2", "an unlisted site is denied when it is dialled by address",
         f"curl https://{EVIL}/ --connect-to ::{at.HOSTILE.v4}", f"TLS refused; {NOTHING_ARRIVED}",
         unreached(fetch_from(f"https://{EVIL}/", at.HOSTILE)), deny("no_rule", name=EVIL)),
    Step("7.3", "an allowed name sent to a hostile address reaches the genuine host",
         f"curl https://{MCR}/ --connect-to ::{at.HOSTILE.v4}", f"200 from mcr; {NOTHING_ARRIVED}",
         _genuine_instead(f"https://{MCR}/"), allow(name=MCR, path="proxy")),
    Step("7.4", "an https-only name in a Host header at a hostile address is denied",
         f"curl http://{MCR}/ --connect-to ::{at.HOSTILE.v4}", f"403; {NOTHING_ARRIVED}",
         unreached(fetch_from(f"http://{MCR}/", at.HOSTILE)), deny("no_rule", name=MCR)),
    Step("7.5", "an allowed name in a Host header at a hostile address reaches the genuine host",
         f"curl http://{UBUNTU}/ --connect-to ::{at.HOSTILE.v4}", f"200 from ubuntu; {NOTHING_ARRIVED}",
         _genuine_instead(f"http://{UBUNTU}/"), allow(name=UBUNTU)),
    Step("7.6", "a second request on a kept-alive connection is judged too",
         f"curl http://{UBUNTU}/ --next -H 'Host: {EVIL}' http://{UBUNTU}/",
         f"200 (1 new) 403 (0 new); {NOTHING_ARRIVED}", _second_request, deny("no_rule", name=EVIL)),
    Step("7.7", "TLS without a name is denied at an allowed name's address",
         f"openssl s_client -connect {at.MCR.v4}:443 -noservername", "TLS refused",
         _without_name(at.MCR), deny("no_name", destination=at.MCR, port=443)),
    Step("7.8", "TLS without a name is denied at a hostile address",
         f"openssl s_client -connect {at.HOSTILE.v4}:443 -noservername",
         f"TLS refused; {NOTHING_ARRIVED}", unreached(_without_name(at.HOSTILE)),
         deny("no_name", destination=at.HOSTILE, port=443)),
    Step("7.9", "SSH on 443 is denied", f"ssh -p 443 {at.HOSTILE.v4}",
         f"no connection; {NOTHING_ARRIVED}", unreached(_ssh),
         deny("not_tls", destination=at.HOSTILE, port=443)),
    Step("7.10", "another port of an unlisted address is closed",
         f"curl http://{at.HOSTILE.v4}:8080/", f"refused; {NOTHING_ARRIVED}",
         unreached(fetch_from(f"http://{EVIL}:8080/", at.HOSTILE)),
         deny("no_rule", destination=at.HOSTILE, port=8080)),
    Step("7.11", "an unlisted name is refused over UDP", f"kdig {EVIL}",
         f"REFUSED; {NOTHING_ARRIVED}", unreached(_dig(EVIL)), deny("dns_name", name=EVIL)),
    Step("7.12", "an unlisted name is refused over TCP", f"kdig +tcp {EVIL}",
         f"REFUSED; {NOTHING_ARRIVED}", unreached(_dig(EVIL, "+tcp")), deny("dns_name", name=EVIL)),
    Step("7.13", "another resolver cannot be asked over UDP",
         f"kdig @{at.HOSTILE_RESOLVER.v4} {MCR}", f"no answer; {NOTHING_ARRIVED}",
         unreached(_dig(MCR, server=at.HOSTILE_RESOLVER)),
         deny("dns_other_resolver", destination=at.HOSTILE_RESOLVER, port=53)),
    Step("7.14", "another resolver cannot be asked over TCP",
         f"kdig +tcp @{at.HOSTILE_RESOLVER.v4} {MCR}", f"no answer; {NOTHING_ARRIVED}",
         unreached(_dig(MCR, "+tcp", server=at.HOSTILE_RESOLVER)),
         deny("dns_other_resolver", destination=at.HOSTILE_RESOLVER, port=53)),
    Step("7.15", "DNS over TLS is closed", f"kdig +tls @{at.HOSTILE_RESOLVER.v4} {MCR}",
         f"no answer; {NOTHING_ARRIVED}", unreached(_dig(MCR, "+tls", server=at.HOSTILE_RESOLVER)),
         deny("dns_over_tls", destination=at.HOSTILE_RESOLVER, port=853)),
    Step("7.16", "QUIC is rejected at once, so that clients fall back to TCP",
         f"socat - UDP:{at.HOSTILE.v4}:443", f"refused; {NOTHING_ARRIVED}", unreached(_quic),
         deny("quic", destination=at.HOSTILE, port=443)),

    Step("8.1", "a hello in many small segments is understood",
         f"hello_client {at.MCR.v4} {MCR} segments", "server-hello",
         _odd_hello("segments", at.MCR, MCR), allow(name=MCR)),
    Step("8.2", "a hello over several TLS records is understood",
         f"hello_client {at.MCR.v4} {MCR} records", "server-hello",
         _odd_hello("records", at.MCR, MCR), allow(name=MCR)),
    Step("8.3", "a hello of post-quantum size is understood",
         f"hello_client {at.MCR.v4} {MCR} padded", "server-hello",
         _odd_hello("padded", at.MCR, MCR), allow(name=MCR)),
    Step("8.4", "a hello that is all of this at once is understood",
         f"hello_client {at.MCR.v4} {MCR} all", "server-hello",
         _odd_hello("all", at.MCR, MCR), allow(name=MCR)),
    Step("8.5", "the same shapes with an unlisted name are denied",
         f"hello_client {at.MCR.v4} {EVIL} segments|records|padded|all", "reset; 0 bytes of them outside",
         _odd_hello_denied, deny("no_rule", name=EVIL)),
    Step("8.6", "a server that asks for a second hello gets it", f"curl https://{PICKY_NAME}/", "200",
         fetch(f"https://{PICKY_NAME}/"), allow(name=PICKY_NAME)),

    Step("9.1", "an allowed name that answers the metadata service's address is refused",
         f"kdig {METADATA_NAME}", "REFUSED; not pinned",
         _special_answer(METADATA_NAME, "169.254.169.254"), deny("special_address", name=METADATA_NAME)),
    Step("9.2", "an allowed name that answers the platform's own address is refused",
         f"kdig {WIRESERVER_NAME}", "REFUSED; not pinned",
         _special_answer(WIRESERVER_NAME, "168.63.129.16"),
         deny("special_address", name=WIRESERVER_NAME)),

    Step("10.1", "kill -9 of the gateway: what runs goes on, nothing new gets out",
         "curl, kdig, socat while the gateway is dead",
         "download goes on; 0 new connections answered; 0 new packets outside", _crash),
    Step("10.2", "after a restart all works, and the pins are there before any question",
         f"curl https://{EASTUS_DATA}/ --connect-to ::{at.MCR_DATA.v4}",
         "200 by the restored pin, 200 by name; download goes on", _restart,
         allow(name=EASTUS_DATA, path="inspect")),

    Step("11.1", "two reloads under load lose nothing; a removed rule cuts its running flows",
         f"{DOWNLOADS} downloads, {RATE} connections/s",
         f"{DOWNLOADS} downloads whole; 0 of {RATE}/s new connections failed; "
         f"{REMOVED} flows of the removed rule cut", _reload_under_load,
         deny("revoked", name="example.com")),
]
