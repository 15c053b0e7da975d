#!/usr/bin/python3
"""usage: tests/documents.py [--write] SOURCE_ROOT

Compares the documents with what the code says, so that nothing is written twice by hand:
  - man/sallyport.8 against defs/reasons.def (its list of reasons is made by --write), the tables of verbs
    and options in src/cli, the fields of a log line and the figures of `status`;
  - man/sallyport.yaml.5 and sallyport.example.yaml against the readers' tables in src/config;
  - docs/catalogue.md against the readers' tables in src/catalog and the newest edition's features;
  - README.md, docs/architecture.md, docs/catalogue.md and docs/reliability.md against the tree: files, functions and chains that
    they name must be there, and the map of modules must say what tests/layering.py enforces;
  - docs/*.md against the tests: a test that is named as `file::test` must be there;
  - README.md's first example against what the program prints, docs/export.md against the list of targets;
  - both manual pages by `mandoc -T lint`, where mandoc is installed.
Exit 0 when all agree, 1 otherwise.
"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import layering  # noqa: E402

BEGIN, END = '.\\" reasons: begin\n', '.\\" reasons: end\n'

# A table of keys in src/config -> where it stands in the file. A new table needs a line here.
KEY_TABLES = {
    "config.c:s_fields": "",
    "config.c:s_log_fields": "log.",
    "config.c:s_state_fields": "state.",
    "cluster.c:s_fields": "cluster.",
    "rules.c:s_collection_fields": "collections[].",
    "application_rule.c:s_application_fields": "application[].",
    "network_rule.c:s_network_fields": "network[].",
    "network.c:s_inside_fields": "network.inside.",
    "network.c:s_network_fields": "network.",
    "network.c:s_dns_fields": "dns.",
    "network.c:s_budget_fields": "dns.budget.",
    "network.c:s_explicit_fields": "explicit.",
    "network.c:s_capacity_fields": "capacity.",
}


def read(root, path):
    return (root / path).read_text()


def differences(what, documented, known):
    for word in sorted(set(known) - set(documented)):
        yield f"{what}: {word} is missing"
    for word in sorted(set(documented) - set(known)):
        yield f"{what}: {word} is not in the code (any more)"


def items(page, macro):
    """The words that stand behind a macro in the heads of a page's lists: `.It Va source , Va destination`."""
    words = []
    for head in re.findall(r"^\.It (.*)$", page, re.M):
        if head.startswith(macro + " "):
            words += [word for word in head.split() if word not in (macro, ",")]
    return words


def section(page, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.M | re.S).group(1)


# Reasons

def reasons(definitions):
    """[(heading or None, [(word, sentence)])] in the order of the .def file; headings are its comments."""
    groups = [(None, [])]
    for line in definitions.splitlines():
        heading = re.fullmatch(r"/\* (.*?) \*/", line)
        entry = re.fullmatch(r'REASON\(\w+, "(\w+)", "(.*)"\)', line)
        if heading:
            groups.append((heading.group(1), []))
        elif entry:
            groups[-1][1].append(entry.groups())
        elif line.startswith("REASON"):
            raise SystemExit(f"defs/reasons.def: not understood: {line}")
    return [group for group in groups if group[1]]


def reason_list(definitions):
    lines = []
    for heading, entries in reasons(definitions):
        heading = (heading or "others").replace(": ", ", because of ").replace("deny", "To deny").replace(
            "allow", "To allow")
        lines += [".Pp", f"{heading}:", ".Bl -tag -width name_address_mismatch -compact"]
        for word, sentence in entries:
            lines += [f".It Li {word}", sentence]
        lines.append(".El")
    return "\n".join(wrap(line) for line in lines) + "\n"


def wrap(line):
    if len(line) <= 78 or line.startswith("."):
        return line
    cut = line.rfind(" ", 0, 78)
    return line[:cut] + "\n" + wrap(line[cut + 1:])


def with_reasons(page, definitions):
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + reason_list(definitions) + END + after


def check_reasons(root):
    page = read(root, "man/sallyport.8")
    if page != with_reasons(page, read(root, "defs/reasons.def")):
        yield "man/sallyport.8: its reasons are not those of defs/reasons.def: tests/documents.py --write ."


# Verbs, options, log fields, figures

def check_command_line(root):
    page = read(root, "man/sallyport.8")
    options = re.findall(r'^\t\{"([a-z-]+)", (?:0|\'(.)\'), OPTION_', read(root, "src/cli/arguments.c"), re.M)
    verbs = re.findall(r'^\t\{"([a-z]+)", CLI_', read(root, "src/cli/cli.c"), re.M)
    documented = re.findall(r"^\.It (?:Fl (.) , )?Fl -([a-z-]+)", section(page, "OPTIONS"), re.M)
    if not options or not verbs:
        yield "src/cli: the tables of verbs and options have another form: change tests/documents.py"
    yield from differences("man/sallyport.8: option", (f"-{letter} --{name}" for letter, name in documented),
                           (f"-{letter} --{name}" for name, letter in options))
    yield from differences("man/sallyport.8: verb", items(section(page, "VERBS"), "Cm"),
                           verbs + ["version", "help"])
    synopsis = re.findall(r"^\.Cm ([a-z]+)", section(page, "SYNOPSIS"), re.M)
    yield from differences("man/sallyport.8: synopsis of", synopsis, verbs + ["version"])


def check_log_fields(root):
    page = read(root, "man/sallyport.8")
    code = read(root, "src/observe/event_line.c")
    known = re.findall(r'add_(?:string|optional|number|flag|endpoint)\(&?line, "(\w+)"', code)
    known += re.findall(r'\{\\"(\w+)\\":', code)  # the first one
    yield from differences("man/sallyport.8: log field", items(section(page, "VERDICTS"), "Va"), known)


def check_figures(root):
    figures = section(read(root, "man/sallyport.8"), "FIGURES")
    code = read(root, "src/gateway/status.c")
    for word in sorted(set(re.findall(r'\\"(\w+)\\":', code))):
        if not re.search(rf"\b{word}\b", figures):
            yield f"man/sallyport.8: figure {word} of src/gateway/status.c is missing"


# Keys of the configuration

def known_keys(root):
    for file in sorted((root / "src/config").glob("*.c")):
        for name, body in re.findall(r"struct yaml_field (\w+)\[\] = \{\n(.*?)\n\};", file.read_text(), re.S):
            table = f"{file.name}:{name}"
            if table not in KEY_TABLES:
                raise SystemExit(f"src/config/{table}: a new table of keys: add it to KEY_TABLES in {__file__}")
            for key in re.findall(r'(?:\.key = |SECTION\(|SWITCH\()"(\w+)"|CAPACITY\((\w+)\)', body):
                yield KEY_TABLES[table] + (key[0] or key[1])


def check_keys(root):
    page = read(root, "man/sallyport.yaml.5")
    known = set(known_keys(root))
    inner = {key.rpartition(".")[0].replace("[]", "") for key in known}
    sections = {key for key in known if key in inner and "." not in key}
    yield from differences("man/sallyport.yaml.5: key", items(page, "Cm"), known - sections)
    for name in sections:
        if f".Sh {name.upper()}" not in page and "CAPACITY" not in name.upper():
            yield f"man/sallyport.yaml.5: section {name} is missing"
    example = read(root, "sallyport.example.yaml")
    for key in sorted(known):
        if not re.search(rf"^[ #-]*{key.rpartition('.')[2]}:", example, re.M):
            yield f"sallyport.example.yaml: key {key} is missing"


def check_catalogue(root):
    """docs/catalogue.md names each key of an edition's file, and each feature of the newest."""
    page = read(root, "docs/catalogue.md")
    for file in sorted((root / "src/catalog").glob("*.c")):
        for key in re.findall(r'\.key = "(\w+)"', file.read_text()):
            if not re.search(rf"`{key}`|^[ -]*{key}:", page, re.M):
                yield f"docs/catalogue.md: key {key} is missing"
    newest = max((root / "catalog").glob("*.yaml")).read_text()
    features = newest.partition("\nfeatures:\n")[2].partition("\nsections:\n")[0]
    for feature in re.findall(r"- name: (\S+)", features):
        for document in ("docs/catalogue.md", "man/sallyport.yaml.5"):
            if feature not in read(root, document):
                yield f"{document}: feature {feature} is missing"


# Documents about the code

def check_names(root):
    """What stands in backticks must be there: files, functions, chains and other words of the code."""
    sources = "\n".join(file.read_text() for folder in ("src", "defs", "tests") for file in
                        sorted((root / folder).rglob("*")) if file.suffix in (".c", ".h", ".def", ".py"))
    words = set(re.findall(r"\w+", sources))
    for document in ("README.md", "docs/architecture.md", "docs/catalogue.md", "docs/reliability.md"):
        text = re.sub(r"^```.*?^```", "", read(root, document), flags=re.M | re.S)
        links = re.findall(r"\]\(([^):#]+)\)", text)
        for link in links:
            if not ((root / document).parent / link).exists():
                yield f"{document}: the link to {link} leads nowhere"
        for quoted in sorted(set(re.findall(r"`([^`\n]+)`", text))):
            if re.match(r"(src|tests|defs|man|docs|catalog|packaging|tools)/", quoted):
                if not list(root.glob(quoted.split()[0].rstrip("/"))):
                    yield f"{document}: there is no {quoted}"
            elif re.fullmatch(r"[a-z]+/[a-z_/]+\.[ch]", quoted):
                if not (root / "src" / quoted).exists():
                    yield f"{document}: there is no src/{quoted}"
            elif re.fullmatch(r"[a-z_0-9]+\(\)", quoted):
                if quoted[:-2] not in words:
                    yield f"{document}: there is no function {quoted}"
            elif re.fullmatch(r"[a-z0-9]+_[a-z_0-9]+|[A-Z]+_[A-Z_]+", quoted):
                if quoted not in words:
                    yield f"{document}: nothing in the code is called {quoted}"


def tests_in(text):
    """What a document may name of a test file: functions, cmocka's when they stand in a list too, the story's
    steps."""
    names = set(re.findall(r"^def (\w+)\(", text, re.M))
    names |= {name for name in re.findall(r"^static void (\w+)\(void \*\*state\)", text, re.M)
              if re.search(rf"\(\s*{name}\b(?!\(void)", text)}
    return names | set(re.findall(r'Step\("([\d.]+)"', text))


def check_tests(root):
    """`folder/file::test`, with or without tests/ before it, is a test that runs."""
    for document in sorted((root / "docs").glob("*.md")):
        for file, name in re.findall(r"`(?:tests/)?([\w/]+\.(?:c|py))::([^`]+)`", document.read_text()):
            path = root / "tests" / file
            if not path.exists():
                yield f"docs/{document.name}: there is no tests/{file}"
            elif name not in tests_in(path.read_text()):
                yield f"docs/{document.name}: tests/{file} has no test {name}"


def check_layers(root):
    text = read(root, "docs/architecture.md")
    rows = dict(re.findall(r"^\| `src/(\w+)/` \|.*\| ([^|]*) \|$", text, re.M))
    yield from differences("docs/architecture.md: module", rows, layering.LAYERS)
    for module, allowed in layering.LAYERS.items():
        words = "all but cli" if allowed is None else ", ".join(
            name for name in layering.LAYERS if name in allowed) or "nothing"
        if module in rows and rows[module] != words:
            yield f"docs/architecture.md: {module} may include: {words} (not: {rows[module]})"


# Examples and targets

def check_readme_example(root):
    """README's first screen shows some of the lines that the program prints."""
    readme = read(root, "README.md")
    command = "$ sallyport rules --cloud public --region eastus --feature monitor\n"
    golden = read(root, "tests/golden/cli/rules-feature.txt").splitlines()
    if command not in readme:
        yield f"README.md: the example {command.strip()} is missing"
        return
    for line in readme.split(command)[1].split("```")[0].splitlines():
        if line.strip() != "…" and line not in golden:
            yield f"README.md: the program does not print: {line}"
    rules = sum(line.startswith("  allow") for line in golden)
    if f"({rules} rules;" not in readme:
        yield f"README.md: the example has {rules} rules"


def check_targets(root):
    targets = re.findall(r'^EXPORT_TARGET\(\w+, "([a-z-]+)"', read(root, "defs/export_targets.def"), re.M)
    document = read(root, "docs/export.md") if (root / "docs/export.md").exists() else ""
    yield from differences("docs/export.md: target", re.findall(r"^\| `([a-z-]+)` \|", document, re.M), targets)


def check_with_mandoc(root):
    if not shutil.which("mandoc"):
        print("mandoc is not installed: the form of the manual pages was not checked")
        return
    for page in ("man/sallyport.8", "man/sallyport.yaml.5"):
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "style", root / page], capture_output=True, text=True)
        for line in (lint.stdout + lint.stderr).splitlines():
            # which other pages this machine has is not ours to judge
            if "referenced manual not found" not in line and "mandoc.db" not in line:
                yield line


CHECKS = (check_reasons, check_command_line, check_log_fields, check_figures, check_keys, check_catalogue,
          check_names, check_tests, check_layers, check_readme_example, check_targets,
          check_with_mandoc)


def main(arguments):
    root = pathlib.Path(arguments[-1])
    if arguments[0] == "--write":
        page = root / "man/sallyport.8"
        page.write_text(with_reasons(page.read_text(), read(root, "defs/reasons.def")))
    complaints = [complaint for check in CHECKS for complaint in check(root)]
    print("\n".join(complaints) or "the documents say what the code says")
    return 1 if complaints else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
