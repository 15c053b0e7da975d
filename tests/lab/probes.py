"""What is tried through a gateway and through the exports that are to judge as it does, as data.

A probe's verdict is the gateway's own. "allowed" means that the genuine host of the name answered, whichever
address the client had dialled.
"""

from dataclasses import dataclass
from typing import Callable, Optional

from . import addresses as at
from .dns import METADATA_NAME, PRIVATE_NAME, WIRESERVER_NAME
from .story import APEX_DATA, DEEP_DATA, EASTUS_DATA, EVIL, MCR, ODD_SHAPES, UBUNTU

MANAGEMENT = "management.azure.com"
ALLOWED, DENIED = "allowed", "denied"
# A client's words for "it got through"; the first ones tell nothing of how many requests there were.
NO_REQUEST = ("connected", "server-hello", "installed")
REACHED = (*NO_REQUEST, "200")


@dataclass(frozen=True)
class Probe:
    what: str
    verdict: str
    run: Callable  # (clients, family) -> a client's words
    service: Optional[str] = None  # the genuine server that sees the request, if any does
    before: int = 0  # requests that are served before the one that is judged


# ------------------------------------------------------------------------ how to try

def fetch(url, host=None, *options):
    """curl; with `host` it dials that one, whatever the URL's name resolves to."""
    def run(clients, family):
        return clients.curl(url, family=family, address=host.of(family) if host else None, options=options).text
    return run


def attempt(url, host=None, *options):
    """The same by a client that takes any certificate, so that a refusal is the gateway's."""
    return fetch(url, host, "--insecure", *options)


def hello(name, shape, host):
    def run(clients, family):
        return clients.odd_hello(host.of(family), name, shape).text
    return run


def without_name(host):
    def run(clients, family):
        return clients.tls_without_name(host.of(family)).text
    return run


def second_request(name):
    """Two requests over one connection, the second one for this name; its status, if it was one connection."""
    def run(clients, family):
        options = ["-sS", f"-{family}", "--max-time", "8", "-o", "/dev/null",
                   "-w", "%{http_code}/%{num_connects} "]
        out = clients.run(["curl", *options, f"http://{UBUNTU}/",
                           "--next", *options, "-H", f"Host: {name}", f"http://{UBUNTU}/"]).out.split()
        return out[1].removesuffix("/0") if out[0] == "200/1" and out[1].endswith("/0") else " ".join(out)
    return run


def raw(host, *lines):
    """A request written by hand; the status of the answer."""
    def run(clients, family):
        request = "".join(f"{line}\r\n" for line in (*lines, ""))
        out = clients.run(["socat", "-t", "3", "-T", "3", "-", f"TCP{family}:{at.bracketed(host.of(family))}:80"],
                          input=request, timeout=8).out
        return out.split(" ")[1] if out.startswith("HTTP/1.") else "closed"
    return run


def through_proxy(url, *options):
    """curl that is told of a proxy."""
    def run(clients, family):
        proxy = f"http://{at.bracketed(at.GATEWAY_INSIDE.of(family))}:3128"
        return clients.curl(url, family=family, options=["--proxy", proxy, *options]).text
    return run


def attempt_through_proxy(url, *options):
    return through_proxy(url, "--insecure", *options)


def apt(clients, family):
    return clients.apt_install(family).text


PROBES = [
    Probe("the registry", ALLOWED, fetch(f"https://{MCR}/v2/"), service="mcr"),
    Probe("a name below a wildcard", ALLOWED, fetch(f"https://{EASTUS_DATA}/"), service="data.mcr"),
    Probe("a name two labels below a wildcard", ALLOWED, fetch(f"https://{DEEP_DATA}/"), service="data.mcr"),
    Probe("Azure Resource Manager", ALLOWED, fetch(f"https://{MANAGEMENT}/"), service="management"),
    Probe("the API server by name", ALLOWED, fetch(f"https://{at.API_SERVER_NAME}/healthz"),
          service="api-server-a"),
    Probe("the team's name over https", ALLOWED, fetch("https://example.com/"), service="example"),
    Probe("a name below the team's wildcard over https", ALLOWED, fetch("https://www.example.com/"),
          service="example"),
    Probe("the team's name over http", ALLOWED, fetch("http://example.com/"), service="example"),
    Probe("an Ubuntu name over http", ALLOWED, fetch(f"http://{UBUNTU}/"), service="ubuntu"),
    Probe("apt-get update and install", ALLOWED, apt),
    Probe("Host: in other letters and with its port", ALLOWED,
          fetch(f"http://{UBUNTU}/", None, "-H", "Host: Security.Ubuntu.COM:80"), service="ubuntu"),
    Probe("an absolute URL that agrees with Host:", ALLOWED,
          fetch(f"http://{UBUNTU}/", None, "--request-target", f"http://{UBUNTU}/"), service="ubuntu"),
    *(Probe(f"an allowed name's hello, {shape}", ALLOWED, hello(MCR, shape, at.MCR)) for shape in ODD_SHAPES),
    Probe("SNI in other letters", ALLOWED, hello("MCR.Microsoft.com", "whole", at.MCR)),

    Probe("an unlisted name", DENIED, attempt(f"https://{EVIL}/")),
    Probe("an unlisted name by address", DENIED, attempt(f"https://{EVIL}/", at.HOSTILE)),
    Probe("an unlisted name at an allowed name's address", DENIED, attempt(f"https://{EVIL}/", at.MCR)),
    Probe("an unlisted name that shares an allowed name's address", DENIED,
          attempt("https://other.example/", at.EXAMPLE)),
    *(Probe(f"an unlisted name's hello, {shape}", DENIED, hello(EVIL, shape, at.MCR)) for shape in ODD_SHAPES),
    Probe("a wildcard's apex", DENIED, attempt(f"https://{APEX_DATA}/", at.MCR_DATA)),
    Probe("another region's API server", DENIED,
          attempt(f"https://{at.API_SERVER_NAME_ABROAD}/", at.API_SERVER_ABROAD)),
    Probe("an allowed name's sibling", DENIED, attempt("https://other.microsoft.com/", at.MCR)),
    Probe("a name that ends in an allowed one", DENIED, attempt("https://badexample.com/", at.EXAMPLE)),
    Probe("a name with a dot's place taken by a letter", DENIED, attempt("https://wwwxexample.com/", at.EXAMPLE)),
    Probe("an allowed name with more behind it", DENIED, attempt(f"https://{MCR}.{EVIL}/", at.HOSTILE)),
    Probe("an allowed SNI at the hostile address", ALLOWED, fetch(f"https://{MCR}/", at.HOSTILE), service="mcr"),
    Probe("an allowed SNI at another allowed name's address", DENIED, attempt(f"https://{MANAGEMENT}/", at.MCR),
          service="management"),
    Probe("no SNI at an allowed address", DENIED, without_name(at.MCR)),
    Probe("no SNI at the hostile address", DENIED, without_name(at.HOSTILE)),
    Probe("no TLS on port 443", DENIED, attempt(f"http://{MCR}:443/", at.HOSTILE)),
    Probe("https to an http-only name", DENIED, attempt(f"https://{UBUNTU}/", at.UBUNTU)),
    Probe("a name that leads to the metadata service", DENIED, attempt(f"https://{METADATA_NAME}/")),
    Probe("the same name at an allowed address", DENIED, attempt(f"https://{METADATA_NAME}/", at.MCR_DATA)),
    Probe("a name that leads to the platform's own address", DENIED, attempt(f"https://{WIRESERVER_NAME}/")),
    Probe("the same at an allowed address", DENIED, attempt(f"https://{WIRESERVER_NAME}/", at.MCR_DATA)),
    Probe("a name that leads to a private address", DENIED, attempt(f"https://{PRIVATE_NAME}/")),

    Probe("an unlisted name over http", DENIED, attempt(f"http://{EVIL}/", at.HOSTILE)),
    Probe("Host: unlisted at an allowed address", DENIED, attempt(f"http://{EVIL}/", at.UBUNTU)),
    Probe("an unlisted absolute URL, Host: allowed", DENIED,
          attempt(f"http://{UBUNTU}/", None, "--request-target", f"http://{EVIL}/")),
    Probe("an allowed absolute URL, Host: hostile, at its address", DENIED,
          attempt(f"http://{EVIL}/", at.HOSTILE, "--request-target", f"http://{UBUNTU}/")),
    Probe("an allowed absolute URL without Host: at the hostile address", DENIED,
          raw(at.HOSTILE, f"GET http://{UBUNTU}/ HTTP/1.0")),
    Probe("no Host: at an allowed address", DENIED, raw(at.UBUNTU, "GET / HTTP/1.0")),
    Probe("two Host: lines, the second one hostile", DENIED,
          raw(at.HOSTILE, "GET / HTTP/1.1", f"Host: {UBUNTU}", f"Host: {EVIL}", "Connection: close")),
    Probe("two Host: lines, the first one hostile", DENIED,
          raw(at.HOSTILE, "GET / HTTP/1.1", f"Host: {EVIL}", f"Host: {UBUNTU}", "Connection: close")),
    Probe("an allowed Host: at the hostile address", ALLOWED, fetch(f"http://{UBUNTU}/", at.HOSTILE),
          service="ubuntu"),
    Probe("Host: with another port", DENIED,
          attempt(f"http://{UBUNTU}/", at.UBUNTU, "-H", f"Host: {UBUNTU}:8080")),
    Probe("a second request to an unlisted name on one connection", DENIED, second_request(EVIL), before=1),
    Probe("a second request to another allowed name on one connection", ALLOWED, second_request("example.com"),
          service="example", before=1),
    Probe("CONNECT to the hostile host inside port 80", DENIED,
          raw(at.UBUNTU, f"CONNECT {EVIL}:443 HTTP/1.1", f"Host: {UBUNTU}")),
    Probe("CONNECT to an allowed name inside port 80", DENIED,
          raw(at.MCR, f"CONNECT {MCR}:443 HTTP/1.1", f"Host: {MCR}")),
    Probe("CONNECT to an allowed name, Host: hostile, at its address", DENIED,
          raw(at.HOSTILE, f"CONNECT {MCR}:443 HTTP/1.1", f"Host: {EVIL}")),
    Probe("http to an https-only name", DENIED, attempt(f"http://{MCR}/", at.MCR)),
    Probe("http to the hostile host under an https-only name", DENIED, attempt(f"http://{MCR}/", at.HOSTILE)),
    Probe("another port of the hostile host", DENIED, attempt(f"http://{EVIL}:8080/", at.HOSTILE)),
]

# Squid alone is a proxy that clients are told of, too.
EXPLICIT = [
    Probe("by the proxy: the registry", ALLOWED, through_proxy(f"https://{MCR}/v2/"), service="mcr"),
    Probe("by the proxy: a name below a wildcard", ALLOWED, through_proxy(f"https://{DEEP_DATA}/"),
          service="data.mcr"),
    Probe("by the proxy: an Ubuntu name over http", ALLOWED, through_proxy(f"http://{UBUNTU}/"), service="ubuntu"),
    Probe("by the proxy: an unlisted name", DENIED, attempt_through_proxy(f"https://{EVIL}/")),
    Probe("by the proxy: an unlisted name over http", DENIED, attempt_through_proxy(f"http://{EVIL}/")),
    Probe("by the proxy: an unlisted SNI in an allowed name's tunnel", DENIED,
          attempt_through_proxy(f"https://{EVIL}/", "--connect-to", f"::{MCR}:443")),
    Probe("by the proxy: an address", DENIED,
          attempt_through_proxy(f"https://{MCR}/", "--connect-to", f"::{at.HOSTILE.v4}:443")),
    Probe("by the proxy: an allowed name on another port", DENIED, attempt_through_proxy(f"https://{MCR}:8443/")),
    Probe("by the proxy: http to an https-only name", DENIED, attempt_through_proxy(f"http://{MCR}/")),
    Probe("by the proxy: https to an http-only name", DENIED, attempt_through_proxy(f"https://{UBUNTU}/")),
    Probe("by the proxy: a name that leads to the metadata service", DENIED,
          attempt_through_proxy(f"https://{METADATA_NAME}/")),
    Probe("by the proxy: a name that leads to a private address", DENIED,
          attempt_through_proxy(f"https://{PRIVATE_NAME}/")),
]
