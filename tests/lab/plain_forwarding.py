"""A gateway that lets everything through: what the laboratory is checked with, and what is compared to."""

from . import addresses as at

_RULES = """\
table inet plain {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "outside" masquerade
    }
    chain prerouting {
        type nat hook prerouting priority dstnat;
        iifname "inside" ip daddr %(inside)s udp dport 53 dnat ip to %(resolver)s
        iifname "inside" ip daddr %(inside)s tcp dport 53 dnat ip to %(resolver)s
    }
}
""" % {"inside": at.GATEWAY_INSIDE.v4, "resolver": at.RESOLVER.v4}


class PlainForwarding:
    """Forwarding, masquerade and a way to the resolver, for the length of a `with` block."""

    def __init__(self, namespace):
        self._namespace = namespace

    def __enter__(self):
        self._namespace.run(["nft", "-f", "-"], input=_RULES)
        return self

    def __exit__(self, *_):
        self._namespace.run(["nft", "delete", "table", "inet", "plain"])
