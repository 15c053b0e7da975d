"""Checks that every header under src/ compiles alone."""

import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def compiles(compiler, root, header):
    command = [*compiler, "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
               f"-I{root}/src", f"-I{root}/defs", "-include", str(header), "-x", "c", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return header, done.returncode, done.stderr


def main(root, compiler):
    headers = sorted((pathlib.Path(root) / "src").rglob("*.h"))
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda h: compiles(compiler, root, h), headers))
    failed = [(header, text) for header, code, text in results if code]
    for header, text in failed:
        print(f"{header} does not compile alone:\n{text}")
    print(f"{len(headers) - len(failed)} headers compile alone, {len(failed)} do not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
