#!/usr/bin/python3
"""usage: tests/no_memory.py SOURCE_ROOT PROGRAM PRELOAD

Runs verbs that read files once more for many of their calls for memory, those of the libraries included, with that
one call failing (no_memory.c). Each run must either end well and say what it says with memory enough, or end with
exit code 1 or 2, a message, and nothing on standard output. Exit 0 when they do, 1 otherwise.

Places are drawn anew each time, with a seed that is told; SALLYPORT_SECONDS sets how long a verb has.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

SECONDS = float(os.environ.get("SALLYPORT_SECONDS", "2"))
# cmark, which reads articles, ends the process when it gets no memory. What reads JSON is not tried at all: libjansson
# 2.14 does the same, or goes on without a byte of a string.
ENDED_BY_LIBRARY = {"import aks-article"}


def run(command, preload, fails_at, tell=None):
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": preload, "FAIL_AT": str(fails_at)}
    if tell is not None:
        environment["FAIL_TELL"] = str(tell)
    return subprocess.run(command, capture_output=True, env=environment, timeout=60, stdin=subprocess.DEVNULL,
                          pass_fds=() if tell is None else (tell,))


def count_calls(command, preload):
    reader, writer = os.pipe()
    done = run(command, preload, 0, writer)
    os.close(writer)
    with os.fdopen(reader) as file:
        return done, int(file.read())


def complaint(verb, done, whole):
    """What is wrong with this run, or None."""
    if done.returncode == whole.returncode and done.stdout == whole.stdout:
        return None
    if verb in ENDED_BY_LIBRARY and done.returncode == -signal.SIGABRT and not done.stdout:
        return None
    if done.returncode not in (1, 2):
        return f"ended with {done.returncode}"
    if done.stdout:
        return "failed, and said something on standard output"
    return None if done.stderr else "failed without a message"


def try_verb(verb, arguments, program, preload, chance):
    command = [program, *verb.split(), *arguments]
    whole, calls = count_calls(command, preload)
    begin, tried, faults = time.monotonic(), 0, 0
    while time.monotonic() - begin < SECONDS:
        # half of them among the first and the last, where reading begins and results are written
        place = chance.choice([chance.randint(1, calls), chance.randint(1, min(calls, 300)),
                               calls + 1 - chance.randint(1, min(calls, 300))])
        wrong = complaint(verb, run(command, preload, place), whole)
        tried += 1
        if wrong:
            faults += 1
            print(f"{' '.join(command)}: with call {place} for memory failing it {wrong}", file=sys.stderr)
    print(f"{verb}: {tried} of {calls} places")
    return faults


def main(root, program, preload):
    root, seed = pathlib.Path(root), random.randrange(1 << 32)
    config = ["-c", str(root / "sallyport.example.yaml")]
    article = next(iter(sorted((root / "tests" / "golden" / "import").glob("*.md"))))
    verbs = {"check": config, "rules": config, "explain": [*config, "-p", "https", "mcr.microsoft.com"],
             "import aks-article": [str(article)]}
    chance = random.Random(seed)
    print(f"seed {seed}")
    return 1 if sum(try_verb(verb, arguments, program, preload, chance) for verb, arguments in verbs.items()) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
