"""sallyport's own ways; they differ in where the client goes."""

import shutil

from lab import addresses as at
from lab.gateway import Gateway

from ..topology import NAME, QUESTIONS, RESOLVER, STRANGER
from .way import Way

INSIDE = "10.42.1.0/24"


def configuration():
    """One for all: a rule for the load's name, one for the names that the DNS load asks for."""
    return {
        "collections": [{
            "name": "bench", "priority": 200, "action": "allow", "kind": "application",
            "rules": [{"name": "load", "sources": [INSIDE], "fqdns": [NAME], "protocols": ["https:443", "http:80"]},
                      {"name": "questions", "sources": [INSIDE], "fqdns": [f"*.{QUESTIONS}"],
                       "protocols": ["https:443"]}]}],
        "network": {"inside": {"interfaces": ["inside"], "sources": [INSIDE]}, "snat": "masquerade",
                    "on_stop": "flush"},
        "dns": {"listen": [f"{at.GATEWAY_INSIDE.v4}:53"], "upstreams": [f"{RESOLVER}:53"],
                "budget": {"new_names": 0}},  # the load has one source
        # As measured: 10,000 proxied connections, and new names by the ten thousand a second.
        "capacity": {"pins": 1 << 20, "sessions": 16384},
        "user": "64053",
    }


def gateway_of(topology):
    """The one Gateway of this topology; its state is forgotten before each start."""
    if not hasattr(topology, "sallyport"):
        topology.sallyport = Gateway(topology, configuration())
    return topology.sallyport


class Sallyport(Way):
    """`sallyport run`, ready and with the load's name resolved."""

    def start(self):
        gateway = gateway_of(self.topology)
        shutil.rmtree(gateway.folder / "state", ignore_errors=True)
        gateway.log_file.unlink(missing_ok=True)
        gateway.start()
        self.server = gateway.server
        self.server.wait_until(lambda: len(gateway.pinned()) >= len(self.destinations), "the name's addresses")

    def stop(self):
        gateway_of(self.topology).stop()
        self.server = None


class Inspected(Sallyport):
    """TLS to an address that was answered for the name: judged once, then the kernel's."""

    key = "inspected"
    title = "sallyport, inspected"


class Proxied(Sallyport):
    """TLS to an address that no name leads to: sallyport resolves the name and carries the bytes."""

    key = "proxied"
    title = "sallyport, proxied"
    destinations = (STRANGER,)


class Http(Sallyport):
    """Plain HTTP, whose every request is judged."""

    key = "http"
    title = "sallyport, http"
    is_http = True
