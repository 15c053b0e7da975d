"""All that the workers and the main thread share, used at once: what `make sanitize-threads LAB=1` looks into."""

import json
import signal
import threading

from lab import addresses as at
from lab.dns import MANY_NAMES
from lab.gateway import sanitizers
from lab.processes import wait_for
from lab.story import MCR, UBUNTU

SECONDS = 20 if sanitizers() == "thread" else 4
RATE = 30  # TLS connections a second, each way


def _until(over, play):
    """Plays until it is over; what each round said that was not empty."""
    said = []
    while not over.is_set():
        word = play()
        if word:
            said.append(word)
    return said


def _load(stage, address):
    result = stage.clients.run(stage.lab.python("load_client", MCR, address, "443", str(RATE), str(SECONDS)),
                               timeout=SECONDS + 30)
    assert result.is_ok, result.out
    return json.loads(result.out)


def _questions(stage):
    """Fresh names over UDP, each of them learned; and one over TCP, which has a client's state of its own."""
    codes = stage.clients.run(stage.lab.python("dns_flood", at.NODE.v4, at.GATEWAY_INSIDE.v4, "100", MANY_NAMES))
    answer = stage.clients.dig(MCR, options=["+tcp"], timeout=8).text
    wrong = set(json.loads(codes.out)) - {"NOERROR"} if codes.is_ok else {codes.out}
    return " ".join(sorted(wrong) + ([answer] if not answer.startswith("NOERROR") else []))


def _requests(stage):
    allowed, denied = (stage.clients.run(stage.clients.curl_command(f"http://{name}/", address=at.UBUNTU.v4)).out
                       for name in (UBUNTU, "evil.example"))
    return "" if (allowed[:3], denied[:3]) == ("200", "403") else f"{allowed} {denied}"


def _network_rule(stage):
    answer = stage.clients.tls_without_name(at.API_SERVER_A.v4).text
    return "" if answer == "connected" else answer


def _reloads(stage):
    """What it was first, and another; the log is opened anew meanwhile."""
    def other(configuration):
        configuration["collections"] = []
        configuration["dns"].update(upstreams=["203.0.113.54:53"], grace="3s", budget={"new_names": 100000})
    good = stage.gateway.reload(other)
    stage.gateway.signal(signal.SIGUSR1)
    return "" if stage.gateway.reload(_wide_budget) and good else "a reload was refused"


def _status(stage):
    done = stage.gateway.run_verb("status", "-o", "json")
    return "" if done.returncode == 0 and json.loads(done.stdout)["workers"] >= 2 else done.stdout + done.stderr


def _wide_budget(configuration):
    configuration["dns"]["budget"] = {"new_names": 100000}


def test_workers_judge_and_learn_while_the_main_thread_reloads_and_reports(stage):
    assert stage.gateway.reload(_wide_budget)
    assert stage.clients.dig(MCR).text == f"NOERROR {at.MCR.v4}"
    over = threading.Event()
    timer = threading.Timer(SECONDS, over.set)
    timer.start()
    inspected, proxied, *said = stage.at_once(
        lambda: _load(stage, at.MCR.v4), lambda: _load(stage, at.HOSTILE.v4),
        *(lambda play=play: _until(over, lambda: play(stage))
          for play in (_questions, _requests, _network_rule, _reloads, _status)))
    assert said == [[], [], [], [], []]
    for load in (inspected, proxied):
        assert load["good"] == load["opened"] and load["opened"] > 0, load
    assert stage.gateway.reload()
    assert wait_for(lambda: stage.clients.curl("https://example.com/").text == "200", seconds=5)
