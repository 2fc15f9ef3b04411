"""The command that writes results and cards for other programs."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import plugins
from ..data import forms
from ..progress import Reporter
from ..validation import shown, suggest
from . import values
from .common import CYCLES, FORCE, OUTPUT, QUIET, SEED, Option, OptionGroup, UsageError, add, check_ending

if TYPE_CHECKING:
    from ..cells.physical import PhysicalModel

CARD_FORMATS = (
    *("npz", "verilog-a", "ngspice", "vacask", "aihwkit", "crosssim", "neurosim"),
    *("jumps-ngspice", "jumps-verilog-a"),
)
"""As :data:`frenkel.analysis.exports.cards.FORMATS`, which is not imported for --help."""

FORMATS = """formats of a result (.nc):
  xyz         snapshots for OVITO and ASE
formats of a card (.json), see docs/exports.md:
  npz         arrays and a sampler, for numpy
  verilog-a   module for openvaf and any simulator with OSDI; of a physical model too
  ngspice     subcircuit
  vacask      netlist that cycles devices, with the module in it
  aihwkit     module with a noise model for inference and a device for training
  crosssim    module with a device class
  neurosim    block of parameters, with how well they fit
  jumps-ngspice, jumps-verilog-a
              cells of the jump-process model, each with its own chain of states and waits
"""


def add_commands(commands: Any) -> None:
    """Add "export" to the parser of commands."""
    parser = add(
        commands,
        "export",
        _export,
        "write a result or a card for another program",
        "frenkel export switching.nc --to xyz -o switching.xyz\n"
        "  frenkel export hfo2 --to jumps-ngspice -o hfo2.sub --devices 2 --cycles 20",
        Option(
            "file",
            type=Path,
            metavar="FILE",
            complete=values.results_and_cards,
            help="result (.nc), card, physical model (.json), or name, as hfo2",
        ),
        Option(
            "--to",
            type=_format,
            metavar="FORMAT",
            complete=lambda: ["xyz", *CARD_FORMATS, *plugins.names("exports")],
            help="see below, or examples/plugin; physical model: verilog-a",
        ),
        OUTPUT.but(metavar="OUT", help="default: the name of the file with another ending"),
        FORCE,
        Option("--electrodes", action="store_true", help="xyz: a layer of atoms for each electrode too"),
        OptionGroup(
            "of circuits: cycles that are drawn into the file (ngspice, vacask, jumps-...)",
            Option("--devices", type=int, metavar="N", help="default: 1"),
            CYCLES.but(type=int, help="of each; default: 10 for vacask"),
            SEED.but(help="of the draws (default: 0)"),
        ),
        OptionGroup(
            "of trains of pulses (aihwkit, neurosim)",
            Option(
                "--pulses",
                type=int,
                metavar="N",
                help="from one end of the average cell to the other: 64",
            ),
        ),
        QUIET,
    )
    parser.description = f"{parser.description}\n\n{FORMATS}"


def _format(text: str) -> str:
    """Return a format for the parser: of this package, or of another one."""
    known = ("xyz", *CARD_FORMATS)
    if text not in known:
        others = plugins.names("exports")
        if text not in others:
            raise argparse.ArgumentTypeError(f"must not be {shown(text)}{suggest(text, [*known, *others])}")
    return text


def _export(options: argparse.Namespace) -> None:
    is_card = forms.names_card(options.file)
    if is_card and (model := _physical(options)) is not None:
        print(f"wrote {_module(options, model)}")
        return
    if options.to is None:
        raise UsageError(f"give a format: --to of {', '.join(('xyz', *CARD_FORMATS))}")
    if is_card == (options.to == "xyz"):
        kind, formats = ("card", ", ".join(CARD_FORMATS)) if is_card else ("result", "xyz")
        raise UsageError(f"a {kind} can be written as {formats}, got --to {options.to} for {options.file}")
    if options.electrodes and is_card:
        raise UsageError(f"--electrodes is for xyz, got --to {options.to}")
    _check_numbers(options)
    target = _card(options) if is_card else _result(options)
    print(f"wrote {target}")


def _physical(options: argparse.Namespace) -> "PhysicalModel | None":
    """Return the physical model of a file; None: it is a card."""
    from ..cells import files, physical

    data = files.read(options.file)
    if not physical.is_physical(data):
        return None
    return physical.PhysicalModel.from_dict(data, str(options.file))


def _module(options: argparse.Namespace, model: "PhysicalModel") -> Path:
    """Write a physical model as a Verilog-A module."""
    from ..analysis.exports import physical_circuit
    from ..data import store

    if options.to not in (None, "verilog-a"):
        raise UsageError(f"a physical model can be written as verilog-a, got --to {options.to}")
    numbers = ("devices", "cycles", "seed", "pulses")
    if given := [name for name in numbers if getattr(options, name) is not None]:
        raise UsageError(f"--{given[0]} is for cards, {options.file} is a physical model")
    output = options.output or Path(options.file.name.removesuffix(".json").removesuffix(".physical") + ".va")
    check_ending(output, ".va")
    text = physical_circuit.to_verilog_a(model)
    return store.write_bytes(text.encode(), store.writable(output, force=options.force))


def _result(options: argparse.Namespace) -> Path:
    from ..analysis.results import export
    from ..data import store

    output = options.output or options.file.with_suffix(".xyz")
    device = store.load(options.file)
    check_ending(output, ".xyz")
    return export.save_xyz(device, output, force=options.force, electrodes=options.electrodes)


def _card(options: argparse.Namespace) -> Path:
    from ..analysis.exports import cards as card_exports
    from ..cells.card import Card

    ending = card_exports.ending(options.to)
    output = options.output or Path(options.file.name.removesuffix(".json").removesuffix(".card") + ending)
    check_ending(output, ending)
    draws = None
    if any(getattr(options, name) is not None for name in ("devices", "cycles", "seed")):
        draws = card_exports.ExportDraws(
            devices=options.devices or 1, cycles=options.cycles or 10, seed=options.seed or 0
        )
    card = Card.load(options.file)
    with Reporter(lines=True, quiet=options.quiet) as progress:
        return card_exports.export(
            card,
            options.to,
            output,
            force=options.force,
            draws=draws,
            pulses=options.pulses or 64,
            progress=progress,
        )


def _check_numbers(options: argparse.Namespace) -> None:
    drawing = ("ngspice", "vacask", "jumps-ngspice", "jumps-verilog-a")
    allowed = {
        "devices": (1, drawing),
        "cycles": (1, drawing),
        "seed": (0, drawing),
        "pulses": (3, ("aihwkit", "neurosim")),
    }
    for name, (low, named) in allowed.items():
        value = getattr(options, name)
        if value is None:
            continue
        if value < low:
            raise UsageError(f"--{name} must be at least {low}, got {value}")
        if options.to not in named:
            formats = f"{', '.join(named[:-1])} and {named[-1]}"
            raise UsageError(f"--{name} is for {formats}, got --to {options.to}")
