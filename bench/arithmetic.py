"""From samples to what is quoted: medians over rounds of ratios within a round.

A sample is one number of one measure of one way in one round. The ways alternate within a round, so a ratio
compares neighbours in time, and what drifts over a run (the machine's other work, its temperature) cancels.
"""

import statistics
from dataclasses import dataclass

AT_LEAST, AT_MOST = "≥", "≤"


@dataclass(frozen=True)
class Measure:
    """One row of the table.

    `quote` says what is shown: "ratio" to the base way, "beyond" (the difference to it) or "plain" (the number
    itself, for what has a meaning of its own, as CPU seconds of our process). Base "" is the first way.
    """

    key: str
    title: str
    quote: str = "ratio"
    base: str = ""
    unit: str = ""
    digits: int = 2
    less_is_better: bool = False


@dataclass(frozen=True)
class Target:
    """What a way is to reach in a measure."""

    measure: str
    way: str
    sense: str
    limit: float

    def is_met(self, value):
        """Judged on the value as the table shows it at most as finely as the target is written."""
        return value >= self.limit if self.sense == AT_LEAST else value <= self.limit

    def __str__(self):
        return f"{self.sense} {self.limit:g}"


class Samples:
    """Every number that was measured: way and measure → one per round, None where the way failed."""

    def __init__(self):
        self.numbers = {}

    def add(self, way, measure, round_number, value):
        rounds = self.numbers.setdefault(measure, {}).setdefault(way, [])
        rounds.extend([None] * (round_number + 1 - len(rounds)))
        rounds[round_number] = value

    def of(self, way, measure):
        return self.numbers.get(measure, {}).get(way, [])

    def has(self, way, measure):
        return any(value is not None for value in self.of(way, measure))


def quoted_rounds(samples, way, measure, base):
    """What the measure quotes, round by round; rounds in which the way or its base failed are left out."""
    values = samples.of(way, measure.key)
    if measure.quote == "plain":
        return [value for value in values if value is not None]
    pairs = [(value, other) for value, other in zip(values, samples.of(base, measure.key))
             if value is not None and other is not None]
    if measure.quote == "beyond":
        return [value - other for value, other in pairs]
    return [value / other for value, other in pairs if other]


@dataclass(frozen=True)
class Quote:
    """A median and how far the rounds lay apart."""

    value: float
    lowest: float
    highest: float
    rounds: int


def quote(samples, way, measure, base):
    """The Quote, or None when no round gave a number."""
    rounds = quoted_rounds(samples, way, measure, base)
    if not rounds:
        return None
    return Quote(statistics.median(rounds), min(rounds), max(rounds), len(rounds))
