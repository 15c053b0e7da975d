"""The DNS servers that are compared; all listen where sallyport does and ask the same upstream."""

from lab import addresses as at

from ..topology import RESOLVER
from .sallyport import Sallyport
from .way import Way

HOT_NAMES = 100  # of the hot load
ADDRESS = at.GATEWAY_INSIDE.v4


class Resolver(Way):
    """A DNS server in the gateway."""

    def start(self):
        self.run_program(self.command(), lambda: self.is_listening(53, "udp"))

    def command(self):
        """Writes the program's configuration and returns its command line."""
        raise NotImplementedError

    def write(self, name, text):
        file = self.folder() / name
        file.write_text(text)
        return str(file)


class SallyportDns(Sallyport):
    """Every name that is asked for is judged, and every answer pinned before it leaves."""

    key = "sallyport-dns"
    title = "sallyport"


_DNSDIST = """\
setLocal("{address}:53", {{reusePort=true}})
addLocal("{address}:53", {{reusePort=true}})
addACL("10.42.1.0/24")
setMaxUDPOutstanding(65535)
newServer({{address="{resolver}:53", healthCheckMode="up", sockets=4}})
setSecurityPollSuffix("")
{more}
"""


class Dnsdist(Resolver):
    """It has a thread a listener: two, as there are cores."""

    key = "dnsdist"
    title = "dnsdist"
    is_base = True
    more = ""

    def command(self):
        text = _DNSDIST.format(address=ADDRESS, resolver=RESOLVER, more=self.more)
        return ["dnsdist", "--supervised", "-C", self.write("dnsdist.conf", text)]


class DnsdistCache(Dnsdist):
    key = "dnsdist-cache"
    title = "dnsdist, cache"
    is_base = True
    more = 'getPool(""):setCache(newPacketCache(1000000))'


_UNBOUND = """\
server:
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: "{folder}/unbound.pid"
    use-syslog: no
    logfile: ""
    interface: {address}
    access-control: 10.42.1.0/24 allow
    num-threads: 2
    so-reuseport: yes
    outgoing-range: 4096
    num-queries-per-thread: 2048
    msg-cache-size: 128m
    rrset-cache-size: 256m
    module-config: "iterator"
    do-ip6: no
forward-zone:
    name: "."
    forward-addr: {resolver}
"""


class Unbound(Resolver):
    key = "unbound"
    title = "unbound"

    def command(self):
        text = _UNBOUND.format(folder=self.folder(), address=ADDRESS, resolver=RESOLVER)
        return ["unbound", "-d", "-p", "-c", self.write("unbound.conf", text)]


class Dnsmasq(Resolver):
    key = "dnsmasq"
    title = "dnsmasq"

    def command(self):
        return ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root",
                f"--pid-file={self.folder()}/dnsmasq.pid", f"--listen-address={ADDRESS}", "--bind-interfaces",
                f"--server={RESOLVER}", "--cache-size=10000", "--dns-forward-max=10000"]
