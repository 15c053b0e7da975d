"""The kernel alone: routing, and routing with what any firewall of this kind asks of nftables."""

from ..topology import SERVERS, STRANGER
from .way import Way


class PlainForwarding(Way):
    """Routing and nothing else: the limit that all others are compared with."""

    key = "plain"
    title = "plain forwarding"
    is_base = True


_RULES = """\
table inet bench {
    set allowed {
        type ipv4_addr
        elements = { %s }
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ip daddr @allowed tcp dport { 80, 443 } accept
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "outside" masquerade
    }
}
"""


class Nftables(Way):
    """Connection tracking, masquerade and a set of 10,000 addresses: a firewall by address."""

    key = "nft"
    title = "nft by address"

    def start(self):
        others = [f"198.18.{number // 250}.{number % 250}" for number in range(10_000 - len(SERVERS) - 1)]
        self.load_rules(_RULES % ", ".join([*SERVERS, STRANGER, *others]))

    def stop(self):
        self.drop_rules("bench")
