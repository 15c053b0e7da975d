"""Where the story is played: a laboratory with the gateway running, and what can be seen in it.

What a step says it saw is made of the same few words each time (`both`, `unreached`), so that a step's
expectation is a plain text.
"""

from concurrent.futures import ThreadPoolExecutor

from .capture import Capture
from .clients import Clients
from .gateway import Gateway
from .processes import CommandFailed, wait_for

FAMILIES = (4, 6)
NOTHING_ARRIVED = "hostile host saw 0 packets"


class Stage:
    """A running laboratory with a running gateway, for the length of a `with` block."""

    def __init__(self, lab):
        self.lab = lab
        self.gateway = Gateway(lab)
        self.clients = Clients(lab)
        self.notes = {}  # what an earlier step leaves for a later one
        self._hostile_wire = Capture(lab.hostile, "eth0", lab.captures)

    def __enter__(self):
        self._hostile_wire.__enter__()
        self.gateway.start()
        return self

    def __exit__(self, kind, *_):
        self._hostile_wire.stop()
        if kind is None and not self.lab.kept and self.gateway.server is not None:
            code = self.gateway.stop()
            if code != 0:
                raise CommandFailed(f"the gateway ended with exit code {code}:\n{self.gateway.messages()[-4000:]}")

    # what is seen

    def at_once(self, *plays):
        """What each of these returns, all started together."""
        with ThreadPoolExecutor(len(plays)) as pool:
            return [future.result() for future in [pool.submit(play) for play in plays]]

    def both(self, observe, at_once=False):
        """`observe(family)` for IPv4 and IPv6: its text when they agree, else each one's."""
        if at_once:
            seen = self.at_once(*(lambda family=family: observe(family) for family in FAMILIES))
        else:
            seen = [observe(family) for family in FAMILIES]
        return seen[0] if seen[0] == seen[1] else f"IPv4: {seen[0]}; IPv6: {seen[1]}"

    def unreached(self, observe):
        """What `observe()` says, and whether any packet came to the hostile host meanwhile."""
        before = len(self._hostile_wire.settle())
        seen = observe()
        packets = self._hostile_wire.settle()[before:]
        return f"{seen}; hostile host saw {len(packets)} packets"

    def outside(self, observe, expression="ip or ip6"):
        """What `observe()` says, and the packets that left the gateway meanwhile."""
        with Capture(self.lab.internet, "uplink", self.lab.captures, expression) as wire:
            seen = observe()
            packets = wire.settle()
        return seen, packets

    def served(self, observe):
        """What `observe()` says, and what the genuine servers were asked meanwhile."""
        mark = self.lab.web.mark()
        seen = observe()
        wait_for(lambda: self.lab.web.requests(mark), seconds=0.3)
        return seen, self.lab.web.requests(mark)
