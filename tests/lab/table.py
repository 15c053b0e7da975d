"""The story's table: a line for what is tried, below it aligned cells that wrap, colour on terminals only."""

import os
import re
import shutil
import sys

HEADINGS = ("client", "expected", "seen", "the gateway's verdict and rule")
SHARES = (40, 18, 18, 30)  # of the width that margin and gaps leave
MARGIN = 8  # the mark and the step's number
GAP = "  "
NARROWEST, USUAL, WIDEST = 100, 120, 160


def has_colour(stream, environment=os.environ):
    """https://no-color.org: any value but the empty one says no."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def width_of(stream):
    if not stream.isatty():
        return USUAL
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


def _pieces(word, width):
    """A word that is too long for its line, cut behind a slash, dot or hyphen where there is one."""
    while len(word) > width:
        breaks = [match.end() for match in re.finditer(r"[/.-](?=[^/.-])", word[:width])]
        end = breaks[-1] if breaks else width
        yield word[:end]
        word = word[end:]
    yield word


def wrap(text, width):
    """The lines of a cell: its own, and each wrapped."""
    lines = []
    for given in text.split("\n"):
        line = ""
        for word in given.split():
            for piece in _pieces(word, width):
                joined = f"{line} {piece}" if line else piece
                if len(joined) > width:
                    lines.append(line)
                    joined = piece
                line = joined
        lines.append(line)
    return lines


class Table:
    """Prints one outcome after the other, each as soon as it is there."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._colour = has_colour(stream)
        self.width = width_of(stream)
        rest = self.width - MARGIN - len(GAP) * (len(SHARES) - 1)
        self._widths = [rest * share // sum(SHARES) for share in SHARES]

    def _painted(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self._colour and code else text

    def _cells(self, cells):
        wrapped = [wrap(cell, width) for cell, width in zip(cells, self._widths)]
        for line in range(max(map(len, wrapped))):
            parts = [(cell[line] if line < len(cell) else "").ljust(width)
                     for cell, width in zip(wrapped, self._widths)]
            print((" " * MARGIN + GAP.join(parts)).rstrip(), file=self._stream)

    def headings(self):
        print("  step  what is tried", file=self._stream)
        self._cells(HEADINGS)
        print("─" * self.width, file=self._stream, flush=True)

    def part(self, number, title):
        """The heading of a part of the story."""
        self.line("")
        self.line(f"{number}. {title}", "1")

    def outcome(self, outcome):
        step = outcome.step
        mark = self._painted("✓", "32") if outcome.is_as_expected else self._painted("✗", "31")
        for number, line in enumerate(wrap(step.what, self.width - MARGIN)):
            print(f"{mark} {step.number:<6}{line}" if number == 0 else " " * MARGIN + line, file=self._stream)
        self._cells((step.client, step.expected, outcome.seen, describe(outcome.verdict, step.verdict)))
        self._stream.flush()

    def line(self, text, code=None):
        print(self._painted(text, code), file=self._stream, flush=True)


def describe(verdict, expected):
    """A line of the gateway's log in a few words: action and reason, then the rule."""
    if expected is None:
        return "—"
    if verdict is None:
        return f"none in its log\n(expected {expected.action}: {expected.reason})"
    words = f"{verdict.get('action')}: {verdict.get('reason')}\n{verdict.get('rule') or 'default deny'}"
    if not expected.accepts(verdict):
        words += f"\n(expected {expected.action}: {expected.reason}" + \
            (f", {expected.rule}" if expected.rule else "") + ")"
    return words
