#!/usr/bin/python3
"""usage: tests/schemas.py [--write] SOURCE_ROOT [PROGRAM]

Holds schemas/*.schema.json to what the program takes. The program is the judge: it is run, its answer and the
schema's are compared.
  - The schemas are good draft-07, and the lists in them that come from catalog/ are those of catalog/
    (made by --write).
  - What the program says is allowed (keys, words, numbers, lengths of lists) is what the schema says, at every
    place of a file that has every key. So a key or word that is new in the program is missed here.
  - Files of the tree are taken by both, or by neither.
  - What importers write fits.
  - Mistakes made one at a time in a good file (tests/schema_mistakes.py) are refused by both.
Exit 0 when all agree, 1 otherwise, 77 when python3-jsonschema or python3-yaml is not installed.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}; install python3-jsonschema and python3-yaml")
    sys.exit(77)

import schema_mistakes  # noqa: E402

# What importers write: the kind, of which files, fits what.
IMPORTS = (("aks-article", "tests/golden/import/*.md", "catalog"),
           ("aks-api", "tests/golden/import/aks-*.json", "config"),
           ("azure-firewall", "tests/golden/import/azure-*.json", "config"))
SCHEMAS = {"config": "schemas/sallyport.schema.json", "catalog": "schemas/catalog.schema.json"}
EVERY_KEY = {"config": "tests/golden/config/every-key.yaml", "catalog": "tests/golden/catalog/every-key.yaml"}
# lists whose length says something else than "at most N": "*" alone, one address of each family
OTHER_LENGTHS = (1, 2)
# words beside other forms, which the program does not list as words
OTHER_WORDS = (["*"], ["auto"], [])


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: no dates, no yes and no."""
    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        """Keys are words."""
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


for tag, form, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
        ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789"))):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{form})\Z"), first)
Loader.add_constructor("tag:yaml.org,2002:map", Loader.construct_mapping)
Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(
    node.value, 0 if node.value.startswith(("0x", "0o")) else 10))


def load_yaml(text):
    """None also for what is no YAML: it fits no schema."""
    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError:
        return None


class Judges:
    """The program and the schema of one kind of file."""

    def __init__(self, root, program, kind, scratch):
        self.root, self.program, self.kind, self.scratch = root, program, kind, scratch
        self.schema = json.loads((root / SCHEMAS[kind]).read_text())
        self.validator = jsonschema.Draft7Validator(self.schema)
        self.base = load_yaml((root / EVERY_KEY[kind]).read_text())

    def ask_file(self, file):
        """All that the program says when it reads the file, and whether it takes it."""
        profile = ["--config"] if self.kind == "config" else ["--region=eastus", "--catalog"]
        done = subprocess.run([self.program, "rules", *profile, file], capture_output=True, text=True, timeout=30,
                              check=False)
        if done.returncode not in (0, 2):
            raise SystemExit(f"{self.program} ended with {done.returncode}: {done.stderr}")
        return done.returncode == 0, done.stderr

    def ask(self, text):
        """As ask_file(), of a text."""
        file = self.scratch / "config" / "mistake.yaml"
        file.write_text(text, encoding="utf-8")
        return self.ask_file(file)

    def fits(self, document):
        return self.validator.is_valid(document)

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.schema["definitions"][schema["$ref"].rpartition("/")[2]]
        return schema

    def applied(self, schema, value):
        """The schemas that speak about a value: through $ref, allOf, anyOf and the branch of an if."""
        if schema is True or schema is False:
            return
        schema = self.resolve(schema)
        yield schema
        for part in schema.get("allOf", []) + schema.get("anyOf", []):
            yield from self.applied(part, value)
        if "if" in schema:
            holds = jsonschema.Draft7Validator({**schema["if"], "definitions": self.schema["definitions"]})
            yield from self.applied(schema.get("then" if holds.is_valid(value) else "else", True), value)

    def places(self, schemas=None, value=None, path=()):
        """(path, value, schemas that speak about it) for every place of the base document."""
        if schemas is None:
            schemas, value = [self.schema], self.base
        schemas = [part for schema in schemas for part in self.applied(schema, value)]
        yield path, value, schemas
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            inner = [schema["properties"][key] if isinstance(value, dict) else schema["items"]
                     for schema in schemas
                     if (key in schema.get("properties", {}) if isinstance(value, dict) else "items" in schema)]
            yield from self.places(inner, value[key], (*path, key))


def changed(document, path, value):
    """A copy with another value at a path; schema_mistakes.GONE takes it out."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    if len(path) == 1 and value is schema_mistakes.GONE:
        del copy[path[0]]
    elif isinstance(copy, dict):
        copy[path[0]] = changed(copy.get(path[0]), path[1:], value)
    else:
        copy[path[0]] = changed(copy[path[0]], path[1:], value)
    return copy


def written(document):
    """JSON is YAML; a schema_mistakes.Plain stands there as it is, without quotes."""
    text = json.dumps(document, ensure_ascii=False,
                      default=lambda plain: f"\x01{plain.text}\x02")
    return re.sub('"\\\\u0001(.*?)\\\\u0002"', r"\1", text)


def name_of(path):
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "(top)"


def difference(judges, path, what, program, schema):
    if program != schema:
        yield (f"{SCHEMAS[judges.kind]}: {name_of(path)}: {what}: the program allows {program}, "
               f"the schema {schema}")


# What is allowed where

def compare_keys(judges, path, schemas):
    _, said = judges.ask(written(changed(judges.base, (*path, "no-such-key"), 1)))
    allowed = re.search(r"'no-such-key'; allowed here: (.*)", said)
    known = set().union(*(schema.get("properties", {}) for schema in schemas))
    yield from difference(judges, path, "keys", sorted(allowed.group(1).split(", ")) if allowed else said,
                          sorted(known))
    if not any(schema.get("additionalProperties") is False for schema in schemas):
        yield f"{SCHEMAS[judges.kind]}: {name_of(path)}: additionalProperties is not false"


def compare_words(judges, path, schema):
    _, said = judges.ask(written(changed(judges.base, path, "no-such-word")))
    allowed = re.search(r"'no-such-word'; allowed: (.*)", said)
    words = allowed.group(1).split(", ") if allowed else said
    if allowed:  # capitals stand for something else than a word: ADDRESS, name:FQDN
        words = [word for word in words if word == word.lower()]
    yield from difference(judges, path, "words", sorted(words), sorted(schema["enum"]))


def compare_numbers(judges, path, schema):
    _, said = judges.ask(written(changed(judges.base, path, 99999999999)))
    limits = re.search(r"from (\d+) to (\d+)", said)
    yield from difference(judges, path, "numbers", [int(text) for text in limits.groups()] if limits else said,
                          [schema["minimum"], schema["maximum"]])


def compare_lengths(judges, path, value, schema):
    _, said = judges.ask(written(changed(judges.base, path, (value or ["gpu"]) * 300)))
    limit = re.search(r"at most (\d+) (?:can stand here|clouds|features)", said)
    yield from difference(judges, path, "at most", int(limit.group(1)) if limit else said, schema["maxItems"])


def compare_texts(judges, path, schema):
    _, said = judges.ask(written(changed(judges.base, path, "x" * 5000)))
    limit = re.search(r"1 to (\d+) bytes", said)
    yield from difference(judges, path, "bytes of a text", int(limit.group(1)) if limit else said,
                          schema["maxLength"])


def check_allowed(judges):
    """Each place once; what the schema limits anywhere must have been compared somewhere."""
    compared, seen = [], set()
    for path, value, schemas in judges.places():
        if isinstance(value, dict) and not any("patternProperties" in schema for schema in schemas):
            seen |= {(id(schema), key) for schema in schemas for key in value}
            yield from compare_keys(judges, path, schemas)
        for schema in schemas:
            if any(schema is other for other in compared):
                continue
            compared.append(schema)
            if "enum" in schema and schema["enum"] not in OTHER_WORDS:
                yield from compare_words(judges, path, schema)
            if "minimum" in schema:
                yield from compare_numbers(judges, path, schema)
            if "maxItems" in schema and schema["maxItems"] not in OTHER_LENGTHS:
                yield from compare_lengths(judges, path, value, schema)
            if "maxLength" in schema:
                yield from compare_texts(judges, path, schema)
    for schema in parts(judges.schema):
        missed = [key for key in schema.get("properties", {}) if (id(schema), key) not in seen]
        if schema.get("additionalProperties") is False and missed:
            yield f"{EVERY_KEY[judges.kind]}: has no {', '.join(missed)}"
        if says_what_is_allowed(schema) and not any(
                schema is other for other in compared + catalogue_lists(judges.schema)):
            yield f"{EVERY_KEY[judges.kind]}: has no place for {json.dumps(schema)[:150]}"


def says_what_is_allowed(schema):
    return ("minimum" in schema or "maxLength" in schema or schema.get("enum", ["*"]) not in OTHER_WORDS
            or schema.get("maxItems", 1) not in OTHER_LENGTHS)


def parts(schema):
    """Every schema within a schema that says something on its own (not the conditions of an if)."""
    if isinstance(schema, list):
        for part in schema:
            yield from parts(part)
    if isinstance(schema, dict):
        yield schema
        for key, part in schema.items():
            if key not in ("if", "not", "enum", "examples", "required", "default"):
                yield from parts(part)


# The lists that come from the catalogue

def catalogue_words(root):
    editions = [load_yaml(file.read_text()) for file in sorted((root / "catalog").glob("*.yaml"))]

    def named(key):
        return list(dict.fromkeys(item["name"] for edition in editions for item in edition.get(key, [])))
    return {"edition": [edition["edition"] for edition in editions], "cloud": named("clouds"),
            "features": named("features")}


def catalogue_lists(schema):
    """The schemas of the built-in catalogue's words, in the order of catalogue_words()."""
    lists = schema["definitions"].get("cluster", {}).get("else", {}).get("properties", {})
    return [entry.get("items", entry) for entry in lists.values()]


def with_catalogue_words(text, root):
    for key, words in catalogue_words(root).items():
        head = rf'("{key}": (?:\{{"items": )?\{{"enum": )\[.*?\]'
        text, count = re.subn(head, lambda match: match.group(1) + json.dumps(words), text, flags=re.S)  # noqa: B023
        if count != 1:
            raise SystemExit(f"{SCHEMAS['config']}: there is no list of {key} to write")
    return text


def check_written(root):
    text = (root / SCHEMAS["config"]).read_text()
    if text != with_catalogue_words(text, root):
        yield (f"{SCHEMAS['config']}: its editions, clouds and features are not those of catalog/: "
               "tests/schemas.py --write .")


# Files and mistakes

def check_files(root, judges):
    files = [("catalog", file) for folder in ("catalog", "tests/golden/catalog")
             for file in (root / folder).glob("*.y*ml")]
    files += [("config", file) for folder in ("tests/golden/config", "tests/golden/cli")
              for file in (root / folder).glob("*.yaml")]
    files += [("config", root / "sallyport.example.yaml"), ("config", root / "tests/lab/gateway.yaml")]
    for kind, file in sorted(files, key=lambda pair: pair[1]):
        name, document = file.relative_to(root).as_posix(), load_yaml(file.read_text())
        by_program, said = judges[kind].ask_file(file)
        by_schema = judges[kind].fits(document)
        if by_program != by_schema and (by_program or name not in schema_mistakes.ONLY_PROGRAM_FILES):
            yield f"{name}: the {'schema' if by_program else 'program'} alone refuses it: " + (
                why(judges[kind], document) if by_program else said)
        if by_program == by_schema and name in schema_mistakes.ONLY_PROGRAM_FILES:
            yield f"{name}: both judge alike: it is no exception (any more)"


def why(judges, document):
    return "; ".join(f"{name_of(error.absolute_path)}: {error.message}"[:200]
                     for error in judges.validator.iter_errors(document))


def check_mistakes(judges, mistakes):
    """Each is (path, value, verdict): REFUSED by both, TAKEN by both, ONLY_PROGRAM refuses it."""
    for path, value, verdict in mistakes:
        text = written(changed(judges.base, path, value))
        by_program, said = judges.ask(text)
        by_schema = judges.fits(load_yaml(text))
        expected = {schema_mistakes.REFUSED: (False, False), schema_mistakes.TAKEN: (True, True),
                    schema_mistakes.ONLY_PROGRAM: (False, True)}[verdict]
        if (by_program, by_schema) != expected:
            words = {True: "takes", False: "refuses"}
            yield (f"{judges.kind} {name_of(path)} = {str(value)[:80]!r} should be {verdict}: the program "
                   f"{words[by_program]} it, the schema {words[by_schema]} it\n  {said.strip()[:300]}")


def check_imports(root, program, judges):
    for kind, files, judge in IMPORTS:
        for file in sorted(root.glob(files)):
            done = subprocess.run([program, "import", kind, file], capture_output=True, text=True, timeout=30,
                                  check=False)
            written_file = load_yaml(done.stdout)
            if done.returncode != 2 and not judges[judge].fits(written_file):
                yield f"import {kind} {file.name}: {why(judges[judge], written_file)}"


def check_head_lines(root):
    """Editors find the schema by a line at the head of a file."""
    for file in [root / "sallyport.example.yaml", *sorted((root / "catalog").glob("*.yaml"))]:
        match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
        if not match or not (file.parent / match.group(1)).exists():
            yield f"{file.name}: its first line does not lead to a schema"


def check(root, program, scratch):
    for folder in ("config", "catalog"):  # the files that the one with every key names are beside it
        shutil.copytree(root / "tests/golden" / folder, scratch / folder)
    judges = {kind: Judges(root, program, kind, scratch) for kind in SCHEMAS}
    for kind, mistakes in (("config", schema_mistakes.CONFIG), ("catalog", schema_mistakes.CATALOG)):
        jsonschema.Draft7Validator.check_schema(judges[kind].schema)
        yield from check_allowed(judges[kind])
        yield from check_mistakes(judges[kind], mistakes)
    yield from check_files(root, judges)
    yield from check_imports(root, program, judges)
    yield from check_written(root)
    yield from check_head_lines(root)


def main(arguments):
    if arguments[0] == "--write":
        root = pathlib.Path(arguments[1])
        schema = root / SCHEMAS["config"]
        schema.write_text(with_catalogue_words(schema.read_text(), root))
        return 0
    root = pathlib.Path(arguments[0]).resolve()
    with tempfile.TemporaryDirectory(prefix="sallyport-") as scratch:
        complaints = list(check(root, pathlib.Path(arguments[1]).resolve(), pathlib.Path(scratch)))
    count = len(schema_mistakes.CONFIG) + len(schema_mistakes.CATALOG)
    print("\n".join(complaints) or f"program and schemas agree, also on {count} mistakes")
    return 1 if complaints else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
