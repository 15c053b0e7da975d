"""Things break: the process is killed, disks fill up, descriptors run out, links go down."""

import glob
import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest

from lab import addresses as at
from lab.dns import MANY_NAMES
from lab.gateway import GATEWAY_USER, Gateway, default_configuration
from lab.clients import Clients, Download
from lab.laboratory import Laboratory
from lab.processes import wait_for
from lab.story import MCR
from lab.watch import Watch

KILLS = int(os.environ.get("SALLYPORT_KILLS", "60"))  # more, for those who have the time
KILLS_SECONDS = 120 if "SALLYPORT_KILLS" not in os.environ else 4 * KILLS

PIN = re.compile(r"[a-z0-9._-]+ [0-9a-f.:]+ \d+")
SAVED = re.compile(r"saved \d+")
NUMBER = re.compile(r"\d+ (name|rule) \S+")


def _assert_whole(file, first_line):
    """A state file is an old or a new one from its first line to its last."""
    text = file.read_text()
    assert text.startswith(first_line), text[:80]
    assert text.endswith("\n"), text[-80:]
    return text.splitlines()[1:]


def _assert_state_is_whole(gateway):
    folder = gateway.folder / "state"
    if (folder / "pins").exists():
        for line in _assert_whole(folder / "pins", "sallyport pins 1\n"):
            assert PIN.fullmatch(line) or SAVED.fullmatch(line), line
    for line in _assert_whole(folder / "admissions", "sallyport admissions 1\n"):
        assert NUMBER.fullmatch(line), line


def _other_rules(number, rules=20):
    """A change that makes each reload write a new ruleset, and new admissions."""
    def change(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": f"rule-{number}-{part}", "protocols": ["tcp"], "ports": [1000 + number % 60000],
                       "destinations": [at.EXAMPLE.v4]} for part in range(rules)]})
    return change


def test_killed_at_any_moment_of_a_reload_the_kernel_denies_and_the_state_is_whole(stage, capsys):
    """Denied traffic is sent all the time and one capture sees all that leaves: between kills, too."""
    gateway, chance = stage.gateway, random.Random(4)
    assert stage.clients.curl(f"https://{MCR}/").text == "200"
    began, kills, longest = time.monotonic(), 0, 0.0
    with Watch(stage.lab) as watch:
        while kills < KILLS and time.monotonic() - began < KILLS_SECONDS:
            if kills % 10 == 0:  # how long one takes now, with all that the ruleset has
                start = time.monotonic()
                assert gateway.reload(_other_rules(kills))
                longest = time.monotonic() - start
            gateway.hang_up(_other_rules(kills))
            time.sleep(chance.random() * longest * 1.2)
            gateway.kill()
            kills += 1
            assert gateway.has_ruleset()
            _assert_state_is_whole(gateway)
            gateway.start()
            if kills % 20 == 0:
                assert stage.clients.curl(f"https://{MCR}/").text == "200"
        assert watch.is_sending()
    gateway.restart()
    assert watch.leaked == []
    assert watch.seen > 0  # the allowed ones
    assert "is not used" not in gateway.messages()
    assert stage.clients.curl(f"https://{MCR}/").text == "200"
    with capsys.disabled():
        print(f"\n{kills} kills in {time.monotonic() - began:.0f} s, within {longest * 1.2 * 1000:.0f} ms "
              f"of a reload's begin; {watch.seen} packets seen outside", end=" ")


# small disks


@pytest.fixture
def on_a_small_disk():
    """A laboratory whose gateway has state and log on a disk of 64 KiB, mounted where only it sees it."""
    with Laboratory() as lab:
        gateway = Gateway(lab)
        disk = lab.folder / "disk"
        disk.mkdir()
        gateway.log_file = disk / "verdicts.jsonl"
        gateway.configuration["log"] = {"file": str(gateway.log_file)}
        gateway.configuration["state"]["directory"] = str(disk / "state")
        gateway.wrapper = ["sh", "-c", f"mount -t tmpfs -o size=64k,mode=755,uid={GATEWAY_USER} tmpfs {disk}"
                           ' && exec "$@"', "sh"]
        gateway.start()
        yield lab, gateway, f"/proc/{gateway.server.pid}/root{disk}"
        assert gateway.stop() == 0


def _fill(folder):
    with open(f"{folder}/filler", "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass


def test_a_full_disk_costs_lines_of_the_log_and_nothing_else(on_a_small_disk):
    lab, gateway, folder = on_a_small_disk
    clients = Clients(lab)
    assert clients.curl(f"https://{MCR}/").text == "200"
    assert wait_for(lambda: os.path.exists(f"{folder}/state/pins"), seconds=8)
    before = open(f"{folder}/state/pins", "rb").read()
    _fill(folder)
    messages = gateway.messages_mark()
    for name in ("example.com", "login.microsoftonline.com", MCR):
        assert clients.curl(f"https://{name}/").text == "200"
    assert not clients.curl("https://evil.example/", address=at.HOSTILE.v4).is_ok
    assert clients.curl("https://evil.example/", address=at.MCR.v4).text == "TLS refused"
    assert wait_for(lambda: "cannot save" in gateway.messages(messages), seconds=8)
    assert open(f"{folder}/state/pins", "rb").read() == before  # the old one is whole
    assert not os.path.exists(f"{folder}/state/pins.new")
    for _ in range(20):
        clients.dig("evil.example")
    lost = re.search(r'"log_lines_lost":(\d+)', gateway.run_verb("status", "-o", "json").stdout)
    assert lost and int(lost[1]) > 0
    os.unlink(f"{folder}/filler")  # there is room again: nobody has to do anything else
    size = os.stat(f"{folder}/verdicts.jsonl").st_size
    assert clients.curl("https://example.com/").text == "200"
    assert wait_for(lambda: os.stat(f"{folder}/verdicts.jsonl").st_size > size, seconds=3)
    assert wait_for(lambda: open(f"{folder}/state/pins", "rb").read() != before, seconds=8)


def test_numbers_of_rules_given_on_a_full_disk_are_kept_once_there_is_room(on_a_small_disk):
    lab, gateway, folder = on_a_small_disk
    clients = Clients(lab)
    _fill(folder)
    messages = gateway.messages_mark()
    assert gateway.reload(_other_rules(1, rules=400))  # gives more numbers than the file's last page has room for
    assert clients.curl(f"https://{MCR}/").text == "200"
    assert wait_for(lambda: "cannot write" in gateway.messages(messages), seconds=5)
    os.unlink(f"{folder}/filler")
    kept = pathlib.Path(f"{folder}/state/admissions")
    assert wait_for(lambda: sum(" rule net/rule-1-" in line for line in kept.read_text().splitlines()) == 400,
                    seconds=5)
    assert clients.curl("https://example.com/").text == "200"
    for line in _assert_whole(kept, "sallyport admissions 1\n"):
        assert NUMBER.fullmatch(line), line


def test_what_a_full_disk_did_not_keep_is_cut_after_a_crash(on_a_small_disk):
    """The number in a flow's mark means nothing to the next process, which gives the same numbers to its rules."""
    lab, gateway, folder = on_a_small_disk
    clients = Clients(lab)
    _fill(folder)
    assert gateway.reload(_other_rules(1, rules=400))  # gives more numbers than the file's last page has room for
    download = Download(lab, f"https://{MCR}/slow/blob?rate=400k", address=at.MCR.v4)
    try:
        assert download.goes_on()
        gateway.kill()
        gateway.start()  # with a disk of its own, and nothing on it
        assert download.exit_code(seconds=5) == Download.RESET
        log = pathlib.Path(f"/proc/{gateway.server.pid}/root{gateway.log_file}")
        assert wait_for(lambda: '"reason":"revoked"' in log.read_text(), seconds=2)
        assert clients.curl(f"https://{MCR}/").text == "200"
    finally:
        download.end()


# clocks

FAKE_TIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)  # Debian's libfaketime


@pytest.fixture
def with_a_clock_of_its_own():
    """A laboratory whose gateway's wall clock is what `set_clock("+1d")` says; the steady clock is the kernel's."""
    if FAKE_TIME is None:
        pytest.skip("needs libfaketime")
    with Laboratory() as lab:
        gateway, offset = Gateway(lab), lab.folder / "offset"
        gateway.configuration["sandbox"] = False  # it reads the offset again and again, as it likes
        gateway.wrapper = ["env", f"LD_PRELOAD={FAKE_TIME}", f"FAKETIME_TIMESTAMP_FILE={offset}",
                           "DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_UTIME=1"]
        offset.write_text("+0\n")
        offset.chmod(0o644)
        gateway.start()
        yield lab, gateway, lambda words: offset.write_text(words + "\n")
        assert gateway.stop() == 0


def _year_of_the_log(gateway, mark):
    return int(gateway.events(mark)[-1]["time"][:4])


def test_a_wall_clock_that_jumps_changes_only_what_the_log_says(with_a_clock_of_its_own):
    lab, gateway, set_clock = with_a_clock_of_its_own
    clients, year = Clients(lab), time.gmtime().tm_year
    download = Download(lab, f"https://{MCR}/slow/blob?rate=400k", address=at.MCR.v4)
    try:
        clients.dig(f"once.{MANY_NAMES}")  # below a wildcard: nobody asks for it again
        assert at.MCR_DATA.v4 in gateway.pinned()
        for words, years in (("+1d", {0, 1}), ("-1d", {-1, 0}), ("+10y", {10}), ("-10y", {-10, -11})):
            assert clients.dig(MCR).text.startswith("NOERROR")
            mark = gateway.mark()
            set_clock(words)
            assert clients.curl(f"https://{MCR}/", address=at.MCR.v4).text == "200"  # by the pin from before
            assert not clients.curl("https://evil.example/", address=at.MCR.v4).is_ok
            assert wait_for(lambda: gateway.events(mark), seconds=2)
            assert _year_of_the_log(gateway, mark) - year in years, words
            assert download.goes_on()
            assert int(re.search(r'"uptime_s":(\d+)', gateway.run_verb("status", "-o", "json").stdout)[1]) < 120
        assert wait_for(lambda: at.MCR_DATA.v4 not in gateway.pinned(), seconds=8), "pins end as ever"
    finally:
        download.end()


@pytest.mark.parametrize("words", ["+10y", "-10y"])
def test_after_a_jump_and_a_restart_running_flows_and_new_ones_go_on(with_a_clock_of_its_own, words):
    lab, gateway, set_clock = with_a_clock_of_its_own
    clients = Clients(lab)
    download = Download(lab, f"https://{MCR}/slow/blob?rate=400k")
    try:
        clients.dig(f"once.{MANY_NAMES}")
        assert gateway.wait_for_save(f"once.{MANY_NAMES}")
        set_clock(words)
        gateway.restart()
        assert download.goes_on()
        assert wait_for(lambda: clients.curl(f"https://{MCR}/").text == "200", seconds=4)
        assert not clients.curl("https://evil.example/", address=at.MCR.v4).is_ok
        assert wait_for(lambda: at.MCR_DATA.v4 not in gateway.pinned(), seconds=8), "none lasts for ever"
    finally:
        download.end()


# descriptors


def test_without_descriptors_new_connections_end_and_later_ones_work():
    """Eighty are enough to start two workers, and not for many proxied connections at once."""
    with Laboratory() as lab:
        gateway, clients = Gateway(lab, {**default_configuration(), "workers": 2}), Clients(lab)
        gateway.wrapper = ["prlimit", "--nofile=80:80"]
        gateway.start()
        assert clients.curl(f"https://{MCR}/", address=at.HOSTILE.v4).text == "200"  # by the proxy
        held = [subprocess.Popen(lab.node.inside(
            ["socat", "-u", f"TCP4:{at.HOSTILE.v4}:443,connect-timeout=3", "-"]), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(120)]
        try:
            time.sleep(1)
            assert gateway.is_running()
            assert len(os.listdir(f"/proc/{gateway.server.pid}/fd")) > 70
            usage = _cpu_seconds(gateway.server.pid)
            time.sleep(1)
            assert _cpu_seconds(gateway.server.pid) - usage < 0.5, "it waits; it does not spin"
        finally:
            for process in held:
                process.kill()
                process.wait()
        assert wait_for(lambda: clients.curl(f"https://{MCR}/", address=at.HOSTILE.v4).text == "200", seconds=10)
        assert clients.dig("example.com").text == f"NOERROR {at.EXAMPLE.v4}"
        assert gateway.reload()
        assert gateway.stop() == 0


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# links, and who is needed


@pytest.mark.parametrize("interface", ["outside", "inside"])
def test_an_interface_goes_down_and_comes_back(stage, interface):
    lab = stage.lab
    assert stage.clients.curl(f"https://{MCR}/").text == "200"
    with Watch(stage.lab) as watch:
        lab.gateway.ip(f"link set {interface} down")
        time.sleep(0.5)
        assert not stage.clients.curl(f"https://{MCR}/", options=["--max-time", "1"]).is_ok
        assert stage.gateway.is_running()
        lab.gateway.ip(f"link set {interface} up")
        restore_addresses(lab, interface)
        assert wait_for(lambda: stage.clients.curl(f"https://{MCR}/", options=["--max-time", "2"]).text == "200",
                        seconds=15)
        assert wait_for(lambda: stage.clients.dig("example.com").text == f"NOERROR {at.EXAMPLE.v4}", seconds=8)
    assert watch.leaked == []


def restore_addresses(lab, interface):
    """What the kernel forgets of a link that goes down: IPv6 addresses, and the routes through it."""
    v6, route = {"inside": (at.GATEWAY_INSIDE.v6, None),
                 "outside": (at.GATEWAY_OUTSIDE.v6, at.UPLINK)}[interface]
    lab.gateway.run(["ip", "address", "replace", f"{v6}/64", "dev", interface, "nodad"])
    if route is not None:
        lab.gateway.run(["ip", "route", "replace", "default", "via", route.v4])
        lab.gateway.run(["ip", "-6", "route", "replace", "default", "via", route.v6])


def test_a_gateway_that_stands_still_for_seconds_lets_nothing_out_and_goes_on(stage):
    """Stopped, it reads no queue: more hellos come than the queue of the kernel holds, and are dropped there."""
    with Watch(stage.lab) as watch:
        stage.gateway.signal(signal.SIGSTOP)
        try:
            flood = stage.clients.run(stage.lab.python("flood_client", "half-open", at.NODE.v4, at.MCR.v4, "443", "2000",
                                                       MCR), timeout=40)
        finally:
            stage.gateway.signal(signal.SIGCONT)
        assert flood.is_ok, flood.out
        assert wait_for(lambda: stage.clients.curl(f"https://{MCR}/", options=["--max-time", "2"]).text == "200",
                        seconds=15)
        assert stage.clients.dig("example.com").text == f"NOERROR {at.EXAMPLE.v4}"
    assert watch.leaked == []


# what an administrator may do to a running gateway


def _flush(stage):
    stage.lab.gateway.run(["nft", "flush", "ruleset"])


def _is_back(stage):
    return stage.gateway.has_ruleset() and "queue_hello" in stage.gateway.ruleset()


def test_a_flushed_ruleset_lets_nothing_out_and_comes_back_by_itself(stage):
    """`nft flush ruleset`, as a restart of nftables.service begins: forwarding is on, and no rule is left."""
    assert stage.clients.curl(f"https://{MCR}/").text == "200"
    download = Download(stage.lab, f"https://{MCR}/slow/blob?rate=400k", address=at.MCR.v4)
    messages = stage.gateway.messages_mark()
    try:
        with Watch(stage.lab) as watch:
            for _ in range(3):
                _flush(stage)
                assert wait_for(lambda: _is_back(stage), seconds=3)
            assert wait_for(lambda: stage.clients.curl(f"https://{MCR}/", options=["--max-time", "2"]).text == "200",
                            seconds=8)
            assert stage.clients.dig("example.com").text == f"NOERROR {at.EXAMPLE.v4}"
        assert watch.leaked == []
        assert download.exit_code(seconds=0) is None, "it was cut"
        assert download.goes_on(seconds=10)  # TCP has waited longer each time that it sent in vain
    finally:
        download.end()
    assert "is not the one that was put there" in stage.gateway.messages(messages)
    assert not stage.clients.curl("https://evil.example/", address=at.HOSTILE.v4).is_ok


def test_a_flush_while_the_gateway_stands_still_lets_nothing_out_either(stage):
    """Stopped, it can put nothing back: only the guard in its owned table stands there."""
    with Watch(stage.lab) as watch:
        stage.gateway.signal(signal.SIGSTOP)
        try:
            _flush(stage)
            time.sleep(2)
            assert not stage.clients.curl(f"https://{MCR}/", options=["--max-time", "1"]).is_ok
        finally:
            stage.gateway.signal(signal.SIGCONT)
        assert wait_for(lambda: _is_back(stage), seconds=5)
        assert wait_for(lambda: stage.clients.curl(f"https://{MCR}/", options=["--max-time", "2"]).text == "200",
                        seconds=8)
    assert watch.leaked == []
    assert watch.seen > 0


@pytest.mark.parametrize("change", [
    "add rule inet sallyport network_rules accept", "flush chain inet sallyport forward", "flush table inet sallyport",
    "delete table inet sallyport", "flush chain inet sallyport queue_hello"])
def test_a_ruleset_that_somebody_changed_is_put_back(stage, change):
    before = _rules(stage)
    stage.lab.gateway.run(["nft", *change.split()])
    assert wait_for(lambda: _rules(stage) == before, seconds=4), _rules(stage)
    assert stage.clients.curl(f"https://{MCR}/").text == "200"


def _rules(stage):
    """Without counters, and without sets, whose elements come and go."""
    text = stage.lab.gateway.run(["nft", "-s", "-t", "list", "table", "inet", "sallyport"], check=False)
    return re.sub(r"set names_\d+|comment \"[^\"]*\"", "", text)


def test_nobody_else_can_take_the_life_sign_away(stage):
    stage.lab.gateway.run(["nft", "delete", "table", "inet", "sallyport_alive"], check=False)
    stage.lab.gateway.run(["nft", "flush", "table", "inet", "sallyport_alive"], check=False)
    assert "chain guard" in stage.lab.gateway.run(["nft", "list", "table", "inet", "sallyport_alive"])
    assert stage.clients.curl(f"https://{MCR}/").text == "200"


def test_a_dead_helper_makes_reloads_fail_and_nothing_else(stage):
    pid = stage.gateway.server.pid
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        helper, = file.read().split()
    os.kill(int(helper), signal.SIGKILL)
    messages = stage.gateway.messages_mark()
    assert not stage.gateway.reload(_other_rules(2))
    assert "the old policy stays in force" in stage.gateway.messages(messages)
    assert stage.clients.curl("https://example.com/").text == "200"
    assert not stage.clients.curl("https://evil.example/", address=at.HOSTILE.v4).is_ok
    _flush(stage)  # and now nobody can put the ruleset back
    with Watch(stage.lab) as watch:
        assert wait_for(lambda: "cannot put the ruleset back" in stage.gateway.messages(messages), seconds=4)
        assert not stage.clients.curl(f"https://{MCR}/", options=["--max-time", "1"]).is_ok
        assert stage.gateway.is_running()
    assert watch.leaked == []
    stage.gateway.restart()
    assert stage.gateway.reload()


def test_without_the_nft_program_a_reload_is_refused_with_its_name():
    with Laboratory() as lab:
        gateway, clients = Gateway(lab), Clients(lab)
        gateway.start()
        subprocess.run(["nsenter", f"--target={gateway.server.pid}", "--mount", "mount", "-t", "tmpfs", "tmpfs",
                        "/usr/sbin"], check=True, timeout=5)  # nobody else sees it: `ip netns exec` made it a place of its own
        messages = gateway.messages_mark()
        assert not gateway.reload(_other_rules(3))
        assert "install the Debian package nftables" in gateway.messages(messages)
        assert clients.curl(f"https://{MCR}/").text == "200"
        lab.gateway.run(["nft", "flush", "ruleset"])
        with Watch(lab) as watch:
            assert wait_for(lambda: "cannot put the ruleset back" in gateway.messages(messages), seconds=4)
        assert watch.leaked == []
        subprocess.run(["nsenter", f"--target={gateway.server.pid}", "--mount", "umount", "/usr/sbin"], check=True, timeout=5)
        assert wait_for(lambda: clients.curl(f"https://{MCR}/", options=["--max-time", "2"]).text == "200", seconds=8)
        assert gateway.stop() == 0
