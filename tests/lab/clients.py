"""The clients in the node. Each returns a Result: a failure is an observation, never an exception."""

import dataclasses
import re
import subprocess
import time
from dataclasses import dataclass

from . import addresses as at
from .apt_repository import PACKAGE
from .laboratory import python_environment
from .processes import wait_for


@dataclass(frozen=True)
class Result:
    """How a client ended. `text` says it in a few words, the same words for the same outcome."""

    code: int
    text: str
    out: str
    seconds: float

    @property
    def is_ok(self):
        return self.code == 0


class Clients:
    """Runs real clients inside the node of a laboratory."""

    def __init__(self, lab):
        self._lab = lab

    def run(self, command, *, timeout=20, input=None, env=None):
        """Runs one command in the node; `text` is "exit N" or "no answer"."""
        began = time.monotonic()
        environment = python_environment(**(env or {}))
        try:
            done = subprocess.run(self._lab.node.inside(command), input=input, capture_output=True, text=True,
                                  errors="replace", timeout=timeout, env=environment,
                                  stdin=None if input is not None else subprocess.DEVNULL)
            code, out = done.returncode, done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            code, out = 124, ""
        text = "no answer" if code == 124 else f"exit {code}"
        return Result(code, text, out, time.monotonic() - began)

    # HTTP and HTTPS

    def curl_command(self, url, *, family=4, address=None, options=()):
        """curl; `address` is dialled in the place of what the URL's name resolves to."""
        command = ["curl", "-sS", f"-{family}", "--max-time", "8", "--cacert",
                   str(self._lab.authority.certificate), "-o", "/dev/null", "-w",
                   "%{http_code} %{remote_ip}"]
        if address is not None:
            command += ["--connect-to", f"::{at.bracketed(address)}:"]
        return [*command, *options, url]

    def curl(self, url, **options):
        """`text` is "200", or why there was no HTTP answer."""
        result = self.run(self.curl_command(url, **options))
        if result.code == 0:
            return dataclasses.replace(result, text=result.out.split()[0])
        return dataclasses.replace(result, text=_CURL_WORDS.get(result.code, f"curl exit {result.code}"))

    def tls_without_name(self, address, port=443, alpn=None):
        """openssl s_client without SNI; "connected" when the handshake was completed and verified."""
        command = ["openssl", "s_client", "-connect", f"{at.bracketed(address)}:{port}", "-noservername",
                   "-verify_return_error", "-verify_ip", address, "-CAfile",
                   str(self._lab.authority.certificate), "-brief"]
        if alpn:
            command += ["-alpn", alpn]
        result = self.run(command, timeout=6, input="")
        if result.code == 0:
            return dataclasses.replace(result, text="connected")
        if "Connection refused" in result.out or "errno=111" in result.out:
            return dataclasses.replace(result, text="refused")
        if result.code == 124:
            return result
        return dataclasses.replace(result, text="TLS refused")

    def gnutls(self, name, address=None):
        """gnutls-cli, another TLS library's hello; "connected" when the handshake was completed."""
        result = self.run(["gnutls-cli", "--x509cafile", str(self._lab.authority.certificate), "--sni-hostname",
                           name, "--verify-hostname", name, "-p", "443", address or name],
                          timeout=6, input="")
        return dataclasses.replace(result, text="connected" if "Handshake was completed" in result.out
                                   else "TLS refused")

    def ping(self, address):
        result = self.run(["ping", "-n", "-c", "1", "-W", "1", address], timeout=4)
        return dataclasses.replace(result, text="answered" if result.is_ok else "not answered")

    def odd_hello(self, address, name, shape, port=443):
        """A hello in an odd shape (see hello_client); `text` is how the far end answered."""
        result = self.run(self._lab.python("hello_client", address, str(port), name, shape))
        return dataclasses.replace(result, text=result.out.strip().splitlines()[-1] if result.out else "")

    # DNS

    def dig(self, name, kind="A", *, server=at.GATEWAY_INSIDE.v4, options=(), timeout=2):
        """kdig; `text` is the status of the answer, and its addresses when it has any."""
        result = self.run(["kdig", f"@{server}", f"+timeout={timeout}", "+retry=0", *options, f"{name}.", kind])
        status = re.search(r"status: (\w+)", result.out)
        if status is None:
            return dataclasses.replace(result, text="no answer")
        found = re.findall(rf"^[^;]\S*\s+\d+\s+IN\s+{kind}\s+(\S+)", result.out, re.M)
        return dataclasses.replace(result, text=" ".join([status.group(1), *sorted(found)]))

    # other protocols

    def ntp(self, name, family=4):
        """chronyd -Q: asks for the time and prints the difference; it never sets the clock."""
        folder = self._lab.folder
        result = self.run(["chronyd", "-Q", f"-{family}", "-t", "4", "-u", "root", "-f", "/dev/null",
                           f"pidfile {folder}/ntp-client-{family}.pid", "cmdport 0", "bindcmdaddress /",
                           f"server {name} iburst maxsamples 1"], timeout=8)
        return dataclasses.replace(result, text="time received" if result.is_ok else "no time received")

    def echo(self, protocol, address, port, payload="ping"):
        """Sends some bytes by TCP or UDP; "echoed" when they came back."""
        family = f"{protocol.upper()}{6 if ':' in address else 4}"
        result = self.run(["socat", "-t", "0.4", "-T", "1.5", "-",
                           f"{family}:{at.bracketed(address)}:{port}" +
                           (",connect-timeout=2" if protocol == "tcp" else "")],
                          input=payload, timeout=4)
        if payload in result.out:
            return dataclasses.replace(result, text="echoed")
        if any(word in result.out for word in ("refused", "prohibited", "unreachable", "No route", "Permission")):
            return dataclasses.replace(result, text="refused")
        return dataclasses.replace(result, text="nothing came back")

    def ssh(self, address, port=443):
        """ssh; "connected" when any SSH server answered."""
        result = self.run(["ssh", "-v", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=4",
                           "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                           "-p", str(port), f"nobody@{address}", "true"], timeout=8)
        reached = "Remote protocol version" in result.out
        return dataclasses.replace(result, text="connected" if reached else "no connection")

    def apt(self, client, *words):
        result = self.run(["apt-get", "-q", "-y", *words], env=client.environment, timeout=30)
        return dataclasses.replace(result, text="done" if result.is_ok and "Err:" not in result.out
                                   else f"apt-get exit {result.code}")

    def apt_install(self, family):
        """apt-get update and install of the repository's package, into a root of its own."""
        client = self._lab.apt_client(family)
        update = self.apt(client, "update")
        if update.text != "done":
            return update
        installed = self.apt(client, "install", PACKAGE)
        if installed.is_ok and not client.has_installed():
            return dataclasses.replace(installed, text="nothing was installed")
        return dataclasses.replace(installed, text="installed" if installed.is_ok else installed.text)


class Download:
    """A curl of the node that takes its time; `bytes()` tells how far it is."""

    RESET = 56  # curl's exit code for a connection that failed while it received

    def __init__(self, lab, url, *, family=4, address=None):
        self._file = lab.folder / f"download-{time.monotonic_ns()}"
        command = ["curl", "-sS", f"-{family}", "--http1.1", "--cacert", str(lab.authority.certificate),
                   "-o", str(self._file)]
        if address is not None:
            command += ["--connect-to", f"::{at.bracketed(address)}:"]
        self._process = subprocess.Popen(lab.node.inside([*command, url]), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                         env=python_environment())
        wait_for(lambda: self.bytes() > 0, seconds=5)

    def bytes(self):
        return self._file.stat().st_size if self._file.exists() else 0

    def goes_on(self, seconds=3):
        """Whether more arrives; a server that limits its rate sends about once a second."""
        before = self.bytes()
        return before > 0 and wait_for(lambda: self.bytes() > before + 100_000, seconds=seconds)

    def exit_code(self, seconds):
        """curl's exit code; None when it still runs after `seconds`."""
        wait_for(lambda: self._process.poll() is not None, seconds=seconds)
        return self._process.poll()

    def end(self):
        self._process.kill()
        self._process.wait()
        self._file.unlink(missing_ok=True)


_CURL_WORDS = {
    6: "name not resolved",
    7: "refused",
    28: "no answer",
    35: "TLS refused",
    52: "closed",
    55: "closed",
    56: "closed",
    60: "wrong certificate",
}
