"""The command ``frenkel convert``: a quantity in another unit."""

# Imports inside functions keep numpy from loading for other commands.

import argparse
from typing import Any

from .common import Option, add


def add_commands(commands: Any) -> None:
    """Add "convert" to the parser of commands."""
    add(
        commands,
        "convert",
        _convert,
        "print a number in another unit",
        "frenkel convert 5 nm m",
        Option("number", type=float, metavar="NUMBER", help="such as 5"),
        Option("unit", metavar="UNIT", help="such as nm"),
        Option("other", metavar="OTHER", help="such as m"),
    )


def _convert(options: argparse.Namespace) -> None:
    from ..units import convert

    print(f"{convert(options.number, options.unit, options.other):g} {options.other}")
