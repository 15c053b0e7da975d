"""Sends, without a pause, what no rule allows; whoever captures outside must never see any of it.

Run inside the node: forbidden.py HOSTILE_ADDRESS ALLOWED_ADDRESS FORBIDDEN_NAME MARKER
Datagrams with the marker and TCP SYNs to the hostile address, DNS questions to it, and the hello of a forbidden name over
connections to the allowed address, some fifty of each a second. Ends when it is told to.
"""

import asyncio
import socket
import struct
import sys

from lab import tls_hello

PAUSE = 0.02
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # no TIME_WAIT: the ports would run out
QUESTION = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04evil\x07example\0\0\x01\0\x01"


async def send_datagrams(address, marker):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        while True:
            for port, payload in ((9999, marker), (443, marker), (53, QUESTION + marker)):
                try:
                    sender.sendto(payload, (address, port))
                except OSError:
                    pass  # an ICMP error of the gateway's
            await asyncio.sleep(PAUSE)


async def connect_once(address, port, payload):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        await loop.sock_connect(connection, (address, port))
        await loop.sock_sendall(connection, payload)
        await loop.sock_recv(connection, 64)


async def connect(address, port, payload):
    while True:
        try:
            await asyncio.wait_for(connect_once(address, port, payload), 0.3)
        except (OSError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(PAUSE)


async def main(hostile, allowed, name, marker):
    hello = tls_hello.client_hello(name)
    await asyncio.gather(send_datagrams(hostile, marker.encode()), connect(hostile, 8080, marker.encode()),
                         connect(hostile, 443, hello), connect(allowed, 443, hello), connect(allowed, 443, hello))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
