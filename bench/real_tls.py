"""The pass with real TLS: nginx serves it instead of the load's server, curl and wrk ask for it.

Here cryptography at both ends takes most of the machine, so the ways are closer to each other than in the rest;
it shows what of the difference a user would see.
"""

import contextlib
import re
import subprocess

from lab.processes import CommandFailed
from lab.pki import CertificateAuthority

from .topology import HOSTS, NAME, THREADS

_SERVER = """\
daemon off;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    server {{
        listen 443 ssl reuseport backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_session_tickets off;
        location = /greet {{ return 200 "hello\\n"; }}
        location = /down {{ alias {folder}/zeros; }}
    }}
}}
"""


def write_zeros(path):
    """A file for the download, read once: what is in the page cache costs all ways the same."""
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


@contextlib.contextmanager
def real_tls(topology):
    """Port 443 of the server is a real one's, for the length of a `with` block."""
    folder = topology.folder / "real-tls"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    write_zeros(folder / "zeros")
    key, certificate = CertificateAuthority(folder / "pki").issue("bench", [NAME], [])
    (folder / "nginx.conf").write_text(_SERVER.format(folder=folder, key=key, certificate=certificate))
    topology.stop_server(topology.tls_server)
    server = topology.start_server(topology.internet, "real-tls", ["nginx", "-e", "stderr", "-p", str(folder), "-c",
                                                                   str(folder / "nginx.conf")])
    try:
        server.wait_until(lambda: ":443 " in topology.internet.run(["ss", "-lnt"]), "being ready")
        yield
    finally:
        topology.stop_server(server)
        topology.tls_server = topology.serve_flows("443")


def _run(way, command, seconds, codes=(0,)):
    done = subprocess.run(way.topology.node.inside(command), capture_output=True, text=True, timeout=seconds + 20,
                          stdin=subprocess.DEVNULL)
    if done.returncode not in codes:
        raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def download(way, seconds):
    """Bytes a second of one download."""
    out = _run(way, ["curl", "--silent", "--insecure", "--max-time", f"{seconds + 0.2:g}", "--output", "/dev/null",
                     "--resolve", f"{NAME}:443:{way.destinations[0]}", "--write-out", "%{size_download} %{time_total} "
                     "%{time_pretransfer}", f"https://{NAME}/down"], seconds, codes=(0, 28))  # 28: time is up
    size, total, before = (float(number) for number in out.split())
    if not size:
        raise CommandFailed("nothing was downloaded")
    return size / (total - before)


def _wrk(way, seconds, *options):
    # wrk takes whole seconds, and names from /etc/hosts only.
    way.topology.node.provide_file("hosts", f"{HOSTS}{way.destinations[0]} {NAME}\n")
    out = _run(way, ["wrk", "--threads", THREADS, "--connections", "64", "--duration", f"{max(1, round(seconds))}s",
                     *options, f"https://{NAME}/greet"], seconds)
    if re.search(r"Socket errors|Non-2xx", out) and not re.search(r"connect 0, read 0, write 0", out):
        raise CommandFailed(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def handshakes(way, seconds):
    """Connections a second, each with a handshake and one request."""
    return _wrk(way, seconds, "--header", "Connection: close")


def requests(way, seconds):
    """Requests a second over connections that stay open."""
    return _wrk(way, seconds)


CLIENTS = {"download": download, "handshakes": handshakes, "requests": requests}
