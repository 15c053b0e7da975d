"""The soak's judge: it finds what grows, what is left and what failed without a fault to excuse it."""

import copy

import pytest

from lab.soak import lasting, operations
from lab.soak.judge import BACK, GROWTH, NEVER, NEVER_BUT_AT_A_KILL, Seen, Window, is_excused, judge, median, quarter
from lab.soak.kinds import DNS, KILL, KINDS
from lab.soak.samples import table_full_lines

SECONDS = 1800
SAMPLE = {figure: 100 for figure in (*GROWTH, *BACK)} | dict.fromkeys((*NEVER, *NEVER_BUT_AT_A_KILL), 0)


@pytest.fixture
def sound():
    """A run in which all was well: killed at 180 s, upstreams dead at 990 s."""
    return Seen(begin=0, end=SECONDS, base=dict(SAMPLE), samples=[{"at": at, **SAMPLE} for at in range(0, SECONDS, 5)],
                after={"at": SECONDS + 60, **SAMPLE}, counts={kind.name: {"200": int(kind.rate * SECONDS)} for kind in
                                                              KINDS.values()}, misses=[],
                windows=[Window(KILL, 180, 187), Window(DNS, 990, 1020)], log=[], table_full=0, reloads=90, problems=[],
                outside={"seen": 9, "forbidden": 0, "missed": 0, "hostile": 0, "examples": []}, exit_code=0)


def bad(seen):
    return [finding.what for finding in judge(seen) if not finding.is_good]


def miss(kind, began, ended):
    return {"kind": kind, "began": began, "ended": ended, "seen": "no answer"}


def test_every_kind_has_a_play():
    played = {**operations.PLAYS, **lasting.OPENINGS}
    assert played.keys() == KINDS.keys()


def test_a_run_in_which_all_was_well_is_good(sound):
    assert bad(sound) == []


@pytest.mark.parametrize("figure", GROWTH)
def test_a_figure_that_grows_steadily_is_found(sound, figure):
    for sample in sound.samples:
        sample[figure] += sample["at"]  # by 900 from the middle of one quarter to that of the other
    assert bad(sound) == [f"{figure}: growth"]


@pytest.mark.parametrize("figure", [figure for figure, bound in GROWTH.items() if bound.absolute > 0])
def test_a_figure_that_goes_up_and_down_is_not(sound, figure):
    for number, sample in enumerate(sound.samples):
        sample[figure] += number * 7919 % 50
    assert bad(sound) == []


def test_one_descriptor_lost_in_every_forty_seconds_is_found(sound):
    for sample in sound.samples:
        sample["gateway descriptors"] = 70 + sample["at"] // 40
    assert bad(sound) == ["gateway descriptors: growth"]


def test_what_grows_until_the_tables_are_full_is_good_in_a_short_run_only(sound):
    for sample in sound.samples:
        sample["hellos"] += sample["at"] // 4
    assert bad(sound) == ["hellos: growth"]
    sound.windows[0] = Window(KILL, 380, 387)
    assert bad(sound) == []


def test_a_figure_that_nobody_measured_is_bad(sound):
    for sample in sound.samples:
        del sample["pins"]
    assert bad(sound) == ["pins: growth"]


@pytest.mark.parametrize("figure", BACK)
def test_what_is_left_after_the_load_is_found(sound, figure):
    sound.after[figure] += BACK[figure] + 1
    assert bad(sound) == [f"{figure}: after the load"]


@pytest.mark.parametrize("figure", NEVER)
def test_a_single_loss_is_found_whenever_it_was(sound, figure):
    for sample in sound.samples[36:]:  # from the kill on
        sample[figure] = 1
    sound.after[figure] = 1
    assert bad(sound) == [figure]


@pytest.mark.parametrize("figure", NEVER_BUT_AT_A_KILL)
def test_a_loss_at_the_kill_is_excused_and_one_later_is_not(sound, figure):
    for sample in sound.samples[37:]:
        sample[figure] = 3
    sound.after[figure] = 3
    assert bad(sound) == []
    sound.after[figure] = 4
    assert bad(sound) == [figure]


def test_a_miss_is_excused_by_a_fault_that_overlaps_it_and_concerns_it():
    windows = [Window(KILL, 180, 187), Window(DNS, 990, 1020)]
    assert is_excused(miss("HTTP, two requests", 1019, 1025), windows)
    assert not is_excused(miss("HTTP, two requests", 1021, 1025), windows)
    assert is_excused(miss("network rule, TCP", 170, 181), windows)
    assert not is_excused(miss("network rule, TCP", 1000, 1001), windows)  # needs no name
    assert not is_excused(miss("lasting: TLS, inspected, IPv4", 181, 182), windows)  # the kernel's own
    assert not is_excused(miss("DNS, forbidden name", 181, 182), windows)  # no fault opens


def test_one_miss_without_an_excuse_is_found(sound):
    sound.misses.append(miss("TLS, proxied", 500, 501))
    assert bad(sound) == ["TLS, proxied"]


def test_a_kind_that_was_hardly_played_is_found(sound):
    sound.counts["DNS, cold, TCP"] = {"answered": 3}
    assert bad(sound) == ["DNS, cold, TCP"]


@pytest.mark.parametrize("key,value,what", [
    ("forbidden", 1, "forbidden packets outside"), ("seen", 0, "forbidden packets outside"),
    ("missed", 1, "packets that the capture missed"), ("hostile", 1, "what the hostile host heard")])
def test_what_came_out_and_a_capture_that_saw_nothing_are_found(sound, key, value, what):
    sound.outside[key] = value
    assert bad(sound) == [what]


def test_what_the_process_says_is_heard(sound):
    other = copy.deepcopy(sound)
    sound.log.append("sallyport: error: not enough memory")
    sound.problems.append("a reload was refused")
    sound.table_full = 1
    assert bad(sound) == ["what could not be done to it", "the kernel's connection table full", "warnings and errors in its log"]
    other.exit_code, other.reloads = -31, 0
    assert bad(other) == ["reloads", "exit code of the stop"]


def test_quarters_are_cut_by_time_and_a_median_of_nothing_is_none(sound):
    assert [len(quarter(sound.samples, number, 0, SECONDS)) for number in range(1, 5)] == [90] * 4
    assert median([], "pins") is None


def test_the_kernel_s_complaints_count_in_their_namespace_and_time():
    log = """\
<4>[  100.500000] nf_conntrack: nf_conntrack: table full in netns 17, dropping packet
<4>[  200.500000] nf_conntrack: nf_conntrack: table full in netns 18, dropping packet
<6>[  201.500000] eth0: entered promiscuous mode
<4>[  202.500000] nf_conntrack: nf_conntrack: table full, dropping packet
"""
    assert table_full_lines(log, 18, 150, 300) == 2  # older kernels name no namespace
    assert table_full_lines(log, 17, 150, 300) == 1
    assert table_full_lines(log, 17, 0, 201) == 1
