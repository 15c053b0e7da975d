"""Opens many short TLS connections at a steady rate and counts how they ended.

Run inside the node: load_client.py NAME ADDRESS PORT RATE SECONDS
A connection is good when the far end answers the hello with a handshake record. Prints one JSON
object: {"opened", "good", "problems": {text: count}, "seconds"}.
"""

import asyncio
import collections
import json
import socket
import struct
import sys
import time

from lab import tls_hello

PATIENCE = 8.0
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # no TIME_WAIT: the ports would run out


class Load:
    def __init__(self, name, address, port):
        self.hello = tls_hello.client_hello(name)
        self.target = (address, port)
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.good = 0
        self.problems = collections.Counter()

    async def _connect_once(self):
        loop = asyncio.get_running_loop()
        with socket.socket(self.family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            await loop.sock_connect(connection, self.target)
            await loop.sock_sendall(connection, self.hello)
            head = await loop.sock_recv(connection, 64)
        if head[:1] != bytes([tls_hello.HANDSHAKE_RECORD]):
            raise OSError("no handshake record came back")

    async def connect(self):
        try:
            await asyncio.wait_for(self._connect_once(), PATIENCE)
            self.good += 1
        except asyncio.TimeoutError:
            self.problems["no answer"] += 1
        except OSError as problem:
            self.problems[problem.strerror or str(problem)] += 1

    async def run(self, rate, seconds):
        """Starts connections at `rate` a second, also when earlier ones are still waiting."""
        began, tasks = time.monotonic(), []
        while (passed := time.monotonic() - began) < seconds:
            while len(tasks) < passed * rate:
                tasks.append(asyncio.create_task(self.connect()))
            await asyncio.sleep(0.002)
        await asyncio.gather(*tasks)
        return {"opened": len(tasks), "good": self.good, "problems": dict(self.problems),
                "seconds": seconds}


def main(name, address, port, rate, seconds):
    load = Load(name, address, int(port))
    print(json.dumps(asyncio.run(load.run(float(rate), float(seconds)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
