"""The internet's DNS: Knot servers with one zone, the root, that holds every name of the laboratory.

One zone has it answer like a recursive resolver does: whole CNAME chains, and a name error for what
does not exist. The same records are on two servers, so that one may fail.
"""

from dataclasses import dataclass

from . import addresses as at
from .processes import run

TTL = 2
LONG_TTL = 300  # of the one name whose pin must outlive a restart


@dataclass(frozen=True)
class Record:
    name: str
    type: str
    data: str
    ttl: int = TTL

    def line(self):
        return f"{self.name}. {self.ttl} IN {self.type} {self.data}"


def dual(name, host, ttl=TTL):
    """The A and the AAAA record of a name."""
    return [Record(name, "A", host.v4, ttl), Record(name, "AAAA", host.v6, ttl)]


def chain(*names, ttl=TTL):
    """CNAME links from the first name to the last."""
    return [Record(name, "CNAME", f"{target}.", ttl) for name, target in zip(names, names[1:])]


# Answers that an allowed name must never be able to use.
METADATA_NAME = "metadata.data.mcr.microsoft.com"
WIRESERVER_NAME = "wireserver.data.mcr.microsoft.com"
BIG_NAME = "big.data.mcr.microsoft.com"  # its answer does not fit into a UDP message
PRIVATE_NAME = "private.data.mcr.microsoft.com"
PICKY_NAME = "picky.data.mcr.microsoft.com"
MANY_NAMES = "many.data.mcr.microsoft.com"  # whatever is asked for below it has an address


def _records():
    records = [
        *chain("mcr.microsoft.com", "mcr-microsoft-com.a-0016.a-msedge.net",
               "a-0016.a-msedge.net", "a-0016.global.part-0016.t-msedge.net"),
        *dual("a-0016.global.part-0016.t-msedge.net", at.MCR),
        *dual("data.mcr.microsoft.com", at.MCR_DATA),
        *dual(f"*.{MANY_NAMES}", at.MCR_DATA),
        *chain("eastus.data.mcr.microsoft.com", "eastus-mcr.azurefd.net", "star.t-0001.t-msedge.net",
               ttl=LONG_TTL),
        *dual("star.t-0001.t-msedge.net", at.MCR_DATA, LONG_TTL),
        *dual("x.y.data.mcr.microsoft.com", at.MCR_DATA),
        *dual(PICKY_NAME, at.PICKY),
        *dual(PRIVATE_NAME, at.PRIVATE),
        *dual("management.azure.com", at.MANAGEMENT),
        *dual("login.microsoftonline.com", at.LOGIN),
        *dual("packages.microsoft.com", at.PACKAGES),
        *dual("acs-mirror.azureedge.net", at.ACS_MIRROR),
        *dual(at.API_SERVER_NAME, at.API_SERVER_A),
        *dual(at.API_SERVER_NAME_ABROAD, at.API_SERVER_ABROAD),
        *dual("security.ubuntu.com", at.UBUNTU),
        *dual("azure.archive.ubuntu.com", at.UBUNTU),
        *dual("changelogs.ubuntu.com", at.UBUNTU),
        *dual("ntp.ubuntu.com", at.NTP),
        *dual("example.com", at.EXAMPLE),
        *dual("www.example.com", at.EXAMPLE),
        *dual("evil.example", at.HOSTILE),
        *dual("other.example", at.EXAMPLE),
        Record(METADATA_NAME, "A", "169.254.169.254"),
        Record(WIRESERVER_NAME, "A", "168.63.129.16"),
        Record(WIRESERVER_NAME, "AAAA", "::ffff:168.63.129.16"),
    ]
    records += [Record(BIG_NAME, "A", f"203.0.113.{number}") for number in range(100, 220)]
    return records


def zone_text():
    head = [Record("", "SOA", "ns. hostmaster. 1 60 60 600 2"), Record("", "NS", "ns."),
            *dual("ns", at.RESOLVER)]
    return "\n".join(record.line() for record in head + _records()) + "\n"


_CONFIGURATION = """\
server:
    rundir: "{folder}"
    listen: [ {v4}@53, {v6}@53 ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}/db"
control:
    listen: "{folder}/control.sock"
log:
  - target: stderr
    any: info
zone:
  - domain: "."
    file: "{folder}/root.zone"
    zonefile-sync: -1
"""


class DnsServer:
    """One Knot server. Records change while it runs."""

    def __init__(self, namespace, host, folder):
        self.host = host
        self._namespace = namespace
        self._folder = folder
        self._control = folder / "control.sock"
        (folder / "db").mkdir(parents=True)
        (folder / "root.zone").write_text(zone_text())
        self._configuration = folder / "knot.conf"
        self._configuration.write_text(_CONFIGURATION.format(folder=folder, v4=host.v4, v6=host.v6))
        self.server = None

    def start(self):
        self.server = self._namespace.start(f"knotd at {self.host.v4}",
                                            ["knotd", "-c", str(self._configuration)],
                                            self._folder / "log")
        self.server.wait_until(self._answers, "its first answer")
        return self.server

    def _answers(self):
        if not self._control.exists():
            return False
        return "status: NOERROR" in self._namespace.run(
            ["kdig", f"@{self.host.v4}", "+timeout=1", "+retry=0", "ns.", "A"], check=False)

    def stop(self):
        self.server.stop()

    def replace(self, name, records):
        """Replaces all A, AAAA and CNAME records of a name, in one transaction."""
        self._control_command("zone-begin", ".")
        for kind in ("A", "AAAA", "CNAME"):
            # "no such record" is fine: whatever the name had is to go
            run(["knotc", "-s", str(self._control), "zone-unset", ".", f"{name}.", kind], check=False)
        for record in records:
            self._control_command("zone-set", ".", f"{record.name}.", str(record.ttl), record.type,
                                  record.data)
        self._control_command("zone-commit", ".")

    def _control_command(self, *words):
        run(["knotc", "-s", str(self._control), "-b", *words])


class Dns:
    """Both servers, always with the same records."""

    def __init__(self, namespace, folder):
        self.servers = [DnsServer(namespace, at.RESOLVER, folder / "first"),
                        DnsServer(namespace, at.RESOLVER_SECOND, folder / "second")]

    def start(self):
        return [server.start() for server in self.servers]

    def point(self, name, host, ttl=TTL):
        """Lets a name answer this host's addresses from now on."""
        for server in self.servers:
            server.replace(name, dual(name, host, ttl))
