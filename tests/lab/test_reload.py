"""Reloads: refused ones change nothing; what is no longer allowed is cut, by whatever way it goes."""

import pytest

from lab import addresses as at
from lab.clients import Download
from lab.processes import wait_for
from lab.story import MCR, allow, deny


def test_a_bad_configuration_changes_nothing_and_says_where_it_is_wrong(stage):
    def break_it(configuration):
        configuration["network"]["snat"] = "perhaps"
        configuration["collections"] = []
    messages = stage.gateway.messages_mark()
    assert not stage.gateway.reload(break_it)
    assert wait_for(lambda: "sallyport.yaml:" in stage.gateway.messages(messages), seconds=3)
    assert stage.clients.curl("https://example.com/").text == "200"
    assert stage.gateway.reload()


def test_what_takes_a_restart_is_refused_by_a_reload(stage):
    def move_the_listener(configuration):
        configuration["dns"]["listen"] = ["10.42.1.1:5353"]
    messages = stage.gateway.messages_mark()
    assert not stage.gateway.reload(move_the_listener)
    assert "dns.listen changed" in stage.gateway.messages(messages)
    assert stage.clients.dig(MCR).text == f"NOERROR {at.MCR.v4}"
    assert stage.gateway.reload()


def test_a_hangup_reloads_too(stage):
    def remove_the_team(configuration):
        configuration["collections"] = []
    stage.gateway.hang_up(remove_the_team)
    try:
        assert wait_for(lambda: stage.clients.dig("example.com").text == "REFUSED", seconds=5)
    finally:
        stage.gateway.hang_up()
    assert wait_for(lambda: stage.clients.curl("https://example.com/").text == "200", seconds=5)


def _without_the_team(configuration):
    configuration["collections"] = []


def _by_a_network_rule(configuration):
    configuration["collections"] = [{
        "name": "net", "priority": 300, "action": "allow", "kind": "network",
        "rules": [{"name": "web", "protocols": ["tcp"], "ports": [80, 443],
                   "destinations": [at.EXAMPLE.v4, at.EXAMPLE.v6]}]}]


# way -> (change of the configuration before, URL, address to dial, the path that the log names)
_WAYS = {
    "inspect": (None, "https://example.com/slow/blob?rate=400k", at.EXAMPLE, "inspect"),
    "proxy, TLS": (None, "https://example.com/slow/blob?rate=400k", at.HOSTILE, "proxy"),
    "proxy, HTTP": (None, "http://example.com/slow/blob?rate=400k", at.EXAMPLE, "proxy"),
    "network": (_by_a_network_rule, "https://example.com/slow/blob?rate=400k", at.EXAMPLE, "network"),
}


def _download(stage, url, address, family, path):
    """A download that runs and goes the way that `path` says."""
    mark = stage.gateway.mark()
    if path == "inspect":  # its address is pinned then
        name = url.split("/")[2]
        assert stage.clients.dig(name, {4: "A", 6: "AAAA"}[family]).text == f"NOERROR {address.of(family)}"
    download = Download(stage.lab, url, family=family, address=address.of(family))
    assert download.goes_on(), download.bytes()
    assert stage.gateway.find_verdict(mark, lambda verdict: allow(path=path).accepts(verdict))
    return download


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("way", _WAYS)
def test_a_reload_cuts_the_flows_of_a_removed_rule(stage, reloaded, way, family):
    before, url, address, path = _WAYS[way]
    if before is not None:
        reloaded(before)
    kept = _download(stage, f"https://{MCR}/slow/blob?rate=400k", at.MCR, family, "inspect")
    cut = _download(stage, url, address, family, path)
    try:
        mark = stage.gateway.mark()
        reloaded(_without_the_team)
        assert cut.exit_code(seconds=3) == Download.RESET
        assert kept.goes_on()
        assert stage.gateway.find_verdict(mark, lambda verdict: deny("revoked", path=path).accepts(verdict))
    finally:
        cut.end()
        kept.end()


@pytest.mark.parametrize("way", _WAYS)
def test_revoked_flows_may_be_kept(stage, reloaded, way):
    def keep_them(configuration):
        _without_the_team(configuration)
        configuration["network"]["revoked_flows"] = "keep"
    before, url, address, path = _WAYS[way]
    if before is not None:
        reloaded(before)
    download = _download(stage, url, address, 4, path)
    try:
        reloaded(keep_them)
        assert download.goes_on()
        assert stage.clients.curl("https://example.com/", address=at.EXAMPLE.v4).text == "TLS refused"
    finally:
        download.end()


def test_a_flow_to_the_api_server_s_old_address_goes_on_when_the_name_moves(stage):
    download = Download(stage.lab, f"https://{at.API_SERVER_NAME}/slow/blob?rate=400k",
                        address=at.API_SERVER_A.v4)
    try:
        assert download.goes_on()
        stage.lab.dns.point(at.API_SERVER_NAME, at.API_SERVER_B)
        assert wait_for(lambda: stage.clients.tls_without_name(at.API_SERVER_B.v4).text == "connected",
                        seconds=10)
        assert wait_for(lambda: stage.clients.tls_without_name(at.API_SERVER_A.v4).text == "TLS refused",
                        seconds=10)
        assert download.goes_on()
        assert stage.gateway.reload()  # judges it again
        assert download.goes_on()
    finally:
        download.end()
        stage.lab.dns.point(at.API_SERVER_NAME, at.API_SERVER_A)
