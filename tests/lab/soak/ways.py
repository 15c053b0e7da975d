"""The ways outside that the plays share: names by the gateway's DNS, connections, requests, hellos, datagrams."""

import asyncio
import contextlib
import functools
import itertools
import random
import socket
import ssl

from lab import addresses as at
from lab import quic_client, tls_hello
from lab.dns import MANY_NAMES
from lab.soak.questions import Problem, ask

PROXY_PORT = 3128
SLOW_PIECES, SLOW_PAUSE = 8, 0.2
FILLING_AT_ONCE = 32


def either_family():
    return random.choice((4, 6))


class Far:
    """The way outside: names through the gateway's DNS, connections, requests."""

    def __init__(self, authority):
        self.context = ssl.create_default_context(cafile=authority)
        self.context.set_alpn_protocols(["http/1.1"])
        self.nameless = ssl.create_default_context(cafile=authority)
        self.nameless.check_hostname = False
        self._cold = itertools.count()

    async def resolve(self, name, family=4, over="udp"):
        """The first address of a name, as the gateway answers."""
        return random.choice(await ask(name, family, over))

    def cold_name(self):
        """A name that nobody has asked for; cheap by the name budget."""
        return f"n{next(self._cold)}.{MANY_NAMES}"

    async def fill_caches(self, count, leaving):
        """Asks for that many cold names; returns how many were answered."""
        answered = 0

        async def fill(share):
            nonlocal answered
            for _ in range(share):
                if leaving.is_set():
                    return
                with contextlib.suppress(Problem, OSError):
                    await ask(self.cold_name(), 4, "udp")
                    answered += 1
        await asyncio.gather(*(fill(count // FILLING_AT_ONCE) for _ in range(FILLING_AT_ONCE)))
        return answered


@contextlib.asynccontextmanager
async def connected(address, port, **options):
    reader, writer = await asyncio.open_connection(address, port, **options)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def read_answer(reader):
    """The status of an HTTP answer, whose body is read too."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    await reader.readexactly(length)
    return lines[0].split(" ")[1]


async def request(reader, writer, host, path="/healthz", method="GET"):
    """One request on a connection that stays open; anything but 200 is a problem."""
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    await writer.drain()
    status = await read_answer(reader)
    if status != "200":
        raise Problem(f"status {status}")
    return status


async def fetch(far, name, address, context=None):
    """https://NAME/healthz at this address, verified."""
    async with connected(address, 443, ssl=context or far.context,
                         server_hostname=None if context else name, ssl_handshake_timeout=15) as streams:
        return await request(*streams, name)


async def open_tunnel(far, name):
    """The streams of a CONNECT to NAME:443 with TLS inside."""
    reader, writer = await asyncio.open_connection(at.GATEWAY_INSIDE.of(either_family()), PROXY_PORT)
    try:
        await request(reader, writer, f"{name}:443", f"{name}:443", "CONNECT")
        await writer.start_tls(far.context, server_hostname=name)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


@functools.lru_cache(maxsize=None)
def hello_of(name):
    return tls_hello.client_hello(name)


async def expect_handshake(reader):
    head = await reader.read(64)
    if head[:1] == bytes([tls_hello.HANDSHAKE_RECORD]):
        return "server hello"
    raise Problem("alert" if head else "closed")


async def begin_tls(address, hello):
    async with connected(address, 443) as (reader, writer):
        writer.write(hello)
        return await expect_handshake(reader)


async def slow_hello(address, name):
    """A hello in pieces with pauses; returns when the server answers it."""
    hello = hello_of(name)
    size = -(-len(hello) // SLOW_PIECES)
    async with connected(address, 443) as (reader, writer):
        for start in range(0, len(hello), size):
            writer.write(hello[start:start + size])
            await writer.drain()
            await asyncio.sleep(SLOW_PAUSE)
        return await expect_handshake(reader)


async def quic(name, address):
    """A QUIC connection begun by hand; sends its first datagram again as clients do."""
    def begin():
        client = quic_client.Client(address, 443)
        original = random.randbytes(8)
        datagram = quic_client.whole(quic_client.hello(name), original)
        for _ in range(4):
            client.send(datagram)
            client.wait([original], seconds=2)
            if client.answers[-1] != "silence":
                break
        return client.answers[-1]
    seen = await asyncio.get_running_loop().run_in_executor(None, begin)
    if seen != "initial":
        raise Problem(seen)
    return seen


@contextlib.contextmanager
def datagrams(address, port):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect((address, port))
        yield sender


async def echo_once(sender, word):
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sender, word)
    async with asyncio.timeout(8):
        while await loop.sock_recv(sender, 4096) != word:
            pass  # of an earlier one
    return "echoed"
