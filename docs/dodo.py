"""Tasks of `make results`: which command makes each generated table, picture, ensemble and card, and from which inputs.

    make results                    remake what is stale, on all cores; it can be stopped and goes on
    make results DRY=1              list the tasks: stale (R) or up to date (U), and the CPU time of each
    make results TASKS="gallery"    these, with what they depend on

A task is stale when an input has changed: material sets, configurations, programs, or `PHYSICS`. doit (pydoit.org)
keeps the hashes of all inputs in results.json. A commit that changes results on purpose raises `PHYSICS`; a change of
structure leaves it, since it changes no bit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doit.tools import config_changed

PHYSICS = 1
"""Version of the rates and fields behind all results."""

ROOT = Path(__file__).resolve().parents[1]
SETS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "kinetic" / "materials").glob("*.toml"))
DEFAULT, FAST = "kinetic/materials/HfO2.toml", "kinetic/materials/HfO2-fast.toml"
DOIT_CONFIG = {"default_tasks": None, "verbosity": 2, "backend": "json", "dep_file": "docs/results.json"}


def made(
    name: str,
    minutes: float,
    command: str,
    inputs: list[str],
    results: list[str],
    after: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return a task: its CPU time (minutes of one core), command, inputs and results, from the root."""
    return {
        "name": name,
        "doc": f"{minutes:g} CPU minutes: {', '.join(results)}",
        "actions": [f"PATH=$PWD/.venv/bin:$PATH {command}"],
        "file_dep": inputs,
        "targets": results,
        "uptodate": [config_changed(f"{command} {PHYSICS}")],
        "task_dep": list(after),
    }


def task_sets() -> Iterator[dict[str, Any]]:
    """Make tables of all sets of material."""
    yield made(
        "retention", 30, "python docs/retention.py", ["docs/retention.py", *SETS], ["docs/retention.json"]
    )
    yield made(
        "high", 20, "python docs/high_states.py", ["docs/high_states.py", "docs/retention.py", *SETS],
        ["docs/high_states.json"],
    )  # fmt: skip
    yield made(
        "family", 120, "python validation/family_table.py", ["validation/family_table.py", *SETS],
        ["docs/family_table.json"],
    )  # fmt: skip
    tables = ["docs/retention.json", "docs/high_states.json", "docs/family_table.json"]
    yield made(
        "page", 0.2, "python docs/tables.py", ["docs/tables.py", *tables, *SETS], ["docs/materials.md"]
    )
    yield made(
        "sources",
        0.1,
        "python docs/bibliography.py",
        ["docs/bibliography.py", *SETS],
        ["docs/bibliography.md"],
    )


def task_default() -> Iterator[dict[str, Any]]:
    """Make tables and pictures of the default device."""
    programs = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "validation").glob("population_*.py"))
    yield made(
        "population", 240, "python validation/population_table.py --mode quick --material HfO2 --record",
        [DEFAULT, *programs], ["docs/population_table.md", "docs/population_table.json"],
    )  # fmt: skip
    yield made(
        "first", 1, "python docs/pictures.py first_device", [DEFAULT, "examples/first_device.py", "docs/pictures.py"],
        ["docs/first_device.png"],
    )  # fmt: skip
    yield made(
        "film", 5, "python docs/pictures.py film", [DEFAULT, "examples/switching.toml", "docs/pictures.py"],
        ["docs/film.webp"],
    )  # fmt: skip


def task_gallery() -> Iterator[dict[str, Any]]:
    """Make the gallery, a picture of each family."""
    shown = ("switching", "ecm", "fcm", "interfacial", "2d", "organic", "perovskite", "stack_ti_hfo2")
    yield made(
        "all", 20, "python docs/gallery.py", ["docs/gallery.py", *SETS, *(f"examples/{one}.toml" for one in shown)],
        ["docs/gallery.md"],
    )  # fmt: skip


def task_cards() -> Iterator[dict[str, Any]]:
    """Make packaged ensembles and cards."""
    for name, minutes, fit, material in (
        ("jumps", 20, "examples/ensemble_jumps.nc -o src/frenkel/cells/hfo2.card.json --name hfo2", FAST),
        ("mos2", 3, "examples/ensemble_mos2.nc -o src/frenkel/cells/mos2-au.card.json --name mos2-au",
         "kinetic/materials/MoS2-Au.toml"),
    ):  # fmt: skip
        path = f"examples/ensemble_{name}"
        yield made(
            f"{name}_ensemble", minutes, f"frenkel run {path}.toml -o {path}.nc --force", [f"{path}.toml", material],
            [f"{path}.nc"],
        )  # fmt: skip
        yield made(f"{name}_card", 1.5, f"frenkel fit {fit} --force", [f"{path}.nc"], [fit.split()[2]])
    path = "examples/ensemble_cycles"
    yield made(
        "cycles", 60, f"frenkel run {path}.toml -o {path}.nc --force", [f"{path}.toml", FAST], [f"{path}.nc"]
    )


def task_pages() -> Iterator[dict[str, Any]]:
    """Make pictures and blocks of pages by the commands that these name."""
    yield made(
        "figures", 60, "python docs/figures.py", ["docs/figures.py", FAST, "src/frenkel/cells/hfo2.card.json"],
        ["docs/ensemble.png"],
    )  # fmt: skip
    yield made(
        "cells", 4, "python docs/jump_cells.py", ["docs/jump_cells.py", "examples/ensemble_cycles.nc"],
        ["docs/walk_array.png"],
    )  # fmt: skip
    yield made(
        "pairs", 20, "python docs/pulse_pairs.py --picture docs", ["docs/pulse_pairs.py", FAST],
        ["docs/pulse_pairs.json", "docs/pulse_pairs.png"],
    )  # fmt: skip
    yield made(
        "temperature", 1, "python validation/temperature_table.py --write", ["validation/temperature_table.py", FAST],
        ["docs/temperature_table.json"],
    )  # fmt: skip
    yield made(
        "review", 5, "python docs/review.py --examples", ["docs/review.py", "docs/review.toml", FAST],
        ["docs/review.json", "docs/review.md"],
    )  # fmt: skip
    pages = ["docs/options.md", "docs/keys.md", "docs/formats.md", "docs/frenkel.schema.json"]
    yield made("reference", 0.1, "python docs/reference.py", ["docs/reference.py"], pages)
