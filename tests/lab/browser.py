"""A browser in the node: Debian's Chromium, without a screen. It is large, so nothing here installs it.

What a page was loaded over, the page says itself: `performance` in JavaScript names the protocol of each request.
How long it took, only a capture says: the page's own clock stands still while it waits for the network.
"""

import base64
import hashlib
import os
import re
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

PROGRAM = "/usr/lib/chromium/chromium"  # not the script in /usr/bin, which adds options of the host's
PAGE = "page.html"
REQUESTS = 3  # that the page makes when it is there, one after another

_PAGE = """<!DOCTYPE html>
<title>laboratory</title>
<p id="seen">
<script>
(async () => {
    const seen = [performance.getEntriesByType("navigation")[0].nextHopProtocol];
    for (let i = 0; i < %d; i++) {
        await (await fetch("/medium?" + i, {cache: "no-store"})).arrayBuffer();
        const entry = performance.getEntriesByType("resource").find(entry => entry.name.endsWith("?" + i));
        seen.push(entry.nextHopProtocol);
    }
    document.getElementById("seen").textContent = seen.join(" ");
})();
</script>
""" % REQUESTS
_SEEN = re.compile(r'<p id="seen">([^<\n]+)')


def is_installed():
    return os.path.exists(PROGRAM)


def provide_page(lab):
    """Puts the page below the roots of the web server and of the QUIC server."""
    for folder in ("www", "quic-www"):
        (lab.folder / folder / PAGE).write_text(_PAGE)


@dataclass(frozen=True)
class Visit:
    """What the page said of itself."""

    page: str  # the protocol that it came over ("h2", "h3"); "no answer"
    requests: list  # the protocol of each of its requests
    out: str


class Browser:
    """A browser with a profile of its own, which remembers what servers offered in earlier visits."""

    def __init__(self, stage, certificates=("example", "quic")):
        self._stage = stage
        self._profile = stage.lab.folder / f"browser-{time.monotonic_ns()}"
        self._pins = ",".join(_pin(stage.lab.folder / "pki" / f"{label}.pem") for label in certificates)

    def visit(self, name, patience=20):
        """Opens the page at that name, in a new process."""
        result = self._stage.clients.run(
            [PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={self._profile}", "--enable-quic",
             f"--ignore-certificate-errors-spki-list={self._pins}",
             # over QUIC it takes an authority that it does not know only for a host that is named here; the
             # port is one that nobody asks, so that the page's own port has the choice between QUIC and TCP
             f"--origin-to-force-quic-on={name}:9",
             "--virtual-time-budget=60000",  # so --dump-dom waits for the page's requests
             "--dump-dom", f"https://{name}/{PAGE}"],
            timeout=patience, env={"HOME": str(self._profile)})
        seen = _SEEN.search(result.out)
        page, *requests = seen.group(1).split() if seen else ["no answer"]
        return Visit(page, requests, result.out)


def _pin(file):
    """A certificate's public key in the form that the browser's option takes."""
    key = load_pem_x509_certificate(file.read_bytes()).public_key()
    return base64.b64encode(hashlib.sha256(key.public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()).decode()
