"""The hostile host: answers everything to everybody and writes down whatever arrives.

Run inside its namespace: hostile_server.py LOG CERTIFICATE KEY

TCP 80, 443, 8080 and 9000 take any name (TLS when the first byte is that of a handshake record, else
HTTP or an SSH-like banner); TCP and UDP 53, and TLS on 853, are a resolver that answers every name
with this host; UDP 443, 123 and 1194 echo. One JSON line a connection, datagram, hello or query.
"""

import json
import socket
import ssl
import sys
import threading
import time

import dns.flags
import dns.message
import dns.rrset

from lab.addresses import HOSTILE, HOSTILE_RESOLVER

TLS_HANDSHAKE = 22
BANNER = b"SSH-2.0-OpenSSH_9.2p1 hostile\r\n"
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nhostile\n"


class Journal:
    """The log: one line an event, whole lines only."""

    def __init__(self, path):
        self._file = open(path, "a", buffering=1, encoding="utf-8")
        self._lock = threading.Lock()

    def write(self, what, peer, port, data=b""):
        line = json.dumps({"time": time.time(), "what": what, "client": peer[0], "port": port,
                           "data": data.hex()})
        with self._lock:
            self._file.write(line + "\n")


def answer_query(wire):
    query = dns.message.from_wire(wire)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    name = query.question[0].name
    for kind, address in (("A", HOSTILE.v4), ("AAAA", HOSTILE.v6)):
        if query.question[0].rdtype == dns.rdatatype.from_text(kind):
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, address))
    return response.to_wire()


def serve_queries(connection):
    """DNS over TCP, with or without TLS below: length and message (RFC 1035 §4.2.2)."""
    with connection.makefile("rwb") as stream:
        while head := stream.read(2):
            answer = answer_query(stream.read(int.from_bytes(head, "big")))
            stream.write(len(answer).to_bytes(2, "big") + answer)
            stream.flush()


def serve_stream(connection, peer, port, context, journal):
    connection.settimeout(5)
    journal.write("connection", peer, port)
    try:
        first = connection.recv(4096, socket.MSG_PEEK)
        journal.write("data", peer, port, first)
        if port == 53:
            serve_queries(connection)
        elif first[:1] == bytes([TLS_HANDSHAKE]):
            with context.wrap_socket(connection, server_side=True) as secure:
                if port == 853:
                    serve_queries(secure)
                else:
                    secure.recv(4096)
                    secure.sendall(BODY)
        elif first[:4] == b"SSH-":
            connection.recv(4096)
            connection.sendall(BANNER)
        elif first:
            connection.recv(4096)
            connection.sendall(BODY)
    except Exception as problem:  # a hostile host must outlive whatever its clients do
        journal.write(f"ended: {problem}", peer, port)
    finally:
        connection.close()


def listen_stream(address, port, context, journal):
    listener = socket.create_server((address, port), backlog=1024,
                                    family=socket.AF_INET6 if ":" in address else socket.AF_INET)

    def loop():
        while True:
            connection, peer = listener.accept()
            threading.Thread(target=serve_stream, args=(connection, peer, port, context, journal),
                             daemon=True).start()
    return loop


def listen_datagrams(address, port, journal):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    listener.bind((address, port))

    def loop():
        while True:
            data, peer = listener.recvfrom(65535)
            journal.write("datagram", peer, port, data)
            try:
                listener.sendto(answer_query(data) if port == 53 else data, peer)
            except Exception as problem:  # as above
                journal.write(f"ended: {problem}", peer, port)
    return loop


def main(log, certificate, key):
    journal = Journal(log)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loops = []
    for address in HOSTILE.both():
        loops += [listen_stream(address, port, context, journal) for port in (80, 443, 853, 8080, 9000)]
        loops += [listen_datagrams(address, port, journal) for port in (443, 123, 1194)]
    for address in HOSTILE.both() + HOSTILE_RESOLVER.both():
        loops += [listen_stream(address, 53, context, journal), listen_datagrams(address, 53, journal)]
    for address in HOSTILE_RESOLVER.both():
        loops.append(listen_stream(address, 853, context, journal))
    threads = [threading.Thread(target=loop) for loop in loops]
    for thread in threads:
        thread.start()
    print("ready", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
