#!/usr/bin/python3
"""usage: proxies.py SOURCE BUILD

The exports that stand where the gateway would (nftables, squid, haproxy, envoy, suricata): read by the products
themselves where they can be had, by a grammar of our own elsewhere, and by what they allow, held against
`sallyport explain` (judge.py) with readers that follow the products' manuals (readers.py).

Prints TAP.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from judge import SOURCE, VIA, Flow, Skip, compare, export, run, stricter_lines  # noqa: E402
from readers import Envoy, HAProxy, Nft, Squid, Suricata  # noqa: E402

ANYONE = "10.42.9.9"
BUILDER = "10.42.1.5"
OUTSIDER = "192.0.2.200"  # not protected
OF_IPV6 = {ANYONE: "fd42::9", BUILDER: "fd42:1::9", OUTSIDER: "2001:db8::9"}
CASES = ("everything.yaml", "address-denials.yaml", "allow-only.yaml", "purposes.yaml")
COMPARED = (("everything.yaml", BUILDER), ("address-denials.yaml", ANYONE))
GUARDED = ("169.254.169.254", "168.63.129.16", "127.0.0.1", "10.0.0.9", "fd00::9", "64:ff9b::a9fe:a9fe",
           "64:ff9b::a00:9", "2002:a00:9::", "::ffff:169.254.169.254", "fe80::1")


@functools.cache
def files_of(target, config):
    return export(target, config)


@functools.cache
def reader(target, config):
    files = files_of(target, config)
    if target == "nftables":
        return Nft(files["rules.nft"], files.get("resolve-names.sh", ""))
    if target == "envoy":
        return Envoy(files["envoy.yaml"], files.get("guard.nft"))
    return {"squid": Squid, "haproxy": HAProxy, "suricata": Suricata}[target](*files.values())


def source_for(target, flow, source):
    """Where the packet itself is judged, it has one family."""
    return OF_IPV6.get(source, source) if ":" in flow.address and target in ("nftables", "suricata") else source


def allows(target, config, flow, shown=None):
    source = source_for(target, flow, flow.source)
    shown = flow.shown if shown is None else shown
    if target == "nftables":
        return reader(target, config).allows(flow, source)
    if target == "squid":
        both = [reader(target, config).allows(flow, source, shown, redirected) for redirected in (True, False)]
        assert both[0] == both[1], f"redirected or not makes a difference: {flow}"
        return both[0]
    return reader(target, config).allows(flow, source, shown)


def header_of(target, config):
    """The text of the first file."""
    return next(iter(files_of(target, config).values()))


def compare_all(target):
    for config, source in COMPARED:
        compare(config, source, functools.partial(allows, target, config), header_of(target, config), least=5)


# ---------------------------------------------------------------------------- the products

def need(program):
    found = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not found:
        raise Skip(f"{program} is not installed")
    return found


def check(words, text, suffix):
    """Runs a checker over the text in a file, whose name comes last; all that it says."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"file{suffix}"
        path.write_text(text)
        done = subprocess.run([*words, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


@functools.cache
def long_config():
    """More names, prefixes and sources in a rule than a line of any product takes."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-exports-"))
    names = ", ".join(f"host-{i}.{'x' * 60}.example.com" for i in range(300))
    patterns = ", ".join(f"a{i}-*.{'y' * 60}.example.org" for i in range(300))
    prefixes = ", ".join(f'"198.{i // 128}.{i % 128 * 2}.0/24", "2001:db8:{i:x}:1:2:3:4:0/112"' for i in range(500))
    sources = ", ".join(f"10.42.{i}.0/25" for i in range(250))
    denied = ", ".join(f'"203.0.{i}.0/25"' for i in range(250))
    path = folder / "long.yaml"
    path.write_text(f"""
collections:
  - name: many-denied
    priority: 100
    action: deny
    kind: network
    rules: [{{name: prefixes, destinations: [{denied}], protocols: [tcp], ports: [443]}}]
  - name: many-allowed
    priority: 200
    action: allow
    kind: network
    rules: [{{name: prefixes, destinations: [{prefixes}], protocols: [tcp], ports: [445]}}]
  - name: many
    priority: 300
    action: allow
    kind: application
    rules:
      - {{name: exact, fqdns: [{names}], protocols: [https, http]}}
      - {{name: stars, fqdns: [{patterns}], protocols: [https]}}
      - {{name: sources, sources: [{sources}], fqdns: [few.example], protocols: [https]}}
""")
    return str(path)


@functools.cache
def empty_config():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-exports-"))
    (folder / "empty.yaml").write_text("collections: []\n")
    return str(folder / "empty.yaml")


def all_cases():
    return (*CASES, long_config(), empty_config())


def nft_takes_the_rules():
    nft = need("nft")
    if os.geteuid() != 0:
        raise Skip("needs root")
    for config in all_cases():
        for target, file in (("nftables", "rules.nft"), ("envoy", "guard.nft")):
            if file in files_of(target, config):
                check(["unshare", "-n", nft, "-c", "-f"], files_of(target, config)[file], ".nft")


def scripts():
    return {config: files["resolve-names.sh"] for config in CASES
            if "resolve-names.sh" in (files := files_of("nftables", config))}


def shells_take_the_script():
    assert scripts()
    for text in scripts().values():
        check(["bash", "-n"], text, ".sh")
        check(["sh", "-n"], text, ".sh")


def shellcheck_finds_nothing_in_the_script():
    shellcheck = need("shellcheck")
    for text in scripts().values():
        check([shellcheck], text, ".sh")


FAKES = {
    "getent": "#!/bin/sh\n"
              'case $2 in time.example.com) exit 2 ;; esac\n'
              "printf '192.0.2.1 STREAM %s\\n192.0.2.1 DGRAM\\n2001:db8::5 STREAM\\n' \"$2\"\n",
    "nft": '#!/bin/sh\n[ "$*" = "-f -" ] || exit 9\ncat >>"$0.heard"\n',
}


def the_script_puts_each_address_into_the_set_of_its_family():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FAKES.items():
            (pathlib.Path(folder) / name).write_text(text)
            (pathlib.Path(folder) / name).chmod(0o755)
        script = pathlib.Path(folder) / "resolve-names.sh"
        script.write_text(scripts()["everything.yaml"])
        done = subprocess.run(["sh", script], env={"PATH": folder + ":/usr/bin:/bin"}, capture_output=True, text=True,
                              check=False)
        heard = (pathlib.Path(folder) / "nft.heard").read_text().split("\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    element = "element inet sallyport_export"
    expected = []
    for name in ("r3", "r4"):
        for set_name, address in ((f"{name}_name4", "192.0.2.1"), (f"{name}_name6", "2001:db8::5")):
            expected += [f"add {element} {set_name} {{ {address} timeout 15m }}",
                         f"delete {element} {set_name} {{ {address} }}",
                         f"add {element} {set_name} {{ {address} timeout 15m }}"]
    assert heard == expected + [""], heard


def the_kernel_takes_an_address_again():
    nft = need("nft")
    if os.geteuid() != 0:
        raise Skip("needs root")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "getent").write_text(FAKES["getent"])
        (path / "getent").chmod(0o755)
        for name, text in files_of("nftables", "everything.yaml").items():
            (path / name).write_text(text)
        commands = f"cd {folder} && {nft} -f rules.nft && sh resolve-names.sh && sh resolve-names.sh && " \
                   f"{nft} -f rules.nft && sh resolve-names.sh && {nft} list set inet sallyport_export r3_name4"
        done = subprocess.run(["unshare", "-n", "sh", "-c", commands], capture_output=True, text=True, check=False,
                              env={"PATH": f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin"})
    if "Operation not permitted" in done.stderr:
        raise Skip("no network namespaces")
    assert done.returncode == 0 and not done.stderr and "192.0.2.1 timeout 15m" in done.stdout, done


def squid_takes_the_configuration_without_a_warning():
    squid, openssl = need("squid"), need("openssl")
    if "with-openssl" not in subprocess.run([squid, "-v"], capture_output=True, text=True, check=False).stdout:
        raise Skip("this squid is without OpenSSL")
    with tempfile.TemporaryDirectory() as folder:
        pem = f"{folder}/sallyport.pem"
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=peek", "-keyout", pem,
                        "-out", pem], capture_output=True, check=True)
        for config in all_cases():
            text = header_of("squid", config).replace("/etc/squid/sallyport.pem", pem)
            said = check([squid, "-k", "parse", "-f"], text, ".conf")
            assert not re.search("WARNING|ERROR|FATAL", said), said
            assert max(map(len, text.splitlines())) < 8192 or config.endswith("long.yaml") and all(
                line.startswith("#") for line in text.splitlines() if len(line) >= 8192)


def haproxy_takes_the_configuration_without_a_warning():
    haproxy = need("haproxy")
    for config in all_cases():
        said = check([haproxy, "-c", "-f"], header_of("haproxy", config), ".cfg")
        assert "[WARNING]" not in said and "[ALERT]" not in said, said


TYPES = {  # Envoy's API v3: the fields of what the export uses
    "TlsInspector": set(), "Router": set(),
    "sni_dynamic_forward_proxy.v3.FilterConfig": {"port_value", "dns_cache_config"},
    "http.dynamic_forward_proxy.v3.FilterConfig": {"dns_cache_config"},
    "TcpProxy": {"stat_prefix", "cluster"}, "RBAC": {"stat_prefix", "rules"},
    "HttpConnectionManager": {"stat_prefix", "codec_type", "route_config", "http_filters"},
    "ClusterConfig": {"dns_cache_config"},
}
FIELDS = {
    "listeners": {"name", "address", "listener_filters_timeout", "listener_filters", "filter_chains"},
    "filter_chains": {"filter_chain_match", "filters"},
    "filter_chain_match": {"transport_protocol", "server_names", "source_prefix_ranges"},
    "source_prefix_ranges": {"address_prefix", "prefix_len"}, "virtual_hosts": {"name", "domains", "routes"},
    "routes": {"match", "route", "direct_response"}, "match": {"prefix", "headers"}, "route": {"cluster"},
    "direct_response": {"status"}, "headers": {"name", "string_match"}, "string_match": {"safe_regex"},
    "safe_regex": {"regex"}, "clusters": {"name", "lb_policy", "connect_timeout", "cluster_type"},
    "cluster_type": {"name", "typed_config"}, "filters": {"name", "typed_config"},
    "listener_filters": {"name", "typed_config"}, "http_filters": {"name", "typed_config"},
    "dns_cache_config": {"name", "dns_lookup_family"}, "address": {"socket_address"},
    "socket_address": {"address", "port_value", "ipv4_compat"}, "static_resources": {"listeners", "clusters"},
    "route_config": {"virtual_hosts"}, "rules": {"action", "policies"}, "policies": {"named"},
    "named": {"permissions", "principals"}, "permissions": {"requested_server_name"},
    "requested_server_name": {"safe_regex"}, "principals": {"any"}, "": {"static_resources"},
}


def walk_envoy(key, value):
    if isinstance(value, list):
        for item in value:
            walk_envoy(key, item)
    elif isinstance(value, dict):
        if key == "typed_config":
            kind = value["@type"]
            known = [fields for name, fields in TYPES.items() if kind.endswith("." + name)]
            assert kind.startswith("type.googleapis.com/envoy.extensions.") and ".v3." in kind and len(known) == 1, kind
            assert set(value) - {"@type"} <= known[0], value
        else:
            assert set(value) <= FIELDS[key], f"{key}: {set(value) - FIELDS[key]}"
        for name, inner in value.items():
            walk_envoy(name, inner)


def envoy_fields_are_those_of_its_api():
    for config in all_cases():
        walk_envoy("", reader("envoy", config).config)
        listeners = reader("envoy", config).config["static_resources"]["listeners"]
        assert all(one["filter_chains"] for one in listeners), "Envoy refuses a listener without chains"
        caches = set(re.findall(r"dns_cache_config:\n +name: (\w+)\n +dns_lookup_family: (\w+)",
                                files_of("envoy", config)["envoy.yaml"]))
        assert caches == {("names", "V4_PREFERRED")}, "a cache must be configured the same everywhere"


def suricata_rules_are_well_formed():
    for config in all_cases():
        assert reader("suricata", config).rules


# ---------------------------------------------------------------------------- what gets out

def nftables_allows_no_more_than_the_rules_and_says_what_less():
    compare_all("nftables")


def squid_allows_no_more_than_the_rules_and_says_what_less():
    compare_all("squid")


def haproxy_allows_no_more_than_the_rules_and_says_what_less():
    compare_all("haproxy")


def envoy_allows_no_more_than_the_rules_and_says_what_less():
    compare_all("envoy")


def suricata_allows_no_more_than_the_rules_and_says_what_less():
    compare_all("suricata")


TARGETS = ("nftables", "squid", "haproxy", "envoy", "suricata")
BY_NAME = ("squid", "haproxy", "envoy", "suricata")


def nobody_gets_out_who_is_not_protected():
    for target in TARGETS:
        for flow in (Flow("a.example.org", VIA[0], "https", 443, OUTSIDER), Flow("", "192.0.2.65", "tcp", 5432, OUTSIDER),
                     Flow("deb.example.com", VIA[0], "http", 80, OUTSIDER)):
            assert not allows(target, "address-denials.yaml", flow), (target, flow)


def no_name_leads_to_a_guarded_address():
    for address in GUARDED:
        for target in BY_NAME:
            flow = Flow("a.example.org", address, "https", 443, ANYONE)
            assert not allows(target, "address-denials.yaml", flow), (target, address)
        flow = Flow("ntp.ubuntu.com", address, "udp", 123, ANYONE)
        assert not allows("nftables", "address-denials.yaml", flow), address


TRICKS = ("", "example.org", "aexample.org", "evil.example\0.example.org", "a.example.org.evil.example", "198.51.100.7",
          "[2001:db8::1]", "0x7f000001")


def no_trick_with_a_name_gets_out():
    for target in BY_NAME:
        for protocol, port in (("https", 443), ("http", 80)):
            flow = Flow("a.example.org", VIA[0], protocol, port, ANYONE)
            assert allows(target, "address-denials.yaml", flow), (target, flow)
            for shown in TRICKS:
                if "\0" in shown and (protocol == "http" or target != "haproxy"):
                    continue  # HTTP's parsers and Envoy's TLS refuse it; the others go where the client went
                assert not allows(target, "address-denials.yaml", flow, shown), (target, protocol, shown)


def under_a_star_alone_no_address_passes_for_a_name():
    for target in BY_NAME:
        flow = Flow("any.name.example", VIA[0], "http", 80, "10.42.7.7")
        if target == "envoy":
            continue  # has left the rule out, as it has sources
        assert allows(target, "everything.yaml", flow), target
        for shown in ("198.51.100.7", "127.1", "0x7f.1", "[::1]", ""):
            assert not allows(target, "everything.yaml", flow, shown), (target, shown)


def a_host_with_another_port_than_the_connection_gets_nowhere():
    flow = Flow("deb.example.com", VIA[0], "http", 80, ANYONE)
    for target in ("haproxy", "envoy"):
        assert not reader(target, "address-denials.yaml").allows(flow, ANYONE, flow.name, port=22), target
        assert reader(target, "address-denials.yaml").allows(flow, ANYONE, flow.name, port=80), target
    by_8080 = Flow("deb.example.com", VIA[0], "http", 8080, ANYONE)
    assert not reader("squid", "address-denials.yaml").allows(by_8080, ANYONE, flow.name, True, port=80)


def a_redirected_url_without_a_host_gets_nowhere_in_squid():
    flow = Flow("deb.example.com", VIA[0], "http", 80, ANYONE)
    assert reader("squid", "address-denials.yaml").allows(flow, ANYONE, flow.name, True)
    assert not reader("squid", "address-denials.yaml").allows(flow, ANYONE, flow.name, True, header=False)


def case_does_not_matter():
    for target in BY_NAME:
        for name, protocol, port in (("A.Example.ORG", "https", 443), ("FILES.blob.Example.net", "https", 443),
                                     ("DEB.example.com", "http", 80)):
            flow = Flow(name.lower(), VIA[0], protocol, port, ANYONE)
            assert allows(target, "address-denials.yaml", flow, name), (target, name)


def without_rules_nothing_gets_out():
    for target in TARGETS:
        assert not stricter_lines(header_of(target, empty_config()))
        for flow in (Flow("a.example.org", VIA[0], "https", 443, ANYONE), Flow("", VIA[0], "udp", 53, ANYONE)):
            assert not allows(target, empty_config(), flow), target


def long_lists_are_whole():
    config = long_config()
    for target in BY_NAME:
        for name in ("host-0", "host-7", "host-299"):
            flow = Flow(f"{name}.{'x' * 60}.example.com", "192.0.3.9", "https", 443, ANYONE)
            assert allows(target, config, flow), (target, flow)
        flow = Flow(f"host-299.{'x' * 60}.example.com", "203.0.249.1", "https", 443, ANYONE)
        assert not allows(target, config, flow), (target, flow)
    for target in ("nftables", "suricata"):
        assert allows(target, config, Flow("", "198.3.230.9", "tcp", 445, ANYONE))
        assert not allows(target, config, Flow("", "198.3.231.9", "tcp", 445, ANYONE))


def every_program_that_checks_is_among_the_packages():
    packages = {name: (SOURCE / f"packaging/packages/{name}.txt").read_text().split() for name in ("test", "lab")}
    for name in ("haproxy", "squid-openssl", "nftables", "openssl"):
        assert name in packages["test"], name


if __name__ == "__main__":
    status = run([
        nft_takes_the_rules,
        shells_take_the_script,
        shellcheck_finds_nothing_in_the_script,
        the_script_puts_each_address_into_the_set_of_its_family,
        the_kernel_takes_an_address_again,
        squid_takes_the_configuration_without_a_warning,
        haproxy_takes_the_configuration_without_a_warning,
        envoy_fields_are_those_of_its_api,
        suricata_rules_are_well_formed,
        nftables_allows_no_more_than_the_rules_and_says_what_less,
        squid_allows_no_more_than_the_rules_and_says_what_less,
        haproxy_allows_no_more_than_the_rules_and_says_what_less,
        envoy_allows_no_more_than_the_rules_and_says_what_less,
        suricata_allows_no_more_than_the_rules_and_says_what_less,
        nobody_gets_out_who_is_not_protected,
        no_name_leads_to_a_guarded_address,
        no_trick_with_a_name_gets_out,
        under_a_star_alone_no_address_passes_for_a_name,
        a_host_with_another_port_than_the_connection_gets_nowhere,
        a_redirected_url_without_a_host_gets_nowhere_in_squid,
        case_does_not_matter,
        without_rules_nothing_gets_out,
        long_lists_are_whole,
        every_program_that_checks_is_among_the_packages,
    ])
    for made in (long_config, empty_config):
        shutil.rmtree(pathlib.Path(made()).parent)
    sys.exit(status)
