"""ClientHellos for the story: real ones, made by the TLS library, then cut, re-framed or padded.

RFC 8446 §4.1.2 and §5.1; padding: RFC 7685.
"""

import ssl

HANDSHAKE_RECORD = 22
ALERT_RECORD = 21
CLIENT_HELLO = 1
SERVER_HELLO = 2
RECORD_HEADER = 5
HANDSHAKE_HEADER = 4
EXTENSION_PADDING = 21
EXTENSION_ENCRYPTED_HELLO = 0xFE0D
EXTENSION_UNKNOWN = 0xFDE8  # of the private range; as big as a post-quantum key share


class Handshake:
    """A client's side of a handshake, by Python's TLS library."""

    def __init__(self, name, alpn=("h2", "http/1.1")):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        self._received, self._sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._connection = context.wrap_bio(self._received, self._sent, server_hostname=name)

    def flight(self, received=b""):
        """What it sends when it has received this; the first flight is one record, one hello."""
        self._received.write(received)
        try:
            self._connection.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self._sent.read()


def client_hello(name, alpn=("h2", "http/1.1")):
    """The first flight for this name."""
    return Handshake(name, alpn).flight()


def message_of(record):
    """The handshake message in a flight of one record."""
    assert record[0] == HANDSHAKE_RECORD
    return record[RECORD_HEADER:RECORD_HEADER + int.from_bytes(record[3:5], "big")]


def records_of(message, size):
    """The message over records of at most `size` bytes each."""
    pieces = [message[i:i + size] for i in range(0, len(message), size)]
    return b"".join(bytes([HANDSHAKE_RECORD, 3, 1]) + len(piece).to_bytes(2, "big") + piece
                    for piece in pieces)


def _extensions_offset(message):
    """Where the two length bytes of the extensions are."""
    at = HANDSHAKE_HEADER + 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at:at + 2], "big")
    return at + 1 + message[at]


def with_extension(message, kind, body):
    """The hello with one more extension in front of its others, all lengths mended."""
    at = _extensions_offset(message)
    length = int.from_bytes(message[at:at + 2], "big")
    extension = kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body
    whole = (message[:at] + (length + len(extension)).to_bytes(2, "big") + extension + message[at + 2:])
    return whole[:1] + (len(whole) - HANDSHAKE_HEADER).to_bytes(3, "big") + whole[HANDSHAKE_HEADER:]


def padded(message, size):
    """The hello made at least `size` bytes long by an extension that servers do not know."""
    missing = max(0, size - len(message) - HANDSHAKE_HEADER)
    return with_extension(message, EXTENSION_UNKNOWN, bytes(missing))


def first_flight(stream):
    """The leading handshake records of a client's byte stream that hold its hello, as sent."""
    end, message = 0, b""
    while len(stream) >= end + RECORD_HEADER and stream[end] == HANDSHAKE_RECORD:
        length = int.from_bytes(stream[end + 3:end + 5], "big")
        message += stream[end + RECORD_HEADER:end + RECORD_HEADER + length]
        end += RECORD_HEADER + length
        if len(message) >= HANDSHAKE_HEADER and \
                len(message) >= HANDSHAKE_HEADER + int.from_bytes(message[1:4], "big"):
            break
    return stream[:end]
