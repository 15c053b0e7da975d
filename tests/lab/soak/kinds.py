"""What the soak tries: the one table that the clients, the judge and the report share."""

from dataclasses import dataclass

KILL, DNS = "kill", "dns"  # faults: the process is killed; its upstreams do not answer


@dataclass(frozen=True)
class Kind:
    """One kind of traffic. `expected` is "allowed", "denied" or "either": a rule comes and goes."""

    name: str
    expected: str
    rate: float  # a second; of lasting ones: uses of each connection
    excused_by: frozenset = frozenset()  # faults that overlap it and so may make an allowed one fail
    lasting: bool = False  # a connection of the whole run, used now and then


def _allowed(name, rate, *excused_by):
    return Kind(name, "allowed", rate, frozenset(excused_by))


def _denied(name, rate):
    return Kind(name, "denied", rate)  # whatever breaks, no is the answer


def _lasting(name, *excused_by):
    return Kind(f"lasting: {name}", "allowed", 1 / 3, frozenset(excused_by), lasting=True)


_ALL = (
    _allowed("TLS, inspected", 6, KILL, DNS),
    _allowed("TLS, proxied", 3, KILL, DNS),
    _allowed("TLS, a name that moves", 1, KILL, DNS),
    _allowed("TLS, a name that moves, by address", 0.5, KILL, DNS),
    _allowed("TLS, a slow hello", 1, KILL, DNS),
    _allowed("HTTP, two requests", 4, KILL, DNS),
    _allowed("explicit proxy, CONNECT", 2, KILL, DNS),
    _allowed("explicit proxy, HTTP", 0.5, KILL, DNS),
    _allowed("QUIC, inspected", 0.5, KILL, DNS),
    _allowed("network rule, TCP", 2, KILL),
    _allowed("network rule, UDP", 2, KILL),
    _allowed("DNS, hot, UDP", 10, KILL, DNS),
    _allowed("DNS, hot, TCP", 3, KILL, DNS),
    _allowed("DNS, cold, UDP", 2, KILL, DNS),
    _allowed("DNS, cold, TCP", 1, KILL, DNS),
    Kind("TLS, allowed by every other policy", "either", 1),
    _denied("TLS, forbidden name, pinned address", 3),
    _denied("TLS, forbidden name, any address", 2),
    _denied("TLS, forbidden name, slow hello", 1),
    _denied("TLS, half a hello, then silence", 2),
    _denied("HTTP, forbidden name", 2),
    _denied("explicit proxy, forbidden name", 1),
    _denied("QUIC, forbidden name", 0.5),
    _denied("DNS, forbidden name", 3),
    _denied("DNS, a name that leads to the metadata service", 0.5),
    _denied("TCP, forbidden address", 2),
    _denied("UDP, forbidden address", 2),
    # The kernel forwards these without the process; those that the process carries end with it.
    _lasting("TLS, inspected, IPv4"),
    _lasting("TLS, inspected, IPv6"),
    _lasting("TLS, a moved name's old address"),
    _lasting("network rule, TCP"),
    _lasting("network rule, UDP"),
    _lasting("TLS, proxied", KILL),
    _lasting("HTTP, proxied", KILL),
    _lasting("explicit proxy, CONNECT", KILL),
)

KINDS = {kind.name: kind for kind in _ALL}
