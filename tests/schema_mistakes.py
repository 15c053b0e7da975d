"""The mistakes of tests/schemas.py: one change each to the file that has every key, and who refuses it."""

REFUSED = "refused by both"
TAKEN = "taken by both"
ONLY_PROGRAM = "refused by the program alone"


class Plain:
    """A value as it is written in the file, without quotes."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


GONE = Plain("(left out)")


def each(verdict, path, *values):
    """A line a value; the path as in collections[0].rules[1].name."""
    keys = tuple(int(key) if key.isdecimal() else key for key in path.replace("[", ".").replace("]", "").split("."))
    return [(keys if path else (), value, verdict) for value in values]


SHAPES = (5, "word", [], {}, None, True)  # of which most are wrong at any place
LONG_NAME = ".".join(["a" * 63] * 3 + ["b" * 61])  # 253 bytes


def prefixes(path, words=REFUSED):
    """A list; `words` says who refuses what could be the name of a service tag."""
    return [
        *each(words, path, ["a.example"], ["eth0"]),
        *each(TAKEN, path, ["192.0.2.1"], ["192.0.2.0/24"], ["0.0.0.0/0"], ["::/0"], ["2001:db8::/32"], ["::1"],
              ["::ffff:192.0.2.1"], ["1:2:3:4:5:6:7:8/128"], ["1:2:3:4:5:6:7::"]),
        *each(REFUSED, path, *SHAPES[:2], SHAPES[3], [""], [5], [["192.0.2.1"]], ["192.0.2"], ["192.0.2.256"],
              ["192.0.2.01"], ["192.0.2.0/33"], ["192.0.2.0/024"], ["192.0.2.0/"], ["192.0.2.0/-1"],
              ["2001:db8::/129"], ["2001::db8::"], ["1:2:3:4:5:6:7:8:9"], ["12345::"], ["::1%eth0"], ["[::1]"],
              [" 192.0.2.1"], ["192.0.2.1:53"]),
        # bits beyond the length
        *each(ONLY_PROGRAM, path, ["192.0.2.1/24"], ["2001:db8::1/32"]),
    ]


def endpoints(path):
    return [
        *each(TAKEN, path, ["192.0.2.1"], ["192.0.2.1:1"], ["192.0.2.1:65535"], ["::1"], ["[::1]"], ["[::1]:53"]),
        *each(REFUSED, path, *SHAPES[:2], SHAPES[3], [53], ["localhost"], ["192.0.2.1:"], ["192.0.2.1:0"],
              ["192.0.2.1:65536"], ["192.0.2.1:053"], ["[192.0.2.1]"], ["[::1]:"], ["[::1"], ["::1]:53"],
              ["192.0.2.0/24"], ["*:53"], ["192.0.2.1"] * 50),
    ]


def switches(path):
    return [
        *each(TAKEN, path, True, False),
        *each(REFUSED, path, "true", "yes", Plain("yes"), 0, 1, [], {}, None),
        # editors take every spelling of YAML, the program one
        *each(ONLY_PROGRAM, path, Plain("True"), Plain("FALSE")),
    ]


def numbers(path, least, most):
    return [
        *each(TAKEN, path, least, most),
        *each(REFUSED, path, least - 1, most + 1, -1, 1.5, str(least), "many", [], {}, None, True),
        *each(ONLY_PROGRAM, path, Plain(f"+{least}"), Plain(hex(least)), Plain(f"{least}.0")),
    ]


def words(path, *good):
    return [
        *each(TAKEN, path, *good),
        *each(REFUSED, path, good[0].upper(), good[0] + "s", "", 5, [good[0]], {}, None, True),
    ]


def texts(path):
    return [
        *each(TAKEN, path, "x", "für", 5, 1.5, True, "true", "~", "x" * 4096),
        *each(REFUSED, path, "", "x" * 4097, [], {}, None, Plain("Null"), Plain("~")),
        *each(ONLY_PROGRAM, path, "ü" * 4000),  # more bytes than letters
    ]


def labels(path):
    return [
        *each(TAKEN, path, "a", "A.b-c_9", "-", 443, "443", True, "x" * 64),
        *each(REFUSED, path, "", "a b", "a/b", "ü", "x" * 65, [], {}, None, GONE),
    ]


def names(path, *more):
    """Exact names in a list."""
    return [
        *each(TAKEN, path, ["a"], ["a.example"], ["A.Example."], ["_a.b-c.example"], ["xn--bcher-kva.example"],
              ["bücher.example"], ["a" * 63 + ".example"], [LONG_NAME], [LONG_NAME + "."]),
        *each(REFUSED, path, "a.example", 5, {}, [], None, [""], ["."], ["a..b"], ["a b"], ["a/b"],
              ["https://a.example"], ["a.example:443"], ["192.0.2.1"], ["127.1"], ["a.0x7f"], ["a.1"], ["::1"],
              ["a" * 64 + ".example"], [LONG_NAME + "b"], [["a.example"]], [None], ["a.*.example"], ["*a*.example"],
              ["www.example.*"], ["**"], *more),
        *each(ONLY_PROGRAM, path, ["a\u2100.example"]),  # what IDNA does not allow
    ]


def patterns(path):
    return [
        *names(path, ["*."], ["*.1"], ["*" + "a" * 64 + ".example"], ["a*." + LONG_NAME], ["." + LONG_NAME]),
        *each(TAKEN, path, ["*"], ["*.example"], [".example"], ["md-*.a.example"], ["*-md.a.example"],
              ["a*b.example."], ["*" + "a" * 63 + ".example"], ["*." + LONG_NAME[2:]]),
    ]


CONFIG = [
    # the whole
    *each(REFUSED, "", "word", 5, [], None, True),
    *each(TAKEN, "collections", [], GONE),
    *each(TAKEN, "network", {}, GONE),
    *each(REFUSED, "clutser", {}),
    *[mistake for section in ("cluster", "network", "dns", "explicit", "log", "state", "capacity")
      for mistake in each(REFUSED, section, 5, "word", [], None, {"no-such-key": 1})],
    *each(REFUSED, "collections", 5, "word", {}, None, [5], [None], [{}]),

    # cluster
    *texts("log.file"), *texts("state.directory"), *texts("state.socket"),
    *each(REFUSED, "cluster.catalog", "", [], {}, None),
    *each(ONLY_PROGRAM, "cluster.catalog", "absent.yaml", "../config/tags.json", 5),
    *each(REFUSED, "cluster.edition", "24-05-20", "2030-1-1", "", [], {}, None, "----------"),
    *each(ONLY_PROGRAM, "cluster.edition", "2030-01-02"),
    *each(ONLY_PROGRAM, "cluster.cloud", "moon"),
    *each(REFUSED, "cluster.cloud", "", [], {}, None),
    *each(TAKEN, "cluster.region", "eastus2", "usgovvirginia", "a" * 63),
    *each(REFUSED, "cluster.region", "East US", "eastUS", "east-us", "", "2eastus", 5, [], {}, None, "a" * 64),
    *each(ONLY_PROGRAM, "cluster.service_tags", "absent.json", "tags-china.json", "every-key.yaml"),
    *each(REFUSED, "cluster.service_tags", "", [], {}, None),
    *[(("cluster", "api_server"), value[0], verdict) for _, value, verdict in names("")
      if isinstance(value, list) and value and not isinstance(value[0], list)],
    *[mistake for key in ("private", "konnectivity", "recommended", "corrections", "pods_use_api_server_address",
                          "nodes_before_march_2021") for mistake in switches(f"cluster.{key}")],
    *each(TAKEN, "cluster.custom_dns", [], ["192.0.2.1"], ["::1"]),
    *each(REFUSED, "cluster.custom_dns", "192.0.2.1", {}, [5], ["192.0.2.0/24"], ["192.0.2.1:53"], ["a.example"],
          ["[::1]"], None),
    *prefixes("cluster.region_prefixes"), *each(TAKEN, "cluster.region_prefixes", []),
    *each(TAKEN, "cluster.features", []),
    *each(REFUSED, "cluster.features", "gpu", {}, None, ["gpu"] * 33, [["gpu"]], [None]),
    *each(ONLY_PROGRAM, "cluster.features", ["no-such-feature"]),
    # without a catalogue of one's own the words are those of the program's
    *[((), {"cluster": cluster}, REFUSED) for cluster in (
        {"cloud": "moon"}, {"edition": "1999-01-01"}, {"features": ["no-such-feature"]}, {"edition": "2024-5-20"})],
    *[((), {"cluster": cluster}, TAKEN) for cluster in (
        {"region": "eastus"}, {"region": "eastus", "cloud": "public"}, {"region": "eastus", "edition": "2024-05-20"},
        {"region": "eastus", "edition": Plain("2024-05-20")})],

    # collections
    *labels("collections[0].name"), *each(REFUSED, "collections[0].name", "aks-fqdn"),
    *each(ONLY_PROGRAM, "collections[0].name", "team-network"),  # there twice
    *numbers("collections[0].priority", 100, 65000),
    *words("collections[0].action", "allow", "deny"),
    *each(REFUSED, "collections[0].kind", "network", "nat", 5, [], None, GONE),
    *[mistake for key in ("priority", "action", "rules") for mistake in each(REFUSED, f"collections[1].{key}", GONE)],
    *each(TAKEN, "collections[0].rules", []),
    *each(REFUSED, "collections[0].rules", 5, "word", {}, None, [5], [{}], [None]),
    *each(REFUSED, "collections[0].no-such-key", 1),

    # application rules
    *labels("collections[0].rules[0].name"), *texts("collections[0].rules[0].purpose"),
    *prefixes("collections[0].rules[0].sources"),
    *each(TAKEN, "collections[0].rules[0].sources", ["*"], GONE),
    *each(REFUSED, "collections[0].rules[0].sources", [], ["*", "192.0.2.1"], ["*", "*"], "*"),
    *patterns("collections[0].rules[0].fqdns"), *each(REFUSED, "collections[0].rules[0].fqdns", GONE),
    *each(TAKEN, "collections[0].rules[0].protocols", ["http"], ["https"], ["http:1"], ["https:65535"],
          ["http", "http"]),
    *each(REFUSED, "collections[0].rules[0].protocols", GONE, [], "https", None, ["tcp"], ["https:0"], ["https:65536"],
          ["https:"], ["HTTPS"], ["http:80x"], ["https:0443"], [443], [["https"]], ["https:443-444"]),
    *words("collections[0].rules[0].quic", "deny", "inspect"),
    *words("collections[0].rules[0].no_sni", "deny", "allow"),
    *words("collections[0].rules[0].ech", "outer", "deny"),
    *each(REFUSED, "collections[0].rules[0].ports", [443]),
    *each(REFUSED, "collections[0].rules[0].destinations", ["*"]),

    # network rules
    *labels("collections[1].rules[0].name"), *texts("collections[1].rules[0].purpose"),
    *prefixes("collections[1].rules[0].destinations", words=ONLY_PROGRAM),  # no such tag
    *each(TAKEN, "collections[1].rules[0].destinations", ["*"], GONE, ["storage", "AzureCloud.eastus"]),
    *each(REFUSED, "collections[1].rules[0].destinations", [], ["*", "192.0.2.1"], ["a b"], ["tag:Storage"]),
    *each(ONLY_PROGRAM, "collections[1].rules[0].destinations", ["Storrage"]),
    *prefixes("collections[1].rules[0].sources"),
    *names("collections[1].rules[0].fqdns", ["*"], ["*.example"], [".example"]),
    *each(TAKEN, "collections[1].rules[0].fqdns", GONE),
    *each(TAKEN, "collections[1].rules[0].protocols", ["tcp"], ["udp", "tcp"], ["tcp", "tcp"]),
    *each(REFUSED, "collections[1].rules[0].protocols", GONE, [], "tcp", None, ["sctp"], ["TCP"], ["tcp:22"], [6],
          ["icmp"], ["any"], ["tcp", "icmp"]),  # the rule has ports
    *each(TAKEN, "collections[1].rules[0].ports", ["*"], [1], [65535], ["1-65535"], [443, "443"]),
    *each(REFUSED, "collections[1].rules[0].ports", GONE, [], 22, "22", None, [0], [65536], ["0"], ["65536"], ["80-"],
          ["-80"], ["a"], ["80-65536"], ["80-90-100"], ["022"], [22.5], [-22], [True], [[22]], ["*", 22], ["tcp:22"]),
    *each(ONLY_PROGRAM, "collections[1].rules[0].ports", ["90-80"], [Plain("0x16")], [Plain("22.0")], [Plain("022")]),
    *[(("collections", 1, "rules"), [{"name": "a", **rule}], verdict) for rule, verdict in (
        ({"destinations": ["192.0.2.1"], "protocols": ["icmp"]}, TAKEN),
        ({"destinations": ["192.0.2.1"], "protocols": ["any"], "ports": ["*"]}, TAKEN),
        ({"destinations": ["192.0.2.1"], "protocols": ["tcp", "any"], "ports": [22]}, REFUSED),
        ({"protocols": ["icmp"]}, REFUSED),
        ({"fqdns": ["a.example"], "protocols": ["tcp"]}, REFUSED))],
    (("collections", 1, "rules"), [{"name": "a", "fqdns": ["a.example"], "protocols": ["icmp"]}] * 2, ONLY_PROGRAM),

    # network
    *each(TAKEN, "network.inside", {}),
    *each(REFUSED, "network.inside", [], 5, None, {"source": []}),
    *each(TAKEN, "network.inside.interfaces", [], ["eth0.100"], ["a@b"], ["x" * 15], [0]),
    *each(REFUSED, "network.inside.interfaces", "eth1", {}, None, ["eth 1"], ["x" * 16], ["../x"], [".x"], [""],
          [["eth1"]], ["eth1"] * 17, ["eth1:0"]),
    *prefixes("network.inside.sources"),
    *each(TAKEN, "network.snat", "masquerade", "none", "192.0.2.1", ["192.0.2.1"], ["2001:db8::1", "192.0.2.1"]),
    *each(REFUSED, "network.snat", "masquerad", "ADDRESS", "", [], {}, None, 5, "192.0.2.0/24", ["masquerade"],
          ["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8::2"], ["192.0.2.1", "2001:db8::1", "192.0.2.2"]),
    *each(ONLY_PROGRAM, "network.snat", "127.0.0.1"),  # cannot be a source
    *prefixes("network.private_destinations"), *prefixes("network.special_exceptions"),
    *words("network.on_stop", "keep", "flush"), *words("network.forwarding", "set", "leave"),
    *words("network.revoked_flows", "cut", "keep"),

    # the rest
    *endpoints("dns.listen"), *endpoints("dns.upstreams"), *endpoints("explicit.listen"),
    *switches("dns.intercept"), *words("dns.answer", "refused", "nxdomain"), *words("dns.resolve", "allowed", "any"),
    *[mistake for key in ("dns.grace", "dns.stale_after") for mistake in (
        *each(TAKEN, key, "1s", "1000ms", "1m", "1h", "01m"),
        *each(REFUSED, key, 60, "60", "s", "1 s", "1d", "1.5h", "-1s", "1H", "", [], {}, None),
        *each(ONLY_PROGRAM, key, "25h", "99999999999999999999999s"))],  # its bounds
    *each(TAKEN, "dns.budget", {}), *each(REFUSED, "dns.budget", [], 5, "off", None, {"names": 1}),
    *numbers("dns.budget.new_names", 0, 1000000), *numbers("dns.budget.burst", 32, 1000000),
    *each(TAKEN, "workers", 1, 64, "auto", Plain("auto")),
    *each(REFUSED, "workers", 0, 65, "4", "many", [], {}, None, True, 1.5),
    *[mistake for key in ("pins", "flows", "sessions", "admissions")
      for mistake in numbers(f"capacity.{key}", 64, 16777216)],
]

ENTRY, OTHER = "sections[0].entries[0]", "sections[1].entries[0]"  # of a network and an application rule
CATALOG = [
    *each(REFUSED, "", "word", 5, [], {}, None, True),
    *each(REFUSED, "no-such-key", 1),
    *each(REFUSED, "edition", "24-05-20", "2030-1-1", "next year", "----------", 20300101, "", [], None, GONE),
    *each(TAKEN, "edition", Plain("2030-01-01")),
    *texts("title"), *each(REFUSED, "title", GONE),
    *each(REFUSED, "clouds", 5, "word", {}, [], None, GONE, [5], [{}]),
    *[mistake for key in ("name", "title", "service_tags", "api_server") for mistake in each(
        REFUSED, f"clouds[0].{key}", GONE, "", [], {}, None)],
    *each(REFUSED, "clouds[0].no-such-key", 1),
    *patterns("clouds[0].api_server"),
    *each(ONLY_PROGRAM, "clouds[0].name", "moon"),  # sections speak of public
    *each(REFUSED, "features", 5, "word", {}, [], None, [5], [{}], [{"name": "gpu"}], [{"title": "GPU"}]),
    *each(REFUSED, "features[0].no-such-key", 1),
    *each(ONLY_PROGRAM, "features", GONE, [{"name": "other", "title": "Other"}]),
    *each(REFUSED, "features[1].instead_of", "", [], {}, None),
    *each(ONLY_PROGRAM, "features[1].instead_of", "gpu-by-tag", "gpus"),  # itself, none
    *each(TAKEN, "clouds[0].region_codes", GONE, {}, {"eastus2": "e2"}),
    *each(REFUSED, "clouds[0].region_codes", [], "eastus", None, {"East US": "eastus"}, {"eastus": "East US"},
          {"eastus": ["a"]}, {"eastus": None}, {"eastus": ""}, {"": "eastus"}, {"2eastus": "eastus"}),
    *each(REFUSED, "sections", 5, "word", {}, [], None, GONE, [5], [{}]),
    *[mistake for key in ("title", "clouds", "need", "kind", "entries") for mistake in each(
        REFUSED, f"sections[0].{key}", GONE, "", 5 if key != "title" else [], {}, None)],
    *each(REFUSED, "sections[0].no-such-key", 1),
    *words("sections[0].need", "required", "recommended", "optional"),
    *each(REFUSED, "sections[0].kind", "application", "nat"),
    *each(REFUSED, "sections[1].kind", "network"),
    *each(REFUSED, "sections[0].feature", "", [], None), *each(ONLY_PROGRAM, "sections[0].feature", "gpus", 5),
    *each(REFUSED, "sections[0].clouds", [], "public", [["public"]], [None]),
    *each(ONLY_PROGRAM, "sections[0].clouds", ["moon"], [5]),
    *each(TAKEN, "sections[0].entries", []),
    *each(REFUSED, "sections[0].entries", [5], [{}], [None], {}),
    *each(TAKEN, "sections[0].unread", [], GONE),
    *each(REFUSED, "sections[0].unread", "t", {}, None, [5], [{}], [{"row": 1, "line": 1}]),
    *numbers("sections[0].unread[0].row", 1, 1000), *numbers("sections[0].unread[0].line", 1, 10000000),
    *texts("sections[0].unread[0].text"), *each(REFUSED, "sections[0].unread[0].text", GONE),
    *each(REFUSED, f"{ENTRY}.no-such-key", 1),
    *each(TAKEN, f"{ENTRY}.id", "a", "a-9", "-", 9, True, "x" * 64),
    *each(REFUSED, f"{ENTRY}.id", "", "A", "a b", "a.b", "a_b", "x" * 65, [], {}, None, GONE),
    (("sections", 0, "entries"), [{"id": "a", "destinations": ["*"], "ports": ["tcp:1"], "purpose": "p"}] * 2,
     ONLY_PROGRAM),
    *numbers(f"{ENTRY}.row", 1, 1000), *each(TAKEN, f"{ENTRY}.row", GONE),
    *each(REFUSED, f"{ENTRY}.clouds", [], "public", None), *each(ONLY_PROGRAM, f"{ENTRY}.clouds", ["moon"]),
    *each(TAKEN, f"{ENTRY}.destinations", ["*"], ["tag:Storage"], ["name:a.example"], ["name:bücher.example"]),
    *each(REFUSED, f"{ENTRY}.destinations", GONE, [], "*", None, ["api-servr"], ["tag:"], ["name:"], ["name:*.example"],
          ["name:192.0.2.1"], ["name:a b"], ["192.0.2.1"], [["*"]], [5], ["name:<region>.<region>.example"],
          ["name:<location>.example"]),
    *each(REFUSED, f"{ENTRY}.names", ["a.example"]),
    *each(REFUSED, f"{OTHER}.destinations", ["*"]),
    *patterns(f"{OTHER}.names"), *each(REFUSED, f"{OTHER}.names", GONE),
    *each(TAKEN, f"{OTHER}.names", ["<region>.a.example"], ["a-<region>-b.example"], ["*.<region>"],
          ["md-*-<region>.example"]),
    *each(REFUSED, f"{OTHER}.names", ["<location>.example"], ["<region>.<region>.example"], ["<region.example"],
          ["<Region>.example"]),
    *each(TAKEN, f"{ENTRY}.ports", ["tcp:1"], ["udp:65535"], ["tcp:1", "tcp:1"]),
    *each(REFUSED, f"{ENTRY}.ports", GONE, [], "tcp:1", None, ["tcp:0"], ["tcp:65536"], ["tcp:01"], ["tcp:"], ["tcp"],
          ["icmp"], [1], ["https:443"], ["tcp:1-2"], ["tcp:*"], ["udp:1x"], ["TCP:1"], ["tcp: 1"], ["tcp:+1"],
          ["tcp:99999999999999999999999"]),
    *each(TAKEN, f"{OTHER}.ports", ["http:1"], ["https:65535"]),
    *each(REFUSED, f"{OTHER}.ports", ["tcp:443"], ["https"], ["https:0"], ["https:0443"], [443], []),
    *[mistake for key in ("when", "unless", "corrected_when", "corrected_unless") for mistake in (
        *each(TAKEN, f"{ENTRY}.{key}", GONE, ["private"], ["feature:gpu", "custom-dns"]),
        *each(REFUSED, f"{ENTRY}.{key}", [], "private", {}, None, ["privat"], ["feature:"], [5], [["private"]]),
        *each(ONLY_PROGRAM, f"{ENTRY}.{key}", ["feature:gpus"]))],
    *switches(f"{OTHER}.correction"),
    *each(REFUSED, f"{OTHER}.row", 1), *each(REFUSED, f"{OTHER}.note", GONE),
    *each(REFUSED, f"{ENTRY}.correction", True),
    # the note says why a condition is corrected
    *each(REFUSED, f"{ENTRY}.note", GONE),
    *[(("sections", 0, "entries", 0),
       {"id": "a", "destinations": ["*"], "ports": ["tcp:1"], "purpose": "p", **more}, verdict) for more, verdict in (
           ({}, TAKEN), ({"correction": True, "note": "n"}, TAKEN), ({"correction": True}, REFUSED),
           ({"corrected_when": ["private"]}, REFUSED), ({"corrected_unless": ["private"]}, REFUSED))],
    *texts(f"{ENTRY}.purpose"), *each(REFUSED, f"{ENTRY}.purpose", GONE), *texts(f"{ENTRY}.note"),
]

# Files under tests/golden that the program refuses for what it alone can know.
ONLY_PROGRAM_FILES = (
    "tests/golden/config/cluster-catalog.yaml",  # the catalogue that it names is broken
    "tests/golden/config/features.yaml",  # a feature that its own catalogue does not have
    "tests/golden/config/cluster-tags-of-another-cloud.yaml",
    "tests/golden/config/cluster-without-features.yaml",  # its own catalogue has none
    "tests/golden/catalog/twice.yaml",  # a cloud, a feature
    "tests/golden/config/tags-without-file.yaml",  # a service tag, and no file of them
)
