"""An exported configuration of another product, run by the product itself in the gateway's place.

Nothing in the export is edited. What its notes ask of the operator is done around it: the certificate, the
redirections, a resolver that clients and proxy share. A process sees the machine's own folders of the
product covered by folders of the laboratory, in a mount namespace of its own.
"""

import re
import subprocess

from . import addresses as at
from .gateway import TEMPLATE, program

_RULES = """\
table inet exported {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        iifname "inside" ip daddr {inside} meta l4proto {{ tcp, udp }} th dport 53 dnat ip to {resolver}
{redirections}
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "inside" ip daddr {resolver} meta l4proto {{ tcp, udp }} th dport 53 accept
        reject with icmpx admin-prohibited
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        oifname "outside" masquerade
    }}
}}
"""


def _rules(redirections):
    lines = [f'        iifname "inside" tcp dport {port} redirect to :{own}' for port, own in redirections]
    return _RULES.format(inside=at.GATEWAY_INSIDE.v4, resolver=at.RESOLVER.v4, redirections="\n".join(lines))


class ExportedProxy:
    """`sallyport export TARGET` of the laboratory's configuration, running for the length of a `with` block."""

    target = None

    def __init__(self, lab):
        self.lab = lab
        self.folder = lab.folder / self.target
        self.folder.mkdir()
        done = subprocess.run([str(program()), "export", self.target, "-c", str(TEMPLATE)], check=True,
                              capture_output=True, text=True, timeout=20)
        self.text = done.stdout
        self.file = self.folder / f"{self.target}.conf"
        self.file.write_text(self.text)
        self.server = None

    def __enter__(self):
        redirections = self.redirections()
        assert {port for port, _ in redirections} == {80, 443}, redirections
        self.lab.gateway.provide_file("resolv.conf", f"nameserver {at.RESOLVER.v4}\n")
        self.lab.gateway.run(["nft", "-f", "-"], input=_rules(redirections))
        self.server = self.lab.start_server(self.lab.gateway, self.target, self.command())
        self.server.wait_until(lambda: all(self._listens(own) for _, own in redirections), "listening")
        return self

    def __exit__(self, *_):
        self.server.stop(patience=6)  # an orderly end takes Squid some seconds
        self.lab.forget(self.server)
        self.lab.gateway.run(["nft", "delete", "table", "inet", "exported"])

    def _listens(self, port):
        return f":{port}" in self.lab.gateway.run(["ss", "-Hltn", f"sport = :{port}"])

    def redirections(self):
        """Each port of the rules and the proxy's own port for it, as the file's comments have it."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def log(self):
        """What the program said, for a failure's report."""
        return self.server.log.read_text(errors="replace")[-4000:] if self.server else "not started"


class HaproxyExport(ExportedProxy):
    target = "haproxy"

    def redirections(self):
        found = re.findall(r"^# redirect tcp port (\d+) to port (\d+)$", self.text, re.M)
        return [(int(port), int(own)) for port, own in found]

    def command(self):
        return ["haproxy", "-db", "-f", str(self.file)]


# What Squid writes to, or reads beside its configuration, and who it becomes.
_SQUID_FOLDERS = {"etc": "/etc/squid", "log": "/var/log/squid", "spool": "/var/spool/squid", "run": "/run",
                  "shm": "/dev/shm"}
_SQUID_USER = "proxy"


class SquidExport(ExportedProxy):
    target = "squid"

    def redirections(self):
        http, = re.findall(r"^http_port (\d+) intercept\b", self.text, re.M)
        https, = re.findall(r"^https_port (\d+) intercept\b", self.text, re.M)
        return [(80, int(http)), (443, int(https))]

    def command(self):
        for name in _SQUID_FOLDERS:
            (self.folder / name).mkdir()
        subprocess.run(["chown", _SQUID_USER, *(self.folder / name for name in ("log", "spool", "run", "shm"))],
                       check=True)
        self._make_certificate()
        (self.folder / "etc" / "squid.conf").write_text(self.text)
        covers = [f"mount --bind '{self.folder / name}' {place}" for name, place in _SQUID_FOLDERS.items()]
        return ["unshare", "--mount", "sh", "-ec", "\n".join([*covers, "exec squid -N -f /etc/squid/squid.conf"])]

    def _make_certificate(self):
        """By the very command that the file's note gives, its files in our folder."""
        command, = re.findall(r"openssl req .*", self.text)
        words = command.replace("/etc/squid", str(self.folder / "etc")).split()
        subprocess.run(words, check=True, capture_output=True, timeout=60)

    def log(self):
        parts = [super().log()]
        for name in ("cache.log", "access.log"):
            file = self.folder / "log" / name
            parts.append(file.read_text(errors="replace")[-4000:] if file.exists() else f"no {name}")
        return "\n".join(parts)
