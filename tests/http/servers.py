"""The servers that read what the gateway let out: real ones, on loopback, strict and lenient.

Each answers every request with a field `X-Seen: HOST TARGET`, as it read them. A proxy among them stands
before an origin of ours, so that what it read is what it passes on.
"""

import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
PATIENCE = 10  # seconds until a server listens

NGINX = """\
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder}; large_client_header_buffers 8 64k;
    server {{
        listen 127.0.0.1:{port};
        add_header X-Seen "$host $request_uri" always;
        location / {{ return 200; }}
    }}
}}
"""

HAPROXY = """\
global
    tune.bufsize 65536
    tune.http.maxhdr 200
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
    {option}
frontend front
    bind 127.0.0.1:{port}
    default_backend origin
backend origin
    http-reuse never
    server origin 127.0.0.1:{origin}
"""

APACHE = """\
ServerRoot {folder}
ServerName origin
Listen 127.0.0.1:{port}
PidFile {folder}/apache-{port}.pid
ErrorLog {folder}/apache-{port}.log
DefaultRuntimeDir {folder}
DocumentRoot {folder}/empty
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule headers_module {modules}/mod_headers.so
User nobody
Group nogroup
HttpProtocolOptions {manner}
LimitRequestLine 65536
LimitRequestFieldSize 65536
LimitRequestFields 200
TraceEnable on
Header always set X-Seen "expr=%{{HTTP_HOST}} %{{REQUEST_URI}}"
"""

LIGHTTPD = """\
server.document-root = "{folder}/empty"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{folder}/lighttpd.log"
server.upload-dirs = ( "{folder}" )
server.max-request-field-size = 65536
server.modules = ( "mod_proxy" )
proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => {origin} ) ) )
"""


class Absent(Exception):
    """This server is not installed here."""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def needs(program, package):
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if path is None:
        raise Absent(f"the Debian package {package} is not installed")
    return path


def needs_module(module, package):
    if importlib.util.find_spec(module) is None:
        raise Absent(f"the Debian package {package} is not installed")


class Servers:
    """The processes of one run, stopped with it: `with Servers(folder) as servers`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "empty").mkdir()
        self._processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self._processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def start(self, name):
        """The port of the server of that name. Raises Absent."""
        make, *manner = STARTERS[name]
        return make(self, *manner)

    def _write(self, name, text):
        file = self.folder / name
        file.write_text(text)
        return str(file)

    def _run(self, command, port):
        log = open(self.folder / f"output-{port}", "wb")
        process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True, env={**os.environ, "PYTHONPATH": str(FOLDER)})
        self._processes.append(process)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return port
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{command[0]} does not listen: {(self.folder / log.name).read_text()[-2000:]}")

    def _script(self, name, *arguments):
        port = free_port()
        return self._run([sys.executable, str(FOLDER / name), str(port), *arguments], port)

    def nginx(self):
        program = needs("nginx", "nginx")
        port = free_port()
        text = NGINX.format(folder=self.folder, port=port)
        return self._run([program, "-c", self._write("nginx.conf", text)], port)

    def haproxy(self, option):
        program = needs("haproxy", "haproxy")
        port, origin = free_port(), self._script("plain_origin.py", "forwarded")
        file = self._write(f"haproxy-{port}.cfg", HAPROXY.format(port=port, origin=origin, option=option))
        return self._run([program, "-db", "-f", file], port)

    def apache(self, manner):
        program = needs("apache2", "apache2-bin")
        port = free_port()
        text = APACHE.format(folder=self.folder, port=port, modules="/usr/lib/apache2/modules", manner=manner)
        return self._run([program, "-DFOREGROUND", "-f", self._write(f"apache-{port}.conf", text)], port)

    def lighttpd(self):
        program = needs("lighttpd", "lighttpd")
        port, origin = free_port(), self._script("plain_origin.py", "forwarded")
        text = LIGHTTPD.format(folder=self.folder, port=port, origin=origin)
        return self._run([program, "-D", "-f", self._write("lighttpd.conf", text)], port)

    def node(self, manner):
        program = needs("node", "nodejs")
        port = free_port()
        return self._run([program, str(FOLDER / "node_origin.js"), str(port), manner], port)

    def h11(self):
        needs_module("h11", "python3-h11")
        return self._script("h11_origin.py")

    def http_server(self):
        return self._script("plain_origin.py")

    def waitress(self):
        program = needs("waitress-serve", "python3-waitress")
        port = free_port()
        return self._run([program, f"--listen=127.0.0.1:{port}", "wsgi_origin:application"], port)


STARTERS = {
    "nginx": (Servers.nginx,),
    "haproxy": (Servers.haproxy, "option http-keep-alive"),
    "haproxy, lenient": (Servers.haproxy, "option accept-invalid-http-request"),
    "apache": (Servers.apache, "Strict"),
    "apache, lenient": (Servers.apache, "Unsafe"),
    "lighttpd": (Servers.lighttpd,),
    "node": (Servers.node, "strict"),
    "node, lenient": (Servers.node, "lenient"),
    "h11": (Servers.h11,),
    "http.server": (Servers.http_server,),
    "waitress": (Servers.waitress,),
}
