"""The story, end to end: one test a step, in the story's order."""

import pytest

from lab.story import STEPS, play
from lab.table import describe



@pytest.mark.parametrize("step", STEPS, ids=[f"{step.number} {step.what}" for step in STEPS])
def test_story(stage, step):
    outcome = play(step, stage)
    verdict = f"{step.client}\ngateway: {describe(outcome.verdict, step.verdict)}\n{outcome.verdict}"
    assert outcome.seen == step.expected, verdict
    assert outcome.is_as_expected, verdict
