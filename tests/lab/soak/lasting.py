"""Connections of the whole run, used every few seconds. One that breaks is noted, and opened anew."""

import asyncio
import contextlib
import random
import socket
import time

from lab import addresses as at
from lab.soak import ways
from lab.soak.questions import Problem
from lab.story import MCR, UBUNTU

PATIENCE = 10.0  # seconds for one use, and for an opening
AGAIN = 1.0


class Stream:
    """An HTTP connection that is kept alive, with or without TLS."""

    def __init__(self, name, streams):
        self._name = name
        self._streams = streams

    async def use(self):
        return await ways.request(*self._streams, self._name)

    def close(self):
        self._streams[1].transport.abort()


class Echo:
    """A TCP connection or a UDP flow to an echo server."""

    def __init__(self, connection):
        self._connection = connection

    async def use(self):
        return await ways.echo_once(self._connection, random.randbytes(100))

    def close(self):
        self._connection.close()


async def _tls(far, name, address):
    return Stream(name, await asyncio.open_connection(address, 443, ssl=far.context, server_hostname=name))


async def _tls_inspected(far, family):
    return await _tls(far, MCR, await far.resolve(MCR, family))


async def _tls_old_address(far):
    return await _tls(far, at.API_SERVER_NAME, await far.resolve(at.API_SERVER_NAME))


async def _http(far):
    return Stream(UBUNTU, await asyncio.open_connection(await far.resolve(UBUNTU), 80))


async def _tunnel(far):
    return Stream(MCR, await ways.open_tunnel(far, MCR))


async def _echo(kind, port):
    connection = socket.socket(socket.AF_INET, kind)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (at.API_SERVER_A.v4, port))
    except BaseException:
        connection.close()
        raise
    return Echo(connection)


OPENINGS = {
    "lasting: TLS, inspected, IPv4": lambda far: _tls_inspected(far, 4),
    "lasting: TLS, inspected, IPv6": lambda far: _tls_inspected(far, 6),
    "lasting: TLS, a moved name's old address": _tls_old_address,
    "lasting: network rule, TCP": lambda far: _echo(socket.SOCK_STREAM, 9000),
    "lasting: network rule, UDP": lambda far: _echo(socket.SOCK_DGRAM, 1194),
    "lasting: TLS, proxied": lambda far: _tls(far, MCR, at.HOSTILE.v4),
    "lasting: HTTP, proxied": _http,
    "lasting: explicit proxy, CONNECT": _tunnel,
}

BROKEN = (OSError, EOFError, asyncio.TimeoutError, Problem)


async def _open(kind, far, leaving):
    """Opens it, however often that takes: that openings work is for the other kinds to show."""
    while not leaving.is_set():
        with contextlib.suppress(*BROKEN):
            return await asyncio.wait_for(OPENINGS[kind.name](far), PATIENCE)
        await asyncio.sleep(AGAIN)
    return None


async def play(kind, far, tally, leaving):
    """Keeps one connection in use until `leaving` is set."""
    connection = None
    while not leaving.is_set():
        if connection is None:
            connection = await _open(kind, far, leaving)
            continue
        began = time.monotonic()
        try:
            await asyncio.wait_for(connection.use(), PATIENCE)
            tally.note(kind, began, "alive", True)
            await asyncio.sleep(1 / kind.rate)
        except BROKEN as problem:
            tally.note(kind, began, f"broken: {problem or type(problem).__name__}", False)
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
