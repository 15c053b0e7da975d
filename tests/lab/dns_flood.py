"""Asks for names that nobody asked for before, as a tunnel or an overload does.

Run inside the node: dns_flood.py SOURCE SERVER COUNT SUFFIX [LENGTH]
Sends COUNT questions (A) from SOURCE, each for a random label of LENGTH letters (12) below SUFFIX, never more than
64 unanswered. Prints as JSON how many answers of each code came, "lost" for none.
"""

import collections
import json
import random
import select
import socket
import sys
import time

UNANSWERED, PATIENCE = 64, 8
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
CODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


def question(identity, name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return identity.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"


def flood(source, server, count, suffix, length):
    codes, waiting, sent = collections.Counter(), set(), 0
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind((source, 0))
    client.connect((server, 53))
    heard = time.monotonic()
    while sent < count or waiting:
        while sent < count and len(waiting) < UNANSWERED:
            name = "".join(random.choices(LETTERS, k=length))
            client.send(question(sent % 65536, f"{name}.{suffix}"))
            waiting.add(sent % 65536)
            sent += 1
        if select.select([client], [], [], 0.2)[0]:
            answer = client.recv(4096)
            heard = time.monotonic()
            if int.from_bytes(answer[:2], "big") in waiting:
                waiting.discard(int.from_bytes(answer[:2], "big"))
                codes[CODES.get(answer[3] & 15, str(answer[3] & 15))] += 1
        elif time.monotonic() - heard > PATIENCE:
            codes["lost"] += len(waiting)
            waiting.clear()
    return codes


if __name__ == "__main__":
    SOURCE, SERVER, COUNT, SUFFIX = sys.argv[1:5]
    print(json.dumps(flood(SOURCE, SERVER, int(COUNT), SUFFIX, int(sys.argv[5]) if sys.argv[5:] else 12)))
