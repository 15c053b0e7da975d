"""What is done to the gateway while the load lasts, and when."""

import itertools
import signal
import time

from lab import addresses as at
from lab.gateway import default_configuration
from lab.processes import CommandFailed
from lab.soak.judge import Window
from lab.soak.kinds import DNS, KILL
from lab.soak.operations import SOMETIMES
from lab.soak.ways import PROXY_PORT

RELOAD_EVERY, MOVE_EVERY, TURN_EVERY = 20, 13, 20
KILL_AT = 0.1   # of the run: the second and the last quarter are of the same process, whose growth is judged
DOWN = 3        # seconds between the kill and the start
DEATH_EVERY, DEATH = 240, 20
FIRST_DEATH_AT = 0.55  # of the run, or after DEATH_EVERY seconds
# When a fault is over, what it excuses is so a little longer: an upstream that did not answer is put back for five
# seconds (dns.upstreams), and a question waits three; after a start the clients' SYNs and questions come again.
DNS_AFTER, KILL_AFTER = 8, 4


def configuration():
    """The laboratory's, with every way that traffic can take."""
    config = default_configuration()
    example, = config["collections"][0]["rules"]
    example["quic"] = "inspect"
    config["collections"].append({
        "name": "net", "priority": 300, "action": "allow", "kind": "network", "rules": [
            {"name": name, "protocols": [name], "ports": [port],
             "destinations": [*at.API_SERVER_A.both(), *at.API_SERVER_B.both()]}
            for name, port in (("tcp", 9000), ("udp", 1194))]})
    config["explicit"] = {"listen": [f"{at.bracketed(host)}:{PROXY_PORT}" for host in at.GATEWAY_INSIDE.both()]}
    # cold names are a part of the load, as those of one resolver that asks for a whole cluster
    config["dns"]["budget"] = {"new_names": 1000000, "burst": 1000000}
    return config


def with_more(config):
    """The first policy and many rules more, one of which the traffic uses."""
    config["collections"].append({
        "name": "sometimes", "priority": 400, "action": "allow", "kind": "application", "rules": [
            {"name": "sometimes", "fqdns": [SOMETIMES], "protocols": ["https:443"]},
            *({"name": f"more-{n}", "fqdns": [f"host-{n}.corp.example", f"*.zone-{n}.example"],
               "protocols": ["https:443"]} for n in range(300))]})
    config["collections"].append({
        "name": "more-net", "priority": 500, "action": "allow", "kind": "network", "rules": [
            {"name": f"net-{n}", "protocols": ["tcp"], "ports": [2000 + n],
             "destinations": [f"192.88.{n}.0/24"]} for n in range(100)]})


def with_other_settings(config):
    config["dns"]["grace"] = "3s"
    config["network"]["snat"] = list(at.GATEWAY_OUTSIDE.both())


POLICIES = (with_more, None, with_other_settings)


class Plan:
    """`tick` does what is due; `finish` ends what is still under way."""

    def __init__(self, lab, gateway, outside, seconds, after_start):
        self._lab, self._gateway, self._outside = lab, gateway, outside
        self.windows = []
        self.reloads = 0
        self.problems = []  # what the plan itself could not do
        self._began = None
        self._policies = itertools.cycle(POLICIES)
        self._hosts = itertools.cycle((at.API_SERVER_B, at.API_SERVER_A))
        self._deaths = itertools.cycle((self._silence_resolvers, self._take_resolvers_away))
        self._revive = None
        self._revive_at = self._dead_since = None
        first_death = min(DEATH_EVERY, FIRST_DEATH_AT * seconds)
        # (when it is next due, how often, what); those that do not repeat have no "how often"
        self._due = [[RELOAD_EVERY / 2, RELOAD_EVERY, self._reload], [MOVE_EVERY, MOVE_EVERY, self._move],
                     [TURN_EVERY, TURN_EVERY, outside.turn], [KILL_AT * seconds, None, self._kill],
                     [first_death, DEATH_EVERY, self._kill_resolvers]]
        self._seconds, self._after_start = seconds, after_start

    def tick(self):
        now = time.monotonic()
        self._began = self._began or now
        if self._revive is not None and now >= self._revive_at:
            self._end_death()
        for entry in list(self._due):
            if now - self._began < entry[0]:
                continue
            if entry[1] is None:
                self._due.remove(entry)
            else:
                entry[0] += entry[1]
            entry[2]()

    def finish(self):
        if self._revive is not None:
            self._end_death()

    def _reload(self):
        self.reloads += 1
        if not self._gateway.reload(next(self._policies)):
            self.problems.append("a reload was refused")

    def _move(self):
        if self._revive is None:  # else nobody would hear it
            self._lab.dns.point(at.API_SERVER_NAME, next(self._hosts))

    def _kill(self):
        began = time.monotonic()
        self._gateway.kill()
        time.sleep(DOWN)
        try:
            self._gateway.start()
        except CommandFailed as problem:
            self.problems.append(str(problem))
        self.windows.append(Window(KILL, began, time.monotonic() + KILL_AFTER))
        self._after_start()

    # upstreams

    def _kill_resolvers(self):
        now = time.monotonic()
        if now - self._began + DEATH + DNS_AFTER > self._seconds:
            return  # it would not be over in time
        self._revive = next(self._deaths)()
        self._dead_since, self._revive_at = now, now + DEATH

    def _end_death(self):
        self._revive()
        self._revive = None
        self.windows.append(Window(DNS, self._dead_since, time.monotonic() + DNS_AFTER))

    def _silence_resolvers(self):
        """They keep their sockets and say nothing."""
        for server in self._lab.dns.servers:
            server.server.signal(signal.SIGSTOP)

        def revive():
            for server in self._lab.dns.servers:
                server.server.signal(signal.SIGCONT)
        return revive

    def _take_resolvers_away(self):
        """Nobody has their addresses: the network says so by ICMP."""
        addresses = [f"{host.v4}/32" for host in (at.RESOLVER, at.RESOLVER_SECOND)]
        self._lab.internet.ip(*(f"address del {address} dev lo" for address in addresses))
        return lambda: self._lab.internet.add_addresses("lo", *addresses)
