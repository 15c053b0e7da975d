"""The story's table: aligned columns, cells wrapped to the width there is, colour on terminals only."""

import os
import shutil
import sys
import textwrap

HEADINGS = ("", "step", "what", "client", "expected", "seen", "the gateway's verdict")
SHARES = (0, 0, 26, 26, 18, 18, 22)  # of the width that the fixed columns leave
FIXED = (1, 4, 0, 0, 0, 0, 0)
GAP = "  "
NARROWEST, WIDEST = 100, 190


def has_colour(stream, environment=os.environ):
    """https://no-color.org: any value but the empty one says no."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def width_of(stream):
    if not stream.isatty():
        return 160
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


class Table:
    """Prints one outcome after the other, each as soon as it is there."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._colour = has_colour(stream)
        rest = width_of(stream) - sum(FIXED) - len(GAP) * (len(FIXED) - 1)
        self._widths = [fixed or rest * share // sum(SHARES) for fixed, share in zip(FIXED, SHARES)]

    def _painted(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def _row(self, cells, code=None):
        wrapped = [textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
                   for cell, width in zip(cells, self._widths)]
        for line in range(max(map(len, wrapped))):
            parts = [(cell[line] if line < len(cell) else "").ljust(width)
                     for cell, width in zip(wrapped, self._widths)]
            if code:
                parts[0] = self._painted(parts[0], code)
            print(GAP.join(parts).rstrip(), file=self._stream)

    def headings(self):
        self._row(HEADINGS)
        print("─" * (sum(self._widths) + len(GAP) * (len(self._widths) - 1)), file=self._stream, flush=True)

    def outcome(self, outcome):
        step = outcome.step
        good = outcome.is_as_expected
        self._row(("✓" if good else "✗", step.number, step.what, step.client, step.expected, outcome.seen,
                   describe(outcome.verdict, step.verdict)), "32" if good else "31")
        self._stream.flush()

    def line(self, text, good=None):
        code = {True: "32", False: "31"}.get(good)
        print(self._painted(text, code) if code else text, file=self._stream, flush=True)


def describe(verdict, expected):
    """A line of the gateway's log in a few words: action, reason, rule."""
    if expected is None:
        return "—"
    if verdict is None:
        return f"none in its log (expected {expected.action}: {expected.reason})"
    words = f"{verdict.get('action')}: {verdict.get('reason')}"
    if verdict.get("rule"):
        words += f", {verdict['rule']}"
    if not expected.accepts(verdict):
        words += f" (expected {expected.action}: {expected.reason}" + \
            (f", {expected.rule}" if expected.rule else "") + ")"
    return words
