"""Commands of the command line for cards: fit one to an ensemble, look at it, judge it."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..progress import Reporter
from . import values
from .common import (
    FEATURES,
    FORCE,
    OUTPUT,
    PLOT,
    READ_VOLTAGE,
    SEED,
    Option,
    OptionGroup,
    OptionPage,
    RenamedOption,
    UsageError,
    add,
    check_page,
    check_picture,
    draw,
)

if TYPE_CHECKING:
    from ..analysis.fitting.observations import Observations
    from ..cells.card import Card
    from ..rare.gate import Judged

CARD = Option("card", type=Path, metavar="CARD.json", complete=values.cards)
RTN = Option(
    "--rtn",
    type=Path,
    metavar="TRACES.nc",
    help="traces at a fixed voltage: an ensemble, or current over device and sample, time over sample; "
    "optional: state",
)
RELAXATION = Option(
    "--relaxation",
    type=Path,
    metavar="FILE.nc",
    help="an ensemble at rest, or conductance over device and time, start over device; optional: state",
)
TAILS = Option(
    "--tails",
    type=Path,
    action="append",
    default=[],
    metavar="FILE.nc",
    help="of frenkel tails: how likely a rare event is for devices and for cells, down to 1e-6; "
    "may be given several times",
)
PICTURE = PLOT.but(
    help="quantiles, devices, memory and currents of card and held-out devices: .png, .pdf, .svg"
)
FIT = (
    Option("data", type=Path, metavar="ENSEMBLE", help=".nc, or .csv: device, cycle, name [unit]"),
    OUTPUT.but(metavar="CARD.json", help="must be given"),
    Option(
        "--form",
        choices=("card", "physical"),
        default="card",
        metavar="FORM",
        help="card, or physical: 25 parameters with units and intervals (default: card)",
    ),
    Option("--name", help="of the card (default: that of the file)"),
    FEATURES.but(help="variables to fit, such as hrs,lrs (default: hrs, lrs, voltages)"),
    Option("--held-out", type=float, default=0.3, metavar="FRACTION", help="of the devices (default: 0.3)"),
    Option("--bootstrap", type=int, default=100, metavar="N", help="refits for intervals (default: 100)"),
    Option("--components", type=int, default=4, metavar="N", help="at most, of the mixture (default: 4)"),
    Option(
        "--device-ranks",
        choices=("auto", "yes", "no"),
        default="auto",
        metavar="WHEN",
        help="auto, yes or no: let devices differ in the ranks of their values, where all share levels "
        "(default: auto, if it is better on splits of the fitted devices)",
    ),
    RenamedOption("--ranks", now="--device-ranks"),
    SEED.but(default=0, help="of the splits and refits (default: 0)"),
    OptionPage(
        "--help-core",
        "options of the core for circuits",
        Option("--set-ramp", metavar="RATE", help='such as "0.1 MV/s" (default: from the protocol)'),
        Option("--reset-ramp", metavar="RATE", help='such as "0.1 MV/s" (default: from the protocol)'),
        READ_VOLTAGE.but(help='such as "0.1 V" (default: from the protocol)'),
        Option(
            "--drive",
            type=float,
            metavar="NUMBER",
            help="slope of ln(SET time) against voltage [1/V] (default: from measured states, else no core)",
        ),
        Option(
            "--voltage-scale",
            metavar="VOLTAGE",
            help='V0 of the current I0 sinh(V/V0), such as "5 V" for a nearly ohmic cell (default: likewise)',
        ),
        Option(
            "--fit-core",
            action="store_true",
            help="drive and current scale from the traces of the ensemble (of 64 members)",
        ),
    ),
    OptionGroup(
        "noise layers, each from a file of its own",
        RTN,
        RELAXATION,
        Option("--rtn-voltage", metavar="VOLTAGE", help='of the traces, such as "0.1 V"'),
    ),
    FORCE.but(help="replace an existing card or picture"),
    PICTURE,
)


def add_commands(commands: Any) -> None:
    """Add "fit" and "validate" to the parser of commands."""
    add(
        commands,
        "fit",
        _fit,
        "fit a compact model (card) to an ensemble",
        "frenkel fit ensemble.nc -o hfo2.card.json",
        *FIT,
        about="It is validated on held-out devices. Several files: frenkel read joins them.",
    )
    add(
        commands,
        "validate",
        _validate,
        "compare a card or physical model with other devices",
        "frenkel validate hfo2.card.json other.nc\n  frenkel validate --bench -o bench",
        CARD.but(nargs="?"),
        Option("data", type=Path, nargs="?", metavar="ENSEMBLE", help="other devices: .nc or .csv"),
        SEED.but(default=0, help="of the splits (default: 0)"),
        RTN,
        RELAXATION,
        TAILS,
        Option("--power", type=int, metavar="N", help="say what the rows could have seen, by N drawn sets"),
        PICTURE,
        OptionGroup(
            "models of the literature on public measurements",
            Option(
                "--bench",
                type=Path,
                nargs="*",
                metavar="TABLE",
                help="train and judge all models on the shipped public sets, and on tables of your own",
            ),
            Option(
                "--model",
                type=Path,
                action="append",
                default=[],
                metavar="MODEL.py",
                help="a model of your own, which is run: docs/bench.md; may be given several times",
            ),
            OUTPUT.but(default=Path("bench"), metavar="FOLDER", help="of page and picture (default: bench)"),
        ),
        FORCE.but(help="replace existing files"),
    )


def _fit(options: argparse.Namespace) -> int:
    from ..analysis.fitting import card_schema
    from ..data import store
    from ..experiment.fit_card import CORE_RANGES, fit_card
    from ..quantity import to_si
    from ..reports.card import fit_text

    _check_fit(options)
    store.writable(options.output, force=options.force)
    if options.form == "physical":
        return _fit_physical(options)
    check_picture(options.plot, options.force)
    core = {} if options.drive is None else {"drive": options.drive}
    for name in ("set_ramp", "reset_ramp", "read_voltage", "voltage_scale"):
        if (text := getattr(options, name)) is not None:
            low, high, unit = CORE_RANGES[name]
            core[name] = to_si(text, unit, low, high)
    volts = options.rtn_voltage
    fitted = fit_card(
        options.data,
        name=options.name,
        features=[name.strip() for name in options.features.split(",")] if options.features else None,
        held_out=options.held_out,
        ranks={"auto": None, "yes": True, "no": False}[options.device_ranks],
        components=options.components,
        bootstrap=options.bootstrap,
        seed=options.seed,
        core=core,
        fit_core=options.fit_core,
        rtn=options.rtn,
        rtn_voltage=None if volts is None else to_si(volts, "V", -100.0, 100.0),
        relaxation=options.relaxation,
    )
    card_schema.save(fitted.card, options.output, force=options.force)
    print(fit_text(fitted))
    print(f"wrote {options.output}")
    _draw(options, fitted.card, fitted.held_out)
    return 0 if fitted.passed else 1


def _fit_physical(options: argparse.Namespace) -> int:
    """Fit and write a physical model."""
    import json

    from ..data import store
    from ..experiment.fit_physical import fit_physical
    from ..reports.physical import describe

    card_options = ("features", "set_ramp", "reset_ramp", "read_voltage", "drive", "voltage_scale", "rtn",
                    "relaxation", "plot")  # fmt: skip
    if given := [name for name in card_options if getattr(options, name) is not None]:
        raise UsageError(f"--{given[0].replace('_', '-')} is for cards, not for --form physical")
    fitted = fit_physical(
        options.data,
        name=options.name,
        held_out=options.held_out,
        bootstrap=options.bootstrap,
        seed=options.seed,
    )
    text = json.dumps(fitted.model.to_dict(), indent=1, allow_nan=False) + "\n"
    store.write_bytes(text.encode(), store.writable(options.output, force=options.force))
    print(f"{describe(fitted.model)}\nwrote {options.output}")
    return 0 if fitted.passed else 1


def _check_fit(options: argparse.Namespace) -> None:
    """Refuse options of a fit that cannot be meant."""
    if options.data.suffix in (".json", ".toml"):
        file_description = (
            "a card" if options.data.suffix == ".json" else "a configuration, which frenkel run runs"
        )
        raise UsageError(
            f"{options.data} seems to be {file_description}: a fit takes an ensemble (.nc) or a table"
        )
    if options.output is None:
        raise UsageError("a fit needs a name for its card: -o CARD.json")
    if options.output.suffix != ".json":
        raise ValueError(f"--output must end in .json, got {str(options.output)!r}")
    if not 0.0 < options.held_out < 1.0:
        raise UsageError(f"--held-out must be above 0 and below 1, got {options.held_out:g}")
    if options.seed < 0:
        raise UsageError(f"--seed must be at least 0, got {options.seed}")
    if options.rtn is not None and options.rtn_voltage is None:
        raise UsageError('--rtn needs the voltage of its traces: --rtn-voltage "0.1 V"')


def _bench(options: argparse.Namespace) -> int:
    """Train and judge models on public measurements."""
    import json

    from ..analysis.plots import benchmark
    from ..bench import suite
    from ..data import store
    from ..reports.bench import page

    folder: Path = options.output
    names = ("results.json", "bench.md", "bench.png")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        store.writable(folder / name, force=options.force)
    with Reporter(lines=True) as progress:
        results = suite.run(options.model, options.bench, progress).to_dict()
    store.write_bytes((json.dumps(results, indent=1) + "\n").encode(), folder / names[0])
    store.write_bytes(page(results).encode(), folder / names[1])
    draw(folder / names[2], lambda: benchmark.page(results))
    print(f"hash {suite.hash_of(results)[:16]}\nwrote {', '.join(str(folder / name) for name in names[:2])}")
    return 0


def _validate(options: argparse.Namespace) -> int:
    if options.bench is not None:
        if options.card is not None:
            raise UsageError("--bench takes no card; it trains one of each set")
        return _bench(options)
    if options.card is None or options.data is None:
        raise UsageError("give a card and other devices, or --bench: frenkel validate CARD.json ENSEMBLE")
    from ..analysis.statistics.comparison import passed, table
    from ..cells import files, physical
    from ..cells.card import Card
    from ..experiment.fit_card import judge_card, power_of
    from ..reports.card import power_text
    from ..reports.tails import untold

    check_picture(options.plot, options.force)
    data = files.read(options.card)
    if physical.is_physical(data):
        return _validate_physical(options, data)
    card = Card.load(options.card)
    judged = _tails(card, options.tails)  # first: a file that is none is told at once
    rows, held_out = judge_card(
        card, options.data, rtn=options.rtn, relaxation=options.relaxation, seed=options.seed
    )
    rows += [row for judgement in judged for row in judgement.rows]
    text = [table(rows)]
    if options.power is not None:
        text.append(power_text(power_of(card, held_out, trials=options.power, seed=options.seed)))
    print("\n".join([*text, *(untold(judgement.untold) for judgement in judged if judgement.untold)]))
    _draw(options, card, held_out)
    return 0 if passed(rows) else 1


def _validate_physical(options: argparse.Namespace, data: Any) -> int:
    """Compare a physical model with devices, by the rows of the jump-process model of a card."""
    from ..analysis.statistics.comparison import passed, table
    from ..cells.physical import PhysicalModel
    from ..experiment.fit_physical import judge_physical

    if given := [name for name in ("rtn", "relaxation", "tails", "power", "plot") if getattr(options, name)]:
        raise UsageError(f"--{given[0]} is for cards, {options.card} is a physical model")
    model = PhysicalModel.from_dict(data, str(options.card))
    rows = judge_physical(model, options.data, seed=options.seed)
    print(table(rows))
    return 0 if rows and passed(rows) else 1


def _tails(card: "Card", paths: "list[Path]") -> "list[Judged]":
    """Return the rows of rare events, with progress."""
    from ..rare import gate

    judgements = []
    for path in paths:
        with Reporter(lines=True) as progress:
            judgements.append(gate.judge(card, path, progress))
    return judgements


def show(options: argparse.Namespace) -> None:
    """Print what is in a card."""
    if options.plot is not None or options.movie is not None:
        raise UsageError(
            f"--plot and --movie are for results, {options.file} is a card; frenkel validate CARD ENSEMBLE "
            "--plot draws it beside devices"
        )
    from ..cells import files, physical
    from ..cells.card import Card
    from ..data import store
    from ..reports.card import describe

    sheet = options.datasheet
    data = files.read(options.file)
    if physical.is_physical(data):
        from ..reports.physical import describe as described

        if sheet is not None:
            raise UsageError("--datasheet is for cards and measurements, not for a physical model")
        print(described(physical.PhysicalModel.from_dict(data, str(options.file))))
        return
    if sheet is not None:
        check_page(sheet, options.force)
    card = Card.load(options.file)
    print(describe(card))
    if sheet is not None:
        from ..reports import datasheet

        with Reporter(lines=True) as progress:
            text = datasheet.page(card, progress)
        store.write_bytes(text.encode(), sheet)
        print(f"wrote {sheet}")


def _draw(options: argparse.Namespace, card: "Card", held_out: "Observations") -> None:
    if options.plot is None:
        return
    from ..analysis.plots.card import page
    from ..experiment.fit_card import first_cycles

    curves = [(c["device_voltage"].values, c["current"].values) for c in first_cycles(options.data)]
    draw(options.plot, lambda: page(card, held_out, curves, seed=options.seed))
