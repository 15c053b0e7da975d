"""The soak's clients: one process that plays every kind at its rate until SIGTERM.

Run inside the node: python -m lab.soak.traffic CA_FILE COLD_NAMES
Says, in lines of JSON: every second {"counts": {kind: {seen: how many}}}; each attempt that did not come out as
expected, {"kind", "began", "ended", "seen"}, by the monotonic clock; {"done": true} at the end. At SIGUSR1 it
asks for COLD_NAMES names that nobody has asked for, so that the caches are full, and says {"filled": how many}.
"""

import asyncio
import collections
import json
import random
import signal
import sys
import time

from lab.soak import lasting
from lab.soak.kinds import KINDS
from lab.soak.operations import PLAYS
from lab.soak.questions import Problem
from lab.soak.ways import Far

TICK = 0.05
PATIENCE = 20.0  # seconds for one attempt, whatever it is; a machine under load is slow
LEAVING = 30.0   # seconds for what is under way at the end


class Tally:
    """Counts what came of the attempts, and says so line by line."""

    def __init__(self):
        self._counts = collections.defaultdict(collections.Counter)

    def note(self, kind, began, seen, is_good):
        self._counts[kind.name][seen] += 1
        if not is_good:
            self.say(kind=kind.name, began=began, ended=time.monotonic(), seen=seen)

    def tell(self):
        self.say(counts=self._counts)
        self._counts.clear()

    @staticmethod
    def say(**facts):
        print(json.dumps(facts), flush=True)


async def attempt(kind, far, tally):
    """Plays one kind once."""
    began = time.monotonic()
    try:
        seen = await asyncio.wait_for(PLAYS[kind.name](far), PATIENCE)
        works = True
    except Problem as problem:
        seen, works = str(problem), False
    except (OSError, EOFError, asyncio.TimeoutError) as problem:
        seen, works = describe(problem), False
    tally.note(kind, began, seen, kind.expected == "either" or works == (kind.expected == "allowed"))


def describe(problem):
    if isinstance(problem, (asyncio.TimeoutError, TimeoutError)):
        return "no answer"
    if isinstance(problem, EOFError):
        return "closed"
    return getattr(problem, "reason", None) or problem.strerror or type(problem).__name__


async def play(kind, far, tally, running, leaving):
    """Starts attempts of one kind at its rate, with some irregularity, until `leaving` is set."""
    while not leaving.is_set():
        task = asyncio.create_task(attempt(kind, far, tally))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(random.uniform(0.5, 1.5) / kind.rate)


async def tell_each_second(tally):
    while True:
        await asyncio.sleep(1)
        tally.tell()


async def main(authority, cold_names):
    far, tally, leaving, running = Far(authority), Tally(), asyncio.Event(), set()
    filling = set()

    async def fill():
        tally.say(filled=await far.fill_caches(int(cold_names), leaving))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, leaving.set)
    loop.add_signal_handler(signal.SIGUSR1, lambda: filling.add(asyncio.create_task(fill())))
    teller = asyncio.create_task(tell_each_second(tally))
    players = [asyncio.create_task(lasting.play(kind, far, tally, leaving) if kind.lasting
                                   else play(kind, far, tally, running, leaving)) for kind in KINDS.values()]
    await leaving.wait()
    await asyncio.wait([*players, *running, *filling], timeout=LEAVING)
    teller.cancel()
    tally.tell()
    for player in players:
        if player.done() and player.exception():
            raise player.exception()  # a fault of ours
    tally.say(done=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
