"""What each kind of traffic does, once. A play returns a word when it got what it wanted and raises when not.

So a play of a denied kind that returns is a leak, and one of an allowed kind that raises is a failure.
"""

import asyncio
import contextlib
import functools
import itertools
import random
import socket
import ssl

from lab import addresses as at
from lab import quic_client, tls_hello
from lab.dns import MANY_NAMES, METADATA_NAME
from lab.soak.questions import Problem, ask
from lab.story import DEEP_DATA, EASTUS_DATA, EVIL, MCR, UBUNTU
from lab.watch import MARKER

NAMES = (MCR, EASTUS_DATA, DEEP_DATA, "management.azure.com", "login.microsoftonline.com",
         "packages.microsoft.com", "acs-mirror.azureedge.net", "example.com", "www.example.com")
SOMETIMES = "other.example"  # of a rule that every other policy has
PROXY_PORT = 3128
HALF_OPEN_SECONDS = 7  # longer than the gateway waits for a hello
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


# allowed

async def tls_inspected(far):
    name, family = random.choice(NAMES), either_family()
    return await fetch(far, name, await far.resolve(name, family))


async def tls_proxied(far):
    return await fetch(far, random.choice(NAMES), at.HOSTILE.of(either_family()))


async def tls_moving(far):
    return await fetch(far, at.API_SERVER_NAME, await far.resolve(at.API_SERVER_NAME, either_family()))


async def tls_moving_by_address(far):
    address = await far.resolve(at.API_SERVER_NAME, either_family())
    return await fetch(far, address, address, context=far.nameless)


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


async def tls_slow(far):
    return await slow_hello(await far.resolve(MCR), MCR)


async def http_twice(far):
    async with connected(await far.resolve(UBUNTU, either_family()), 80) as streams:
        await request(*streams, UBUNTU)
        return await request(*streams, UBUNTU, "/")


async def explicit_connect(far):
    name = random.choice(NAMES)
    reader, writer = await open_tunnel(far, name)
    try:
        return await request(reader, writer, name)
    finally:
        writer.transport.abort()


async def explicit_http(_far):
    async with connected(at.GATEWAY_INSIDE.of(either_family()), PROXY_PORT) as streams:
        return await request(*streams, UBUNTU, f"http://{UBUNTU}/healthz")


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


async def quic_inspected(far):
    return await quic("example.com", await far.resolve("example.com", either_family()))


async def echo_tcp(_far):
    host, word = random.choice((at.API_SERVER_A, at.API_SERVER_B)), random.randbytes(200)
    async with connected(host.of(either_family()), 9000) as (reader, writer):
        writer.write(word)
        await reader.readexactly(len(word))
        return "echoed"


async def echo_udp(_far):
    host, word = random.choice((at.API_SERVER_A, at.API_SERVER_B)), random.randbytes(200)
    with datagrams(host.of(either_family()), 1194) as sender:
        return await echo_once(sender, word)


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


def dns_hot(over):
    async def run(far):
        await far.resolve(random.choice(NAMES), either_family(), over)
        return "answered"
    return run


def dns_cold(over):
    async def run(far):
        await far.resolve(far.cold_name(), either_family(), over)
        return "answered"
    return run


async def tls_sometimes(far):
    return await fetch(far, SOMETIMES, at.EXAMPLE.of(either_family()))


# denied: each returns only when something came back from where nothing may

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


async def forbidden_name_pinned(far):
    with contextlib.suppress(Problem):  # no answer: it is to be denied all the same
        await far.resolve(MCR)
    return await begin_tls(at.MCR.of(either_family()), hello_of(EVIL))


async def forbidden_name_anywhere(_far):
    return await begin_tls(at.HOSTILE.of(either_family()), hello_of(EVIL))


async def forbidden_name_slow(_far):
    return await slow_hello(random.choice((at.MCR, at.HOSTILE)).of(either_family()), EVIL)


async def half_a_hello(_far):
    async with connected(random.choice((at.MCR, at.HOSTILE)).of(either_family()), 443) as (reader, writer):
        writer.write(hello_of(MCR)[:60])
        async with asyncio.timeout(HALF_OPEN_SECONDS):
            return await expect_handshake(reader)


async def http_forbidden(_far):
    async with connected(random.choice((at.UBUNTU, at.HOSTILE)).of(either_family()), 80) as streams:
        return await request(*streams, EVIL)


async def explicit_forbidden(_far):
    async with connected(at.GATEWAY_INSIDE.of(either_family()), PROXY_PORT) as streams:
        return await request(*streams, f"{EVIL}:443", f"{EVIL}:443", "CONNECT")


async def quic_forbidden(_far):
    return await quic(EVIL, at.EXAMPLE.of(either_family()))


async def dns_forbidden(far):
    return await far.resolve(EVIL, either_family())


async def dns_metadata(far):
    return await far.resolve(METADATA_NAME)


async def tcp_forbidden(_far):
    async with asyncio.timeout(5):
        async with connected(at.HOSTILE.of(either_family()), random.choice((22, 8080, 9999))):
            return "connected"


async def udp_forbidden(_far):
    with datagrams(at.HOSTILE.of(either_family()), random.choice((53, 443, 9999))) as sender:
        async with asyncio.timeout(2):
            await asyncio.get_running_loop().sock_sendall(sender, MARKER.encode())
            await asyncio.get_running_loop().sock_recv(sender, 4096)
            return "answered"


PLAYS = {
    "TLS, inspected": tls_inspected,
    "TLS, proxied": tls_proxied,
    "TLS, a name that moves": tls_moving,
    "TLS, a name that moves, by address": tls_moving_by_address,
    "TLS, a slow hello": tls_slow,
    "HTTP, two requests": http_twice,
    "explicit proxy, CONNECT": explicit_connect,
    "explicit proxy, HTTP": explicit_http,
    "QUIC, inspected": quic_inspected,
    "network rule, TCP": echo_tcp,
    "network rule, UDP": echo_udp,
    "DNS, hot, UDP": dns_hot("udp"),
    "DNS, hot, TCP": dns_hot("tcp"),
    "DNS, cold, UDP": dns_cold("udp"),
    "DNS, cold, TCP": dns_cold("tcp"),
    "TLS, allowed by every other policy": tls_sometimes,
    "TLS, forbidden name, pinned address": forbidden_name_pinned,
    "TLS, forbidden name, any address": forbidden_name_anywhere,
    "TLS, forbidden name, slow hello": forbidden_name_slow,
    "TLS, half a hello, then silence": half_a_hello,
    "HTTP, forbidden name": http_forbidden,
    "explicit proxy, forbidden name": explicit_forbidden,
    "QUIC, forbidden name": quic_forbidden,
    "DNS, forbidden name": dns_forbidden,
    "DNS, a name that leads to the metadata service": dns_metadata,
    "TCP, forbidden address": tcp_forbidden,
    "UDP, forbidden address": udp_forbidden,
}
