"""Writes catalogue files into a C source: embed.py OUTPUT.c FILE.yaml ..."""

import pathlib
import sys


def array(number, data):
    lines = [f"static const char s_text_{number}[] = {{"]
    for start in range(0, len(data), 20):
        lines.append("\t" + ", ".join(str(byte if byte < 128 else byte - 256)
                                      for byte in data[start:start + 20]) + ",")
    return "\n".join(lines + ["\t0,", "};", ""])


def main(output, files):
    files = sorted(pathlib.Path(file) for file in files)
    parts = ["/* Made by catalog/embed.py. */", '#include "catalog/embedded.h"', ""]
    parts += [array(number, file.read_bytes()) for number, file in enumerate(files)]
    parts.append("const struct catalog_file catalog_files[] = {")
    parts += [f'\t{{"catalog/{file.name}", s_text_{number}, sizeof(s_text_{number}) - 1}},'
              for number, file in enumerate(files)]
    parts += ["};", "const size_t catalog_file_count = sizeof(catalog_files) / sizeof(*catalog_files);", ""]
    pathlib.Path(output).write_text("\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
