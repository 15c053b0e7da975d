#!/usr/bin/python3
"""usage: tests/bad_input.py SOURCE_ROOT PROGRAM [READER...]

Gives every verb that reads a file what it should not get: truncated, binary, too large, too deep, in another
encoding, no file at all. A new reader is a line in READERS.

Each time the program must end within SECONDS of CPU time and ROOM of memory, with exit code 2, nothing on
standard output, nothing written, and a message on standard error that names the file and is fit for a terminal.
What may still be good (a cut at a lucky place) must be taken or be refused in that way; what means the same
(CRLF, a byte order mark) must give the same. Exit 0 when it always does, 1 otherwise.
"""

import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

SECONDS = 5 * (20 if os.environ.get("SALLYPORT_SLOW") else 1)
ROOM = 1 << 30  # bytes of address space
MIB = 1 << 20
SAME = "the same"  # instead of True: not only good, but no other file
LINES, LINE = 1001, 1200  # of a message: a file full of faults has many

LONG = "a" * 300
STAR = '"*",'
# What a person may write and no reader should take: in the good file -> instead.
CONFIG_WORDS = (("*.example.com", f"{LONG}.example.com"), ("*.example.com", ".".join(["a" * 60] * 5)),
                ("10.42.0.0/16", "10.42.0.0/33"), ("10.42.0.0/16", "10.42.0.1/16"),
                ("10.42.0.0/16", "10.42.0.0/99999999999999999999"), ("name: never\n", f"name: {LONG}\n"),
                ("region: eastus", "region: " + LONG), ("cluster:", "network: {}\ncluster:"))
CATALOG_WORDS = (("mcr.microsoft.com", f"{LONG}.microsoft.com"), ("id: mcr\n", f"id: {LONG}\n"),
                 ("https:443", "https:99999999999999999999"), ("title:", "title: a\ntitle:"))
TAG_WORDS = (('"Storage"', f'"{LONG}"'), ("198.51.100.0/25", "198.51.100.0/33"), ("198.51.100.0/25", "198.51.100.1/25"),
             ("198.51.100.0/25", LONG), ("198.51.100.0/25", "198.51.100.0/99999999999999999999"),
             ('"Storage"', '"Sto\\u0000rage"'), ('"Storage"', '"AzureCloud.EASTUS"'),
             ('"cloud"', '"changeNumber": 1, "cloud"'), ('"changeNumber": 1', '"changeNumber": 99999999999999999999'))

# Importers say what they leave out, and end with 1.
ARTICLE_WORDS = (("mcr.microsoft.com", f"{LONG}.microsoft.com"), ("HTTPS:443", "HTTPS:99999999999999999999"),
                 ("HTTPS:443", "HTTPS:" + "4" * 5000), ("02/03/2024", "99/99/9999"), ("02/03/2024", LONG))
API_WORDS = (("mcr.microsoft.com", f"{LONG}.microsoft.com"), ("443", "99999999999999999999"), ("443", "-1"),
             ('"Https"', f'"{LONG}"'), ("198.51.100.20", "198.51.100.20/99"))
AZURE_WORDS = (("mirror.example.org", f"{LONG}.example.org"), ('"name": "web"', f'"name": "{LONG}"'),
               ("10.0.0.0/8", "10.0.0.0/33"), ("10.0.0.0/8", "10.0.0.1/8"), ('"priority": 300', '"priority": 1e300'),
               ('"port": 80', '"port": 99999999999999999999'))


@dataclass
class Reader:
    name: str
    arguments: list  # {} stands for the file, {written} for a file to write
    good: str
    words: tuple = ()
    floods: callable = list
    codes: tuple = (0,)  # of the good file, and of one that is still good
    format: str = field(init=False)

    def __post_init__(self):
        self.format = pathlib.PurePath(self.good).suffix[1:]


# Cases: (name, content or what makes the file, may it be good?)

def cuts(good):
    """Truncated at every place of the start, at some of the rest."""
    places = sorted(set(range(1, 40)) | {len(good) * part // 60 for part in range(1, 60)} | {len(good) - 2})
    return [(f"cut at {place}", good[:place], True) for place in places if place < len(good)]


def encodings(good):
    text = good.decode()
    somewhere = len(good) // 3
    return [
        ("UTF-16 with mark", text.encode("utf-16"), False),
        ("UTF-16 big-endian with mark", b"\xfe\xff" + text.encode("utf-16-be"), False),
        ("UTF-16", text.encode("utf-16-le"), False),
        ("UTF-16 big-endian", text.encode("utf-16-be"), False),
        ("UTF-32", text.encode("utf-32"), False),
        ("UTF-8 with mark", b"\xef\xbb\xbf" + good, SAME),
        ("CRLF", good.replace(b"\n", b"\r\n"), SAME),
        ("Latin-1", good[:somewhere] + b"\xe4" + good[somewhere:], False),
        ("a surrogate", good[:somewhere] + b"\xed\xa0\x80" + good[somewhere:], False),
        ("NUL", good[:somewhere] + b"\0" + good[somewhere:], False),
        ("NUL first", b"\0" + good, False),
        ("NUL at the end", good + b"\0", False),
        ("escape sequences", b'{"\x1b[31m": "\x1b]0;x\x07"}', False),
        ("escape sequences in words", b'{"\\u001b[31m": ["\\u009b31m"], "\\u001b": {}}', False),
        ("C1 letters", '{"\u009b31m": \u009b31m}'.encode(), False),
    ]


def garbage():
    chance = random.Random(20240520)
    return [("empty", b"", False), ("white space", b" \n\t \r\n", False), ("a comment", b"# nothing\n", False),
            *[(f"the byte {byte!r}", byte, False) for byte in (b"\0", b"{", b"[", b'"', b"x", b"-", b"5", b"\xff")],
            ("every byte", bytes(range(256)) * 10, False),
            *[(f"{size} random bytes", chance.randbytes(size), False) for size in (10, 1000, 100000)],
            *[(f"random brackets {turn}", bytes(chance.choices(b'[]{}:,"\\ \n-?x', k=5000)), False)
              for turn in range(20)]]


def mutations(good):
    """A byte changed here and there: whatever comes of it."""
    chance = random.Random(1)
    found = []
    for turn in range(100):
        bytes_ = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(bytes_))
            bytes_[place:place + chance.randint(0, 2)] = bytes(chance.choices(b'[]{}:,"\\#&*!|>%@`\n\t -x0\xff\0', k=1))
        found.append((f"changed bytes {turn}", bytes(bytes_), True))
    return found


def depths():
    return [(f"{count} {start.decode()!r}", start * count, False)
            for count in (33, 100, 100000, 1000000) for start in (b"[", b'{"a":', b"[{\"a\":")] + [
            ("nested and closed", b"[" * 100000 + b"]" * 100000, False)]


def yaml_traps():
    size = 64 * MIB
    return [
        ("laughs", b"a: &a [x, x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i)
                                                 for i in range(20)), False),
        ("an alias", b"cluster: *x\n", False), ("a tag", b"cluster: !!python/object x\n", False),
        ("two documents", b"workers: 1\n---\nworkers: 1\n", False),
        ("a directive", b"%YAML 9.9\n---\nworkers: 1\n", False),
        ("a list as key", b"[a]: 1\n", False), ("a tab", b"cluster:\n\tregion: eastus\n", False),
        ("nested dashes", b"- " * 100000, False), ("nested questions", b"? " * 100000, False),
        ("a key twice", b"workers: 1\nworkers: 1\n", False),
        ("64 MiB of lists", b"[" + b"[]," * (size // 3 - 2) + b"[]]", False),
        ("64 MiB of items", b"- x\n" * (size // 4 - 1), False),
        ("64 MiB of keys", b"".join(b"%07d: 1\n" % i for i in range(6400000))[:size - 1], False),
        ("64 MiB of one word", b"x" * size, False), ("64 MiB in quotes", b'"' + b"x" * (size - 2) + b'"', False),
        ("64 MiB of a key", b"x" * (size - 4) + b": 1", False),
        ("64 MiB of comment", b"#" + b"x" * (size - 1), False),
        ("64 MiB of lines", b"\n" * size, False),
        ("64 MiB of opened quotes", b'"' * size, False),
        ("a byte too many", b"#" * (size + 1), False),
    ]


def many(form, count):
    return ",".join(form % number for number in range(count))


def config_floods():
    """Each is below the limits of YAML, and more than anyone writes."""
    rules = "collections: [{name: a, priority: 100, action: allow, kind: %s, rules: [%s]}]"
    return [(f"a flood of {what}", text.encode(), False) for what, text in (
        ("unknown keys", "\n".join(f"{number:07}: 1" for number in range(1900000))),
        ("no addresses", f"network: {{private_destinations: [{'x,' * 3800000}]}}"),
        ("half rules", rules % ("application", many("{name: a%d}", 600000))),
        ("rules of one name", rules % ("application", "{name: a}," * 600000)),
        ("half collections", f"collections: [{many('{name: a%d}', 900000)}]"),
        ("features", f"cluster: {{features: [{'gpu,' * 3800000}]}}"),
        ("stars", rules % ("network", f"{{name: a, protocols: [tcp], ports: [{STAR * 3800000}]}}")))]


def catalog_floods():
    head = ('edition: "2030-01-01"\ntitle: x\nclouds: [%s]\nfeatures: [%s]\nsections: '
            "[{title: a, clouds: [a0], need: required, kind: network, entries: [%s]}]")
    cloud, feature = "{name: a%d, title: a, service_tags: a, api_server: [a.example]}", "{name: a%d, title: a}"
    entry = '{id: a%d, destinations: ["*"], ports: ["tcp:1"], purpose: a}'
    return [(f"a flood of {what}", text.encode(), False) for what, text in (
        ("clouds", head % (many(cloud, 30000), feature % 0, entry % 0)),
        ("features", head % (cloud % 0, many(feature, 70000), entry % 0)),
        ("entries", head % (cloud % 0, feature % 0, many(entry, 30000))),
        ("half entries", head % (cloud % 0, feature % 0, many("{id: a%d}", 60000))))]


def markdown_traps():
    """None of them is an article."""
    size = 64 * MIB
    head = b"---\nms.date: 02/03/2024\n---\n"
    return [
        ("no front matter", b"# Title\n", False), ("no table", head + b"# Title\n", False),
        ("an endless front matter", b"---\n" + b"a: b\n" * MIB, False),
        ("a long front matter", b"---\nms.date: " + b"1" * MIB + b"\n---\n", False),
        ("nested quotes", head + b">" * 100000, False), ("nested lists", head + b"- " * 100000, False),
        ("brackets", head + b"[" * MIB, False), ("links", head + b"[](" * MIB, False),
        ("stars", head + b"*" * MIB, False), ("stars and words", head + b"*a " * MIB, False),
        ("code marks", head + b"".join(b"`" * length + b"a" for length in range(1, 2000)), False),
        ("entities", head + b"&#0;" * MIB, False), ("tags", head + b"<a " * MIB, False),
        ("references", head + b"[a]: b\n" * 200000, False),
        ("64 MiB of bars", head + b"|" * (size - len(head)), False),
        ("64 MiB of words", head + b"a " * (size // 2 - len(head)), False),
        ("64 MiB of lines", head + b"\n" * (size - len(head)), False),
        ("64 MiB of headings", head + b"# a\n" * (size // 4 - len(head)), False),
        ("a byte too many", b" " * (size + 1), False),
    ]


def markdown_floods():
    head = b"---\nms.date: 02/03/2024\n---\n# Rules\n\n| Destination FQDN | Port | Use |\n|-|-|-|\n"
    return [("a table of 100,000 rows", head + b"| `a.example` | HTTPS:443 | x |\n" * 100000, True),
            ("a table of 100,000 names", head + b"".join(b"| `a%d.example` | HTTPS:443 | x |\n" % i
                                                          for i in range(100000)), True),
            ("a row of 100,000 names", head + b"| " + b"`a.example`, " * 100000 + b" | HTTPS:443 | x |\n", True),
            ("a table of 1,000 columns", head + b"|a" * 100000 + b"|\n", True),
            ("100,000 unread rows", head + b"| what | is | this |\n" * 100000, True),
            ("100,000 tables", head + (b"\n# H\n\n| FQDN | Port | Use |\n|-|-|-|\n| a.example | HTTPS:443 | x |\n"
                                       * 20000), True)]


def json_traps():
    size = 64 * MIB
    return [
        ("a number", b"5", False), ("null", b"null", False), ("a list", b"[]", False), ("an object", b"{}", False),
        ("a key twice", b'{"a":1,"a":2}', False), ("a comma too many", b'{"a":1,}', False), ("NaN", b"[NaN]", False),
        ("a long number", b"[" + b"9" * MIB + b"]", False), ("a huge exponent", b"[1e999999]", False),
        ("half a pair", b'["\\ud800"]', False),
        ("64 MiB of lists", b"[" + b"[]," * (size // 3 - 2) + b"[]]", False),
        ("64 MiB of numbers", b"[" + b"0," * (size // 2 - 2) + b"0]", False),
        ("64 MiB of one string", b'["' + b"x" * (size - 4) + b'"]', False),
        ("64 MiB of one key", b'{"' + b"x" * (size - 6) + b'":1}', False),
        ("64 MiB of white space", b" " * size, False),
        ("a byte too many", b" " * (size + 1), False),
    ]


PROFILE = ["--region=eastus"]
EXPORT = ["export", "json", "--write={written}"]
READERS = (
    Reader("check --config", ["check", "--config={}"], "sallyport.example.yaml", CONFIG_WORDS, config_floods),
    Reader("export --config", [*EXPORT, "--config={}"], "sallyport.example.yaml", CONFIG_WORDS, config_floods),
    Reader("export --catalog", [*EXPORT, *PROFILE, "--edition=2024-05-20", "--catalog={}"], "catalog/2024-05-20.yaml",
           CATALOG_WORDS, catalog_floods),
    Reader("export --service-tags", [*EXPORT, *PROFILE, "--service-tags={}"], "tests/golden/config/tags.json",
           TAG_WORDS),
    Reader("import aks-article", ["import", "aks-article", "--write={written}", "{}"], "tests/golden/import/shapes.md",
           ARTICLE_WORDS, markdown_floods, (0, 1)),  # 1: something is unread
    Reader("import aks-api", ["import", "aks-api", "--write={written}", "{}"], "tests/golden/import/aks-answer.json",
           API_WORDS, codes=(0, 1)),
    Reader("import azure-firewall", ["import", "azure-firewall", "--write={written}", "{}"],
           "tests/golden/import/azure-az-list.json", AZURE_WORDS, codes=(0, 1)),
    Reader("catalog diff EDITION", ["catalog", "diff", "2024-05-20", "{}"], "catalog/2024-05-20.yaml", CATALOG_WORDS,
           catalog_floods, (0, 1)),
    Reader("catalog diff CONFIGURATION", ["catalog", "diff", "{}", "2024-05-20"], "sallyport.example.yaml",
           CONFIG_WORDS, config_floods, (0, 1)),
)


def words(reader, good):
    found = []
    for old, new in reader.words:
        if old.encode() not in good:
            raise SystemExit(f"{reader.good} has no {old!r}: change tests/bad_input.py")
        found.append((f"{old!r} -> {new[:30]!r}", good.replace(old.encode(), new.encode(), 1),
                      1 in reader.codes))
    return found


def a_folder(path):
    path.mkdir()


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def a_sparse_file(path):
    with open(path, "wb") as file:
        file.truncate(65 * MIB)


def an_unreadable_file(path):
    path.touch(mode=0)


def no_files():
    return [("missing", lambda path: None, False), ("a folder", a_folder, False), ("a pipe", os.mkfifo, False),
            ("a device", lambda path: path.symlink_to("/dev/zero"), False), ("a socket", a_socket, False),
            ("a link to itself", lambda path: path.symlink_to(path), False), ("65 MiB of holes", a_sparse_file, False),
            *([] if os.geteuid() == 0 else [("unreadable", an_unreadable_file, False)])]  # root reads all


def cases(reader, good):
    traps = {"json": json_traps, "yaml": yaml_traps, "md": markdown_traps}[reader.format]
    return [*garbage(), *cuts(good), *encodings(good), *mutations(good), *depths(), *traps(), *words(reader, good),
            *reader.floods(), *no_files()]


# Running and judging

class Trial:
    """One reader in a folder of its own."""

    def __init__(self, reader, root, program, folder):
        self.reader, self.program, self.folder = reader, program, folder
        self.written = folder / "written"
        self.good = (root / reader.good).read_bytes()
        self.limited = True
        self.input = folder / f"input.{reader.format}"  # what it is shows in its name
        good = self.input
        good.write_bytes(self.good)
        done = self.run(good)
        if done.returncode != reader.codes[0]:  # AddressSanitizer reserves more than any limit
            self.limited = False
            done = self.run(good)
        if done.returncode != reader.codes[0]:
            raise SystemExit(f"{reader.name}: the good file ends with {done.returncode}, not {reader.codes[0]}: "
                             f"{done.stderr.decode(errors='replace')}")
        self.output = self.outcome(done)
        good.unlink()

    def run(self, path):
        self.written.write_text("before")
        arguments = [argument.format(path, written=self.written) for argument in self.reader.arguments]
        limits = [f"--as={ROOM}", f"--cpu={SECONDS}"] if self.limited else [f"--cpu={4 * SECONDS}"]
        return subprocess.run(["prlimit", "--core=0", *limits, self.program, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=40 * SECONDS, check=False)

    def outcome(self, done):
        return done.stdout, self.written.read_bytes()

    def try_case(self, name, content, may_be_good):
        path = self.input
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)
        try:
            done = self.run(path)
            complaints = list(self.judge(done, may_be_good))
        except subprocess.TimeoutExpired:
            complaints = ["it does not end"]
        for complaint in complaints:
            yield f"{self.reader.name}: {name}: {complaint}"
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        for file in self.folder.iterdir():
            if file != self.written:
                yield f"{self.reader.name}: {name}: it left {file.name} behind"
                file.unlink()

    def judge(self, done, may_be_good):
        said = done.stderr.decode(errors="replace")
        if done.returncode == -signal.SIGXCPU:
            yield "it took too much time"
            return
        if "Sanitizer" in said or "runtime error" in said:
            yield said[:1000]
            return
        if may_be_good == SAME and (done.returncode, self.outcome(done)) != (self.reader.codes[0], self.output):
            yield f"it should make no difference, but: exit code {done.returncode}: {said[:300]}"
        if may_be_good and done.returncode in self.reader.codes:
            return
        if done.returncode != 2:
            yield f"exit code {done.returncode}: {said[:300]}"
            return
        if done.stdout:
            yield f"refused, but it prints {done.stdout[:100]!r}"
        if self.written.read_text() != "before":
            yield "refused, but it writes"
        yield from self.judge_message(done.stderr, may_be_good)

    def judge_message(self, message, may_be_good):
        try:
            said = message.decode()
        except UnicodeDecodeError:
            yield f"the message is not UTF-8: {message[:200]!r}"
            return
        # A file that is cut short may be good and say too little: that is no fault of the file.
        file = re.escape(str(self.input))
        who = [rf"{file}(?::\d+:\d+)?: error", f"sallyport: cannot read {file}"]
        who += ["sallyport: error"] if may_be_good else []
        if not re.search(rf"^(?:{'|'.join(who)}): \S", said, re.M):
            yield f"the message does not say which file is wrong, and what: {said[:300]!r}"
        if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said):
            yield f"the message is not fit for a terminal: {said[:300]!r}"
        lines = message.splitlines()
        if len(lines) > LINES or max(map(len, lines), default=0) > LINE:
            yield f"the message has {len(lines)} lines, the longest of {max(map(len, lines))} bytes"
        if any(line.rstrip().endswith(b":") for line in lines):
            yield f"the message gives no reason: {said[:300]!r}"


def check(reader, root, program):
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        trial = Trial(reader, root, program, pathlib.Path(folder))
        found, count, started = [], 0, time.monotonic()
        for name, content, may_be_good in cases(reader, trial.good):
            found += trial.try_case(name, content, may_be_good)
            count += 1
    print(f"{reader.name}: {count} files, {time.monotonic() - started:.1f} s"
          f"{'' if trial.limited else ', memory not limited'}", flush=True)
    return found


def main(root, program, names):
    root, program = pathlib.Path(root).resolve(), pathlib.Path(program).resolve()
    readers = [reader for reader in READERS if not names or reader.name in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda reader: check(reader, root, program), readers))
    complaints = [complaint for part in found for complaint in part]
    print("\n".join(complaints) or "all of them are refused as they should be")
    return 1 if complaints else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
