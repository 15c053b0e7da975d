"""Sends a ClientHello in an unusual shape and says how the far end answered.

Run inside the node: hello_client.py ADDRESS PORT NAME SHAPE
Shapes: whole; segments (many small ones, 1 to 50 bytes each); records (one hello over several TLS
records); padded (at least 1,700 bytes); all (padded, over records, in small segments); ech (with an
encrypted hello that means nothing); no-sni (without the name). For a server that asks for a second hello:
retry (the honest one), retry-other (with another name, of a different first letter), retry-ech.
Prints one word: server-hello, alert, closed, reset, refused, silence or "other".
"""

import random
import socket
import sys
import time

from lab import tls_hello

SEED = 20240520
POST_QUANTUM_SIZE = 1750
CHANGE_CIPHER_SIZE = 6  # the record that comes before a second hello, for middleboxes (RFC 8446 §D.4)
ENCRYPTED = bytes(180)


def flight(name, shape):
    message = tls_hello.message_of(tls_hello.client_hello(None if shape == "no-sni" else name))
    if shape == "ech":
        message = tls_hello.with_extension(message, tls_hello.EXTENSION_ENCRYPTED_HELLO, ENCRYPTED)
    if shape in ("padded", "all"):
        message = tls_hello.padded(message, POST_QUANTUM_SIZE)
    return tls_hello.records_of(message, 61 if shape in ("records", "all") else 1 << 14)


def second_flight(flight, name, shape):
    """What an honest client sends after a HelloRetryRequest, with what the shape makes of its hello."""
    message = tls_hello.message_of(flight[CHANGE_CIPHER_SIZE:])
    if shape == "retry-other":
        message = message.replace(name.encode(), other_name(name).encode())
    if shape == "retry-ech":
        message = tls_hello.with_extension(message, tls_hello.EXTENSION_ENCRYPTED_HELLO, ENCRYPTED)
    return flight[:CHANGE_CIPHER_SIZE] + tls_hello.records_of(message, 1 << 14)


def other_name(name):
    return "x" + name[1:]


def answer_to_second(connection, name, shape):
    """Lets the server ask for a second hello, and sends that one."""
    handshake = tls_hello.Handshake(name)
    connection.sendall(handshake.flight())
    flight = b""
    while not flight:
        received = connection.recv(4096)
        if not received:
            return "closed before the second hello"
        flight = handshake.flight(received)
    connection.sendall(second_flight(flight, name, shape))
    return answer(connection)


def send(connection, data, shape):
    if shape not in ("segments", "all"):
        connection.sendall(data)
        return
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sizes = random.Random(SEED)
    while data:
        size = sizes.randint(1, 50)
        connection.sendall(data[:size])
        data = data[size:]
        time.sleep(0.001)  # a segment of its own, even when the window would take more


def answer(connection):
    head = b""
    while len(head) < tls_hello.RECORD_HEADER + 1:
        more = connection.recv(4096)
        if not more:
            return "closed"
        head += more
    if head[0] == tls_hello.ALERT_RECORD:
        return "alert"
    if head[0] == tls_hello.HANDSHAKE_RECORD and head[tls_hello.RECORD_HEADER] == tls_hello.SERVER_HELLO:
        return "server-hello"
    return "other"


def main(address, port, name, shape):
    try:
        with socket.create_connection((address, int(port)), timeout=4) as connection:
            if shape.startswith("retry"):
                return answer_to_second(connection, name, shape)
            send(connection, flight(name, shape), shape)
            return answer(connection)
    except ConnectionRefusedError:
        return "refused"
    except (ConnectionResetError, BrokenPipeError):
        return "reset"
    except TimeoutError:
        return "silence"
    except OSError as problem:
        return f"refused ({problem.strerror})"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
