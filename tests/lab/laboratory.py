"""The laboratory as a whole: built in the right order, and removed whatever happens.

    with Laboratory() as lab:
        lab.node.run(["curl", ...])

Everything it makes is named after this process, so several may run at once, and is written down in
`lab.json` in its folder as it is made: `take_down` removes by that file what a killed or a kept run left.
"""

import itertools
import json
import os
import pathlib
import shutil
import tempfile

from . import addresses as at
from . import apt_repository
from .apt_repository import AptClient
from .dns import Dns
from .namespaces import Namespace, link
from .ntp import NtpServer
from .pki import CertificateAuthority
from .processes import CommandFailed, end_group, run, sanitizer_reports, start_time_of
from .web import WebServers

TESTS = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"

_RESOLV_CONF = f"nameserver {at.GATEWAY_INSIDE.v4}\noptions timeout:2 attempts:2\n"
_NSSWITCH = "hosts: files dns\n"
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


_numbers = itertools.count()


def python_environment(**more):
    """The environment for our own Python programs inside a namespace."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(TESTS), "LC_ALL": "C.UTF-8", **more}


class Laboratory:
    """Four namespaces in a row, with the servers in them; the gateway's is left empty."""

    def __init__(self):
        number = next(_numbers)
        token = f"sp{os.getpid()}" + (f"n{number}" if number else "")
        self.node = Namespace(token + "node")
        self.gateway = Namespace(token + "gateway")
        self.internet = Namespace(token + "internet")
        self.hostile = Namespace(token + "hostile")
        self.namespaces = (self.node, self.gateway, self.internet, self.hostile)
        self.folder = None
        self.kept = False
        self._servers = []

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        if self.kept:
            return
        self._stop_servers()
        reports = self._sanitizer_reports()
        self.remove()
        if reports:
            raise CommandFailed(reports)

    # building

    def _build(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-lab-"))
        self.folder.chmod(0o755)
        self._write_down()
        for namespace in self.namespaces:
            namespace.create()
        self._join()
        self._prepare_node()
        self._serve()

    def _join(self):
        link(self.node, "eth0", self.gateway, "inside")
        link(self.gateway, "outside", self.internet, "uplink")
        link(self.internet, "hostile", self.hostile, "eth0")
        for router in (self.gateway, self.internet):
            router.sysctl({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
        self.node.add_addresses("eth0", *(f"{host.v4}/24" for host in (at.NODE, at.NODE_SECOND)),
                                *(f"{host.v6}/64" for host in (at.NODE, at.NODE_SECOND)))
        self.node.ip(f"route add default via {at.GATEWAY_INSIDE.v4} src {at.NODE.v4}",
                     f"route add default via {at.GATEWAY_INSIDE.v6} src {at.NODE.v6}")
        self.gateway.add_addresses("inside", f"{at.GATEWAY_INSIDE.v4}/24", f"{at.GATEWAY_INSIDE.v6}/64")
        self.gateway.add_addresses("outside", f"{at.GATEWAY_OUTSIDE.v4}/24", f"{at.GATEWAY_OUTSIDE.v6}/64")
        self.gateway.ip(f"route add default via {at.UPLINK.v4}", f"route add default via {at.UPLINK.v6}")
        self.internet.add_addresses("uplink", f"{at.UPLINK.v4}/24", f"{at.UPLINK.v6}/64")
        self.internet.add_addresses("lo", *(f"{host.v4}/32" for host in at.GENUINE),
                                    *(f"{host.v6}/128" for host in at.GENUINE))
        self.internet.add_addresses("hostile", f"{at.INTERNET_TO_HOSTILE.v4}/24",
                                    f"{at.INTERNET_TO_HOSTILE.v6}/64")
        for host in (at.HOSTILE, at.HOSTILE_RESOLVER):
            self.hostile.add_addresses("eth0", f"{host.v4}/24", f"{host.v6}/64")
        self.hostile.ip(f"route add default via {at.INTERNET_TO_HOSTILE.v4}",
                        f"route add default via {at.INTERNET_TO_HOSTILE.v6}")

    def _prepare_node(self):
        self.node.provide_file("resolv.conf", _RESOLV_CONF)
        self.node.provide_file("nsswitch.conf", _NSSWITCH)
        self.node.provide_file("hosts", HOSTS)

    def _serve(self):
        self.authority = CertificateAuthority(self.folder / "pki")
        document_root = self.folder / "www"
        document_root.mkdir()
        apt_repository.build(document_root, self.folder / "apt-build")
        self.captures = self.folder / "captures"
        self.captures.mkdir()
        self.dns = Dns(self.internet, self.folder / "dns")
        self.web = WebServers(self.internet, self.authority, self.folder / "web", document_root)
        self._keep(*self.dns.start())
        self._keep(self.web.start())
        self._keep(NtpServer(self.internet, self.folder / "ntp").start())
        self._start_script(self.internet, "echo_server",
                           *at.API_SERVER_A.both(), *at.API_SERVER_B.both())
        key, certificate = self.authority.issue("hostile", ["evil.example", "mcr.microsoft.com"],
                                                at.HOSTILE.both())
        self.hostile_log = self.folder / "hostile.jsonl"
        self.hostile_log.touch()
        self._start_script(self.hostile, "hostile_server", str(self.hostile_log), str(certificate), str(key))

    def _start_script(self, namespace, module, *arguments):
        server = self.start_server(namespace, module, self.python(module, *arguments),
                                   env=python_environment())
        server.wait_until(lambda: "ready" in server.log.read_text(), "being ready")
        return server

    def python(self, module, *arguments):
        """The command line of one of our own programs; -P: the folder we happen to be in holds no modules."""
        return [PYTHON, "-P", "-m", f"lab.{module}", *arguments]

    def start_server(self, namespace, name, command, **options):
        """Starts a process that is stopped with the laboratory."""
        server = namespace.start(name, command, self.folder / f"{name}.log", **options)
        self._keep(server)
        return server

    def _keep(self, *servers):
        self._servers.extend(servers)
        self._write_down()

    # what arrived where

    def hostile_events(self, since=0):
        """What the hostile host's servers saw from that place of their log on."""
        with open(self.hostile_log, encoding="utf-8") as file:
            file.seek(since)
            return [json.loads(line) for line in file if line.endswith("\n")]

    def hostile_mark(self):
        return self.hostile_log.stat().st_size

    # clients with a folder of their own

    def apt_client(self, family):
        return AptClient(pathlib.Path(tempfile.mkdtemp(prefix="apt-", dir=self.folder)), family)

    # removing

    def keep(self):
        """Leaves everything running when the block ends; `take_down(folder)` removes it later."""
        self._write_down()
        self.kept = True

    def forget(self, server):
        """Strikes a process that has been stopped from the list of those to stop."""
        self._servers.remove(server)
        self._write_down()

    def _write_down(self):
        state = {"namespaces": [namespace.name for namespace in self.namespaces],
                 "processes": [[server.pid, server.start_time] for server in self._servers]}
        part = self.folder / "lab.json.part"
        part.write_text(json.dumps(state))
        part.rename(self.folder / "lab.json")

    def _stop_servers(self):
        for server in reversed(self._servers):
            server.stop()
        self._servers.clear()

    def _sanitizer_reports(self):
        """Of every process that ran here, however it ended: the reports' first lines, and what was said around them."""
        logs = [log for log in sorted(self.folder.glob("*.log")) if sanitizer_reports(log)]
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-8000:]}" for log in logs)

    def remove(self):
        """Stops every process and removes every namespace and file."""
        self._stop_servers()
        _remove_namespaces([namespace.name for namespace in self.namespaces])
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def _remove_namespaces(names):
    """Removes namespaces of ours, and first whatever still runs in them."""
    for name in names:
        for pid in run(["ip", "netns", "pids", name], check=False).split():
            run(["kill", "-KILL", pid], check=False)
        Namespace(name).remove()


def take_down(folder):
    """Removes what the laboratory of that folder left, by its lab.json."""
    folder = pathlib.Path(folder)
    state = json.loads((folder / "lab.json").read_text())
    for pid, start_time in reversed(state["processes"]):
        if start_time_of(pid) == start_time:  # else it is gone and the number is somebody else's
            end_group(pid)
    _remove_namespaces(state["namespaces"])
    shutil.rmtree(folder)
