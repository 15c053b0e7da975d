"""HTTP/3 in the laboratory: ngtcp2's server in the internet, and its client in the node."""

import dataclasses
import re

from . import addresses as at
from .laboratory import HOSTS

NAMES = ["example.com", "www.example.com", "other.example"]
PORT, RETRY_PORT = 443, 8443  # on the second one every client is sent a Retry first
BODY = "http/3 in the laboratory\n"
RESPONSE = re.compile(r"\[:status: (\d+)\]")


class QuicServers:
    """Servers for the names of example.com, one for each address and port."""

    def __init__(self, lab):
        root = lab.folder / "quic-www"
        root.mkdir()
        (root / "index.html").write_text(BODY)
        with open(root / "medium", "wb") as file:
            file.truncate(1 << 20)
        key, certificate = lab.authority.issue("quic", NAMES, at.EXAMPLE.both())
        for address in at.EXAMPLE.both():
            for port, options in ((PORT, []), (RETRY_PORT, ["-V"])):
                server = lab.start_server(lab.internet, f"gtlsserver-{address}-{port}",
                                          ["gtlsserver", "-q", *options, "-d", str(root), address, str(port),
                                           str(key), str(certificate)])
                server.wait_until(lambda address=address, port=port: f"{address}]:{port}" in self._listeners(lab)
                                  or f"{address}:{port}" in self._listeners(lab), "listening")

    @staticmethod
    def _listeners(lab):
        return lab.internet.run(["ss", "-Hlun"])


def get(stage, name, address, port=PORT, path="/", options=(), patience="3s"):
    """gtlsclient; `text` is the status of the answer. Its socket is not connected, so it is deaf to ICMP errors.

    It takes the name for its hello from the host that it is given alone, so that leads to the address meanwhile.
    """
    stage.lab.node.provide_file("hosts", f"{HOSTS}{address} {name}\n")
    try:
        result = stage.clients.run(["gtlsclient", "--no-quic-dump", "--no-http-dump",
                                    "--exit-on-all-streams-close", f"--timeout={patience}", *options,
                                    name, str(port), f"https://{name}:{port}{path}"], timeout=8)
    finally:
        stage.lab.node.provide_file("hosts", HOSTS)
    status = RESPONSE.search(result.out)
    return dataclasses.replace(result, text=status.group(1) if status else "no answer")
