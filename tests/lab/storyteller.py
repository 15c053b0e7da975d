"""The demo's command line."""

import argparse
import os
import pathlib
import signal
import sys
import time

from .gateway import program
from .laboratory import Laboratory, take_down
from .processes import CommandFailed
from .stage import Stage
from .story import PARTS, STEPS, play
from .table import Table

DEMO = pathlib.Path(__file__).with_name("demo")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="demo", description="Builds the laboratory, runs the story with real clients through the "
        "gateway and prints it. Exit code 0 when everything is as expected, 1 when not.")
    parser.add_argument("--keep", action="store_true",
                        help="leave the laboratory and the gateway up, and say how to use them")
    parser.add_argument("--down", metavar="FOLDER", help="take down what an earlier --keep left")
    parser.add_argument("--only", metavar="NUMBER", action="append", default=[],
                        help="play only this step or part (7 or 7.3); may be given several times")
    return parser.parse_args(arguments)


def chosen(numbers):
    """The steps whose number is one of these or below one of these; all when there are none."""
    return [step for step in STEPS
            if not numbers or any(step.number == n or step.number.startswith(n + ".") for n in numbers)]


def tell(stage, steps, table):
    """Plays the steps and prints them; returns how many were not as expected."""
    began = time.monotonic()
    table.headings()
    outcomes = []
    part = None
    for step in steps:
        if step.part != part:
            part = step.part
            table.part(part, PARTS[part])
        outcomes.append(play(step, stage))
        table.outcome(outcomes[-1])
    bad = [outcome.step.number for outcome in outcomes if not outcome.is_as_expected]
    table.line("─" * table.width)
    table.line(f"{len(outcomes) - len(bad)} of {len(outcomes)} steps as expected, {len(bad)} not"
               + (f" ({', '.join(bad)})" if bad else "") + f", in {time.monotonic() - began:.0f} s",
               "31" if bad else "32")
    return bad


def explain_keeping(stage, table):
    lab, gateway = stage.lab, stage.gateway
    inside = " ".join(lab.gateway.inside([]))
    table.line(f"""
The laboratory stays up.
  a shell in the node:    ip netns exec {lab.node.name} bash
  a first request there:  curl --cacert {lab.authority.certificate} https://mcr.microsoft.com/v2/
  watch the gateway:      {inside} {program()} status --socket {gateway.socket}
  its verdicts:           tail -f {gateway.log_file}
  its configuration:      {gateway.configuration_file} (then: kill -HUP {gateway.server.pid})
  its kernel rules:       {inside} nft list table inet sallyport
  take it down:           {DEMO} --down {lab.folder}""")


def perform(options, table):
    with Laboratory() as lab, Stage(lab) as stage:
        bad = tell(stage, chosen(options.only), table)
        if options.keep:
            lab.keep()
            explain_keeping(stage, table)
    return 1 if bad else 0


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def raise_on_signals():
    """Lets each of these end the demo through the cleaning up, which the next one must not end.

    Set for SIGINT too: a shell may have started us with Ctrl-C ignored.
    """
    def interrupt(*_):
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt
    for number in ENDING:
        signal.signal(number, interrupt)


def main(arguments=None):
    options = parse(arguments)
    if os.geteuid() != 0:
        print("demo: the laboratory needs root (network namespaces)", file=sys.stderr)
        return 2
    if options.down:
        take_down(options.down)
        return 0
    if options.only and not chosen(options.only):
        print(f"demo: there is no step {' or '.join(options.only)}", file=sys.stderr)
        return 2
    if not program().exists():
        print(f"demo: {program()} is not built (make builds it)", file=sys.stderr)
        return 2
    raise_on_signals()
    try:
        return perform(options, Table())
    except CommandFailed as problem:
        print(f"demo: the laboratory cannot be built: {problem}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything is taken down", file=sys.stderr)
        return 130
