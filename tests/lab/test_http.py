"""A denied HTTP request: not one byte of it reaches the outside, whatever stands before it."""

import pytest

from lab import addresses as at
from lab.capture import TCP
from lab.laboratory import python_environment
from lab.story import EVIL, UBUNTU, deny

FIRST = f"GET /first HTTP/1.1\r\nHost: {UBUNTU}\r\n\r\n".encode()
MARK = b"denied-bytes"  # stands in each request that is denied, in its target, a field and its body

OTHER_HOST = f"GET /{{mark}} HTTP/1.1\r\nHost: {EVIL}\r\nX: {{mark}}\r\n\r\n"
POST_OTHER_HOST = f"POST /{{mark}} HTTP/1.1\r\nHost: {EVIL}\r\nContent-Length: 12\r\n\r\n{{mark}}"
ABSOLUTE = f"GET http://{EVIL}/{{mark}} HTTP/1.1\r\nHost: {UBUNTU}\r\n\r\n"
TWO_HOSTS = f"GET /{{mark}} HTTP/1.1\r\nHost: {UBUNTU}\r\nHost: {EVIL}\r\n\r\n"
SMUGGLING = (f"POST /{{mark}} HTTP/1.1\r\nHost: {UBUNTU}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
             "0\r\n\r\n{mark}")
HIDDEN = (f"GET /{{mark}} HTTP/1.1\r\nHost: {UBUNTU}\r\nContent-Length: 60\r\n\r\n"
          f"GET /{{mark}} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n        ")
TUNNEL = f"CONNECT {EVIL}:80 HTTP/1.1\r\nHost: {EVIL}:80\r\n\r\n{{mark}}"
ADDRESS = f"GET /{{mark}} HTTP/1.1\r\nHost: {at.HOSTILE.v4}\r\n\r\n"

DENIED = {"another host": (OTHER_HOST, "no_rule"), "a body for another host": (POST_OTHER_HOST, "no_rule"),
          "an absolute target": (ABSOLUTE, "http_malformed"), "two hosts": (TWO_HOSTS, "http_malformed"),
          "two lengths": (SMUGGLING, "http_malformed"), "a request within a body": (HIDDEN, "http_malformed"),
          "a tunnel": (TUNNEL, "http_malformed"), "an address for a name": (ADDRESS, "name_invalid")}

# How it comes: the parts that the client sends, and how long it waits after each.
WAYS = {
    "on a fresh connection": lambda request: ([request], 0),
    "byte by byte": lambda request: ([request[at:at + 1] for at in range(len(request))], 0.002),
    "when the first is answered": lambda request: ([FIRST, request], 0.3),
    "in the first one's segment": lambda request: ([FIRST + request], 0),
    "half in the first one's segment": lambda request: ([FIRST + request[:9], request[9:]], 0.3),
    "behind two others": lambda request: ([FIRST + FIRST, FIRST + request], 0.3),
}


def ask(stage, family, parts, pause):
    command = stage.lab.python("http_client", at.UBUNTU.of(family), "80", str(pause), *(part.hex() for part in parts))
    return stage.clients.run(command, env=python_environment(), timeout=15).out


@pytest.mark.parametrize("family, way", [*((4, way) for way in WAYS), (6, "in the first one's segment")])
@pytest.mark.parametrize("what", DENIED)
def test_not_one_byte_of_a_denied_request_gets_out(stage, family, what, way):
    request, reason = DENIED[what]
    parts, pause = WAYS[way](request.format(mark=MARK.decode()).encode())
    mark = stage.gateway.mark()
    said, packets = stage.outside(lambda: ask(stage, family, parts, pause))
    sent = b"".join(packet.payload for packet in packets if packet.destination_port == 80)
    allowed = b"".join(parts).count(FIRST)
    assert sent == FIRST * allowed
    assert not any(MARK in packet.payload or b"evil" in packet.payload for packet in packets)  # no question either
    if not allowed:
        assert [packet for packet in packets if packet.protocol == TCP] == []
    assert said.count("HTTP/1.1 404") + said.count("HTTP/1.1 200") == allowed
    assert said.count("HTTP/1.1 400") + said.count("HTTP/1.1 403") == 1
    assert stage.gateway.find_verdict(mark, deny(reason).accepts)


def test_the_marks_are_seen_when_nothing_is_denied(stage):
    request = FIRST.replace(b"/first", b"/" + MARK)
    said, packets = stage.outside(lambda: ask(stage, 4, [FIRST + request], 0))
    assert b"".join(packet.payload for packet in packets if packet.destination_port == 80) == FIRST + request
    assert said.count("HTTP/1.1 404") == 2
