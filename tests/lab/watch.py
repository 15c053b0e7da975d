"""The judge outside: what no rule allows is sent all the time, and a capture says whether any of it left."""

from . import addresses as at
from .capture import Capture
from .laboratory import python_environment

MARKER = "f0rbidden"
FORBIDDEN_NAME = "evil.example"


class Watch:
    """From `with` to the end of its block; then `leaked` are the packets that should not have left."""

    def __init__(self, lab):
        self._lab = lab
        self._wire = Capture(lab.internet, "uplink", lab.captures)
        self._sender = None
        self.leaked = None
        self.seen = 0

    def __enter__(self):
        self._wire.__enter__()
        self._sender = self._lab.node.start(
            "forbidden", self._lab.python("forbidden", at.HOSTILE.v4, at.MCR.v4, FORBIDDEN_NAME, MARKER),
            self._lab.folder / "forbidden.log", env=python_environment())
        return self

    def __exit__(self, *_):
        self._sender.stop()
        packets = self._wire.settle()
        self._wire.stop()
        self.seen = len(packets)
        self.leaked = [packet for packet in packets if is_forbidden(packet)]

    def is_sending(self):
        return self._sender.is_running()


def is_forbidden(packet):
    return packet.destination in at.HOSTILE.both() or any(word.encode() in packet.payload for word in (MARKER, FORBIDDEN_NAME))
