"""HTTPS and HTTP servers for the names that a cluster needs: one nginx, one address a service."""

import json

from . import addresses as at
from .dns import BIG_NAME, PICKY_NAME, PRIVATE_NAME

GIB = 1 << 30
MEDIUM = 1 << 20

# service -> (host, names in its certificate)
SERVICES = {
    "mcr": (at.MCR, ["mcr.microsoft.com"]),
    "data.mcr": (at.MCR_DATA, ["data.mcr.microsoft.com", "*.data.mcr.microsoft.com",
                               "x.y.data.mcr.microsoft.com", BIG_NAME]),
    "management": (at.MANAGEMENT, ["management.azure.com"]),
    "login": (at.LOGIN, ["login.microsoftonline.com"]),
    "packages": (at.PACKAGES, ["packages.microsoft.com"]),
    "acs-mirror": (at.ACS_MIRROR, ["acs-mirror.azureedge.net"]),
    "picky": (at.PICKY, [PICKY_NAME]),
    "private": (at.PRIVATE, [PRIVATE_NAME]),
    "api-server-a": (at.API_SERVER_A, [at.API_SERVER_NAME]),
    "api-server-b": (at.API_SERVER_B, [at.API_SERVER_NAME]),
    "api-server-abroad": (at.API_SERVER_ABROAD, [at.API_SERVER_NAME_ABROAD]),
    "ubuntu": (at.UBUNTU, ["security.ubuntu.com", "azure.archive.ubuntu.com", "changelogs.ubuntu.com"]),
    "example": (at.EXAMPLE, ["example.com", "*.example.com", "other.example"]),
}

_EXTRA = {
    "picky": "ssl_ecdh_curve secp384r1;",
    "example": "add_header Alt-Svc 'h3=\":443\"; ma=3600';",  # quic_server.py plays it, where a test starts it
}

_HEAD = """\
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format lab escape=json '{{"time":"$time_iso8601","service":"$service","client":"$remote_addr",'
        '"server":"$server_addr","port":"$server_port","sni":"$ssl_server_name","host":"$http_host",'
        '"alpn":"$ssl_alpn_protocol","tls":"$ssl_protocol","request":"$request","status":"$status"}}';
    access_log {folder}/access.jsonl lab;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 30;
    keepalive_requests 100000;
    ssl_protocols TLSv1.2 TLSv1.3;
    server_tokens off;
"""

_SERVER = """\
    server {{
        listen {v4}:443 ssl http2 backlog=4096;
        listen [{v6}]:443 ssl http2 backlog=4096;
        listen {v4}:80;
        listen [{v6}]:80;
        set $service {service};
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        {extra}
        root {root};
        location = / {{ default_type application/json; return 200 '{{"service":"{service}","client":"$remote_addr"}}\\n'; }}
        location = /v2/ {{ default_type application/json; return 200 '{{}}\\n'; }}
        location = /healthz {{ default_type text/plain; return 200 'ok'; }}
        location /slow/ {{ limit_rate_after 16k; limit_rate $arg_rate; alias {root}/; }}
    }}
"""


class WebServers:
    """nginx with every service of SERVICES; what it served is in `requests()`."""

    def __init__(self, namespace, authority, folder, document_root):
        self._namespace = namespace
        self._folder = folder
        self._access = folder / "access.jsonl"
        folder.mkdir(parents=True)
        blob = document_root / "blob"
        with open(blob, "wb") as file:
            file.truncate(GIB)  # sparse: costs neither disk nor time
        with open(document_root / "medium", "wb") as file:
            file.truncate(MEDIUM)
        self._configuration = folder / "nginx.conf"
        text = _HEAD.format(folder=folder)
        for service, (host, names) in SERVICES.items():
            key, certificate = authority.issue(service, names, host.both())
            extra = _EXTRA.get(service, "")
            text += _SERVER.format(service=service, v4=host.v4, v6=host.v6, key=key, extra=extra,
                                   certificate=certificate, root=document_root)
        self._configuration.write_text(text + "}\n")

    def start(self):
        command = ["nginx", "-p", str(self._folder), "-e", str(self._folder / "error.log"),
                   "-c", str(self._configuration)]
        server = self._namespace.start("nginx", command, self._folder / "log")
        server.wait_until(self._listens, "listening")
        return server

    def _listens(self):
        return ":443" in self._namespace.run(["ss", "-Hltn", f"src {at.MCR.v4}"])

    def mark(self):
        """A place in the access log, for requests(since=...)."""
        return self._access.stat().st_size if self._access.exists() else 0

    def requests(self, since=0):
        """What the servers were asked since that place, oldest first."""
        if not self._access.exists():
            return []
        with open(self._access, encoding="utf-8", errors="replace") as file:
            file.seek(since)
            return [json.loads(line) for line in file if line.endswith("\n")]
