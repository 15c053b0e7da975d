"""Packet captures: tcpdump writes them, this module reads them back."""

import ipaddress
import struct
import time
from dataclasses import dataclass

from .processes import wait_for

ETHERNET_HEADER = 14
ETHERTYPE_IPV4, ETHERTYPE_IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
NEIGHBOUR_TYPES = range(133, 138)  # ICMPv6 router and neighbour discovery, RFC 4861 §4
ICMPV6, HOP_BY_HOP = 58, 0


@dataclass(frozen=True)
class Packet:
    """One IP packet; `payload` is what follows the TCP or UDP header."""

    time: float
    source: str
    destination: str
    protocol: int
    source_port: int
    destination_port: int
    sequence: int
    flags: int
    payload: bytes

    @property
    def is_syn(self):
        return self.protocol == TCP and self.flags & 0x12 == 0x02


def _parse_ip(data, moment):
    """The packet in these bytes (from the IP header on), or None for neighbour discovery and noise."""
    version = data[0] >> 4
    if version == 4:
        header = (data[0] & 15) * 4
        total = int.from_bytes(data[2:4], "big")
        protocol = data[9]
        source, destination = data[12:16], data[16:20]
    else:
        header = 40
        total = header + int.from_bytes(data[4:6], "big")
        protocol = data[6]
        source, destination = data[8:24], data[24:40]
        if protocol == HOP_BY_HOP:  # multicast listener reports
            return None
        if protocol == ICMPV6 and data[header] in NEIGHBOUR_TYPES:
            return None
    body = data[header:total]
    ports, sequence, flags, payload = (0, 0), 0, 0, body
    if protocol in (TCP, UDP):
        ports = struct.unpack("!HH", body[:4])
        payload = body[8:]
    if protocol == TCP:
        sequence = int.from_bytes(body[4:8], "big")
        flags = body[13]
        payload = body[(body[12] >> 4) * 4:]
    return Packet(moment, str(ipaddress.ip_address(source)), str(ipaddress.ip_address(destination)),
                  protocol, *ports, sequence, flags, payload)


def read_packets(path):
    """The packets of a pcap file of Ethernet frames; a last one that is half written is left out."""
    data = path.read_bytes()
    if len(data) < 24:
        return []
    assert data[:4] == b"\xd4\xc3\xb2\xa1", "a little-endian pcap file with microseconds"
    packets, offset = [], 24
    while offset + 16 <= len(data):
        seconds, micros, length, _ = struct.unpack("<IIII", data[offset:offset + 16])
        frame = data[offset + 16:offset + 16 + length]
        if len(frame) < length:
            break
        offset += 16 + length
        if int.from_bytes(frame[12:14], "big") not in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
            continue
        packet = _parse_ip(frame[ETHERNET_HEADER:], seconds + micros / 1e6)
        if packet is not None:
            packets.append(packet)
    return packets


def stream_bytes(packets, destination, port):
    """What a client sent to destination:port over its only TCP connection there, in order."""
    segments = [p for p in packets
                if p.protocol == TCP and p.destination == destination and p.destination_port == port]
    first = next((p for p in segments if p.is_syn), None)
    if first is None:
        return b""
    segments = [p for p in segments if p.source_port == first.source_port and p.payload]
    stream = bytearray()
    for packet in sorted(segments, key=lambda p: (p.sequence - first.sequence) & 0xFFFFFFFF):
        position = (packet.sequence - first.sequence - 1) & 0xFFFFFFFF
        if position > len(stream):
            break  # a gap: what is behind it is not known
        stream[position:position + len(packet.payload)] = packet.payload
    return bytes(stream)


class Capture:
    """tcpdump on one interface of a namespace, from `with` to the end of its block."""

    def __init__(self, namespace, interface, folder, expression="ip or ip6"):
        self._namespace = namespace
        self._interface = interface
        self._expression = expression
        self._name = f"{namespace.name}-{interface}-{time.monotonic_ns()}"
        self.path = folder / f"{self._name}.pcap"
        self._folder = folder
        self.server = None

    def __enter__(self):
        command = ["tcpdump", "-i", self._interface, "-n", "-s", "0", "-U", "--immediate-mode", "-Z", "root",
                   "-w", str(self.path), self._expression]
        log = self._folder / f"{self._name}.log"
        self.server = self._namespace.start("tcpdump", command, log)
        self.server.wait_until(lambda: "listening on" in log.read_text(), "listening")
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.stop()

    def packets(self):
        return read_packets(self.path) if self.path.exists() else []

    def settle(self, quiet=0.05, seconds=1.0):
        """Waits until the file has not grown for `quiet` seconds, then returns its packets.

        On a busy machine tcpdump may wait that long for its turn, so it must have no packet left to write either.
        """
        size = [-1]

        def is_quiet():
            before, size[0] = size[0], self.path.stat().st_size
            return before == size[0] and self.server.is_waiting()
        wait_for(is_quiet, seconds=seconds, every=quiet)
        return self.packets()
