#!/usr/bin/python3
"""usage: appliance.py SOURCE BUILD

The exports for others' firewalls (palo-alto, fortigate, edl): read by a grammar of our own, as neither
product can be had for a test (blocks that close, quotes, names that are short enough and defined before
they are used), and by what they allow, held against `sallyport explain` (judge.py).

Prints TAP.
"""

import functools
import ipaddress
import re
import shlex
import sys

sys.dont_write_bytecode = True

from judge import VIA, WEB, Flow, compare, export, run, same_port  # noqa: E402

ANYONE = "10.42.9.9"
BUILDER = "10.42.1.5"
OUTSIDER = "192.0.2.200"  # not protected
CASES = ("everything.yaml", "address-denials.yaml", "purposes.yaml")
COMPARED = (("everything.yaml", BUILDER), ("address-denials.yaml", ANYONE))
OF_IPV6 = {ANYONE: "fd42::9", BUILDER: "fd42:1::9", OUTSIDER: "2001:db8::9"}
LISTS = "https://lists.example.com/sallyport/"


@functools.cache
def files_of(target, config):
    return export(target, config)


def inside(address, prefix):
    network = ipaddress.ip_network(prefix)
    return ipaddress.ip_address(address).version == network.version and ipaddress.ip_address(address) in network


def is_prefix(text):
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def in_range(port, text):
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)


def listed(files, url):
    assert url.startswith(LISTS), url
    return files[url[len(LISTS):]].split()


# ---------------------------------------------------------------------------- PAN-OS

def panos_lines(text):
    """Each command's words; a list in brackets is one word, a list."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        assert line.startswith("set ") and "\t" not in line, line
        words, items = [], None
        for word in shlex.split(line, posix=True)[1:]:
            if word == "[":
                assert items is None, line
                items = []
            elif word == "]":
                assert items, f"an empty list: {line}"
                words.append(items)
                items = None
            elif items is not None:
                items.append(word)
            else:
                words.append(word)
        assert items is None, f"a list that does not close: {line}"
        yield words


def panos_name(name, most):
    assert re.fullmatch(r"[a-zA-Z0-9][-a-zA-Z0-9_. ]*", name) and len(name) <= most, name
    return name


@functools.cache
def panos(config):
    """(services, addresses, lists, categories, rules in order)"""
    files = files_of("palo-alto", config)
    services, addresses, lists, categories, rules = {}, {}, {}, {}, {}
    for words in panos_lines(files["palo-alto.set"]):
        if words[0] == "service":
            _, name, _, transport, _, ports = words
            services[panos_name(name, 63)] = (transport, ports)
        elif words[0] == "address":
            _, name, kind, fqdn = words
            assert kind == "fqdn"
            addresses[panos_name(name, 63)] = fqdn
        elif words[:1] == ["external-list"]:
            assert words[2:4] == ["type", "ip"]
            if words[4] == "url":
                lists[panos_name(words[1], 31)] = listed(files, words[5])
            else:
                assert words[4:] == ["recurring", "hourly"]
        elif words[:2] == ["profiles", "custom-url-category"]:
            entry = categories.setdefault(panos_name(words[2], 31), {})
            assert words[3] not in entry
            entry[words[3]] = words[4]
        else:
            assert words[:3] == ["rulebase", "security", "rules"], words
            rule = rules.setdefault(panos_name(words[3], 63), {})
            assert words[4] not in rule, f"{words[4]} twice in {words[3]}"
            rule[words[4]] = words[5]
    assert all(entry["type"] == "URL List" for entry in categories.values())
    return services, addresses, lists, categories, rules


def as_list(value):
    return value if isinstance(value, list) else [value]


def panos_names_are_short_and_defined_before_their_use():
    for config in CASES:
        services, addresses, lists, categories, rules = panos(config)
        text = files_of("palo-alto", config)["palo-alto.set"]
        assert max(map(text.rfind, ("set service ", "set address ", "set external-list ", "set profiles "))) < \
            text.find("set rulebase")
        for name, rule in rules.items():
            assert {"from", "to", "source", "destination", "application", "service", "category", "action"} <= set(rule)
            for service in as_list(rule["service"]):
                assert service in services or service in ("any", "application-default"), service
            for end in as_list(rule["source"]) + as_list(rule["destination"]):
                assert end == "any" or end in addresses or end in lists or is_prefix(end), (name, end)
            assert rule["category"] == "any" or rule["category"] in categories
        assert list(rules)[-1] == "sallyport-deny-all" and rules["sallyport-deny-all"]["action"] == "deny"


def panos_url_entries_end_in_a_slash_and_have_stars_for_whole_labels_only():
    for config in CASES:
        for entry in panos(config)[3].values():
            for url in as_list(entry["list"]):
                assert re.fullmatch(r"(\*\.)?([-a-z0-9_]+\.)*[-a-z0-9_]+/", url), url


def panos_url(entry, name):
    """'*' is one or more labels; the slash ends the name."""
    return re.fullmatch(re.escape(entry.rstrip("/")).replace(r"\*", r"[-a-z0-9_]+(\.[-a-z0-9_]+)*"), name) is not None


def panos_end(config, ends, address, name):
    _, addresses, lists, _, _ = panos(config)
    for end in as_list(ends):
        if end == "any" or (end in addresses and addresses[end] == name):
            return True
        if any(inside(address, prefix) for prefix in lists.get(end, [end] if is_prefix(end) else [])):
            return True
    return False


def panos_service(config, rule, flow):
    services = panos(config)[0]
    if rule["service"] == "any":
        return True
    if rule["service"] == "application-default":
        return flow.protocol == "icmp" and rule["application"] == ["icmp", "ipv6-icmp", "ping", "ping6"]
    return any(services[one][0] == flow.transport and in_range(flow.port, services[one][1])
               for one in as_list(rule["service"]))


def panos_content(config, rule, flow, shown):
    if rule["category"] != "any":
        urls = panos(config)[3][rule["category"]]["list"]
        return flow.protocol in WEB and any(panos_url(url, shown) for url in as_list(urls))
    if rule["application"] == "any" or "icmp" in rule["application"]:
        return True
    return {"https": "ssl", "http": "web-browsing"}.get(flow.protocol) in as_list(rule["application"])


def panos_allows(config, flow, shown=None):
    for rule in panos(config)[4].values():
        if (panos_end(config, rule["source"], flow.source, "") and
                panos_end(config, rule["destination"], flow.address, flow.name) and
                panos_service(config, rule, flow) and
                panos_content(config, rule, flow, flow.shown if shown is None else shown)):
            return rule["action"] == "allow"
    return False


def either_web(flow, other):
    return flow.port == other.port and flow.protocol in WEB and other.protocol in WEB


def panos_allows_no_more_than_the_rules_and_says_what_less():
    for config, source in COMPARED:
        compare(config, source, functools.partial(panos_allows, config),
                files_of("palo-alto", config)["palo-alto.set"], either_web)
    assert "whichever of TLS and HTTP" in files_of("palo-alto", "everything.yaml")["palo-alto.set"]


# ---------------------------------------------------------------------------- FortiOS

def fortios_words(line):
    assert line.count('"') % 2 == 0, line
    return [re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted.startswith('"') else quoted
            for quoted in re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"]+', line)]


def fortios_block(lines, path):
    """The lines up to this block's end: {key: values}, {name: entry} of `edit`, {path: block} of `config`."""
    block = {}
    for line in lines:
        words = fortios_words(line)
        if words == ["end"] and path[-1].startswith("config") or words == ["next"] and path[-1].startswith("edit"):
            return block
        if words[0] == "config":
            inner = fortios_block(lines, path + [f"config {' '.join(words[1:])}"])
            block.setdefault(" ".join(words[1:]), {}).update(inner)
        elif words[0] == "edit":
            name = words[1] if words[1] != "0" else f"new {len(block)}"
            assert name not in block, f"{name} twice in {path}"
            block[name] = fortios_block(lines, path + [f"edit {name}"])
        else:
            assert words[0] == "set" and len(words) > 2 and words[1] not in block, (path, line)
            block[words[1]] = words[2:]
    assert path == ["file"], f"{path[-1]} is not closed"
    return block


@functools.cache
def fortios(config):
    text = files_of("fortigate", config)["fortigate.conf"]
    return fortios_block((line for line in text.splitlines() if not line.startswith("#")), ["file"])


def fortios_objects(config, section):
    return fortios(config).get(section, {})


def fortios_blocks_close_and_names_are_short_and_defined_before_their_use():
    for config in CASES:
        assert list(fortios(config))[-1] == "firewall policy"
        for section, most in (("firewall address", 79), ("firewall address6", 79), ("firewall service custom", 79),
                              ("system external-resource", 35), ("webfilter profile", 35)):
            for name in fortios_objects(config, section):
                assert len(name) <= most and re.fullmatch(r"[-\w.]+", name), name
        lists = set(fortios_objects(config, "system external-resource")) | {"all"}
        for policy in fortios(config)["firewall policy"].values():
            assert len(policy["name"][0]) <= 35 and re.fullmatch(r"[-\w.]+", policy["name"][0]), policy["name"]
            for family, section in (("", "firewall address"), ("6", "firewall address6")):
                ends = policy.get("srcaddr" + family, []) + policy.get("dstaddr" + family, [])
                assert set(ends) <= set(fortios_objects(config, section)) | lists, ends
                assert ("srcaddr" + family in policy) == ("dstaddr" + family in policy)
            assert set(policy["service"]) <= set(fortios_objects(config, "firewall service custom"))
            if "webfilter-profile" in policy:
                profile = fortios(config)["webfilter profile"][policy["webfilter-profile"][0]]
                assert profile["web"]["urlfilter-table"][0] in fortios(config)["webfilter urlfilter"]
                assert policy["ssl-ssh-profile"][0] in fortios(config)["firewall ssl-ssh-profile"]
                assert policy["profile-protocol-options"][0] in fortios(config)["firewall profile-protocol-options"]
        names = [policy["name"][0] for policy in fortios(config)["firewall policy"].values()]
        assert len(names) == len(set(names)), names
        assert names[-1] == "sallyport-deny-all"


def fortios_end(config, ends, family, address, name):
    section = fortios_objects(config, "firewall address" + family)
    for end in ends:
        given = section.get(end)
        if end == "all":
            return True
        if given is None:
            resource = fortios_objects(config, "system external-resource")[end]["resource"][0]
            if any(inside(address, prefix) for prefix in listed(files_of("fortigate", config), resource)):
                return True
        elif given.get("type") == ["fqdn"]:
            fqdn = given["fqdn"][0]
            if name == fqdn or fqdn.startswith("*.") and name.endswith(fqdn[1:]):
                return True
        elif inside(address, "/".join(given["subnet"]) if "subnet" in given else given["ip6"][0]):
            return True
    return False


def fortios_service(config, names, flow):
    for name in names:
        service = fortios_objects(config, "firewall service custom")[name]
        kind = service["protocol"][0]
        ports = service.get(f"{flow.transport}-portrange")
        if kind == "IP" or (kind == ("ICMP6" if ":" in flow.address else "ICMP") and flow.protocol == "icmp"):
            return True
        if kind == "TCP/UDP/SCTP" and ports and in_range(flow.port, ports[0]):
            return True
    return False


def fortios_filter(config, policy, flow, shown):
    """The first entry that fits decides. What is neither TLS nor HTTP passes by."""
    if flow.protocol not in WEB:
        return True
    table = fortios(config)["webfilter profile"][policy["webfilter-profile"][0]]["web"]["urlfilter-table"][0]
    for entry in fortios(config)["webfilter urlfilter"][table]["entries"].values():
        if entry["type"] == ["wildcard"]:
            assert entry["url"] == ["*"]
            return entry["action"] == ["allow"]
        if re.search(entry["url"][0], shown + "/"):
            return entry["action"] == ["allow"]
    raise AssertionError("a filter without an end")


def fortios_allows(config, flow, shown=None):
    family = "6" if ":" in flow.address else ""
    source = OF_IPV6[flow.source] if family else flow.source
    for policy in fortios(config)["firewall policy"].values():
        if (fortios_end(config, policy.get("srcaddr" + family, []), family, source, "") and
                fortios_end(config, policy.get("dstaddr" + family, []), family, flow.address, flow.name) and
                fortios_service(config, policy["service"], flow)):
            if policy["action"] == ["deny"]:
                return False
            return "webfilter-profile" not in policy or fortios_filter(
                config, policy, flow, flow.shown if shown is None else shown)
    return False


def fortios_allows_no_more_than_the_rules_and_says_what_less():
    for config, source in COMPARED:
        compare(config, source, functools.partial(fortios_allows, config),
                files_of("fortigate", config)["fortigate.conf"],
                lambda flow, other: flow.protocol not in WEB and same_port(flow, other))
    assert "neither TLS nor HTTP" in files_of("fortigate", "everything.yaml")["fortigate.conf"]


# ---------------------------------------------------------------------------- both

def neither_lets_a_name_through_by_the_address_of_another():
    for allows in (panos_allows, fortios_allows):
        flow = Flow("a.example.org", VIA[0], "https", 443, ANYONE)
        assert allows("address-denials.yaml", flow)
        assert not allows("address-denials.yaml", flow, "evil.example")


def neither_lets_a_name_lead_to_a_guarded_address():
    for allows in (panos_allows, fortios_allows):
        for address in ("169.254.169.254", "168.63.129.16", "10.0.0.9", "fd00::9", "64:ff9b::a9fe:a9fe"):
            assert not allows("address-denials.yaml", Flow("a.example.org", address, "https", 443, ANYONE)), address


def neither_lets_anyone_out_who_is_not_protected():
    for allows in (panos_allows, fortios_allows):
        assert not allows("address-denials.yaml", Flow("a.example.org", VIA[0], "https", 443, OUTSIDER))
        assert not allows("address-denials.yaml", Flow("", "192.0.2.65", "tcp", 5432, OUTSIDER))


# ---------------------------------------------------------------------------- lists

def edl_allows(files, flow):
    """The product has a rule for each list with the protocol and ports in its name."""
    for file, text in files.items():
        if file == "index.txt":
            continue
        purpose, kind, _ = file.split(".")
        protocol, _, ports = purpose.partition("-")
        asked = flow.protocol if protocol in WEB else flow.transport
        if protocol != "any" and (protocol != asked or ports not in ("", "any") and not in_range(flow.port, ports)):
            continue
        for entry in text.split():
            if kind in ("ipv4", "ipv6"):
                found = inside(flow.address, entry)
            elif entry.startswith("*."):
                found = flow.name.endswith(entry.rstrip("/")[1:])
            else:
                found = flow.name == entry.rstrip("/")
            if found:
                return True
    return False


def lists_have_nothing_but_entries_of_their_kind_each_once():
    shapes = {"exact": r"([-a-z0-9_]+\.)*[-a-z0-9_]+", "wildcard": r"\*(\.[-a-z0-9_]+)+",
              "url": r"(\*\.)?([-a-z0-9_]+\.)*[-a-z0-9_]+/", "ipv4": r"[0-9.]+/[0-9]+", "ipv6": r"[0-9a-f:.]+/[0-9]+"}
    files = files_of("edl", "allow-only.yaml")
    for file, text in files.items():
        if file == "index.txt":
            continue
        lines = text.splitlines()
        assert text.endswith("\n") and lines and len(lines) == len(set(lines)), file
        for line in lines:
            assert re.fullmatch(shapes[file.split(".")[1]], line), (file, line)
        assert re.search(rf"^{re.escape(file)} ", files["index.txt"], re.M), file


def lists_allow_no_more_than_the_rules_and_say_what_less():
    files = files_of("edl", "allow-only.yaml")
    compare("allow-only.yaml", ANYONE, functools.partial(edl_allows, files), files["index.txt"])


if __name__ == "__main__":
    sys.exit(run([
        panos_names_are_short_and_defined_before_their_use,
        panos_url_entries_end_in_a_slash_and_have_stars_for_whole_labels_only,
        panos_allows_no_more_than_the_rules_and_says_what_less,
        fortios_blocks_close_and_names_are_short_and_defined_before_their_use,
        fortios_allows_no_more_than_the_rules_and_says_what_less,
        neither_lets_a_name_through_by_the_address_of_another,
        neither_lets_a_name_lead_to_a_guarded_address,
        neither_lets_anyone_out_who_is_not_protected,
        lists_have_nothing_but_entries_of_their_kind_each_once,
        lists_allow_no_more_than_the_rules_and_say_what_less,
    ]))
