"""The demo's command line."""

import argparse

from .laboratory import take_down


def parse(arguments):
    parser = argparse.ArgumentParser(prog="demo", description="Runs the story of the laboratory and prints it.")
    parser.add_argument("--down", metavar="FOLDER", help="take down what an earlier --keep left")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    if options.down:
        take_down(options.down)
        return 0
    return 2
