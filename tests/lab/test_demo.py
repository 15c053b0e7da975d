"""The demo's command line and its table."""

import io
import re
import signal
import subprocess
import time

import pytest

from lab.laboratory import TESTS
from lab.story import PARTS, STEPS, Expected, Outcome, Step
from lab.table import Table, describe, has_colour, wrap

DEMO = TESTS / "lab" / "demo"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _namespaces(prefix):
    """The names of the network namespaces that begin so."""
    listed = subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.startswith(prefix)]


def test_every_step_has_its_own_number_in_the_story_s_order():
    numbers = [tuple(map(int, step.number.split("."))) for step in STEPS]
    assert numbers == sorted(set(numbers))
    assert {step.part for step in STEPS} == set(PARTS) == set(range(1, 12))


def test_colour_is_for_terminals_that_do_not_object():
    assert has_colour(_Terminal(), {"TERM": "xterm"})
    assert not has_colour(_Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not has_colour(_Terminal(), {"TERM": "dumb"})
    assert not has_colour(io.StringIO(), {"TERM": "xterm"})


def _outcome(seen, verdict):
    expected = Expected("deny", "no_rule", name="evil.example")
    return Outcome(Step("7.2", "an unlisted site is denied when it is dialled by address",
                        "curl https://evil.example/ --connect-to ::198.51.100.10", "TLS refused",
                        lambda stage: None, expected), seen, verdict)


DENIED = {"name": "evil.example", "action": "deny", "reason": "no_rule"}
ALLOWED = {"name": "evil.example", "action": "allow", "reason": "rule_allows", "rule": "team/all"}


@pytest.mark.parametrize("seen,verdict,good", [
    ("TLS refused", DENIED, True), ("200", DENIED, False), ("TLS refused", ALLOWED, False),
    ("TLS refused", None, False)])
def test_an_outcome_is_good_when_the_client_and_the_log_agree_with_the_step(seen, verdict, good):
    assert _outcome(seen, verdict).is_as_expected == good


def test_a_row_shows_the_wrong_verdict_beside_the_expected_one():
    outcome = _outcome("200", ALLOWED)
    assert describe(outcome.verdict, outcome.step.verdict) == \
        "allow: rule_allows\nteam/all\n(expected deny: no_rule)"


def test_columns_stay_aligned_when_cells_wrap():
    stream = io.StringIO()
    table = Table(stream)
    table.headings()
    table.outcome(_outcome("TLS refused", DENIED))
    step, client, rule, *row = stream.getvalue().splitlines()
    assert row[0] == "✓ 7.2   an unlisted site is denied when it is dialled by address"
    for cell, heading in (("curl", "client"), ("TLS refused", "expected"), ("deny: no_rule", "the gateway's")):
        assert row[1].index(cell) == client.index(heading)
    assert row[1].rindex("TLS refused") == client.index("seen")
    assert row[2].endswith("default deny")
    assert all(len(line) <= len(rule) == 120 for line in row)


@pytest.mark.parametrize("text,lines", [
    ("curl https://picky.data.mcr.microsoft.com/", ["curl", "https://picky.data.", "mcr.microsoft.com/"]),
    ("a" * 25, ["a" * 20, "a" * 5]), ("two\nlines", ["two", "lines"]), ("", [""])])
def test_a_cell_wraps_at_spaces_and_long_words_at_their_dots_and_slashes(text, lines):
    assert wrap(text, 20) == lines


def test_a_step_that_does_not_exist_is_wrong_usage():
    done = subprocess.run([DEMO, "--only", "12"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


def test_one_step_can_be_told_alone():
    done = subprocess.run([DEMO, "--only", "2.1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 steps as expected, 0 not" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(number):
    demo = subprocess.Popen([DEMO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in demo.stdout:
        if "2.1" in line:
            break
    assert len(_namespaces(f"sp{demo.pid}")) == 4
    demo.send_signal(number)
    time.sleep(0.1)
    demo.send_signal(number)  # while it takes everything down
    _, problems = demo.communicate(timeout=20)
    assert demo.returncode == 130
    assert "interrupted; everything is taken down" in problems
    assert _namespaces(f"sp{demo.pid}") == []


def test_a_kept_demo_says_how_to_use_it_and_how_to_take_it_down():
    done = subprocess.run([DEMO, "--keep", "--only", "1.1"], capture_output=True, text=True, timeout=60)
    shell, first_request, *_ = re.findall(r"^  [a-z ]+: +(.*)$", done.stdout, re.M)
    down = re.search(r"take it down: +(.*)", done.stdout).group(1)
    node = shell.split()[3]
    try:
        answer = subprocess.run(["ip", "netns", "exec", node, *first_request.split(), "-s"],
                                capture_output=True, text=True, timeout=20)
        assert answer.stdout == "{}\n"
    finally:
        subprocess.run(down.split(), check=True, timeout=30)
    assert _namespaces(node) == []
