"""QUIC Initial packets by hand (RFC 9000, 9001; version 2: RFC 9369): sealed, coalesced, and opened again.

What a client sends is made here byte by byte, so that a test can say what no QUIC library would.
"""

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION_1, VERSION_2 = 1, 0x6B3343CF
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = "initial", "0-rtt", "handshake", "retry"
DATAGRAM = 1200  # an Initial's datagram has at least so many bytes, RFC 9000 §14.1

_SALTS = {VERSION_1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
          VERSION_2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9")}
_KINDS = {VERSION_1: [INITIAL, ZERO_RTT, HANDSHAKE, RETRY], VERSION_2: [RETRY, INITIAL, ZERO_RTT, HANDSHAKE]}


def _expand(secret, label, length):
    """HKDF-Expand-Label with an empty context, RFC 8446 §7.1."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0" + b"\1"
    return hmac.digest(secret, info, hashlib.sha256)[:length]


@dataclass(frozen=True)
class Keys:
    """What seals one side's Initial packets of a connection."""

    key: bytes
    iv: bytes
    header: bytes

    @classmethod
    def derive(cls, version, original, side="client"):
        """`original`: the destination connection id of the client's first Initial."""
        initial = hmac.digest(_SALTS[version], original, hashlib.sha256)
        secret = _expand(initial, side.encode() + b" in", 32)
        word = b"quic " if version == VERSION_1 else b"quicv2 "
        return cls(_expand(secret, word + b"key", 16), _expand(secret, word + b"iv", 12),
                   _expand(secret, word + b"hp", 16))

    def nonce(self, number):
        return bytes(a ^ b for a, b in zip(self.iv, number.to_bytes(12, "big")))

    def mask(self, sample):
        cipher = Cipher(algorithms.AES(self.header), modes.ECB()).encryptor()
        return cipher.update(sample)


def varint(value):
    """RFC 9000 §16, the shortest form."""
    for prefix, size in enumerate((1, 2, 4, 8)):
        if value < 1 << (8 * size - 2):
            return (prefix << (8 * size - 2) | value).to_bytes(size, "big")
    raise ValueError(value)


def crypto(offset, data):
    """A CRYPTO frame."""
    return b"\x06" + varint(offset) + varint(len(data)) + data


def long_header(kind, version, destination, source=b"", token=b"", low_bits=0):
    """A long header up to its length field."""
    first = 0xC0 | _KINDS[version].index(kind) << 4 | low_bits
    header = bytes([first]) + version.to_bytes(4, "big")
    header += bytes([len(destination)]) + destination + bytes([len(source)]) + source
    return header + (varint(len(token)) + token if kind == INITIAL else b"")


def seal(frames, destination, *, version=VERSION_1, original=None, number=0, source=b"", token=b"", size=0,
         keys=None):
    """An Initial packet; `size`: padded so that it has this many bytes."""
    keys = keys or Keys.derive(version, destination if original is None else original)
    header = long_header(INITIAL, version, destination, source, token, low_bits=3)
    frames += bytes(max(0, size - len(header) - 2 - 4 - len(frames) - 16, 20 - len(frames)))
    header += (0x4000 | 4 + len(frames) + 16).to_bytes(2, "big") + number.to_bytes(4, "big")
    body = AESGCM(keys.key).encrypt(keys.nonce(number), frames, header)
    mask = keys.mask(body[:16])
    protected = bytes([header[0] ^ mask[0] & 0x0F]) + header[1:-4]
    return protected + bytes(a ^ b for a, b in zip(header[-4:], mask[1:])) + body


def opaque(kind, destination, *, version=VERSION_1, size=300):
    """A packet of another kind, whose content nobody between the ends can read."""
    body = hashlib.shake_128(destination).digest(size)
    return long_header(kind, version, destination, low_bits=3) + varint(len(body)) + body


def read_varint(data, at):
    size = 1 << (data[at] >> 6)
    return int.from_bytes(data[at:at + size], "big") & ((1 << (8 * size - 2)) - 1), at + size


def packets(datagram):
    """(kind, version, destination, packet, where the number begins) of each packet with a long header."""
    at = 0
    while at < len(datagram) and datagram[at] & 0x80:
        start = at
        version = int.from_bytes(datagram[at + 1:at + 5], "big")
        if version not in _KINDS:
            return
        kind = _KINDS[version][datagram[at] >> 4 & 3]
        destination = datagram[at + 6:at + 6 + datagram[at + 5]]
        at += 6 + len(destination)
        at += 1 + datagram[at]
        if kind == INITIAL:
            length, at = read_varint(datagram, at)
            at += length
        length, at = read_varint(datagram, at)
        yield kind, version, destination, datagram[start:at + length], at - start
        at += length


def open_initial(packet, number_at, keys):
    """The frames of an Initial packet, or None when other keys seal it."""
    mask = keys.mask(packet[number_at + 4:number_at + 20])
    first = packet[0] ^ mask[0] & 0x0F
    size = (first & 3) + 1
    number = bytes(a ^ b for a, b in zip(packet[number_at:number_at + size], mask[1:]))
    header = bytes([first]) + packet[1:number_at] + number
    try:
        return AESGCM(keys.key).decrypt(keys.nonce(int.from_bytes(number, "big")), packet[number_at + size:],
                                        header)
    except InvalidTag:
        return None
