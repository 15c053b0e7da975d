"""Three namespaces in a row: client, gateway, server; the gateway's is left to the way that is measured.

It is the tests' laboratory with other servers: our load programs instead of real ones.
"""

import pathlib

from lab import addresses as at
from lab.laboratory import HOSTS, Laboratory
from lab.namespaces import link

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The recorded hello and the name in it; every way knows this name and no other for TLS and HTTP.
HELLO = ROOT / "tests" / "unit" / "proto" / "hellos" / "curl_alpn"
NAME = "eastus.data.mcr.microsoft.com"
QUESTIONS = "questions.example"  # the DNS load asks for names below it

SOURCES = tuple(f"10.42.1.{number}" for number in range(4, 12))
SERVERS = tuple(f"203.0.113.{number}" for number in range(10, 18))  # what NAME resolves to
STRANGER = "203.0.113.99"  # the same server at an address that no name leads to
RESOLVER = at.RESOLVER.v4

THREADS = "2"

# The same for every way. Ports and conntrack entries of closed connections are soon free again: a run opens more
# connections than there are ports, and those of one way must not be in the kernel's memory when the next is measured.
_EVERYWHERE = {"net.ipv4.ip_local_port_range": "1024 65535", "net.ipv4.tcp_tw_reuse": 1,
               "net.ipv4.tcp_max_tw_buckets": 1000,
               "net.core.somaxconn": 4096, "net.ipv4.tcp_max_syn_backlog": 4096}
_GATEWAY = {"net.ipv4.ip_forward": 1, "net.netfilter.nf_conntrack_tcp_timeout_time_wait": 1,
            "net.netfilter.nf_conntrack_tcp_timeout_close": 1, "net.netfilter.nf_conntrack_udp_timeout": 1,
            "net.netfilter.nf_conntrack_tcp_timeout_last_ack": 1}
LINKS = (("node", "eth0"), ("gateway", "inside"), ("gateway", "outside"), ("internet", "uplink"))


class Topology(Laboratory):
    """Client (`node`), gateway and server (`internet`), with the load's servers running."""

    def __init__(self, programs):
        super().__init__()
        self.programs = programs  # folder of the load programs
        self.namespaces = (self.node, self.gateway, self.internet)

    def _join(self):
        link(self.node, "eth0", self.gateway, "inside")
        link(self.gateway, "outside", self.internet, "uplink")
        self.set_offload(True)
        for namespace in self.namespaces:
            namespace.sysctl(_EVERYWHERE)
        self.gateway.sysctl(_GATEWAY)
        self.node.add_addresses("eth0", *(f"{source}/24" for source in SOURCES))
        self.node.ip(f"route add default via {at.GATEWAY_INSIDE.v4}")
        self.gateway.add_addresses("inside", f"{at.GATEWAY_INSIDE.v4}/24")
        self.gateway.add_addresses("outside", f"{at.GATEWAY_OUTSIDE.v4}/24")
        self.gateway.ip(f"route add default via {at.UPLINK.v4}")
        self.internet.add_addresses("uplink", f"{at.UPLINK.v4}/24")
        self.internet.add_addresses("lo", *(f"{server}/32" for server in (*SERVERS, STRANGER, RESOLVER)))
        self.internet.ip(f"route add default via {at.GATEWAY_OUTSIDE.v4}")

    def _prepare_node(self):
        self.gateway.provide_file("resolv.conf", f"nameserver {RESOLVER}\n")
        self.gateway.provide_file("hosts", HOSTS)

    def _serve(self):
        self.serve_flows("80")
        self.tls_server = self.serve_flows("443")
        self._serve_with("dns server", "dns_server", "--address", RESOLVER, "--threads", THREADS,
                         "--fixed", f"{NAME}={','.join(SERVERS)}")

    def serve_flows(self, port):
        return self._serve_with(f"flow server {port}", "flow_server", port, THREADS)

    def _serve_with(self, name, program, *arguments):
        server = self.start_server(self.internet, name, [str(self.programs / program), *arguments])
        server.wait_until(lambda: "ready" in server.log.read_text(), "being ready")
        return server

    def stop_server(self, server):
        server.stop()
        self.forget(server)

    def set_offload(self, on):
        """Whether the links pass packets of many segments as one, or only such as a wire could carry."""
        for namespace, interface in LINKS:
            state = "on" if on else "off"
            getattr(self, namespace).run(["ethtool", "-K", interface, "tso", state, "gso", state, "gro", state])

    def clean_gateway(self):
        """No rules and no tracked connections are left, so that no way pays for the one before."""
        self.gateway.run(["nft", "flush", "ruleset"])
        self.gateway.run(["conntrack", "-F"], check=False)
