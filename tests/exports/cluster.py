#!/usr/bin/python3
"""usage: cluster.py SOURCE BUILD

The exports for the pods of a cluster (cilium, calico, gke-fqdn, kubernetes): as YAML, against the products'
published schemas, and by what they allow: each is read here as its product would, and held against
`sallyport explain` (judge.py).

Prints TAP. What an input is missing for is skipped, with the reason.
"""

import functools
import ipaddress
import json
import re
import sys

sys.dont_write_bytecode = True

from judge import INPUTS, VIA, Flow, Skip, compare, documents, export, run, same_port  # noqa: E402

ANYONE = "10.42.9.9"  # a protected source that no rule names: what it may, all may
BUILDER = "10.42.1.5"

CASES = {"cilium": ("address-denials.yaml", "purposes.yaml"), "calico": ("address-denials.yaml", "purposes.yaml"),
         "gke-fqdn": ("allow-only.yaml", "purposes.yaml"), "kubernetes": ("allow-only.yaml", "purposes.yaml")}

PORT = {"type": "object", "additionalProperties": False, "required": ["protocol", "port"],
        "properties": {"protocol": {"enum": ["TCP", "UDP"]}, "port": {"type": "integer", "minimum": 1, "maximum": 65535},
                       "endPort": {"type": "integer", "minimum": 1, "maximum": 65535}}}
SELECTOR = {"type": "object", "additionalProperties": False, "properties": {"matchLabels": {"type": "object"}}}
# networking.k8s.io/v1, as far as sallyport uses it.
NETWORK_POLICY = {
    "type": "object", "additionalProperties": False, "required": ["podSelector", "policyTypes", "egress"],
    "properties": {
        "podSelector": SELECTOR, "policyTypes": {"const": ["Egress"]},
        "egress": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "required": ["to"], "properties": {
                "ports": {"type": "array", "minItems": 1, "items": PORT},
                "to": {"type": "array", "minItems": 1, "items": {
                    "type": "object", "additionalProperties": False, "minProperties": 1, "properties": {
                        "namespaceSelector": SELECTOR, "podSelector": SELECTOR,
                        "ipBlock": {"type": "object", "additionalProperties": False, "required": ["cidr"],
                                    "properties": {"cidr": {"type": "string"}}}}}}}}}}}


@functools.cache
def text_of(target, config):
    (text,) = export(target, config).values()
    return text


@functools.cache
def loaded(target, config):
    return documents(text_of(target, config))


# ---------------------------------------------------------------------------- schemas

def validator(schema):
    try:
        import jsonschema
    except ImportError as error:
        raise Skip("python3-jsonschema is not here") from error
    return jsonschema.Draft7Validator(schema)


def published(file):
    path = INPUTS / "schemas" / file
    if not path.exists():
        raise Skip(f"{file} is not here")
    return json.loads(path.read_text())


def hold_against(schema, document):
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator(schema).iter_errors(document)]
    assert not errors, "\n".join(errors)


def check_metadata(document):
    label = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
    assert re.fullmatch(rf"{label}(\.{label})*", document["metadata"]["name"]), document["metadata"]
    assert set(document) == {"apiVersion", "kind", "metadata", "spec"}, document


def check_sets(node):
    """Lists that Kubernetes takes for sets (serverNames, nets) hold each value once."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("serverNames", "nets"):
                assert len(value) == len(set(value)), value
            check_sets(value)
    elif isinstance(node, list):
        for item in node:
            check_sets(item)


def check_documents(target, schemas):
    for config in CASES[target]:
        for document in loaded(target, config):
            check_metadata(document)
            check_sets(document)
            kind = (document["apiVersion"], document["kind"])
            assert kind in schemas, kind
            schemas[kind](document)


def cilium_fits_its_published_schema():
    schema = published("ciliumclusterwidenetworkpolicy_v2.json")
    check_documents("cilium", {("cilium.io/v2", "CiliumClusterwideNetworkPolicy"):
                               functools.partial(hold_against, schema)})


def calico_fits_its_published_schemas_but_for_the_names_of_its_enterprise_edition():
    policy, network_set = published("globalnetworkpolicy_v3.json"), published("globalnetworkset_v3.json")

    def check_set(document):
        plain = dict(document, spec={key: value for key, value in document["spec"].items()
                                     if key != "allowedEgressDomains"})
        assert document["spec"]["allowedEgressDomains"]
        hold_against(network_set, plain)

    check_documents("calico", {("projectcalico.org/v3", "GlobalNetworkPolicy"): functools.partial(hold_against, policy),
                               ("projectcalico.org/v3", "GlobalNetworkSet"): check_set})


def check_network_policy(document):
    hold_against(NETWORK_POLICY, document["spec"])


def gke_fits_its_published_schema():
    schema = published("fqdnnetworkpolicy_v1alpha1.json")
    check_documents("gke-fqdn", {("networking.gke.io/v1alpha1", "FQDNNetworkPolicy"):
                                 functools.partial(hold_against, schema),
                                 ("networking.k8s.io/v1", "NetworkPolicy"): check_network_policy})


def kubernetes_fits_the_shape_of_a_network_policy():
    check_documents("kubernetes", {("networking.k8s.io/v1", "NetworkPolicy"): check_network_policy})


# ---------------------------------------------------------------------------- what they allow

def inside(address, cidr):
    network = ipaddress.ip_network(cidr)
    return ipaddress.ip_address(address).version == network.version and ipaddress.ip_address(address) in network


def in_range(port, first, last=None):
    return int(first) <= port <= int(last or first)


def label_pattern(pattern):
    """Cilium and GKE: '*' is any characters of one label, '**.' at the front (Cilium) one or more labels."""
    if pattern == "*":
        return r".*"
    front = ""
    if pattern.startswith("**."):
        front, pattern = r"[-a-z0-9_]+(\.[-a-z0-9_]+)*\.", pattern[3:]
    return front + re.escape(pattern).replace(r"\*", "[-a-z0-9_]*")


def fits(name, pattern):
    return re.fullmatch(label_pattern(pattern), name) is not None


# Cilium

def cilium_name(selector, name):
    return selector["matchName"] == name if "matchName" in selector else fits(name, selector["matchPattern"])


def cilium_layer7(ports, flow, shown):
    if "serverNames" in ports:
        return flow.protocol == "https" and any(fits(shown, name) for name in ports["serverNames"])
    if "rules" in ports:
        return flow.protocol == "http" and any(re.fullmatch(rule["host"], shown) for rule in ports["rules"]["http"])
    return True


def cilium_ports(rule, flow, shown):
    if "icmps" in rule:
        kinds = {(field["family"], field["type"]) for icmp in rule["icmps"] for field in icmp["fields"]}
        return flow.protocol == "icmp" and ("IPv6", 128) in kinds and ("IPv4", 8) in kinds
    if "toPorts" not in rule:
        return True
    return any(any(port["protocol"].lower() == flow.transport and in_range(flow.port, port["port"], port.get("endPort"))
                   for port in ports["ports"]) and cilium_layer7(ports, flow, shown) for ports in rule["toPorts"])


def cilium_destination(rule, flow):
    if "toFQDNs" in rule:
        return bool(flow.name) and any(cilium_name(selector, flow.name) for selector in rule["toFQDNs"])
    return any(inside(flow.address, cidr) for cidr in rule.get("toCIDR", []))


def cilium_allows(policy, flow, shown=None):
    shown = flow.shown if shown is None else shown
    spec = policy["spec"]
    questions = [question for rule in spec["egress"] if "toEndpoints" in rule
                 for question in rule["toPorts"][0]["rules"]["dns"]]
    if any(cilium_destination(rule, flow) and cilium_ports(rule, flow, shown) for rule in spec.get("egressDeny", [])):
        return False
    for rule in spec["egress"]:
        if not cilium_destination(rule, flow) or not cilium_ports(rule, flow, shown):
            continue
        if "toFQDNs" not in rule or any(cilium_name(question, flow.name) for question in questions):
            return True
    return False


def cilium_allows_no_more_than_the_rules_and_says_what_less():
    config = "address-denials.yaml"
    (policy,) = loaded("cilium", config)
    compare(config, ANYONE, functools.partial(cilium_allows, policy), text_of("cilium", config))


def cilium_lets_no_name_through_at_the_address_of_another():
    (policy,) = loaded("cilium", "address-denials.yaml")
    for protocol, port in (("https", 443), ("http", 80)):
        flow = Flow("a.example.org", VIA[0], protocol, port, ANYONE)
        assert cilium_allows(policy, flow) and not cilium_allows(policy, flow, "evil.example")
        assert not cilium_allows(policy, flow, "")


# Calico

def calico_domain(name, pattern):
    """A star is one or more labels."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", r"[-a-z0-9_]+(\.[-a-z0-9_]+)*"), name) is not None


def calico_destination(rule, sets, flow):
    destination = rule["destination"]
    ports = destination.get("ports")
    if ports and not any(in_range(flow.port, *str(port).split(":")) for port in ports):
        return False
    if "nets" in destination:
        return any(inside(flow.address, net) for net in destination["nets"])
    selected = re.fullmatch(r"sallyport-rule == '(.*)'", destination["selector"])
    if not selected:
        return False
    assert destination["namespaceSelector"] == "global()" and rule["action"] == "Allow"
    return bool(flow.name) and any(calico_domain(flow.name, domain)
                                   for domain in sets[selected.group(1)]["spec"]["allowedEgressDomains"])


def calico_protocol(rule, flow):
    protocol = rule.get("protocol")
    icmp = "ICMPv6" if ":" in flow.address else "ICMP"
    return protocol is None or protocol == (icmp if flow.protocol == "icmp" else flow.transport.upper())


def calico_allows(loaded_documents, flow):
    *sets, policy = loaded_documents
    by_label = {one["metadata"]["labels"]["sallyport-rule"]: one for one in sets}
    assert len(by_label) == len(sets)
    for rule in policy["spec"]["egress"]:
        source = rule.get("source", {}).get("nets")
        if ((source is None or any(inside(flow.source, net) for net in source)) and calico_protocol(rule, flow)
                and calico_destination(rule, by_label, flow)):
            return rule["action"] == "Allow"
    return False


def calico_allows_no_more_than_the_rules_and_says_what_less():
    config = "address-denials.yaml"
    for source in (ANYONE, BUILDER):
        compare(config, source, functools.partial(calico_allows, loaded("calico", config)),
                text_of("calico", config), same_port)
    assert "not by SNI or Host" in text_of("calico", config)


# Kubernetes and GKE

def kubernetes_ports(rule, flow):
    return "ports" not in rule or any(
        port["protocol"] in (flow.transport.upper(), "ALL") and
        ("port" not in port or in_range(flow.port, port["port"], port.get("endPort"))) for port in rule["ports"])


def gke_match(match, name):
    return match["name"] == name if "name" in match else fits(name, match["pattern"])


def kubernetes_allows(loaded_documents, flow):
    for document in loaded_documents:
        for rule in document["spec"]["egress"]:
            if document["kind"] == "NetworkPolicy":
                found = any("ipBlock" in peer and inside(flow.address, peer["ipBlock"]["cidr"]) for peer in rule["to"])
            else:
                found = bool(flow.name) and any(gke_match(match, flow.name) for match in rule["matches"])
            if found and kubernetes_ports(rule, flow):
                return True
    return False


def gke_allows_no_more_than_the_rules_and_says_what_less():
    config = "allow-only.yaml"
    compare(config, ANYONE, functools.partial(kubernetes_allows, loaded("gke-fqdn", config)),
            text_of("gke-fqdn", config), same_port)
    assert "not by SNI or Host" in text_of("gke-fqdn", config)


def kubernetes_allows_no_more_than_the_rules_and_says_what_less():
    config = "allow-only.yaml"
    compare(config, ANYONE, functools.partial(kubernetes_allows, loaded("kubernetes", config)),
            text_of("kubernetes", config))


if __name__ == "__main__":
    sys.exit(run([
        cilium_fits_its_published_schema,
        calico_fits_its_published_schemas_but_for_the_names_of_its_enterprise_edition,
        gke_fits_its_published_schema,
        kubernetes_fits_the_shape_of_a_network_policy,
        cilium_allows_no_more_than_the_rules_and_says_what_less,
        cilium_lets_no_name_through_at_the_address_of_another,
        calico_allows_no_more_than_the_rules_and_says_what_less,
        gke_allows_no_more_than_the_rules_and_says_what_less,
        kubernetes_allows_no_more_than_the_rules_and_says_what_less,
    ]))
