"""usage: tests/http/differential.py JUDGE [--survey]

Sends what the gateway lets out of hostile requests (cases.py) to real servers (servers.py). No server may
read another host, another path or another end of a request than the gateway did (judge.c); a server that
reads less because it refuses, or ends the connection, is welcome. TAP on standard output.
With --survey the refused requests are sent as well, and what the servers make of them is told: what the
gateway's strictness is worth.
"""

import json
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cases import CASES  # noqa: E402
from servers import STARTERS, Absent, Servers  # noqa: E402

SENTINEL = b"GET %s/sentinel HTTP/1.1\r\nHost: sentinel.example\r\nConnection: close\r\n\r\n"
PATIENCE = 3.0  # seconds without a byte of an open connection: the server waits for more of a body
SURVEY_PATIENCE = 0.5


def absolute(data):
    """The first request as one asks a proxy."""
    return re.sub(rb"^([A-Za-z]+) /", rb"\1 http://good.example/", data)


def judge(program, streams):
    """What the gateway does with each (port, bytes)."""
    lines = "".join(f"{port} {stream.hex()}\n" for port, stream in streams)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fate(verdict):
    """In the words of cases.py, of the first request."""
    if not verdict["requests"]:
        return "refused"
    breaks_off = len(verdict["requests"]) == 1 and "body" in (verdict["refused"] or "")
    return "cut" if breaks_off else "passed"


def converse(port, parts, whole, patience):
    """All that the server says to one part after the other, each sent when the one before is answered, and
    how it ended: "end", or "silence" with the connection still open."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.settimeout(patience)
        try:
            for number, part in enumerate(parts, 1):
                connection.sendall(part)
                if number == len(parts) and not whole:
                    connection.shutdown(socket.SHUT_WR)
                while number == len(parts) or len(list(answers(said))) < number:
                    more = connection.recv(65536)
                    if not more:
                        return said, "end"
                    said += more
        except TimeoutError:
            return said, "silence"
        except OSError:
            pass  # a reset is an end as well
        return said, "end"


def host_of(text):
    """The host as the gateway writes it: without port and last dot, in lower case."""
    return re.sub(rb"\.?(:\d*)?$", b"", text.strip().lower())


def mark_of(target):
    """Which of cases.py's requests this is, however a server writes its path."""
    return next((mark for mark in ("hidden", "second", "sentinel") if mark.encode() in target), "first")


def answers(said):
    """(status, host, mark) of each final answer; host None: the server does not say what it read."""
    for status, fields in re.findall(rb"HTTP/1\.[01] ([2-5]\d\d)[^\r]*\r\n(.*?)\r\n\r\n", said, re.S):
        seen = re.search(rb"^X-Seen: *([^ \r]*) ([^\r]*)", fields, re.M | re.I)
        yield int(status), *((host_of(seen[1]), mark_of(seen[2])) if seen else (None, None))


def disagreement(verdict, said, ending):
    """Where the server read something else than the gateway did, or None. An error may show what was read."""
    expected = [(request["host"].encode(),
                 mark_of(bytes.fromhex(request["path"]))) for request in verdict["requests"]]
    place = 0
    for status, *read in answers(said):
        if status >= 400 and not read[0]:  # it refuses; what comes behind, it should have found in its place
            return f"answers {status} where the gateway reads {expected[place:]}" if place else None
        if place == len(expected):
            return f"reads a request more: {read}"
        if read[0] is not None and tuple(read) != expected[place]:
            return f"reads {read} where the gateway reads {expected[place]}"
        place += 1
    if ending == "silence" and place < len(expected):
        return f"waits for more behind {place} of {len(expected)} requests"
    return None


class Report:
    """TAP: one line a server and way of asking, and one for the gateway's own verdicts."""

    def __init__(self):
        self.count = self.failed = 0

    def line(self, what, complaints, skip=None):
        self.count += 1
        self.failed += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {self.count} - {what}" + (f" # SKIP {skip}" if skip else ""))
        for complaint in complaints:
            print(f"# {complaint}")
        sys.stdout.flush()


def wrong_fates(names, expected, verdicts):
    return [f"{name}: {fate(verdict)}, not {fates} ({verdict['refused']})"
            for name, fates, verdict in zip(names, expected, verdicts) if fate(verdict) != fates]


def parts_of(verdict):
    """What leaves, request by request."""
    out = bytes.fromhex(verdict["out"])
    ends = [request["end"] for request in verdict["requests"]]
    return [out[start:end] for start, end in zip([0] + ends, ends)]


def ask(port, names, verdicts):
    complaints = []
    for name, verdict in zip(names, verdicts):
        if verdict["requests"]:
            whole = verdict["refused"] in (None, "the connection ends here")
            said, ending = converse(port, parts_of(verdict), whole, PATIENCE)
            problem = disagreement(verdict, said, ending)
            if problem:
                complaints.append(f"{name}: {problem}")
    return complaints


def survey(port, server, cases):
    for name, data, fates in cases:
        if fates != "passed":
            said, ending = converse(port, [data + SENTINEL % b""], True, SURVEY_PATIENCE)
            read = [f"{status} {host and host.decode('latin-1')} {mark}" for status, host, mark in answers(said)]
            print(f"# {server}: {name}: {'; '.join(read) or 'nothing'} ({ending})")


def main(program, *options):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers end with us
    report = Report()
    names = [re.sub(r"[\s#]+", " ", name.decode("latin-1").encode("unicode_escape").decode()[:60]) for name, _,
             _ in CASES]
    verdicts = {"transparent": judge(program, [("transparent", data + SENTINEL % b"") for _, data, _ in CASES]),
                "explicit": judge(program, [("explicit", absolute(data) + SENTINEL % b"http://sentinel.example")
                                            for _, data, _ in CASES])}
    report.line(f"the gateway judges {len(CASES)} hostile requests as the table says",
                wrong_fates(names, [fates for _, _, fates in CASES], verdicts["transparent"]))
    with tempfile.TemporaryDirectory(prefix="sallyport-http-", ignore_cleanup_errors=True) as folder:
        pathlib.Path(folder).chmod(0o755)
        with Servers(folder) as servers:
            for server in STARTERS:
                try:
                    port = servers.start(server)
                except Absent as reason:
                    report.line(f"{server} reads what the gateway reads", [], str(reason))
                    continue
                for way, judged in verdicts.items():
                    passed = sum(bool(verdict["requests"]) for verdict in judged)
                    report.line(f"{server} reads {passed} requests as the gateway's {way} port does",
                                ask(port, names, judged))
                if "--survey" in options:
                    survey(port, server, CASES)
    print(f"1..{report.count}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
