"""Echoes what it gets: the API server's tunnel ports, UDP 1194 and TCP 9000.

Run inside a namespace: echo_server.py ADDRESS...
"""

import asyncio
import sys


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.transport.sendto(data, peer)


async def echo(reader, writer):
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main(addresses):
    loop = asyncio.get_running_loop()
    for address in addresses:
        await loop.create_datagram_endpoint(Datagrams, local_addr=(address, 1194))
        await asyncio.start_server(echo, address, 9000)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
