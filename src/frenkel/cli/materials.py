"""The command for materials: list them, print one with its sources, write one into a file of yours."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
import os
from pathlib import Path
from typing import Any

from . import values
from .common import CHANGES, FORCE, Option, UsageError, add


def add_commands(commands: Any) -> None:
    """Add "materials" to the parser of commands."""
    add(
        commands,
        "materials",
        _materials,
        "list, print or write materials",
        'frenkel materials HfO2 --set "vacancy.migration_barrier=1.3 eV" --write mine.toml',
        Option(
            "name",
            nargs="?",
            metavar="NAME",
            complete=values.materials,
            help="a packaged material, or a file ending in .toml",
        ),
        CHANGES.but(
            help='change a number, such as "vacancy.migration_barrier=1.3 eV"; may be given several times',
        ),
        Option(
            "--write",
            type=Path,
            metavar="FILE.toml",
            help="write the material: all of it, or with --set a few lines that are based on it",
        ),
        Option(
            "--origins",
            action="store_true",
            help="count the numbers of each set by what they come from, energies apart",
        ),
        FORCE,
    )


def _materials(options: argparse.Namespace) -> None:
    from ..kinetic.materials.material import Material
    from ..reports.device import material_list, material_table, origins_table

    if options.name is None:
        if options.changes or options.write:
            raise UsageError("--set and --write need the name of a material")
        if options.origins:
            print(origins_table([Material.load(name) for name in Material.names()]))
            return
        print(material_list([Material.load(name) for name in Material.names()]))
        return
    material, changes = Material.find(options.name), _changes(options)
    if changes:
        material = material.with_changes(changes)
    if options.origins:
        print(origins_table([material]))
    elif options.write is None:
        print(material_table(material))
    else:
        _write(options, changes)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return what --set gives, as a table [material] of a configuration has it."""
    from ..configuration.material import is_number
    from ..configuration.reader import change

    document: dict[str, Any] = {}
    for text in options.changes:
        if is_number(text.partition("=")[0].strip()) is None:
            raise UsageError(f"--set must be SECTION.KEY=VALUE of a material, got {text!r}")
        change(document, text)
    return {key: value for key, value in document.get("material", {}).items() if key != "base"}


def _write(options: argparse.Namespace, changes: dict[str, Any]) -> None:
    """Write the file of a material, or one that is based on it."""
    from ..configuration.material import as_file
    from ..data import store
    from ..kinetic.materials.material import Material

    target: Path = options.write
    if target.suffix != ".toml":
        raise UsageError(f"--write must end in .toml, got {str(target)!r}")
    source = Material.file(options.name)
    if target.resolve() == source.resolve():
        raise UsageError(f"--write must not be the file of the material itself, got {str(target)!r}")
    store.writable(target, force=options.force)
    text = source.read_text(encoding="utf-8")
    if changes:
        comment = f"{options.name} with other numbers; what is not given here is as there."
        base = os.path.relpath(source, target.parent) if options.name.endswith(".toml") else options.name
        text = as_file(base, changes, comment)
    store.write_bytes(text.encode(), target)
    Material.read(target)
    print(f'wrote {target}; in a configuration: material = "{target.name}"')
