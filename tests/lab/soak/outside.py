"""The judge outside: one capture after the other behind the gateway, for as long as it takes, without a gap."""

import itertools
import re

from lab.capture import Capture
from lab.watch import is_forbidden

FROM_THE_GATEWAY = "inbound and (ip or ip6)"  # as the uplink sees it
DROPPED = re.compile(r"(\d+) packets? dropped by kernel")
SHOWN = 20


class Outside:
    """Between `start` and `stop`; `turn` judges what was captured so far and frees its file."""

    def __init__(self, lab):
        self._lab = lab
        self._capture = None
        self._numbers = itertools.count()
        self.seen = self.forbidden = self.missed = 0
        self.examples = []  # of what is forbidden

    def start(self):
        self._capture = self._begin()

    def turn(self):
        """The next capture begins before the last one ends: a packet may be counted twice, none is missed."""
        ended, self._capture = self._capture, self._begin()
        self._judge(ended)

    def stop(self):
        ended, self._capture = self._capture, None
        if ended is not None:
            self._judge(ended)

    def _begin(self):
        capture = Capture(self._lab.internet, "uplink", self._lab.captures, FROM_THE_GATEWAY)
        capture.__enter__()
        return capture

    def _judge(self, capture):
        capture.stop()
        packets = capture.packets()
        bad = [packet for packet in packets if is_forbidden(packet)]
        self.seen += len(packets)
        self.forbidden += len(bad)
        self.examples += [f"{p.source} → {p.destination} port {p.destination_port}, {p.payload[:40]!r}"
                          for p in bad[:SHOWN - len(self.examples)]]
        dropped = DROPPED.search(capture.server.log.read_text())
        self.missed += int(dropped.group(1)) if dropped else 0
        capture.server.log.unlink()
        capture.path.unlink()
