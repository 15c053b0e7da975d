"""What each kind of traffic does, once. A play returns a word when it got what it wanted and raises when not.

So a play of a denied kind that returns is a leak, and one of an allowed kind that raises is a failure.
"""

import asyncio
import contextlib
import random

from lab import addresses as at
from lab.dns import METADATA_NAME
from lab.soak.questions import Problem
from lab.soak.ways import (PROXY_PORT, begin_tls, connected, datagrams, echo_once, either_family, expect_handshake,
                           fetch, hello_of, open_tunnel, quic, request, slow_hello)
from lab.story import DEEP_DATA, EASTUS_DATA, EVIL, MCR, UBUNTU
from lab.watch import MARKER

NAMES = (MCR, EASTUS_DATA, DEEP_DATA, "management.azure.com", "login.microsoftonline.com",
         "packages.microsoft.com", "acs-mirror.azureedge.net", "example.com", "www.example.com")
SOMETIMES = "other.example"  # of a rule that every other policy has
HALF_OPEN_SECONDS = 7  # longer than the gateway waits for a hello


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
