"""The installed unit under a real systemd, with all of the unit's own restrictions."""

import re

import pytest

from lab.machine import Machine, reason_why_not
from lab.processes import wait_for


@pytest.fixture(scope="module")
def machine():
    reason = reason_why_not()
    if reason:
        pytest.skip(reason)
    with Machine() as running:
        yield running


def _is_active(machine):
    return machine.run("systemctl", "is-active", "sallyport").stdout.strip() == "active"


def test_the_service_is_started_when_it_enforces(machine):
    assert _is_active(machine), machine.run("journalctl", "--no-pager", "-u", "sallyport").stdout
    assert machine.show("StatusText") == "Enforcing"
    assert "table inet sallyport" in machine.ask("nft", "list", "tables")
    assert machine.run("sallyport", "status").returncode == 0


def test_it_runs_as_the_user_of_the_package_in_its_sandbox(machine):
    status = machine.ask("cat", f"/proc/{machine.show('MainPID')}/status")
    user = machine.ask("id", "-u", "sallyport").strip()
    assert re.search(rf"^Uid:\s+{user}\s+{user}\s+{user}\s+{user}$", status, re.M)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    assert re.search(r"^Seccomp:\s+2$", status, re.M)
    assert machine.ask("stat", "-c", "%a %U:%G", "/run/sallyport/admin.sock").strip() == "660 root:sallyport"


def test_a_reload_of_a_broken_file_fails_and_changes_nothing(machine):
    main = machine.show("MainPID")
    assert machine.run("systemctl", "reload", "sallyport").returncode == 0
    machine.ask("cp", "/etc/sallyport/sallyport.yaml", "/run/good.yaml")
    machine.ask("sh", "-c", "echo 'nonsense: true' >> /etc/sallyport/sallyport.yaml")
    try:
        assert machine.run("systemctl", "reload", "sallyport").returncode != 0
        assert "nonsense" in machine.ask("journalctl", "--no-pager", "-u", "sallyport")
        assert _is_active(machine) and machine.show("MainPID") == main
    finally:
        machine.ask("cp", "/run/good.yaml", "/etc/sallyport/sallyport.yaml")


def test_a_start_that_fails_is_told_by_systemctl(machine):
    machine.ask("mv", "/etc/sallyport/sallyport.yaml", "/run/good.yaml")
    machine.ask("systemctl", "stop", "sallyport")
    try:
        assert machine.run("systemctl", "start", "sallyport").returncode != 0
    finally:
        machine.ask("mv", "/run/good.yaml", "/etc/sallyport/sallyport.yaml")
        machine.run("systemctl", "stop", "sallyport")
        machine.ask("systemctl", "start", "sallyport")
    assert _is_active(machine)


def test_it_comes_back_however_often_it_is_killed(machine):
    """systemd by itself gives a service up after five starts in ten seconds."""
    for _ in range(7):
        main = machine.show("MainPID")
        machine.run("systemctl", "kill", "--signal=KILL", "sallyport")
        assert wait_for(lambda: machine.show("MainPID") not in ("0", main) and _is_active(machine), seconds=20)
    assert machine.run("sallyport", "status").returncode == 0


def test_after_a_stop_the_kernel_still_denies(machine):
    machine.ask("systemctl", "stop", "sallyport")
    try:
        assert "gateway-down" in machine.ask("nft", "list", "table", "inet", "sallyport")
    finally:
        machine.ask("systemctl", "start", "sallyport")
