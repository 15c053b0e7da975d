"""The gateway under test: its configuration, its process, its log, and what the kernel holds for it."""

import copy
import json
import os
import pathlib
import re
import signal
import subprocess
from dataclasses import dataclass

import yaml

from .laboratory import TESTS
from .processes import CommandFailed, run, sanitizer_reports, wait_for

READY = "sallyport: info: ready"
GATEWAY_USER = 64053  # `user` in gateway.yaml: a number that no distribution gives away
TEMPLATE = pathlib.Path(__file__).with_name("gateway.yaml")

# The state of a flow, in the top bits of its conntrack mark (src/kernel/mark.h).
MARK_STATES = {1: "hello", 2: "confirm", 3: "inspected", 4: "network", 5: "denied", 6: "proxied"}


BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", TESTS.parent / "build"))


def program():
    """The sallyport that is tested."""
    return BUILD / "sallyport"


def sanitizers():
    """What it was built with: "address,undefined", "thread"; "" is the build that users get."""
    options = json.loads((BUILD / "meson-info" / "intro-buildoptions.json").read_text())
    value, = (option["value"] for option in options if option["name"] == "b_sanitize")
    return "" if value == "none" else value


def default_configuration():
    configuration = yaml.safe_load(TEMPLATE.read_text())
    configuration["workers"] = int(os.environ.get("SALLYPORT_WORKERS", configuration["workers"]))
    return configuration


@dataclass(frozen=True)
class Flow:
    """One connection as the gateway's kernel tracks it."""

    protocol: str
    source: str
    destination: str
    source_port: int
    destination_port: int
    mark: int

    @property
    def state(self):
        """The mark's state in a word."""
        return MARK_STATES.get(self.mark >> 28, "none")


class Gateway:
    """`sallyport run` in the gateway's namespace of a laboratory."""

    def __init__(self, lab, configuration=None):
        self._lab = lab
        self.folder = lab.folder / "gateway"
        self.folder.mkdir()
        os.chown(self.folder, GATEWAY_USER, GATEWAY_USER)  # it opens its log anew as this user
        self.configuration_file = self.folder / "sallyport.yaml"
        self.log_file = self.folder / "verdicts.jsonl"
        self.socket = self.folder / "admin.sock"
        self.configuration = configuration or default_configuration()
        self.configuration["log"] = {"file": str(self.log_file)}
        self.configuration["state"] = {"directory": str(self.folder / "state"), "socket": str(self.socket)}
        self._in_force = self.configuration
        self.wrapper = []  # a command line that starts the program's
        self.server = None

    # the process

    def start(self):
        """Starts it and returns when it says that it is ready."""
        self._write(self._in_force)
        messages = self.messages_mark()
        self.server = self._lab.start_server(self._lab.gateway, "sallyport",
                                             [*self.wrapper, str(program()), "run", "-c", str(self.configuration_file)])
        self.server.wait_until(lambda: READY in self.messages(messages), "being ready")

    def stop(self):
        """SIGTERM, as an orderly shutdown sends it; returns the exit code."""
        self.server.stop(patience=8)
        reports = sanitizer_reports(self._messages_file)
        if reports:  # a program built with sanitizers has something to say
            raise CommandFailed("\n".join(reports) + "\n" + self.messages()[-8000:])
        return self._ended().returncode

    def kill(self):
        """kill -9: no farewell."""
        self.server.signal(signal.SIGKILL)
        self._ended().wait(timeout=5)

    def _ended(self):
        """By us; one that ends without being told to stays in `server`, for the stage to find."""
        server, self.server = self.server, None
        self._lab.forget(server)
        return server.process

    def restart(self, change=None):
        """Stops it and starts it with `change(copy of the first configuration)` applied."""
        self.stop()
        self._in_force = self._changed(change)
        self.start()

    def wait_for_save(self, name):
        """Waits until the pins of a name are saved, which happens every few seconds."""
        file = self.folder / "state" / "pins"
        return wait_for(lambda: file.exists() and f"{name} " in file.read_text(), seconds=10)

    def is_running(self):
        return self.server is not None and self.server.is_running()

    def signal(self, number):
        self.server.signal(number)

    def _write(self, configuration):
        self.configuration_file.write_text(yaml.safe_dump(configuration, sort_keys=False))

    def _changed(self, change):
        configuration = copy.deepcopy(self.configuration)
        if change is not None:
            change(configuration)
        return configuration

    def reload(self, change=None):
        """Reloads the first configuration with `change(copy of it)` applied; False: it was refused."""
        configuration = self._changed(change)
        self._write(configuration)
        done = self.run_verb("reload")
        if done.returncode == 0:
            self._in_force = configuration
        return done.returncode == 0

    def hang_up(self, change=None):
        """The same by SIGHUP, which has no answer: what came of it is to be seen elsewhere."""
        self._in_force = self._changed(change)
        self._write(self._in_force)
        self.server.signal(signal.SIGHUP)

    def run_verb(self, verb, *arguments):
        """Runs another verb of the program against this gateway."""
        return subprocess.run(self._lab.gateway.inside([str(program()), verb, "--socket", str(self.socket),
                                                        *arguments]),
                              capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)

    # what it says

    @property
    def _messages_file(self):
        return self._lab.folder / "sallyport.log"

    def messages_mark(self):
        return self._messages_file.stat().st_size if self._messages_file.exists() else 0

    def messages(self, since=0):
        """What it wrote to its standard error from that place on."""
        with open(self._messages_file, encoding="utf-8", errors="replace") as file:
            file.seek(since)
            return file.read()

    def mark(self):
        """A place in the verdict log, for verdicts(since)."""
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def events(self, since=0):
        """The whole lines of the verdict log from that place on, parsed."""
        if not self.log_file.exists():
            return []
        with open(self.log_file, encoding="utf-8") as file:
            file.seek(since)
            return [json.loads(line) for line in file if line.endswith("\n")]

    def verdicts(self, since=0):
        return [event for event in self.events(since) if event["event"] == "verdict"]

    def find_verdict(self, since, matches, seconds=1.5):
        """The last verdict from that place on for which `matches` is true; None when none comes."""
        found = []

        def look():
            found[:] = [verdict for verdict in self.verdicts(since) if matches(verdict)]
            return bool(found)
        wait_for(look, seconds=seconds)
        return found[-1] if found else None

    # what the kernel holds

    def flows(self, destination=None):
        """The tracked connections, to this destination or all."""
        flows = []
        for family in ("ipv4", "ipv6"):
            for line in self._lab.gateway.run(["conntrack", "-L", "-f", family], check=False).splitlines():
                flow = _parse_flow(line)
                if flow is not None and destination in (None, flow.destination):
                    flows.append(flow)
        return flows

    def queued_packets(self):
        """How many packets the kernel has handed to the queues so far."""
        text = self._lab.gateway.run(["cat", "/proc/net/netfilter/nfnetlink_queue"], check=False)
        return sum(int(line.split()[7]) for line in text.splitlines())

    def ruleset(self):
        """The gateway's table with all elements of its sets, as nft lists it."""
        return self._lab.gateway.run(["nft", "list", "table", "inet", "sallyport"])

    def pinned(self):
        """The addresses that lead to the inspector."""
        found = []
        for name in ("pinned_v4", "pinned_v6"):
            text = self._lab.gateway.run(["nft", "-j", "list", "set", "inet", "sallyport", name], check=False)
            for item in json.loads(text or "{}").get("nftables", []):
                for element in item.get("set", {}).get("elem", []):
                    found.append(element["elem"]["val"] if isinstance(element, dict) else element)
        return found

    def has_ruleset(self):
        return "table inet sallyport" in run(self._lab.gateway.inside(["nft", "list", "tables"])).splitlines()


_FLOW = re.compile(r"^(\w+)\s+\d+ .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*\bmark=(\d+)")


def _parse_flow(line):
    match = _FLOW.match(line)
    if match is None:
        return None
    protocol, source, destination, source_port, destination_port, mark = match.groups()
    return Flow(protocol, source, destination, int(source_port), int(destination_port), int(mark))
