"""A client with raw sockets, as any pod with CAP_NET_RAW has: TCP that does not play by the rules.

Run inside the node: raw_client.py SOURCE DESTINATION PORT SOURCE_PORT TRICK ALLOWED_NAME OTHER_NAME
Tricks:
  ordinary       the allowed name's hello in one segment
  shuffled       the same in three segments, the last ones first
  repeated       the same segment three times
  ttl            the same with a time to live that ends soon behind the gateway
  overlap        a hello in two segments that overlap and differ in what they share
  second-hello   the allowed name's hello, and at once the other name's in the same place
  bad-checksum   the allowed name's hello with a wrong checksum, then the other name's in the same place
  reset-between  the allowed name's hello, a reset out of the window, the other name's in the same place
  syn-data       the hello in the SYN
Prints how the far end answered: server-hello, alert, reset, silence.
The kernel of the node must be kept from answering with resets of its own (see test_evasion.py). IPv4.
"""

import random
import socket
import struct
import sys
import time

from lab import tls_hello

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETH_P_IP = 0x0800
TTL_TO_UPLINK = 3


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
        self.source, self.destination = (socket.inet_aton(a) for a in (source, destination))
        self.ports = (source_port, port)
        self.sequence = random.Random(source_port).randrange(1 << 31)  # of the first byte of data
        self.acknowledged = 0
        self._out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._in = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        self._in.settimeout(0.2)

    def send(self, flags, payload=b"", *, offset=0, ttl=64, wrong_checksum=False):
        """Sends one segment; `offset` counts from the first byte of data."""
        tcp = struct.pack("!HHIIBBHHH", *self.ports, (self.sequence + offset) & 0xFFFFFFFF,
                          self.acknowledged, 5 << 4, flags, 64000, 0, 0)
        pseudo = self.source + self.destination + struct.pack("!BBH", 0, socket.IPPROTO_TCP,
                                                             len(tcp) + len(payload))
        value = checksum(pseudo + tcp + payload) ^ (0x5555 if wrong_checksum else 0)
        tcp = tcp[:16] + value.to_bytes(2, "big") + tcp[18:]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0x4000, ttl,
                         socket.IPPROTO_TCP, 0, self.source, self.destination)
        self._out.sendto(ip + tcp + payload, (socket.inet_ntoa(self.destination), 0))

    def receive(self, seconds):
        """The next segment of this connection: (flags, sequence, payload), or None."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                packet = self._in.recv(65535)
            except TimeoutError:
                continue
            header = (packet[0] & 15) * 4
            tcp = packet[header:int.from_bytes(packet[2:4], "big")]
            if packet[9] == socket.IPPROTO_TCP and packet[12:16] == self.destination \
                    and struct.unpack("!HH", tcp[:4]) == self.ports[::-1]:
                return tcp[13], int.from_bytes(tcp[4:8], "big"), tcp[(tcp[12] >> 4) * 4:]
        return None

    def open(self, payload=b""):
        """The handshake; True when the far end answered the SYN."""
        self.send(SYN, payload, offset=-1)
        answer = self.receive(1.5)
        if answer is None or answer[0] & (SYN | RST) != SYN:
            return False
        self.acknowledged = (answer[1] + 1) & 0xFFFFFFFF
        self.send(ACK)
        return True

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
    if trick == "ordinary":
        connection.send(push, allowed)
    elif trick == "shuffled":
        third = len(allowed) // 3
        for start, end in ((2 * third, None), (third, 2 * third), (0, third)):
            connection.send(push, allowed[start:end], offset=start)
    elif trick == "repeated":
        for _ in range(3):
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


def hellos(allowed_name, other_name):
    """A hello for each name, of one length."""
    allowed, other = (tls_hello.message_of(tls_hello.client_hello(name))
                      for name in (allowed_name, other_name))
    size = max(len(allowed), len(other)) + 64
    allowed, other = (tls_hello.padded(message, size) for message in (allowed, other))
    return tls_hello.records_of(allowed, 1 << 14), tls_hello.records_of(other, 1 << 14)


def main(source, destination, port, source_port, trick, allowed_name, other_name):
    connection = RawConnection(source, destination, int(port), int(source_port))
    allowed, other = hellos(allowed_name, other_name)
    if not connection.open(allowed if trick == "syn-data" else b""):
        return "silence"
    if trick == "syn-data":
        connection.send(PSH | ACK, allowed)
    play(connection, trick, allowed, other)
    answer = connection.answer()
    connection.send(RST, offset=len(allowed))
    return answer


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
