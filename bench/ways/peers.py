"""The programs a user would put in sallyport's place for TLS by name, as shipped and tuned.

All get their connections by nft's `redirect`, which every one of them understands without being told. Where a
program can be given the server's addresses it gets them, so that none waits for a resolver. "As shipped" leaves
every setting at its default but those limits that 9,000 connections need.
"""

import os
import shutil
import subprocess

from ..topology import NAME, SERVERS
from .way import Way

PORT = 8443

_RULES = """\
table inet bench_peer {
    chain prerouting {
        type nat hook prerouting priority dstnat;
        iifname "inside" tcp dport 443 redirect to :%d
    }
}
""" % PORT


class Peer(Way):
    """A relay in user space, behind a redirect."""

    def start(self):
        self.load_rules(_RULES)
        self.run_program(self.command(), lambda: self.is_listening(PORT))

    def stop(self):
        super().stop()
        self.drop_rules("bench_peer")

    def command(self):
        """Writes the program's configuration and returns its command line."""
        raise NotImplementedError

    def write(self, name, text):
        file = self.folder() / name
        file.write_text(text)
        return str(file)


_NGINX = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes auto;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 19000; }}
stream {{
    map $ssl_preread_server_name $chosen {{ {name} servers; }}
    upstream servers {{ {servers} }}
    server {{
        listen {port}{listen};
        ssl_preread on;
        proxy_pass $chosen;
        {more}
    }}
}}
"""


class Nginx(Peer):
    key = "nginx"
    title = "nginx"
    listen, more = "", ""

    def command(self):
        servers = " ".join(f"server {server}:443;" for server in SERVERS)
        text = _NGINX.format(folder=self.folder(), name=NAME, servers=servers, port=PORT, listen=self.listen,
                             more=self.more)
        return ["nginx", "-e", "stderr", "-p", str(self.folder()), "-c", self.write("nginx.conf", text)]


class NginxTuned(Nginx):
    key = "nginx-tuned"
    title = "nginx, tuned"
    listen = " reuseport backlog=4096"
    more = "proxy_buffer_size 256k;"


_HAPROXY = """\
global
    maxconn 19000
    {more}
defaults
    mode tcp
    maxconn 19000
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend tls
    bind :{port}
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.ssl_sni -i {name} }}
    tcp-request content reject if {{ req.ssl_hello_type 1 }}
    default_backend servers
backend servers
    balance roundrobin
{servers}
"""


class Haproxy(Peer):
    key = "haproxy"
    title = "HAProxy"
    more = ""

    def command(self):
        # Two descriptors a connection: within 20,000 not more than 9,900.
        servers = "\n".join(f"    server s{number} {server}:443" for number, server in enumerate(SERVERS))
        text = _HAPROXY.replace("19000", "9900").format(port=PORT, name=NAME, servers=servers, more=self.more)
        return ["haproxy", "-db", "-f", self.write("haproxy.cfg", text)]


class HaproxyTuned(Haproxy):
    key = "haproxy-tuned"
    title = "HAProxy, tuned"
    more = "tune.bufsize 262144"


_SQUID = """\
https_port {port} intercept ssl-bump tls-cert={folder}/squid.pem generate-host-certificates=off
http_port 3129
acl first_step at_step SslBump1
acl name ssl::server_name {name}
ssl_bump peek first_step
ssl_bump splice name
ssl_bump terminate all
http_access allow all
cache deny all
access_log none
cache_log {folder}/cache.log
pid_filename {folder}/squid.pid
coredump_dir {folder}
netdb_filename none
sslcrtd_program /bin/false
shutdown_lifetime 0 seconds
max_filedescriptors 20000
"""


class Squid(Peer):
    key = "squid"
    title = "Squid"

    def command(self):
        folder = self.folder()
        if not (folder / "squid.pem").exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                            "/CN=squid", "-keyout", str(folder / "squid.pem"), "-out", str(folder / "cert.pem")],
                           check=True, capture_output=True)
            with open(folder / "squid.pem", "a", encoding="ascii") as file:
                file.write((folder / "cert.pem").read_text())
            (folder / "squid.pem").chmod(0o644)
        text = _SQUID.format(port=PORT, folder=folder, name=NAME)
        return ["squid", "-N", "-f", self.write("squid.conf", text)]


_SNIPROXY = """\
user daemon
pidfile {folder}/sniproxy.pid
error_log {{
    filename {folder}/error.log
}}
listen 0.0.0.0:{port} {{
    proto tls
    table servers
}}
table servers {{
    {name} {server}:443
}}
"""


class Sniproxy(Peer):
    key = "sniproxy"
    title = "sniproxy"

    def command(self):
        # It takes one address a name; a name instead would have it ask DNS for each connection.
        text = _SNIPROXY.format(folder=self.folder(), port=PORT, name=NAME.replace(".", "\\."), server=SERVERS[0])
        return ["sniproxy", "-f", "-n", "20000", "-c", self.write("sniproxy.conf", text)]


def version(package):
    """What Debian calls the installed version of a package."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True,
                          check=False, env={**os.environ, "LC_ALL": "C"})
    return done.stdout.strip() if shutil.which("dpkg-query") else ""
