"""Checks that includes run downward only (docs/architecture.md, "Who may include whom")."""

import pathlib
import re
import sys

# module -> what it may include besides itself
LAYERS = {
    "base": set(),
    "sandbox": {"base"},
    "wire": {"base"},
    "loop": {"base"},
    "name": {"base", "wire"},
    "proto": {"base", "wire"},
    "yaml": {"base"},
    "policy": {"base", "name"},
    "pins": {"base", "name"},
    "tags": {"base"},
    "catalog": {"base", "name", "yaml", "policy", "tags"},
    "config": {"base", "name", "yaml", "policy", "tags", "catalog"},
    "export": {"base", "name", "policy", "catalog"},
    "import": {"base", "name", "yaml", "policy", "tags", "catalog", "config"},
    "observe": {"base", "name", "policy", "loop"},
    "resolve": {"base", "wire", "name", "proto", "policy", "loop", "pins", "observe"},
    "kernel": {"base", "wire", "loop"},
    "inspect": {"base", "wire", "name", "proto", "policy", "loop", "pins", "observe", "resolve",
                "kernel"},
    "proxy": {"base", "wire", "name", "proto", "policy", "loop", "pins", "observe", "resolve"},
    "gateway": None,  # knows all but cli
    "cli": None,
}


def module_of(path):
    return path.split("/")[0]


def main(root):
    source = pathlib.Path(root) / "src"
    complaints = []
    for file in sorted(source.rglob("*.[ch]")):
        relative = file.relative_to(source).as_posix()
        if "/" not in relative:
            continue  # main.c may include anything
        module = module_of(relative)
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            where = f"src/{relative}:{number}"
            if target.endswith(".def") or "/" not in target:
                continue  # defs/ lists and generated files are for everyone
            other = module_of(target)
            if other == "cli" and module != "cli":
                complaints.append(f"{where}: nothing may include cli ({target})")
            elif other != module and LAYERS[module] is not None and other not in LAYERS[module]:
                complaints.append(f"{where}: {module} may not include {target}")
            if target.endswith("_impl.h") and pathlib.PurePath(target).parent != \
                    pathlib.PurePath(relative).parent:
                complaints.append(f"{where}: {target} is private to its folder")
    print("\n".join(complaints) or "includes run downward only")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
