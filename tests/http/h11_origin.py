"""usage: h11_origin.py PORT: an origin that reads with h11, a strict parser."""

import socketserver
import sys

import h11


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        connection = h11.Connection(h11.SERVER)
        try:
            while self.serve_one(connection):
                connection.start_next_cycle()
        except (h11.ProtocolError, OSError):
            pass

    def next_event(self, connection):
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(self.request.recv(65536))
        return event

    def serve_one(self, connection):
        request = self.next_event(connection)
        if not isinstance(request, h11.Request):
            return False
        while not isinstance(self.next_event(connection), h11.EndOfMessage):
            pass
        seen = dict(request.headers).get(b"host", b"") + b" " + request.target
        for event in (h11.Response(status_code=200, headers=[("Content-Length", "0"), ("X-Seen", seen)]),
                      h11.EndOfMessage()):
            self.request.sendall(connection.send(event))
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
