#!/usr/bin/python3
"""usage: azure.py SOURCE BUILD

The golden files of the targets azure-firewall-arm, -bicep, -terraform and azure-cli, as their consumers
read them: ARM against the published schema, Bicep and HCL by real parsers, the script by running it with
an `az` that only writes down what it is asked for. What is read back must be the same policy in all four.

Prints TAP. What a tool or an input is missing for is skipped, with the reason.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

SOURCE, BUILD = (pathlib.Path(argument) for argument in sys.argv[1:3])
GOLDEN = SOURCE / "tests/golden/export"
INPUTS = pathlib.Path(os.environ.get("SALLYPORT_INPUTS") or SOURCE / "../shared/inputs")
SCHEMA = INPUTS / "schemas/azure-firewall-policy_2020-11-01.json"
MODULES = BUILD.resolve() / "npm/node_modules"
CASES = ("eastus", "china", "azure", "everything", "purposes")

POLICY, GROUP = "Microsoft.Network/firewallPolicies", "Microsoft.Network/firewallPolicies/ruleCollectionGroups"


class Skip(Exception):
    pass


def output(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command[0]} ended with exit {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def parse(language, file):
    if not shutil.which("node"):
        raise Skip("node is not here")
    if not MODULES.is_dir():
        raise Skip("the parsers are not here: tools/install-npm installs them")
    return json.loads(output(["node", str(SOURCE / "tests/exports/parse.cjs"), str(MODULES), language, str(file)]))


# ---------------------------------------------------------------------------- one form for all four

def rule(kind, name, description, sources, destinations, ports):
    """Whatever a notation calls its parts; a destination of an address and of a name are told apart."""
    return {"kind": kind, "name": name, "description": description, "sources": sources,
            "addresses": destinations[0], "fqdns": destinations[1], "ports": ports}


def resource_rule(given):
    if given["ruleType"] == "NetworkRule":
        ports = (given["ipProtocols"], given["destinationPorts"])
        fqdns = given.get("destinationFqdns", [])
    else:
        ports = [(protocol["protocolType"], protocol["port"]) for protocol in given["protocols"]]
        fqdns = given["targetFqdns"]
    description = given.get("description")
    return rule(given["ruleType"], given["name"], description, given["sourceAddresses"],
                (given.get("destinationAddresses", []), fqdns), ports)


def resource_collections(collections):
    return [{"name": one["name"], "priority": one["priority"], "action": one["action"]["type"],
             "rules": [resource_rule(given) for given in one["rules"]]} for one in collections]


def arm_literal(value):
    """A string of a template that is no expression."""
    if isinstance(value, str) and value.startswith("[") and value.endswith("]"):
        assert value.startswith("[["), f"{value} is an expression"
        return value[1:]
    if isinstance(value, list):
        return [arm_literal(item) for item in value]
    return {key: arm_literal(item) for key, item in value.items()} if isinstance(value, dict) else value


def arm_resources(case):
    template = json.loads((GOLDEN / f"azure-firewall-arm/{case}.json").read_text())
    policy, group = template["resources"]
    assert (policy["type"], group["type"]) == (POLICY, GROUP)
    return template, policy, group


def read_arm(case):
    return resource_collections(arm_literal(arm_resources(case)[2]["properties"]["ruleCollections"]))


def read_bicep(case):
    file = parse("bicep", GOLDEN / f"azure-firewall-bicep/{case}.bicep")
    policy, group = file["resources"]
    assert policy["type"] == POLICY + "@2020-11-01" and group["type"] == GROUP + "@2020-11-01"
    assert policy["body"]["properties"]["dnsSettings"]["enableProxy"] == {"expression": "enableDnsProxy"}
    assert group["body"]["parent"] == {"expression": policy["symbol"]}
    assert sorted(file["parameters"]) == sorted(arm_resources(case)[0]["parameters"])
    return resource_collections(group["body"]["properties"]["ruleCollections"])


def hcl_literal(value):
    """A string of HCL without templates; hcl2json leaves their escapes as written."""
    if isinstance(value, str):
        plain = value.replace("$${", "").replace("%%{", "")
        assert "${" not in plain and "%{" not in plain, f"{value} is a template"
        return value.replace("$${", "${").replace("%%{", "%{")
    if isinstance(value, list):
        return [hcl_literal(item) for item in value]
    return {key: hcl_literal(item) for key, item in value.items()} if isinstance(value, dict) else value


def terraform_rule(kind, given):
    if kind == "NetworkRule":
        ports = (given["protocols"], given["destination_ports"])
    else:
        ports = [(protocol["type"], protocol["port"]) for protocol in given["protocols"]]
    return rule(kind, given["name"], given.get("description"), given["source_addresses"],
                (given.get("destination_addresses", []), given.get("destination_fqdns", [])), ports)


def read_terraform(case):
    file = parse("hcl", GOLDEN / f"azure-firewall-terraform/{case}.tf")
    policy = file["resource"]["azurerm_firewall_policy"]["sallyport"][0]
    group = file["resource"]["azurerm_firewall_policy_rule_collection_group"]["sallyport"][0]
    assert policy["dns"][0]["proxy_enabled"] == "${var.dns_proxy_enabled}"
    assert group["firewall_policy_id"] == "${azurerm_firewall_policy.sallyport.id}"
    return [{"name": one["name"], "priority": one["priority"], "action": one["action"],
             "rules": [terraform_rule(kind, given) for given in one["rule"]]}
            for word, kind in (("network", "NetworkRule"), ("application", "ApplicationRule"))
            for one in hcl_literal(group.get(f"{word}_rule_collection", []))]


# ---------------------------------------------------------------------------- az

# The options of the commands that a script may use: Azure CLI's reference, extension azure-firewall.
EVERYWHERE = {"--resource-group", "--output", "--only-show-errors"}
RULE = {"--policy-name", "--rule-collection-group-name", "--rule-type", "--description", "--source-addresses",
        "--ip-protocols", "--destination-addresses", "--destination-fqdns", "--destination-ports", "--protocols",
        "--target-fqdns"}
AZ_OPTIONS = {
    "extension add": {"--upgrade", "--name", "--only-show-errors"},
    "network firewall policy show": EVERYWHERE | {"--name"},
    "network firewall policy create": EVERYWHERE | {"--name", "--enable-dns-proxy"},
    "network firewall policy update": EVERYWHERE | {"--name", "--enable-dns-proxy"},
    "network firewall policy rule-collection-group show": EVERYWHERE | {"--policy-name", "--name"},
    "network firewall policy rule-collection-group delete": EVERYWHERE | {"--policy-name", "--name", "--yes"},
    "network firewall policy rule-collection-group create": EVERYWHERE | {"--policy-name", "--name", "--priority"},
    "network firewall policy rule-collection-group collection add-filter-collection":
        EVERYWHERE | RULE | {"--name", "--collection-priority", "--action", "--rule-name"},
    "network firewall policy rule-collection-group collection rule add":
        EVERYWHERE | RULE | {"--collection-name", "--name"},
}
FLAGS = {"--upgrade", "--only-show-errors", "--yes"}
LISTS = {"--source-addresses", "--ip-protocols", "--destination-addresses", "--destination-fqdns",
         "--destination-ports", "--protocols", "--target-fqdns"}

FAKE_AZ = """#!/usr/bin/python3
import json, os, sys
with open(os.environ["AZ_LOG"], "a") as log:
    log.write(json.dumps(sys.argv[1:]) + chr(10))
sys.exit(3 if "show" in sys.argv and os.environ["AZ_EMPTY"] == "1" else 0)
"""


def read_call(arguments):
    """A recorded command line: its command and its options, as az takes them."""
    first = next(i for i, argument in enumerate(arguments) if argument.startswith("--"))
    command, options, rest = " ".join(arguments[:first]), {}, arguments[first:]
    assert command in AZ_OPTIONS, f"az has no command '{command}'"
    while rest:
        option, count = rest[0], 1
        while count < len(rest) and not rest[count].startswith("-"):
            count += 1
        values, rest = rest[1:count], rest[count:]
        assert option in AZ_OPTIONS[command] and option not in options, f"{command}: {option}"
        assert all(values) and not any(value.startswith("@") for value in values), values
        assert option in LISTS or len(values) == (0 if option in FLAGS else 1), f"{option} {values}"
        options[option] = values if option in LISTS else "".join(values)
    assert not command.endswith(" delete") or "--yes" in options, "az would ask"
    return command, options


def run_script(file, empty):
    """The calls that the script makes of az, in a subscription that has no such policy, or has one."""
    with tempfile.TemporaryDirectory() as folder:
        az, log = pathlib.Path(folder, "az"), pathlib.Path(folder, "log")
        az.write_text(FAKE_AZ)
        az.chmod(0o755)
        output(["bash", str(file)], env={"PATH": f"{folder}:/usr/bin:/bin", "AZ_LOG": str(log),
                                         "AZ_EMPTY": "1" if empty else "0", "RESOURCE_GROUP": "a b"})
        return [read_call(json.loads(line)) for line in log.read_text().splitlines()]


def call_rule(options, name):
    kind = options["--rule-type"]
    if kind == "NetworkRule":
        ports = (options["--ip-protocols"], options["--destination-ports"])
        fqdns = options.get("--destination-fqdns", [])
    else:
        pairs = [value.split("=") for value in options["--protocols"]]
        ports = [(protocol, int(port)) for protocol, port in pairs]
        fqdns = options["--target-fqdns"]
    return rule(kind, options[name], options.get("--description"), options["--source-addresses"],
                (options.get("--destination-addresses", []), fqdns), ports)


def read_calls(calls):
    collections = []
    for command, options in calls:
        if command.endswith("add-filter-collection"):
            collections.append({"name": options["--name"], "priority": int(options["--collection-priority"]),
                                "action": options["--action"], "rules": [call_rule(options, "--rule-name")]})
        elif command.endswith("rule add"):
            assert options["--collection-name"] == collections[-1]["name"]
            collections[-1]["rules"].append(call_rule(options, "--name"))
    return collections


def without_odd_characters(collections):
    """Descriptions as they reach az: without control characters, never starting with what az reads itself."""
    for collection in collections:
        for one in collection["rules"]:
            if one["description"]:
                plain = "".join(" " if ord(letter) < 32 or ord(letter) == 127 else letter
                                for letter in one["description"])
                one["description"] = plain if plain[0].isascii() and plain[0].isalnum() else " " + plain
    return collections


# ---------------------------------------------------------------------------- tests

def the_arm_template_satisfies_the_schema(case):
    try:
        import jsonschema
    except ImportError:
        raise Skip("python3-jsonschema is not here") from None
    if not SCHEMA.is_file():
        raise Skip(f"{SCHEMA.name} is not here")
    schema = json.loads(SCHEMA.read_text())
    for resource, name in zip(arm_resources(case)[1:], ("firewallPolicies", "firewallPolicies_ruleCollectionGroups")):
        jsonschema.validate(resource, {**schema, "$ref": f"#/resourceDefinitions/{name}"})


def the_arm_template_has_no_property_that_the_schema_does_not_know(case):
    if not SCHEMA.is_file():
        raise Skip(f"{SCHEMA.name} is not here")
    definitions = json.loads(SCHEMA.read_text())["definitions"]

    def known(*names):
        return {key for name in names for key in definitions[name]["properties"]}

    _, policy, group = arm_resources(case)
    assert set(policy["properties"]) <= known("FirewallPolicyPropertiesFormat")
    assert set(policy["properties"]["dnsSettings"]) <= known("DnsSettings")
    assert set(group["properties"]) <= known("FirewallPolicyRuleCollectionGroupProperties")
    for collection in group["properties"]["ruleCollections"]:
        assert set(collection) <= known("FirewallPolicyRuleCollection", "FirewallPolicyFilterRuleCollection")
        for one in collection["rules"]:
            assert set(one) <= known("FirewallPolicyRule", one["ruleType"]), one


def the_arm_template_refers_to_parameters_that_it_has(case):
    template, policy, group = arm_resources(case)
    text = json.dumps([policy, group["name"], group["dependsOn"], group["properties"]["priority"]])
    named = {part.split("'")[0] for part in text.split("parameters('")[1:]}
    assert named == set(template["parameters"])
    assert all("defaultValue" in parameter for parameter in template["parameters"].values())
    assert template["metadata"]["remarks"][0].startswith("Azure Firewall policy")


def what_azure_limits_is_within_the_limits(case):
    collections = read_arm(case)
    names = [one["name"].lower() for one in collections]
    priorities = [one["priority"] for one in collections]
    assert len(set(names)) == len(names) and len(set(priorities)) == len(priorities)
    assert all(100 <= priority <= 65000 for priority in priorities)
    for collection in collections:
        rules = collection["rules"]
        assert len({one["name"].lower() for one in rules}) == len(rules) > 0
        assert len({one["kind"] for one in rules}) == 1
        for one in rules:
            assert not (one["addresses"] and one["fqdns"]) and one["sources"]
            assert all("*" not in fqdn[1:] for fqdn in one["fqdns"])
            assert one["kind"] == "ApplicationRule" or all("*" not in fqdn for fqdn in one["fqdns"])
            assert not any(":" in address for address in one["sources"] + one["addresses"])


def descriptions_are_what_was_written(case):
    if case != "purposes":
        raise Skip("only purposes.yaml has difficult ones")
    written = [one.get("purpose") for collection in yaml.safe_load((GOLDEN / "purposes.yaml").read_text())["collections"]
               for one in collection["rules"]]
    assert [one["description"] for collection in read_arm(case) for one in collection["rules"]] == written


def bicep_says_the_same(case):
    assert read_bicep(case) == read_arm(case)


def terraform_says_the_same(case):
    assert read_terraform(case) == read_arm(case)


def terraform_would_not_lay_it_out_otherwise(case):
    if not shutil.which("terraform"):
        raise Skip("terraform is not here")
    output(["terraform", "fmt", "-check", "-diff", "-"],
           input=(GOLDEN / f"azure-firewall-terraform/{case}.tf").read_text())


def the_script_says_the_same(case):
    calls = run_script(GOLDEN / f"azure-cli/{case}.sh", empty=True)
    assert read_calls(calls) == without_odd_characters(read_arm(case))


def the_script_makes_what_is_missing_and_replaces_its_group(case):
    def words(empty):
        calls = run_script(GOLDEN / f"azure-cli/{case}.sh", empty)
        return [command.removeprefix("network firewall policy ") for command, _ in calls
                if "collection-group collection" not in command]

    assert words(True) == ["extension add", "show", "create", "rule-collection-group show",
                           "rule-collection-group create"]
    assert words(False) == ["extension add", "show", "update", "rule-collection-group show",
                            "rule-collection-group delete", "rule-collection-group create"]


def shellcheck_has_nothing_to_say(case):
    if not shutil.which("shellcheck"):
        raise Skip("shellcheck is not here")
    # SC1003, SC2016: what looks like an escape or expansion in single quotes is somebody's words.
    output(["shellcheck", "--exclude=SC1003,SC2016", str(GOLDEN / f"azure-cli/{case}.sh")])


TESTS = (the_arm_template_satisfies_the_schema, the_arm_template_has_no_property_that_the_schema_does_not_know,
         the_arm_template_refers_to_parameters_that_it_has, what_azure_limits_is_within_the_limits,
         descriptions_are_what_was_written, bicep_says_the_same, terraform_says_the_same,
         terraform_would_not_lay_it_out_otherwise, the_script_says_the_same,
         the_script_makes_what_is_missing_and_replaces_its_group, shellcheck_has_nothing_to_say)


def run_test(test):
    """What went wrong, case by case; Skip when it can be tried with no case."""
    wrong, skips = [], []
    for case in CASES:
        try:
            test(case)
        except Skip as skip:
            skips.append(skip)
        except Exception as error:  # noqa: whatever a consumer finds
            wrong.append(f"{case}: {type(error).__name__}: {error}")
    if len(skips) == len(CASES):
        raise skips[0]
    return wrong


def main():
    failed = False
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        try:
            wrong = run_test(test)
        except Skip as skip:
            print(f"ok {number} - {test.__name__} # SKIP {skip}")
            continue
        print(f"{'not ' if wrong else ''}ok {number} - {test.__name__}")
        for line in "\n".join(wrong).splitlines():
            print(f"# {line}")
        failed |= bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
