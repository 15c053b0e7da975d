"""A client of plain HTTP that sends what it is told, byte for byte. Run inside a namespace:

    http_client.py ADDRESS PORT PAUSE PART...

Parts are in hex. Waits PAUSE seconds after each, prints all that the far end says until it ends, or until
it has been silent for a second.
"""

import socket
import sys
import time


def main(address, port, pause, *parts):
    heard = b""
    with socket.create_connection((address, int(port)), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(1)
        try:
            for part in parts:
                connection.sendall(bytes.fromhex(part))
                time.sleep(float(pause))
            while more := connection.recv(65536):
                heard += more
        except OSError:  # silence or a reset
            pass
    return heard.decode("latin-1")


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
