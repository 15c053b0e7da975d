"""Rules as written, end to end: what each kind opens, for whom, and what stays closed."""

from lab import addresses as at
from lab.dns import PRIVATE_NAME
from lab.stage import NOTHING_ARRIVED
from lab.story import MCR, allow, deny


def test_a_rule_may_be_for_one_source_only(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "second", "priority": 300, "action": "allow", "kind": "application",
            "rules": [{"name": "other", "sources": [at.NODE_SECOND.v4 + "/32"], "fqdns": ["other.example"],
                       "protocols": ["https:443"]}]})
    reloaded(add_rule)
    url = "https://other.example/"
    for source, expected in ((at.NODE.v4, "TLS refused"), (at.NODE_SECOND.v4, "200")):
        assert stage.clients.curl(url, address=at.EXAMPLE.v4,
                                  options=["--interface", source]).text == expected


def test_a_deny_collection_of_better_priority_wins(stage, reloaded):
    def add_denial(configuration):
        configuration["collections"].append({
            "name": "freeze", "priority": 100, "action": "deny", "kind": "application",
            "rules": [{"name": "example", "sources": ["*"], "fqdns": ["www.example.com"],
                       "protocols": ["https:443", "http:80"]}]})
    stage.clients.curl("https://www.example.com/")
    reloaded(add_denial)
    mark = stage.gateway.mark()
    assert stage.clients.curl("https://www.example.com/", address=at.EXAMPLE.v4).text == "TLS refused"
    assert stage.gateway.find_verdict(mark, deny("rule_denies", name="www.example.com",
                                                 rule="^freeze/example$").accepts)
    assert stage.clients.curl("https://example.com/").text == "200"


def _add_switch(**switch):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "switch", "priority": 150, "action": "allow", "kind": "application",
            "rules": [{"name": "mcr", "fqdns": [MCR], "protocols": ["https:443"], **switch}]})
    return add_rule


def test_a_hello_without_a_name_passes_to_the_addresses_of_a_rule_that_says_so(stage, reloaded):
    def hello(host):
        return stage.both(lambda family: stage.clients.odd_hello(host.of(family), MCR, "no-sni").text)
    stage.both(lambda family: stage.clients.curl(f"https://{MCR}/", family=family).text)
    stage.both(lambda family: stage.clients.curl("https://example.com/", family=family).text)
    mark = stage.gateway.mark()
    assert hello(at.MCR) == "reset"
    assert stage.gateway.find_verdict(mark, deny("no_name", destination=at.MCR).accepts)
    reloaded(_add_switch(no_sni="allow"))
    mark = stage.gateway.mark()
    assert hello(at.MCR) == "server-hello"
    found = stage.gateway.find_verdict(mark, allow(name=MCR, rule="^switch/mcr$").accepts)
    assert found and found["name_from"] == "pin"
    assert hello(at.EXAMPLE) == "reset"  # another name's
    assert stage.gateway.find_verdict(mark, deny("no_name", destination=at.EXAMPLE).accepts)


def test_an_encrypted_hello_is_told_and_denied_by_a_rule_that_refuses_it(stage, reloaded):
    def hello():
        return stage.both(lambda family: stage.clients.odd_hello(at.MCR.of(family), MCR, "ech").text)
    stage.both(lambda family: stage.clients.curl(f"https://{MCR}/", family=family).text)
    mark = stage.gateway.mark()
    assert hello() == "server-hello"
    assert stage.gateway.find_verdict(mark, allow(name=MCR).accepts)["ech"] is True
    reloaded(_add_switch(ech="deny"))
    mark = stage.gateway.mark()
    assert hello() == "reset"
    assert stage.gateway.find_verdict(mark, deny("encrypted_hello", name=MCR).accepts)["ech"] is True
    assert stage.clients.curl(f"https://{MCR}/").text == "200"  # without one


def test_a_network_rule_by_prefix_and_port_range(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "range", "sources": ["*"], "protocols": ["tcp"], "ports": ["8990-9010"],
                       "destinations": [f"{at.API_SERVER_A.v4}/32", f"{at.API_SERVER_A.v6}/128"]}]})
    reloaded(add_rule)
    assert stage.both(lambda family: stage.clients.echo(
        "tcp", at.API_SERVER_A.of(family), 9000).text) == "echoed"
    assert stage.clients.echo("tcp", at.API_SERVER_B.v4, 9000).text == "refused"


def test_an_icmp_rule_opens_icmp_and_nothing_else(stage, reloaded):
    def ping(host):
        return stage.both(lambda family: stage.clients.ping(host.of(family)).text)

    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "ping", "sources": ["*"], "protocols": ["icmp"], "ports": ["*"],
                       "destinations": [f"{at.EXAMPLE.v4}/32", f"{at.EXAMPLE.v6}/128"]}]})
    mark = stage.gateway.mark()
    assert stage.unreached(lambda: ping(at.HOSTILE)) == f"not answered; {NOTHING_ARRIVED}"
    assert stage.gateway.find_verdict(mark, deny("no_rule", destination=at.HOSTILE).accepts)
    assert ping(at.EXAMPLE) == "not answered"
    reloaded(add_rule)
    assert ping(at.EXAMPLE) == "answered"
    assert ping(at.HOSTILE) == "not answered"


def test_a_deny_collection_of_network_rules_wins_over_a_pinned_name(stage, reloaded):
    def add_denial(configuration):
        configuration["collections"].append({
            "name": "freeze", "priority": 100, "action": "deny", "kind": "network",
            "rules": [{"name": "registry", "protocols": ["tcp"], "ports": [443],
                       "destinations": [at.MCR.v4, at.MCR.v6]}]})
    assert stage.clients.curl(f"https://{MCR}/v2/").text == "200"
    reloaded(add_denial)
    mark = stage.gateway.mark()
    assert stage.both(lambda family: stage.clients.curl(
        f"https://{MCR}/v2/", family=family).text) == "refused"
    assert stage.gateway.find_verdict(mark, deny("rule_denies", destination=at.MCR, port=443,
                                                 rule="^freeze/registry$").accepts)


def test_a_network_rule_by_name_opens_that_name_s_addresses_on_its_port_only(stage, reloaded):
    def add_rule(configuration):
        configuration["collections"].append({
            "name": "net", "priority": 300, "action": "allow", "kind": "network",
            "rules": [{"name": "echo", "fqdns": [at.API_SERVER_NAME], "protocols": ["tcp", "udp"],
                       "ports": [9000, 1194]}]})
    reloaded(add_rule)
    assert stage.clients.dig(at.API_SERVER_NAME).text == f"NOERROR {at.API_SERVER_A.v4}"
    for protocol, port in (("tcp", 9000), ("udp", 1194)):
        mark = stage.gateway.mark()
        assert stage.both(lambda family: stage.clients.echo(
            protocol, at.API_SERVER_A.of(family), port).text) == "echoed"
        assert stage.gateway.find_verdict(mark, allow(name=at.API_SERVER_NAME, port=port,
                                                      rule="^net/echo$").accepts)
        assert stage.clients.echo(protocol, at.API_SERVER_B.v4, port).text == "refused"


def test_a_private_address_is_refused_for_a_name(stage):
    mark = stage.gateway.mark()
    assert stage.both(lambda family: stage.clients.curl(
        f"https://{PRIVATE_NAME}/", family=family).text) == "name not resolved"
    assert stage.gateway.find_verdict(mark, deny("private_address", name=PRIVATE_NAME).accepts)
    assert not set(at.PRIVATE.both()) & set(stage.gateway.pinned())


def test_private_destinations_lets_names_lead_to_private_endpoints(stage, reloaded):
    def list_them(configuration):
        configuration["network"]["private_destinations"] = ["10.60.0.0/24", "fd60::/64"]
    reloaded(list_them)
    assert stage.both(lambda family: stage.clients.curl(
        f"https://{PRIVATE_NAME}/", family=family).text) == "200"


def test_an_allowed_name_at_another_allowed_name_s_address_is_denied(stage):
    """The name is bound to its addresses: a shared rule does not make them interchangeable."""
    stage.clients.curl(f"https://{MCR}/")
    mark = stage.gateway.mark()
    assert stage.both(lambda family: stage.clients.curl(
        "https://management.azure.com/", family=family, address=at.MCR.of(family)).text) == "TLS refused"
    assert stage.gateway.find_verdict(mark, deny("name_address_mismatch", name="management.azure.com",
                                                 destination=at.MCR).accepts)


def _seen_outside(stage):
    """The node's addresses as a server outside sees them, IPv4 and IPv6."""
    clients = []
    for family in (4, 6):
        _, requests = stage.served(lambda family=family: stage.clients.curl(f"https://{MCR}/v2/", family=family))
        clients += [request["client"] for request in requests]
    return tuple(clients)


def test_the_outside_sees_the_source_that_snat_names(stage, reloaded):
    def set_snat(configuration):
        configuration["network"]["snat"] = list(at.GATEWAY_SECOND.both())
    assert _seen_outside(stage) == at.GATEWAY_OUTSIDE.both()
    prefixes = [f"{at.GATEWAY_SECOND.v4}/32", f"{at.GATEWAY_SECOND.v6}/128"]
    stage.lab.gateway.add_addresses("outside", *prefixes)
    try:
        reloaded(set_snat)
        assert _seen_outside(stage) == at.GATEWAY_SECOND.both()
    finally:
        stage.lab.gateway.ip(*(f"addr del {prefix} dev outside" for prefix in prefixes))


def test_without_snat_the_outside_sees_the_node(stage, reloaded):
    def no_snat(configuration):
        configuration["network"]["snat"] = "none"
    reloaded(no_snat)
    routes = [f"route add {at.NODE.of(family)} via {at.GATEWAY_OUTSIDE.of(family)}" for family in (4, 6)]
    stage.lab.internet.ip(*routes)
    try:
        assert _seen_outside(stage) == at.NODE.both()
    finally:
        stage.lab.internet.ip(*(route.replace("add", "del") for route in routes))
