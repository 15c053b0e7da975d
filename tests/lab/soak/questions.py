"""One DNS question to the gateway, over UDP or TCP, from a port of its own."""

import asyncio
import random
import socket
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from lab import addresses as at

PATIENCE = 8.0  # seconds; resolvers ask again sooner, here an answer that is lost is to be seen


class Problem(Exception):
    """An attempt did not come to what it wanted; the text says how it ended instead."""


async def _exchange_udp(loop, asked, wire):
    await loop.sock_sendall(asked, wire)
    while True:
        answer = await loop.sock_recv(asked, 65535)
        if answer[:2] == wire[:2]:
            return answer


async def _receive_exactly(loop, asked, size):
    data = b""
    while len(data) < size:
        piece = await loop.sock_recv(asked, size - len(data))
        if not piece:
            raise Problem("closed")
        data += piece
    return data


async def _exchange_tcp(loop, asked, wire):
    await loop.sock_sendall(asked, struct.pack("!H", len(wire)) + wire)
    size, = struct.unpack("!H", await _receive_exactly(loop, asked, 2))
    return await _receive_exactly(loop, asked, size)


async def ask(name, family, over):
    """The addresses of a name, of this family; anything else than some is a Problem."""
    kind = "A" if family == 4 else "AAAA"
    wire = dns.message.make_query(name, kind).to_wire()
    server = at.GATEWAY_INSIDE.of(random.choice((4, 6)))
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                       socket.SOCK_DGRAM if over == "udp" else socket.SOCK_STREAM) as asked:
        asked.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE):
                await loop.sock_connect(asked, (server, 53))
                answer = await (_exchange_udp if over == "udp" else _exchange_tcp)(loop, asked, wire)
        except TimeoutError:
            raise Problem("DNS: no answer") from None
        except OSError as problem:
            raise Problem(f"DNS: {problem.strerror}") from None
    message = dns.message.from_wire(answer)
    found = [item.address for rrset in message.answer if rrset.rdtype == dns.rdatatype.from_text(kind)
             for item in rrset]
    if not found:
        raise Problem(f"DNS: {dns.rcode.to_text(message.rcode())}")
    return found
