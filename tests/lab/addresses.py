"""Who lives where: every address of the laboratory, from the ranges kept for documentation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """One machine's addresses, an IPv4 and an IPv6 one."""

    v4: str
    v6: str

    def of(self, family):
        """The address of the family 4 or 6."""
        return self.v4 if family == 4 else self.v6

    def both(self):
        return (self.v4, self.v6)


def _genuine(number):
    return Host(f"203.0.113.{number}", f"2001:db8:113::{number}")


NODE = Host("10.42.1.4", "fd42:1::4")
NODE_SECOND = Host("10.42.1.5", "fd42:1::5")
GATEWAY_INSIDE = Host("10.42.1.1", "fd42:1::1")
GATEWAY_OUTSIDE = Host("192.0.2.2", "2001:db8:0:2::2")
GATEWAY_SECOND = Host("192.0.2.3", "2001:db8:0:2::3")  # only where a test adds it
UPLINK = Host("192.0.2.1", "2001:db8:0:2::1")
INTERNET_TO_HOSTILE = Host("198.51.100.1", "2001:db8:51::1")

HOSTILE = Host("198.51.100.10", "2001:db8:51::10")
HOSTILE_RESOLVER = Host("198.51.100.53", "2001:db8:51::53")

MCR = _genuine(10)
MCR_DATA = _genuine(11)
MANAGEMENT = _genuine(12)
LOGIN = _genuine(13)
PACKAGES = _genuine(14)
ACS_MIRROR = _genuine(15)
PICKY = _genuine(16)  # asks every client for a second hello (HelloRetryRequest)
API_SERVER_A = _genuine(30)
API_SERVER_B = _genuine(31)
API_SERVER_ABROAD = _genuine(32)  # another region's
UBUNTU = _genuine(40)
NTP = _genuine(41)
RESOLVER = _genuine(53)
RESOLVER_SECOND = _genuine(54)
EXAMPLE = _genuine(60)
PRIVATE = Host("10.60.0.10", "fd60::10")  # a private endpoint

GENUINE = (MCR, MCR_DATA, MANAGEMENT, LOGIN, PACKAGES, ACS_MIRROR, PICKY, API_SERVER_A, API_SERVER_B,
           API_SERVER_ABROAD, UBUNTU, NTP, RESOLVER, RESOLVER_SECOND, EXAMPLE, PRIVATE)

API_SERVER_NAME = "myaks-0a1b2c3d.hcp.eastus.azmk8s.io"
API_SERVER_NAME_ABROAD = "other-4e5f6a7b.hcp.westeurope.azmk8s.io"

# Sources that the gateway protects.
INSIDE_PREFIXES = ("10.42.1.0/24", "fd42:1::/64")


def bracketed(address):
    """An address as a URL or a configuration with ports writes it."""
    return f"[{address}]" if ":" in address else address
