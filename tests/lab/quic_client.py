"""A QUIC client that begins connections by hand, and may do what no library would.

Run inside the node: quic_client.py ADDRESS PORT TRICK ALLOWED_NAME OTHER_NAME
Tricks:
  ordinary        the allowed name's hello in one datagram
  version-2       the same in QUIC version 2
  split           a big hello over four datagrams
  reversed        the same, the last datagram first
  shuffled        one datagram whose CRYPTO frames are in another order, between padding and pings
  early-data      a 0-RTT packet beside the hello, and one in a datagram of its own before
  denied          the other name's hello
  split-denied    the other name's big hello over four datagrams
  second          the allowed name's hello; when it is answered, the other name's in a new connection
  hidden          the same, but the new connection's packet behind a handshake packet
  draft           the same, but the new connection in another version of QUIC
  half-and-half   half of the allowed name's hello, then the other name's whole one in a new connection
  overlap         half of the allowed name's hello, then the other name's from the first byte on
  datagram-tls    the allowed name's hello; when it is answered, a handshake record of DTLS
  short-first     a datagram with a short header, before any hello
  nameless        a hello without a name
  encrypted       the allowed name's hello with an encrypted one that means nothing
  then-nameless   the allowed name's hello; when it is answered, one without a name in a new connection
  then-encrypted  the same, but the allowed name's with an encrypted one
Prints what came back, one word each, in order: initial (a packet that the server's Initial keys open),
refused (an ICMP error), silence.
"""

import socket
import sys
import time

from lab import quic_packets as quic
from lab import tls_hello

TRANSPORT_PARAMETERS = 0x39
SOURCE_ID = b"\x0f\x00"  # initial_source_connection_id, empty as ours is
DRAFT_29 = 0xFF00001D
SESSION_ID_AT = 38


def hello(name, size=0, encrypted=False):
    """The handshake message of a hello for QUIC, RFC 9001 §8; `name` may be None."""
    message = tls_hello.message_of(tls_hello.client_hello(name, alpn=("h3",)))
    end = SESSION_ID_AT + 1 + message[SESSION_ID_AT]  # QUIC has no use for a session id
    message = message[:SESSION_ID_AT] + b"\0" + message[end:]
    message = tls_hello.with_extension(message, TRANSPORT_PARAMETERS, SOURCE_ID)
    if encrypted:
        message = tls_hello.with_extension(message, tls_hello.EXTENSION_ENCRYPTED_HELLO, bytes(180))
    return tls_hello.padded(message, size) if size else message


class Client:
    """One UDP socket, connected: what comes back is counted, and ICMP errors are heard."""

    def __init__(self, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.connect((address, port))
        self.answers = []

    def send(self, *datagrams):
        for datagram in datagrams:
            try:
                self._socket.send(datagram)
            except ConnectionRefusedError:  # of the one before
                self.answers.append("refused")
                return

    def wait(self, originals, seconds=1.0, version=quic.VERSION_1):
        """Waits for the server's Initial of a connection that these ids began, or an ICMP error."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                answer = self._socket.recv(65535)
            except TimeoutError:
                break
            except ConnectionRefusedError:
                self.answers.append("refused")
                return
            if any(opens(answer, original, version) for original in originals):
                self.answers.append("initial")
                return
        self.answers.append("silence")


def opens(datagram, original, version):
    """Whether an Initial packet of the server for that connection is in the datagram."""
    keys = quic.Keys.derive(version, original, "server")
    return any(kind == quic.INITIAL and quic.open_initial(packet, at, keys) is not None
               for kind, _, _, packet, at in quic.packets(datagram))


def pieces(message, original, count=4):
    """The hello over several datagrams."""
    size = -(-len(message) // count)
    return [quic.seal(quic.crypto(i * size, message[i * size:(i + 1) * size]), original, number=i,
                      size=quic.DATAGRAM) for i in range(count)]


def whole(message, original, **options):
    return quic.seal(quic.crypto(0, message), original, size=quic.DATAGRAM, **options)


def shuffled(message, original):
    """Ten frames, the last first."""
    size = -(-len(message) // 10)
    frames = [quic.crypto(i, message[i:i + size]) + b"\x01\0\0" for i in range(0, len(message), size)]
    return quic.seal(b"".join(reversed(frames)), original, size=quic.DATAGRAM)


def new_connection(trick, allowed, name, original):
    """The other name's hello, in the clothes of the trick."""
    if trick == "then-nameless":
        return whole(hello(None), original)
    if trick == "then-encrypted":
        return whole(hello(allowed, encrypted=True), original)
    if trick == "hidden":
        return quic.opaque(quic.HANDSHAKE, b"whatever", size=40) + whole(hello(name), original)
    if trick == "draft":
        packet = whole(hello(name), original)
        return packet[:1] + DRAFT_29.to_bytes(4, "big") + packet[5:]
    if trick == "datagram-tls":
        return b"\x16\xfe\xfd" + bytes(10) + hello(name)
    return whole(hello(name), original)


def play(client, trick, allowed, other):
    """Sends the datagrams of a trick and waits for what comes back."""
    first, second = (time.monotonic_ns().to_bytes(8, "big") for _ in range(2))
    if trick in ("second", "hidden", "draft", "datagram-tls", "then-nameless", "then-encrypted"):
        client.send(whole(hello(allowed), first))
        client.wait([first])
        client.send(new_connection(trick, allowed, other, second))
        client.wait([second])
        return
    big = 3500
    datagrams = {
        "ordinary": lambda: [whole(hello(allowed), first)],
        "version-2": lambda: [whole(hello(allowed), first, version=quic.VERSION_2)],
        "split": lambda: pieces(hello(allowed, big), first),
        "reversed": lambda: pieces(hello(allowed, big), first)[::-1],
        "shuffled": lambda: [shuffled(hello(allowed), first)],
        "early-data": lambda: [quic.opaque(quic.ZERO_RTT, first),
                               quic.seal(quic.crypto(0, hello(allowed)), first, size=800) +
                               quic.opaque(quic.ZERO_RTT, first, size=500)],
        "denied": lambda: [whole(hello(other), first)],
        "split-denied": lambda: pieces(hello(other, big), first),
        "half-and-half": lambda: [pieces(hello(allowed, big), first)[0], whole(hello(other), second)],
        "overlap": lambda: [pieces(hello(allowed, big), first)[0], *pieces(hello(other, big), first)],
        "nameless": lambda: [whole(hello(None), first)],
        "encrypted": lambda: [whole(hello(allowed, encrypted=True), first)],
        "short-first": lambda: [b"\x40" + bytes(40)],
    }[trick]()
    client.send(*datagrams)
    if "refused" not in client.answers:
        client.wait([first, second], version=quic.VERSION_2 if trick == "version-2" else quic.VERSION_1)


def main(address, port, trick, allowed, other):
    client = Client(address, int(port))
    play(client, trick, allowed, other)
    return " ".join(client.answers)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
