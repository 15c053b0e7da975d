"""Runs the load programs and reads what they counted."""

import contextlib
import json
import subprocess

from lab.processes import CommandFailed

from .topology import SOURCES, THREADS


def _command(way, verb, *options):
    topology = way.topology
    return topology.node.inside([str(topology.programs / "flow_client"), verb, "--to", ",".join(way.destinations),
                                 "--from", ",".join(SOURCES), *way.request(), *map(str, options)])


def run_json(command, timeout):
    """Runs a load program to its end and returns its JSON object."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def move_bytes(way, *, flows, direction, seconds):
    return run_json(_command(way, "bulk", "--at-once", flows, "--direction", direction, "--threads", THREADS,
                             "--seconds", seconds), seconds + 15)


def connect(way, *, at_once, seconds):
    return run_json(_command(way, "connections", "--at-once", at_once, "--threads", THREADS,
                             "--seconds", seconds), seconds + 15)


@contextlib.contextmanager
def held_connections(way, count):
    """So many idle connections, for the length of a `with` block."""
    command = _command(way, "hold", "--at-once", count)
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if not client.stdout.readline():
            raise CommandFailed(f"{' '.join(command)}:\n{client.stderr.read()}")
        yield
    finally:
        client.stdin.close()
        client.wait(timeout=10)
        client.stdout.close()
        client.stderr.close()


def ask(topology, *, server, names, seconds, window=32, sockets=8, suffix, rate=0):
    """DNS questions to `server` from the client; names is a number (so many, again and again) or "new"."""
    return run_json(topology.node.inside([
        str(topology.programs / "dns_client"), "--server", server, "--names", str(names), "--suffix", suffix,
        "--threads", THREADS, "--sockets", str(sockets), "--window", str(window), "--rate", str(rate),
        "--seconds", str(seconds)]), seconds + 15)
