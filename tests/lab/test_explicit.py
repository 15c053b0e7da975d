"""`run --explicit`: the same policy as an HTTP proxy, without root."""

import json
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from lab import addresses as at
from lab.gateway import default_configuration, program
from lab.processes import Server, sanitizer_reports, wait_for
from lab.story import EVIL, MCR, UBUNTU

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]


@dataclass
class Explicit:
    """A proxy that runs as nobody on a host which has the internet's names."""

    lab: object
    port: int
    server: Server

    def curl(self, url, *options):
        """The HTTP status of the answer and of the CONNECT before it."""
        done = subprocess.run(self.lab.internet.inside(
            ["curl", "-sS", "--max-time", "8", "-x", f"http://127.0.0.1:{self.port}", "--cacert",
             str(self.lab.authority.certificate), "-o", "/dev/null", "-w", "%{http_code} %{http_connect}",
             url, *options]), capture_output=True, text=True)
        return done.stdout

    def mark(self):
        return self.server.log.stat().st_size

    def find_event(self, since, **facts):
        """A line of its log (on its standard output) from that place on with these facts."""
        def found():
            with open(self.server.log, encoding="utf-8") as file:
                file.seek(since)
                events = [json.loads(line) for line in file if line.startswith("{") and line.endswith("\n")]
            return [event for event in events if facts.items() <= event.items()]
        wait_for(found, seconds=2)
        return found()[-1] if found() else None


def _start(lab, port, *options):
    binary = lab.folder / "sallyport"  # the build's folder may be closed to others than root
    if not binary.exists():
        shutil.copy(program(), binary)
    lab.internet.provide_file("resolv.conf", f"nameserver {at.RESOLVER.v4}\n")
    lab.internet.provide_file("nsswitch.conf", "hosts: files dns\n")
    server = lab.start_server(lab.internet, f"explicit-{port}", [
        *NOBODY, str(binary), "run", "--explicit", f"127.0.0.1:{port}", *options])
    server.wait_until(lambda: "ready" in server.log.read_text(), "being ready")
    return Explicit(lab, port, server)


def _stop(running):
    running.server.stop()
    running.lab.forget(running.server)
    assert sanitizer_reports(running.server.log) == []
    assert running.server.process.returncode == 0


@pytest.fixture(scope="module")
def explicit(lab):
    folder = lab.folder / "explicit"
    folder.mkdir()
    folder.chmod(0o777)  # it writes its state there as nobody
    file = folder / "sallyport.yaml"
    file.write_text(json.dumps({  # YAML holds JSON
        "cluster": default_configuration()["cluster"], "log": {"file": "-"},
        "dns": {"upstreams": [f"{at.RESOLVER.v4}:53"]},
        "state": {"directory": str(folder / "state"), "socket": str(folder / "admin.sock")}}))
    running = _start(lab, 3128, "-c", str(file))
    yield running
    _stop(running)


def test_it_tunnels_to_an_allowed_name(explicit):
    mark = explicit.mark()
    assert explicit.curl(f"https://{MCR}/medium") == "200 200"
    assert explicit.find_event(mark, event="verdict", name=MCR, action="allow", rule="aks-fqdn/mcr", path="explicit")
    end = explicit.find_event(mark, event="end", name=MCR, path="explicit")
    assert 1 << 20 <= end["bytes_in"] < (1 << 20) + 200_000


def test_it_refuses_another_name(explicit):
    mark = explicit.mark()
    assert explicit.curl(f"https://{EVIL}/") == "000 403"
    assert explicit.find_event(mark, name=EVIL, action="deny", reason="no_rule", name_from="connect")


def test_it_forwards_an_allowed_absolute_request_and_no_other(explicit):
    assert explicit.curl(f"http://{UBUNTU}/") == "200 000"
    assert explicit.curl(f"http://{EVIL}/") == "403 000"
    assert explicit.curl(f"http://{MCR}/") == "403 000"  # https only


def test_it_judges_every_request_of_a_kept_connection(explicit):
    assert explicit.curl(f"http://{UBUNTU}/", f"http://{EVIL}/", "-o", "/dev/null", "-w",
                         "%{http_code} after %{num_connects}; ") == "200 after 1; 403 after 0; "


def test_the_tunnelled_hello_must_name_the_connect_name(explicit):
    mark = explicit.mark()
    assert explicit.curl(f"https://{EVIL}/", "--connect-to", f"::{MCR}:443") == "000 200"
    assert explicit.find_event(mark, action="deny", reason="name_mismatch")
    mark = explicit.mark()
    assert explicit.curl("https://management.azure.com/", "--connect-to", f"::{MCR}:443") == "000 200"
    assert explicit.find_event(mark, action="deny", reason="name_mismatch")


@pytest.mark.parametrize("target", [f"{at.HOSTILE.v4}:443", "169.254.169.254:80", "127.0.0.1:443",
                                    f"{MCR}:22", "[::1]:443"])
def test_it_connects_to_no_address_and_no_other_port(explicit, target):
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
    done = subprocess.run(explicit.lab.internet.inside(
        ["socat", "-t", "1", "-", f"TCP:127.0.0.1:{explicit.port}"]), input=request, capture_output=True, text=True)
    assert done.stdout.split(" ")[1] in ("400", "403"), done.stdout


def test_it_works_without_a_configuration(lab):
    running = _start(lab, 3129, "--region", "eastus")
    try:
        assert running.curl(f"https://{MCR}/v2/") == "200 200"
        assert running.curl(f"https://{EVIL}/") == "000 403"
    finally:
        _stop(running)
