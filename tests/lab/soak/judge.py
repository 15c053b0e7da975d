"""What a soak saw → findings, each good or bad. Pure: no clock, no file.

Growth: the run is cut into quarters, and the median of the last is compared with that of the second (the first
one has the start and the kill in it). Half a run lies between their middles: a leak shows when half a run of it is
more than the bound, which is what figures of a load that comes by chance differ by on sound builds.
"""

import statistics
from dataclasses import dataclass

from lab.soak.kinds import KILL, KINDS

@dataclass(frozen=True)
class Bound:
    """How much a median may grow by chance: `absolute` and a `share` of the second quarter's. Tables and the memory
    under them fill for a while after a start; `filling` is allowed in a run that is too short to wait for that."""

    absolute: float
    share: float = 0
    filling: float = 0


FILLING_SECONDS = 180  # from the start after the kill to the second quarter: then nothing fills any more
GROWTH = {
    "gateway own memory, KiB": Bound(768, 0.01, filling=8192),
    "gateway descriptors": Bound(6, 0.1),
    "gateway threads": Bound(0),
    "helper own memory, KiB": Bound(128),
    "helper descriptors": Bound(0),
    "connections tracked": Bound(60, 0.2),
    "clients' connections": Bound(60, 0.2),
    "pins": Bound(32, 0.1),
    "numbers of rules": Bound(8, 0.05),
    "hellos": Bound(32, 0.15, filling=600),
    "sessions": Bound(8, 0.25),
    "sources with a budget": Bound(2),
}
# What must be back where it was before the load, give or take so much. Memory is kept by the allocator; eight
# descriptors are the pipes that are kept for the next proxied connections; the gateway's own lookups go on.
BACK = {"gateway descriptors": 10, "gateway threads": 0, "helper descriptors": 0, "connections tracked": 60,
        "clients' connections": 4, "pins": 8, "hellos": 0, "sessions": 0, "queued packets": 0}
# Counters that must stand still; those of the second list may move while the process is killed and started, which
# denies the connections whose hello was under way and reads the kernel's reports late.
NEVER = ("queue drops", "log lines lost", "denied: flows_full", "denied: pins_full", "denied: sessions_full",
         "failed reloads")
NEVER_BUT_AT_A_KILL = ("kernel reports lost", "denied: internal")
LEAST_PLAYED = 0.4  # of what the rates promise: a slow machine plays less, a kind that is never played proves nothing


@dataclass(frozen=True)
class Window:
    """While a fault lasts, and until the gateway has promised to be over it. Monotonic seconds."""

    fault: str
    begin: float
    end: float

    def overlaps(self, begin, end):
        return begin <= self.end and end >= self.begin


@dataclass(frozen=True)
class Finding:
    what: str
    seen: str
    bound: str
    is_good: bool


@dataclass
class Seen:
    """All that there is to judge."""

    begin: float  # the load, in monotonic seconds
    end: float
    base: dict     # a sample before the load
    samples: list  # while the load lasted
    after: dict    # a sample when it is over
    counts: dict   # kind → {what was seen: how often}
    misses: list   # {"kind", "began", "ended", "seen"}: not as expected
    windows: list
    table_full: int  # the kernel's complaints that the gateway's connection table is full
    log: list      # the gateway's own messages that are warnings or errors
    reloads: int   # that were done
    problems: list # what could not be done to it: a reload that was refused, a start that failed
    outside: dict  # packets "seen", "forbidden" (some "examples"), "missed"; events of the "hostile" host
    exit_code: int


def is_excused(miss, windows):
    kind = KINDS[miss["kind"]]
    return any(window.fault in kind.excused_by and window.overlaps(miss["began"], miss["ended"])
               for window in windows)


def quarter(samples, number, begin, end):
    """The samples of a quarter, 1 to 4, of the time from begin to end."""
    span = (end - begin) / 4
    return [s for s in samples if begin + (number - 1) * span <= s["at"] < begin + number * span]


def median(samples, figure):
    """None when no sample has it."""
    values = [sample[figure] for sample in samples if figure in sample]
    return statistics.median(values) if values else None


def is_filling(seen):
    """Whether tables still fill when the second quarter begins."""
    started = max((window.end for window in seen.windows if window.fault == KILL), default=seen.begin)
    return seen.begin + (seen.end - seen.begin) / 4 < started + FILLING_SECONDS


def find_growth(seen):
    for figure, bound in GROWTH.items():
        early, late = (median(quarter(seen.samples, number, seen.begin, seen.end), figure) for number in (2, 4))
        if early is None or late is None:
            yield Finding(f"{figure}: growth", "not measured", "a value in both quarters", False)
            continue
        most = bound.absolute + bound.share * early + (bound.filling if is_filling(seen) else 0)
        yield Finding(f"{figure}: growth", f"{early:g} → {late:g}", f"≤ +{most:.0f}", late - early <= most)


def find_remains(seen):
    for figure, bound in BACK.items():
        if figure not in seen.base or figure not in seen.after:
            yield Finding(f"{figure}: after the load", "not measured", "a value before and after", False)
            continue
        before, after = seen.base[figure], seen.after[figure]
        yield Finding(f"{figure}: after the load", f"{before} → {after}", f"≤ +{bound}", after - before <= bound)


def steps(samples, figure):
    """(moment of the sample before, moment, increase) of a counter, oldest first; it begins at 0."""
    before, moment = 0, samples[0]["at"] if samples else 0
    for sample in samples:
        if figure in sample:
            yield moment, sample["at"], sample[figure] - before
            before, moment = sample[figure], sample["at"]


def find_losses(seen):
    samples = [*seen.samples, seen.after]
    kills = [window for window in seen.windows if window.fault == KILL]
    for figure in (*NEVER, *NEVER_BUT_AT_A_KILL):
        excuses = kills if figure in NEVER_BUT_AT_A_KILL else []
        found = list(steps(samples, figure))
        lost = sum(more for begin, end, more in found if not any(window.overlaps(begin, end) for window in excuses))
        yield Finding(figure, str(lost) if found else "not measured",
                      "0 outside of kills" if figure in NEVER_BUT_AT_A_KILL else "0", bool(found) and lost == 0)


def find_traffic(seen):
    """Each kind was played, and no miss is without an excuse."""
    unexcused = [miss for miss in seen.misses if not is_excused(miss, seen.windows)]
    for kind in KINDS.values():
        played = sum(seen.counts.get(kind.name, {}).values())
        wanted = kind.rate * (seen.end - seen.begin) * LEAST_PLAYED
        bad = [miss for miss in unexcused if miss["kind"] == kind.name]
        text = f"{len(bad)} of {played} not {kind.expected}"
        if bad:
            text += ": " + "; ".join(sorted({miss["seen"] for miss in bad})[:3])
        yield Finding(kind.name, text, f"0 outside of faults, played ≥ {wanted:.0f}", not bad and played >= wanted)


def find_outside(seen):
    forbidden, hostile = seen.outside["forbidden"], seen.outside["hostile"]
    text = "; ".join([f"{forbidden} of {seen.outside['seen']}", *seen.outside["examples"][:2]])
    yield Finding("forbidden packets outside", text, "0, of some",
                  forbidden == 0 and seen.outside["seen"] > 0)
    yield Finding("packets that the capture missed", str(seen.outside["missed"]), "0", seen.outside["missed"] == 0)
    yield Finding("what the hostile host heard", str(hostile), "0", hostile == 0)


def find_process(seen):
    yield Finding("reloads", f"{seen.reloads} done", "some", seen.reloads > 0)
    yield Finding("what could not be done to it", "; ".join(seen.problems[:3]) or "nothing", "nothing",
                  not seen.problems)
    yield Finding("the kernel's connection table full", f"{seen.table_full} complaints", "0", seen.table_full == 0)
    yield Finding("warnings and errors in its log", "; ".join(seen.log[:3]) or "none", "none", not seen.log)
    yield Finding("exit code of the stop", str(seen.exit_code), "0", seen.exit_code == 0)


def judge(seen):
    return [finding for find in (find_outside, find_traffic, find_process, find_losses, find_growth, find_remains)
            for finding in find(seen)]
