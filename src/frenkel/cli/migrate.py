"""The command that makes files of today of earlier ones."""

# Imports inside functions keep numpy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import Any

from .common import FORCE, OUTPUT, Option, add


def add_commands(commands: Any) -> None:
    """Add "migrate" to the parser of commands."""
    add(
        commands,
        "migrate",
        _migrate,
        "convert a file of an earlier frenkel",
        "frenkel migrate switching.nc -o today.nc",
        Option("file", type=Path, metavar="FILE", help="result (.nc), card (.json) or configuration (.toml)"),
        OUTPUT.but(metavar="OUT", help='default: the name of the file with ".today" before its ending'),
        FORCE,
        about="Commit ee91764; the new file has the present format.",
    )


def _migrate(options: argparse.Namespace) -> None:
    from ..migrate import migrate

    target = migrate(options.file, options.output, force=options.force)
    print(f"{options.file} is a file of today already" if target is None else f"wrote {target}")
