"""The running process: whom it became, what it gave up, what it listens to."""

import os
import pathlib
import re
import stat

import pytest

from lab import addresses as at
from lab.clients import Clients
from lab.gateway import GATEWAY_USER, Gateway, default_configuration, sanitizers
from lab.laboratory import Laboratory
from lab.story import MCR

NET_BIND_SERVICE, NET_ADMIN = 1 << 10, 1 << 12
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def _status(task):
    """A folder below /proc → the fields of its status."""
    lines = (task / "status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _tasks(pid):
    return [_status(task) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def _helper_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1, "the helper that runs nft, and no other process"
    return int(children[0])


def _capabilities(task):
    return {name: int(task[name], 16) for name in CAPABILITY_SETS}


needs_the_sandbox = pytest.mark.skipif(sanitizers() != "", reason="a build with sanitizers has no sandbox")


@needs_the_sandbox
def test_every_thread_of_the_gateway_is_in_the_sandbox(stage):
    tasks = _tasks(stage.gateway.server.pid)
    assert len(tasks) == 1 + default_configuration()["workers"]
    kept = NET_ADMIN | NET_BIND_SERVICE
    for task in tasks:
        assert task["Uid"].split() == [str(GATEWAY_USER)] * 4
        assert task["Gid"].split() == [str(GATEWAY_USER)] * 4
        assert task["Groups"] == ""
        assert (task["NoNewPrivs"], task["Seccomp"]) == ("1", "2")
        assert _capabilities(task) == {"CapInh": 0, "CapPrm": kept, "CapEff": kept, "CapBnd": kept, "CapAmb": 0}


@needs_the_sandbox
def test_the_helper_that_runs_nft_may_do_what_nft_takes_and_no_more(stage):
    pid = _helper_of(stage.gateway.server.pid)
    task, = _tasks(pid)
    assert task["Name"] == "sallyport-nft"
    assert task["Uid"].split() == [str(GATEWAY_USER)] * 4
    assert task["NoNewPrivs"] == "1"
    assert set(_capabilities(task).values()) == {NET_ADMIN}
    sockets = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    assert sum(target.startswith("socket:") for target in sockets) == 1, "its line to the gateway"


def test_a_reload_works_inside_the_sandbox(stage, reloaded):
    reloaded(lambda configuration: configuration["collections"].clear())
    assert stage.clients.curl("https://example.com/").text != "200"


def test_nothing_listens_on_the_outside(stage):
    """TCP: DNS on the inside, the proxy on loopback. UDP: DNS, and the questions to the upstreams."""
    listening = stage.lab.gateway.run(["ss", "-Hltn"]).split("\n")
    ours = {line.split()[3] for line in listening if line}
    assert ours == {"10.42.1.1:53", "[fd42:1::1]:53", "127.0.0.1:7053", "[::1]:7053"}
    unconnected = {line.split()[3] for line in stage.lab.gateway.run(["ss", "-Hlun"]).split("\n") if line}
    assert not [one for one in unconnected
                if one.startswith((at.GATEWAY_OUTSIDE.v4, f"[{at.GATEWAY_OUTSIDE.v6}", "0.0.0.0", "*", "[::]"))]


@pytest.mark.parametrize("port", [53, 7053, 443])
def test_the_outside_gets_no_connection_to_the_gateway(stage, port):
    done = stage.lab.internet.run(["socat", "-T", "1", "-", f"TCP4:{at.GATEWAY_OUTSIDE.v4}:{port},connect-timeout=1"],
                                  input="", check=False)
    assert done == ""


def test_only_root_and_the_group_may_ask(stage):
    status = os.stat(stage.gateway.socket)
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert (status.st_uid, status.st_gid) == (0, GATEWAY_USER)


@needs_the_sandbox
def test_state_and_log_are_nobody_else_s(stage):
    assert stage.clients.dig("example.com").is_ok and stage.gateway.wait_for_save("example.com")
    for name in ("admissions", "pins"):
        file = stage.gateway.folder / "state" / name
        status = os.stat(file)
        assert status.st_uid == GATEWAY_USER
        assert stat.S_IMODE(status.st_mode) & 0o007 == 0
    assert stat.S_IMODE(os.stat(stage.gateway.folder / "state").st_mode) & 0o007 == 0
    assert stat.S_IMODE(os.stat(stage.gateway.log_file).st_mode) & 0o007 == 0


# The unit of systemd restricts the process before it can restrict itself.

UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "sallyport.service.in"


def _restricted_like_the_unit(folder):
    """A command line that starts another with the unit's capabilities, and files that are read only but for `folder`."""
    bounding = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.M)[1].lower().split()
    words = "-all," + ",".join(f"+{word.removeprefix('cap_')}" for word in bounding)
    mounts = f"mount --bind {folder} {folder} && mount -o remount,bind,ro /"
    return ["sh", "-c", f'{mounts} && umask 0027 && exec "$@"', "sh",
            "setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set", words]


def test_what_the_unit_leaves_is_enough_to_start_to_reload_and_to_start_again():
    with Laboratory() as lab:
        gateway, clients = Gateway(lab), Clients(lab)
        gateway.wrapper = _restricted_like_the_unit(gateway.folder)
        for _ in range(2):  # the second time state and log belong to somebody else than root
            gateway.start()
            assert clients.curl(f"https://{MCR}/").text == "200"
            assert gateway.reload()
            assert gateway.stop() == 0
        assert "warning" not in gateway.messages()
