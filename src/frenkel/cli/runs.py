"""Commands that take a configuration or a result of any kind: run, show, check, again; and verify."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import Any

from ..data import forms
from ..threads import load_blas_alone
from . import arrays, devices, ensembles, measured, values
from .common import (
    CHANGES,
    CONFIGURATION,
    DATASHEET,
    FORCE,
    FORCE_PICTURE,
    MOVIE,
    OUTPUT,
    PLOT,
    QUIET,
    RESULT,
    RESUME,
    SEED,
    VERBOSE,
    Option,
    UsageError,
    add,
    check_movie,
    check_picture,
    read,
)


def add_commands(commands: Any) -> None:
    """Add "run", "show", "check", "verify" and "again" to the parser of commands."""
    _add_run(commands)
    _add_looks(commands)


def _add_run(commands: Any) -> None:
    add(
        commands,
        "run",
        _run,
        "run a device, an ensemble or an array",
        "frenkel run switching.toml -o switching.nc --plot switching.png --seed 3",
        CONFIGURATION,
        OUTPUT.but(help="result (default: the name of the configuration with .nc, here)"),
        PLOT,
        SEED,
        FORCE.but(help="replace existing files"),
        RESUME,
        Option(
            "--checkpoint",
            type=float,
            default=10.0,
            metavar="SECONDS",
            help="time between checkpoints (default: 10)",
        ),
        CHANGES,
        VERBOSE,
        QUIET,
        ensembles.RUN,
        ensembles.ENGINE,
    )


def _add_looks(commands: Any) -> None:
    """Add what comes before and after a run."""
    add(
        commands,
        "show",
        _show,
        "print and draw what is in a result; print a card",
        "frenkel show switching.nc --plot switching.png --movie switching.html\n"
        "  frenkel show hfo2 --datasheet hfo2.html\n"
        "  frenkel show chip.nc chip.card.json ensemble.nc --datasheet chip.html",
        RESULT.but(
            metavar="FILE",
            complete=values.results_and_cards,
            help="result (.nc), measurements (.nc), card (.json) or its name, such as hfo2",
        ),
        Option(
            "others",
            type=Path,
            nargs="*",
            metavar="OTHER",
            help="with --datasheet of measurements: their card (default: fitted now), and simulated devices",
        ),
        PLOT,
        MOVIE,
        DATASHEET,
        FORCE_PICTURE,
    )
    add(
        commands,
        "check",
        _check,
        "print what a configuration would do",
        "frenkel check switching.toml",
        CONFIGURATION,
        CHANGES,
    )
    add(
        commands,
        "verify",
        _verify,
        "compare this installation with exact results",
        "frenkel verify",
        about="Columns: quantity, theory, ours, deviation, verdict.",
    )
    add(
        commands,
        "again",
        _again,
        "run a result again and compare bit by bit",
        "frenkel again switching.nc",
        RESULT,
        VERBOSE,
        QUIET,
    )


def _run(options: argparse.Namespace) -> int | None:
    if not options.checkpoint >= 0:
        raise UsageError(f"--checkpoint must be at least 0 s, got {options.checkpoint:g}")
    if forms.configures_array(options.file):
        return arrays.run(options)
    code = ensembles.run(options)
    if code is None:
        devices.run(options)
    return code


def _show(options: argparse.Namespace) -> None:
    from ..data import kinds

    measurements = not forms.names_card(options.file) and kinds.kind_of(options.file) == "measured"
    if options.others and not (measurements and options.datasheet is not None):
        raise UsageError(f"{options.others[0]} is taken beside measurements, with --datasheet, only")
    if measurements:
        return measured.show(options)
    if forms.names_card(options.file):
        from . import cards

        return cards.show(options)
    if options.datasheet is not None:
        raise UsageError(f"--datasheet is for cards and measurements, {options.file} is a result")
    check_picture(options.plot, options.force)
    check_movie(options.movie, options.force)
    if not (arrays.show(options) or ensembles.show(options)):
        devices.show(options)
    elif options.movie is not None:
        raise UsageError(
            f"--movie is for the result of one device, {options.file} holds several; "
            "in Python frenkel.open(...).frenkel.member(k).frenkel.film() is one of an ensemble"
        )


def _check(options: argparse.Namespace) -> None:
    if forms.configures_array(options.file):
        return arrays.check(options)
    load_blas_alone()
    from ..reports.plan import plan  # the kernels of a device

    print(plan(read(options.file, options.changes), options.file.parent))


def _verify(_: argparse.Namespace) -> int:
    from ..reports.device import verification_table
    from ..verify.exact import rows

    table = rows()
    print(verification_table(table))
    return 0 if all(row.passed for row in table) else 1


def _again(options: argparse.Namespace) -> int:
    code = arrays.again(options.file)
    return devices.again(options) if code is None else code
