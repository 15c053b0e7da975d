"""usage: plain_origin.py PORT [forwarded]

Python's http.server as it is used everywhere: a body is read by its Content-Length, by the methods that
expect one. With `forwarded` it stands behind a proxy, and takes chunks too.
"""

import http.server
import sys


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    takes_chunks = False

    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Seen", f"{self.headers.get('Host', '')} {self.path}")
        self.end_headers()

    def take_and_answer(self):
        if self.takes_chunks and "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        else:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    do_GET = do_HEAD = answer
    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_PROPFIND = do_post = take_and_answer

    def log_message(self, *_):
        pass


if sys.argv[2:] == ["forwarded"]:
    Origin.takes_chunks = True
    Origin.do_GET = Origin.do_HEAD = Origin.do_get = Origin.do_TRACE = Origin.take_and_answer
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Origin)
server.serve_forever()
