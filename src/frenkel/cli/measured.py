"""Commands of the command line for measurements of a laboratory: read them, compare them."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.measured.quantities import KINDS
from ..progress import Reporter
from .common import (
    FORCE,
    FORCE_PICTURE,
    OUTPUT,
    PLOT,
    READ_VOLTAGE,
    SEED,
    Option,
    UsageError,
    add,
    check_ending,
    check_page,
    check_picture,
    draw,
)

if TYPE_CHECKING:
    from ..analysis.measured.loops import Readout

AT_READ = READ_VOLTAGE.but(
    default="0.1 V", help="at which resistances of loops are taken, such as '0.2 V' (default: 0.1 V)"
)

SERIES = Option(
    "--series-resistance",
    metavar="RESISTANCE",
    help="resistance in series with the devices, such as '7.5 kohm': hrs and lrs are then of the devices, "
    "hrs_terminal and lrs_terminal with it (default: not known, all are at the terminals)",
)
RULE = Option(
    "--rule",
    choices=("half rise", "limit", "largest step"),
    default="half rise",
    metavar="NAME",
    help="where V_SET is on a loop: 'half rise' (default, that of simulated devices), the 'limit', "
    "or the 'largest step' of the conductance",
)


def add_commands(commands: Any) -> None:
    """Add "read" and "compare" to the parser of commands."""
    add(
        commands,
        "read",
        _read,
        "read measurements of a laboratory into one file",
        "frenkel read device1.csv device2.csv -o chip.nc --read-voltage '0.2 V'",
        Option(
            "files",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="exports of instruments, text, Excel, MATLAB, also .gz; files of frenkel read are joined",
        ),
        OUTPUT.but(help="file to write (default: none, show what the columns are taken for)"),
        Option(
            "--map",
            type=Path,
            nargs="+",
            metavar="MAP.toml",
            help="what the columns are, where the guess is wrong: one for all files, or one for each",
        ),
        Option(
            "--write-map",
            type=Path,
            metavar="MAP.toml",
            help="write the guess of the first file, or a mapping to fill in where there is none",
        ),
        Option(
            "--unit",
            metavar="UNITS",
            help="units of columns without one, such as V,A or mV,uA: each goes to the columns that it fits",
        ),
        Option(
            "--as",
            dest="kind",
            choices=tuple(KINDS),
            help="what was measured (default: guessed from the columns)",
        ),
        AT_READ,
        RULE,
        SERIES,
        PLOT.but(help="the first loops or values, as they were read: .png, .pdf, .svg"),
        FORCE,
        about="Loops, cycles, traces, reads or pulses.",
    )
    add(
        commands,
        "compare",
        _compare,
        "compare cycles of measured and simulated devices",
        "frenkel compare measured.nc simulated.nc --plot compare.png",
        Option("measured", type=Path, metavar="MEASURED", help="file of frenkel read, or a table"),
        Option(
            "simulated", type=Path, metavar="SIMULATED", help="ensemble or result of frenkel run, or measured"
        ),
        AT_READ,
        RULE,
        SERIES,
        Option(
            "--device",
            action="store_true",
            help="compare resistances of devices, not those at the terminals; the series resistance of "
            "measured ones must be known",
        ),
        SEED.but(default=0, help="of the splits (default: 0)"),
        PLOT.but(help="loops, distributions and memory of both: .png, .pdf, .svg"),
        FORCE_PICTURE,
        about="Distances are printed with their noise floors.",
    )


def _read(options: argparse.Namespace) -> None:
    from ..analysis.measured import files
    from ..analysis.plots.comparison import measured_page
    from ..data import store
    from ..data.measured import mapping, mapping_file
    from ..data.measured.schema import LAYOUT
    from ..data.measured.table import TableError
    from ..reports.measured import contents, plans_text

    for path, ending in ((options.output, ".nc"), (options.write_map, ".toml")):
        if path is not None:
            if path is options.output:
                check_ending(path, ending)
            elif path.suffix != ending:
                raise UsageError(f"--write-map must end in {ending}, got {str(path)!r}")
            store.writable(path, force=options.force)
    check_picture(options.plot, options.force)
    readout = _readout(options)
    try:
        units = mapping_file.units_of("--unit", options.unit or "")
    except TableError as error:
        raise UsageError(str(error)) from None
    try:
        plans = files.planned(options.files, options.map, options.kind or "", units)
    except TableError:
        if options.write_map is not None:
            store.write_bytes(files.skeleton(options.files[0]).encode(), options.write_map)
            print(f"wrote {options.write_map}: say in it what the columns are, and give it with --map")
        raise
    print(plans_text(plans))
    if options.write_map is not None:
        text = mapping.as_toml(plans[0][1]) if plans else files.skeleton(options.files[0])
        store.write_bytes(text.encode(), options.write_map)
        print(f"wrote {options.write_map}")
    if options.output is None and options.plot is None:
        print(
            "nothing is written: name a file with -o, see what is read with --plot, or change the guess with "
            "--write-map and --map"
        )
        return
    dataset = files.assembled(plans, options.files, readout)
    if options.output is not None:
        store.save(dataset, options.output, force=options.force, layout=LAYOUT)
    print(contents(dataset))
    if options.output is not None:
        print(f"wrote {options.output}")
    draw(options.plot, lambda: measured_page(dataset))


def show(options: argparse.Namespace) -> None:
    """Print and draw what is in a file of measurements; write its report."""
    from ..analysis.measured import files
    from ..analysis.plots.comparison import measured_page
    from ..data import store
    from ..data.forms import names_card
    from ..reports.measured import contents

    if options.movie is not None:
        raise UsageError(f"--movie is for the result of one device, {options.file} holds measurements")
    check_picture(options.plot, options.force)
    sheet = options.datasheet
    if sheet is not None:
        check_page(sheet, options.force)
    cards = [path for path in options.others if names_card(path)]
    simulated = [path for path in options.others if path not in cards]
    if len(cards) > 1 or len(simulated) > 1:
        raise UsageError("a report takes one card and one file of simulated devices at most")
    dataset = files.load(options.file)
    print(contents(dataset))
    draw(options.plot, lambda: measured_page(dataset))
    if sheet is None:
        return
    from ..cells.card import Card
    from ..reports import chip

    card = Card.load(cards[0]) if cards else None
    with Reporter(lines=True) as progress:
        text = chip.page(options.file, card=card, simulated=next(iter(simulated), None), progress=progress)
    store.write_bytes(text.encode(), sheet)
    print(f"wrote {sheet}")


def _compare(options: argparse.Namespace) -> int:
    from ..analysis.fitting import compare
    from ..analysis.plots.comparison import page
    from ..analysis.statistics.comparison import passed, table
    from ..experiment import measurements
    from ..reports.measured import comparison_text

    check_picture(options.plot, options.force)
    if options.seed < 0:
        raise UsageError(f"--seed must be at least 0, got {options.seed}")
    readout = _readout(options)
    paths = (options.measured, options.simulated)
    first, other = (measurements.of_file(path, readout) for path in paths)
    # Files of one name are told by their folders.
    names = [str(path) if paths[0].name == paths[1].name else path.name for path in paths]
    pair = compare.pair(first, other, *names, device=options.device)
    rows = compare.distances(*pair, seed=options.seed)
    print(comparison_text(*pair))
    for data, used, name in zip((first, other), pair, names, strict=True):
        if left := data.sizes["device"] - len(used.values):
            print(f"left out of {name}: {left} devices, with under half of their cycles or with one value")
    print(table(rows))
    draw(options.plot, lambda: page(first, other, *pair))
    return 0 if passed(rows) else 1


def _readout(options: argparse.Namespace) -> "Readout":
    """Return how numbers are read off loops."""
    from ..analysis.measured.loops import Readout
    from ..quantity import to_si

    try:
        volts = to_si(options.read_voltage, "V", 1e-6, 100.0)
    except ValueError as error:
        raise UsageError(f"--read-voltage {error}") from None
    if options.series_resistance is None:
        return Readout(volts, options.rule)
    try:
        return Readout(volts, options.rule, to_si(options.series_resistance, "ohm", 0.0, 1e12))
    except ValueError as error:
        raise UsageError(f"--series-resistance {error}") from None
