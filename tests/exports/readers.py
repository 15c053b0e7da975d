"""What nftables, Squid, HAProxy, Envoy and Suricata do with a flow by their configuration, as far as exports use
their languages: read from their manuals, knowing nothing of sallyport's code. A word that is not known here is
a failure, so that nothing of an export goes unread.
"""

import ipaddress
import re

import yaml

from judge import UniqueKeys


def inside(address, prefix):
    network = ipaddress.ip_network(prefix)
    return ipaddress.ip_address(address).version == network.version and ipaddress.ip_address(address) in network


def mapped(address):
    """As products see it that keep all addresses as IPv6."""
    number = int(ipaddress.ip_address(address))
    return number if ":" in address else number | 0xffff << 32


def inside_mapped(address, prefix):
    """Squid: IPv4 is ::ffff:0:0/96, so that an IPv6 prefix can hold it."""
    base, _, length = prefix.partition("/")
    bits = int(length) + (0 if ":" in base else 96)
    return (mapped(address) ^ mapped(base)) >> (128 - bits) == 0


def redirects(text):
    """{port of the rules: port listened on}"""
    pairs = re.findall(r"# redirect tcp port (\d+) to port (\d+)\n\s*(?:frontend|- name:) (tls|http)_(\d+)\n", text)
    assert pairs and all(port == again for port, _, _, again in pairs), pairs
    assert len({listen for _, listen, _, _ in pairs}) == len(pairs)
    return {(kind, int(port)): int(listen) for port, listen, kind, _ in pairs}


# ---------------------------------------------------------------------------- nftables

class Nft:
    """A table with one chain and named sets; `names`: for which names resolve-names.sh fills a set."""

    def __init__(self, text, script=""):
        self.sets, self.rules, self.policy = {}, [], None
        self.names = {}
        for name, v4, v6 in re.findall(r"^put (\S+) (\S+) (\S+)$", script, re.M):
            assert v4[:-1] == v6[:-1] and (v4[-1], v6[-1]) == ("4", "6")
            self.names.setdefault(v4, set()).add(name)
            self.names.setdefault(v6, set()).add(name)
        text = re.sub(r"^\s*#.*\n", "", text, flags=re.M)
        for name, family, body in re.findall(r"set (\w+) \{\s*type ipv([46])_addr\n(.*?)\n\t\}", text, re.S):
            assert name not in self.sets and name[-1] == family
            self.sets[name] = re.findall(r"[0-9a-f:.]+/\d+", body.split("elements", 1)[1]) if "elements" in body else []
        chain = re.search(r"chain \w+ \{\n(.*?)\n\t\}", text, re.S).group(1)
        for line in chain.splitlines():
            line = line.strip()
            if line.startswith("type filter hook"):
                self.policy = re.search(r"policy (\w+);", line).group(1)
            else:
                self.rules.append(line)

    def holds(self, name, address, label):
        if name in self.names:
            return label in self.names[name]
        return any(inside(address, prefix) for prefix in self.sets[name])

    def matches(self, line, flow, source):
        family = "6" if ":" in flow.address else "4"
        rest = line
        while rest:
            if m := re.match(r"meta nfproto ipv([46]) ?", rest):
                fits = m.group(1) == family
            elif m := re.match(r"(ip6?) ([sd])addr (!= )?@(\w+) ?", rest):
                fits = (m.group(1) == "ip6") == (family == "6") and self.holds(
                    m.group(4), source if m.group(2) == "s" else flow.address, flow.name) != bool(m.group(3))
            elif m := re.match(r"(tcp|udp) dport \{ ([0-9, -]+) \} ?", rest):
                fits = flow.transport == m.group(1) and any(
                    int(one.split("-")[0]) <= flow.port <= int(one.split("-")[-1]) for one in m.group(2).split(", "))
            elif m := re.match(r"meta l4proto (tcp|udp|icmp|ipv6-icmp) ?", rest):
                fits = m.group(1) == {"icmp": {"4": "icmp", "6": "ipv6-icmp"}[family]}.get(flow.transport, flow.transport)
            elif m := re.match(r"ct state (established|invalid) |ct state related meta l4proto \{ icmp, ipv6-icmp \} ", rest):
                fits = False  # a new flow
            elif m := re.match(r"meta skuid != \$envoy ", rest):
                fits = False  # it is Envoy that dials
            elif m := re.match(r'(counter )?(accept|drop|reject with tcp reset)$|counter comment "denied"$', rest):
                return m.group(2) or "none"
            else:
                raise AssertionError(f"not known: {rest} in {line}")
            if not fits:
                return None
            rest = rest[m.end():]
        raise AssertionError(f"no verdict in {line}")

    def allows(self, flow, source):
        for line in self.rules:
            verdict = self.matches(line, flow, source)
            if verdict and verdict != "none":
                return verdict == "accept"
        return self.policy == "accept"


# ---------------------------------------------------------------------------- Squid

class Squid:
    def __init__(self, text):
        self.acls, self.access, self.bump = {}, [], []
        for line in text.splitlines():
            words = line.split()
            if not words or line.startswith("#"):
                continue
            if words[0] == "acl":
                kind, values = words[2], [word for word in words[3:] if not word.startswith("-")]
                assert values, line
                assert words[1] not in self.acls or self.acls[words[1]][0] == kind
                self.acls.setdefault(words[1], (kind, []))[1].extend(values)
                if kind in ("dstdom_regex", "ssl::server_name_regex"):
                    assert "-i" in words
                if kind.startswith("dstdom"):
                    assert "-n" in words
            elif words[0] in ("http_access", "ssl_bump"):
                (self.access if words[0] == "http_access" else self.bump).append(words[1:])
            else:
                assert words[0] in ("http_port", "https_port", "host_verify_strict", "cache", "forwarded_for",
                                    "pinger_enable", "shutdown_lifetime"), line
        assert "host_verify_strict on" in text

    def matches(self, name, request):
        if name.startswith("!"):
            return not self.matches(name[1:], request)
        if name in ("all", "CONNECT", "manager"):
            return {"all": True, "CONNECT": request["method"] == "CONNECT", "manager": False}[name]
        kind, values = self.acls[name]
        if kind in ("src", "dst"):
            return any(inside_mapped(request[kind], value) for value in values)
        if kind in ("port", "localport"):
            return any(int(value.split("-")[0]) <= request[kind] <= int(value.split("-")[-1]) for value in values)
        if kind in ("dstdomain", "ssl::server_name"):
            assert not any(value.startswith(".") for value in values)
            return request["host" if kind == "dstdomain" else "name"].lower().rstrip(".") in values
        if kind in ("dstdom_regex", "ssl::server_name_regex"):
            shown = request["host" if kind == "dstdom_regex" else "name"]
            return any(re.search(value, shown, re.I) for value in values)
        if kind == "req_header":
            assert values == ["Host", "."]
            return bool(request["header"])
        return request[{"myportname": "by", "proto": "scheme", "at_step": "step"}[kind]] in values

    def first(self, rules, request):
        for action, *acls in rules:
            if all(self.matches(acl, request) for acl in acls):
                return action
        raise AssertionError("nothing matches")

    def allows(self, flow, source, shown, redirected, port=None, header=True):
        """`port`: in the URL, where it is not the one connected to. `header`: is there a Host?"""
        request = {"src": source, "dst": flow.address, "port": port or flow.port, "scheme": "HTTP", "step": None,
                   "localport": flow.port if redirected else 3128, "method": "GET", "host": shown.rstrip("."),
                   "name": "", "header": shown if header else "", "by": "redirected_http" if redirected else "3128"}
        if flow.protocol == "http":
            return self.first(self.access, request) == "allow"
        if flow.protocol != "https":
            return False
        request["method"], request["by"] = "CONNECT", "redirected_tls" if redirected else "3128"
        if redirected:  # first by its address
            request["host"] = flow.address
        if self.first(self.access, request) != "allow":
            return False
        request.update(step="SslBump1", name=request["host"])
        assert self.first(self.bump, request) == "peek"
        request.update(step="SslBump2", name=shown or request["host"])
        if self.first(self.bump, request) != "splice":
            return False
        if redirected and shown:
            request["host"] = shown
        return self.first(self.access, request) == "allow"


# ---------------------------------------------------------------------------- HAProxy

class HAProxy:
    def __init__(self, text):
        self.frontends = {}
        self.listens = redirects(text) if "# redirect" in text else {}
        lines = None
        for line in text.splitlines():
            if line and not line.startswith((" ", "#")):
                lines = self.frontends.setdefault(line.split()[1], []) if line.startswith("frontend ") else []
            elif line.strip() and not line.strip().startswith("#"):
                assert len(line) < 2048 and len(line.split()) <= 64, line
                lines.append(line.split())

    @staticmethod
    def address(sample, value):
        """Patterns of either family are tried, IPv4 inside IPv6 as IPv4 too."""
        address, network = ipaddress.ip_address(sample), ipaddress.ip_network(value)
        if address.version == network.version and address in network:
            return True
        if address.version == 4:
            return network.version == 6 and ipaddress.ip_address(f"::ffff:{sample}") in network
        hidden = address.ipv4_mapped or address.sixtofour
        return network.version == 4 and hidden is not None and hidden in network

    def acl(self, words, facts):
        fetch, *rest = words
        if fetch in ("always_true", "WAIT_END"):
            return True
        if fetch == "method":
            return facts["method"] in rest
        if fetch == "req.ssl_hello_type":
            return "sni" in facts and rest == ["1"]
        how, values = "ip" if fetch == "src" else "str", []
        while rest:
            word = rest.pop(0)
            if word == "-m":
                how = rest.pop(0)
            elif word != "-i":
                values.append(word)
        sample = facts.get({"req.ssl_sni": "sni", "var(txn.host)": "host", "src": "src", "var(txn.rule)": "rule",
                            "var(txn.address)": "address", "req.hdr_cnt(host)": "hosts",
                            "req.hdr(host)": "header"}[fetch])
        if how == "found":
            return sample is not None
        if sample is None:
            return False
        if values[0] == "eq":
            return str(sample) == values[1]
        sample = str(sample)
        test = {"ip": self.address, "beg": lambda a, b: a.startswith(b), "str": lambda a, b: a.lower() == b,
                "end": lambda a, b: a.lower().endswith(b), "reg": lambda a, b: re.search(b, a, re.I | re.A)}[how]
        return any(test(sample, value) for value in values)

    def condition(self, words, acls, facts):
        words = list(words)
        while words:
            word = words.pop(0)
            wanted = not word.startswith("!")
            word = word.lstrip("!")
            if word == "{":
                end = words.index("}")
                found, words = self.acl(words[:end], facts), words[end + 1:]
            elif word == "WAIT_END":
                found = True
            else:
                found = any(self.acl(acl, facts) for acl in acls[word])
            if bool(found) != wanted:
                return False
        return True

    def allows(self, flow, source, shown, port=None):
        kind = {"https": "tls", "http": "http"}.get(flow.protocol)
        name = f"{kind}_{flow.port}"
        if kind is None or name not in self.frontends:
            return False
        facts = {"src": source, "method": "GET", "hosts": 1, "resolved": flow.address,
                 "header": f"{shown}:{port}" if port else shown}
        facts |= {"sni": shown} if kind == "tls" else {}
        acls = {}
        for line in self.frontends[name]:
            if line[0] == "acl":
                acls.setdefault(line[1], []).append(line[2:])
                continue
            if line[0] not in ("tcp-request", "http-request"):
                assert line[0] in ("bind", "mode", "option", "default_backend"), line
                continue
            action = line[2:] if line[1] in ("content", "connection") else line[1:]
            where = action.index("if") if "if" in action else len(action)
            if not self.condition(action[where + 1:], acls, facts):
                continue
            if action[0] in ("reject", "deny"):
                return False
            if action[0].startswith("set-var(txn.host)"):
                assert action[1] == "req.hdr(host),field(1,:),lower"
                facts["host"] = shown.lower()
            elif action[0].startswith("set-var(txn.rule)"):
                facts["rule"] = action[1]
            elif action[0].startswith("do-resolve(txn.address,system,"):
                facts.setdefault("address", facts["resolved"])
            elif action[0] == "set-dst":
                facts["dialled"] = True
            else:
                assert action[0] in ("inspect-delay", "set-dst-port", "del-header"), line
        return "dialled" in facts


# ---------------------------------------------------------------------------- Envoy

class Envoy:
    def __init__(self, text, guard):
        self.config = yaml.load(text, Loader=UniqueKeys)
        self.listens = redirects(text) if "# redirect" in text else {}
        self.guard = Nft(guard) if guard else None

    def listener(self, kind, port):
        for listener in self.config["static_resources"]["listeners"]:
            if listener["name"] == f"{kind}_{port}":
                assert listener["address"]["socket_address"]["port_value"] == self.listens[kind, port]
                return listener
        return None

    @staticmethod
    def from_source(chain, source):
        ranges = chain["filter_chain_match"].get("source_prefix_ranges")
        return ranges is None or any(inside(source, f"{one['address_prefix']}/{one['prefix_len']}") for one in ranges)

    @staticmethod
    def best(candidates, shown):
        """Exact, then the longest suffix, then what names nothing: the index of the best; None: none."""
        shown = shown.lower()
        found = [(len(name) + 1000 * (name == shown), index) for index, name in candidates
                 if name == shown or name == "*" or (name[:1] == "*" and shown.endswith(name[1:]) and
                                                     len(shown) > len(name) - 1)]
        return max(found)[1] if found else None

    def tls(self, listener, source, shown):
        chains = listener["filter_chains"]
        names = [(index, name) for index, chain in enumerate(chains)
                 for name in chain["filter_chain_match"].get("server_names", ["*"])]
        assert len(names) == len({name for _, name in names}), "Envoy refuses two chains that match alike"
        index = self.best(names, shown)
        if index is None or not self.from_source(chains[index], source):
            return False
        for one in chains[index]["filters"]:
            if one["name"] == "envoy.filters.network.rbac":
                rules = one["typed_config"]["rules"]
                regex = rules["policies"]["named"]["permissions"][0]["requested_server_name"]["safe_regex"]["regex"]
                assert rules["action"] == "ALLOW"
                if not re.fullmatch(regex, shown, re.A):
                    return False
        dialling = [one["typed_config"] for one in chains[index]["filters"] if "sni_dynamic" in one["name"]]
        return bool(dialling and shown) and dialling[0]["port_value"]

    def http(self, listener, source, host):
        chain, = listener["filter_chains"]
        if not self.from_source(chain, source):
            return False
        manager = chain["filters"][0]["typed_config"]
        hosts = manager["route_config"]["virtual_hosts"]
        domains = [(index, name) for index, one in enumerate(hosts) for name in one["domains"]]
        assert len(domains) == len({name for _, name in domains}), "Envoy refuses a domain that is there twice"
        index = self.best(domains, host)
        if index is None:
            return False
        route, = hosts[index]["routes"]
        for header in route["match"].get("headers", []):
            if not re.fullmatch(header["string_match"]["safe_regex"]["regex"], host, re.A):
                return False
        return "route" in route and int(host.partition(":")[2] or 80)

    def allows(self, flow, source, shown, port=None):
        kind = {"https": "tls", "http": "http"}.get(flow.protocol)
        listener = kind and self.listener(kind, flow.port)
        if not listener:
            return False
        if kind == "tls":
            dialled = self.tls(listener, source, shown)
        else:
            port = port or ("" if flow.port == 80 else flow.port)
            dialled = self.http(listener, source, f"{shown}:{port}" if port else shown)
        if not dialled:
            return False
        assert dialled == flow.port, f"{dialled} is dialled for {flow}"
        return self.guard.allows(flow, "127.0.0.1")


# ---------------------------------------------------------------------------- Suricata

class Suricata:
    HEADER = re.compile(r"(pass|drop) (tls|http|tcp|udp|icmp|ip) (\S+) (\S+) -> (\S+) (\S+) \((.*)\)")
    OPTION = re.compile(r'\s*([a-z_.-]+)(?::((?:!?"[^"\\;|]*(?:\\[.][^"\\;|]*)*")|[^;"]+))?;')
    KNOWN = {"flow", "tls.sni", "http.host", "content", "startswith", "endswith", "nocase", "pcre", "msg", "sid", "rev",
             "ssl_state", "app-layer-protocol", "stream_size", "ip_proto"}

    def __init__(self, text):
        self.rules = []
        sids = set()
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            assert len(line) < 8192, len(line)
            match = self.HEADER.fullmatch(line)
            assert match, line
            *header, body = match.groups()
            options = self.options(body)
            names = [name for name, _ in options]
            assert set(names) <= self.KNOWN, line
            assert names[-3:] == ["msg", "sid", "rev"] and names.count("sid") == 1
            assert dict(options)["sid"] not in sids, line
            sids.add(dict(options)["sid"])
            if "http.host" in names:
                assert "nocase" not in names and "/i\"" not in body, "Suricata refuses this on http.host"
            self.rules.append((*header, options))

    def options(self, body):
        found, at = [], 0
        while at < len(body):
            match = self.OPTION.match(body, at)
            assert match, body[at:]
            found.append((match.group(1), match.group(2)))
            at = match.end()
        return found

    @staticmethod
    def in_list(text, test):
        if text == "any":
            return True
        words = text.strip("[]").split(",")
        assert len(words) == len(set(words)) and all(words), text
        return (any(test(word) for word in words if word[0] != "!") and
                not any(test(word[1:]) for word in words if word[0] == "!"))

    def content(self, options, buffer):
        """Each content or pcre with the modifiers that follow it."""
        groups = []
        for name, value in options:
            if name in ("content", "pcre"):
                groups.append((name, value, set()))
            elif name in ("startswith", "endswith", "nocase"):
                groups[-1][2].add(name)
        for name, value, modifiers in groups:
            wanted, value = not value.startswith("!"), value.lstrip("!").strip('"')
            if name == "pcre":
                regex, flags = value[1:].rsplit("/", 1)
                found = bool(re.search(regex, buffer, re.A | (re.I if flags == "i" else 0)))
            else:
                held = buffer.lower() if "nocase" in modifiers else buffer
                assert "endswith" in modifiers
                found = held == value if "startswith" in modifiers else held.endswith(value)
            if found != wanted:
                return False
        return True

    def matches(self, rule, packet):
        _, protocol, source, _, to, port, options = rule
        layers = {"ip", packet["transport"], packet.get("app")}
        if protocol not in layers or not self.in_list(source, lambda one: inside(packet["source"], one)) or \
                not self.in_list(to, lambda one: inside(packet["address"], one)):
            return False
        if packet["transport"] in ("tcp", "udp"):
            if not self.in_list(port, lambda one: int(one.split(":")[0]) <= packet["port"] <= int(one.split(":")[-1])):
                return False
        else:
            assert port == "any"
        names = [name for name, _ in options]
        for name, value in options:
            if name == "flow":
                if ("not_established" in value and packet["established"]) or (
                        "established" in value.split(",") and not packet["established"]):
                    return False
            elif name == "ssl_state" and packet.get("app") != "tls":
                return False
            elif name == "app-layer-protocol" and packet.get("app", "failed") == value[1:]:
                return False
            elif name == "ip_proto" and {"1": "icmp", "58": "icmp", "6": "tcp", "17": "udp"}[value[1:]] == packet["transport"]:
                return False
            elif name == "stream_size":
                return False  # little has been sent
        if "tls.sni" in names or "http.host" in names:
            return bool(packet["shown"]) and self.content(options, packet["shown"])
        return True

    def verdict(self, packet, ordered):
        matched = [rule[0] for rule in self.rules if self.matches(rule, packet)]
        if not ordered:
            matched.sort(key=["pass", "drop"].index)
        return not matched or matched[0] == "pass"

    def allows(self, flow, source, shown):
        packet = {"transport": flow.transport, "source": source, "address": flow.address, "port": flow.port,
                  "established": False, "shown": ""}
        packets = [packet]
        if flow.transport == "tcp":
            data = packet | {"established": True, "shown": shown.lower() if flow.protocol == "http" else shown}
            if flow.protocol in ("https", "http"):
                data["app"] = {"https": "tls", "http": "http"}[flow.protocol]
            packets.append(data)
        both = [all(self.verdict(one, ordered) for one in packets) for ordered in (True, False)]
        assert both[0] == both[1], f"the order of rules matters: {flow}"
        return both[0]
