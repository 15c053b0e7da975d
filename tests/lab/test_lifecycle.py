"""Starting and stopping the gateway, and the verbs that ask the running one."""

import json
import signal
import subprocess

import pytest

from lab import addresses as at
from lab.clients import Clients, Download
from lab.gateway import Gateway, default_configuration, program
from lab.laboratory import Laboratory
from lab.processes import CommandFailed
from lab.stage import Stage
from lab.story import EVIL, MCR, UBUNTU


def test_status_answers_in_words_and_in_json(stage):
    assert stage.gateway.run_verb("status").returncode == 0
    done = stage.gateway.run_verb("status", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)


def test_check_accepts_the_configuration_that_runs(stage):
    done = subprocess.run([program(), "check", "-c", stage.gateway.configuration_file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2024-05-20" in done.stdout


@pytest.mark.parametrize("url,opens", [
    (f"https://{MCR}/", True), (f"https://{EVIL}/", False), (f"http://{UBUNTU}/", True), (f"http://{MCR}/", False),
    ("https://data.mcr.microsoft.com/", False), ("https://x.y.data.mcr.microsoft.com/", True)])
def test_explain_says_beforehand_what_happens_to_a_client(stage, url, opens):
    protocol, name = url.rstrip("/").split("://")
    done = subprocess.run([program(), "explain", "-c", stage.gateway.configuration_file, "-p", protocol, name],
                          capture_output=True, text=True)
    assert done.returncode == (0 if opens else 1), done.stdout + done.stderr
    assert (stage.clients.curl(url, address=at.HOSTILE.v4).text == "200") == opens


def test_an_administrator_can_list_what_is_in_the_kernel(stage):
    """Rules that nft cannot write are put there without it; reading them once made it fail for every table."""
    inside = stage.lab.gateway
    assert "table inet sallyport" in inside.run(["nft", "list", "tables"]).splitlines()
    text = inside.run(["nft", "list", "ruleset"])
    assert "chain compare" in text and "@equal accept" in text
    assert json.loads(inside.run(["nft", "-j", "list", "ruleset"]))["nftables"]


@pytest.mark.parametrize("on_stop", ["keep", "flush"])
def test_a_clean_stop_keeps_or_flushes_the_rules(on_stop):
    with Laboratory() as lab:
        configuration = default_configuration()
        configuration["network"]["on_stop"] = on_stop
        gateway, clients = Gateway(lab, configuration), Clients(lab)
        gateway.start()
        assert clients.curl(f"https://{MCR}/v2/").text == "200"
        assert gateway.stop() == 0
        assert gateway.has_ruleset() == (on_stop == "keep")
        if on_stop == "keep":
            assert not clients.curl(f"https://{MCR}/v2/", address=at.MCR.v4,
                                    options=["--max-time", "1"]).is_ok
        gateway.start()
        assert clients.curl(f"https://{MCR}/v2/").text == "200"


def test_a_second_gateway_on_the_same_host_is_refused(stage):
    done = subprocess.run(stage.lab.gateway.inside(
        [str(program()), "run", "-c", str(stage.gateway.configuration_file)]),
        capture_output=True, text=True, timeout=15)
    assert done.returncode != 0
    assert stage.clients.curl(f"https://{MCR}/v2/").text == "200"


def test_a_stop_and_a_start_do_not_break_a_download(stage):
    download = Download(stage.lab, f"https://{MCR}/slow/blob?rate=400k", address=at.MCR.v4)
    try:
        assert download.goes_on()
        assert stage.gateway.stop() == 0
        assert download.goes_on()
        stage.gateway.start()
        assert download.goes_on()
    finally:
        download.end()


def test_a_gateway_that_ended_by_itself_is_not_overlooked():
    with pytest.raises(CommandFailed, match="ended with exit code -9"):
        with Laboratory() as lab, Stage(lab) as stage:
            stage.gateway.signal(signal.SIGKILL)
            stage.gateway.server.process.wait(timeout=5)
