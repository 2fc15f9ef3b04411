"""Commands of the command line that read traces and curves: kinds of measurement, random telegraph noise."""

# Imports inside functions keep numpy, scipy, xarray and pydantic from loading for other commands.

import argparse
from pathlib import Path
from typing import Any

from . import values
from .common import FORCE_PICTURE, OUTPUT, PHASE, PLOT, Option, add, check_picture, draw

USE = Option("--use", metavar="CONDITION", help='condition of use, "358 K" or "0.3 V"')
FAMILY = Option("--family", metavar="NAME", help="distribution of times")
FAILED_AT = Option("--failed-at", type=float, metavar="FRACTION")


def add_commands(commands: Any) -> None:
    """Add "plot" and "rtn" to the parser of commands."""
    parser = add(
        commands,
        "plot",
        _plot_what,
        "draw one kind of measurement",
        'frenkel plot retention bake.nc -o bake.png --use "358 K"',
        about="Of results, ensembles, sweeps or tables of measured values.",
    )
    picture_parsers = parser.add_subparsers(
        title="pictures", metavar="PICTURE", required=True, prog=parser.prog
    )
    _add_conduction(picture_parsers)
    _add_reads(picture_parsers)
    _add_pulses(picture_parsers)
    _add_probability(picture_parsers)
    _add_tails(picture_parsers)
    add(
        picture_parsers,
        "survival",
        _survival,
        "fraction of devices whose window is open against cycles, with its interval",
        "frenkel plot survival wear.nc -o wear.png",
        Option("file", type=Path, metavar="FILE", help='result of frenkel tails --event "window closes"'),
        *_output("FILE-survival.png"),
    )
    add(
        commands,
        "rtn",
        _rtn,
        "find the traps in random telegraph noise",
        "frenkel rtn rtn.nc --phase read --plot levels.png",
        Option("file", type=Path, metavar="FILE", help="result (.nc), or measured time and current"),
        Option("--trace", type=int, default=1, metavar="N", help="of several measured ones (default: 1)"),
        PHASE.but(default="read", help="phase of a result that holds the trace (default: read)"),
        Option("--step", metavar="TIME", help="put the trace on this step, such as '10 us'"),
        Option("--most", type=int, default=3, metavar="N", help="most traps to look for (default: 3)"),
        PLOT,
        FORCE_PICTURE,
        about="The trace is simulated or measured; how well the traps fit is printed too.",
    )


def _add_conduction(what: Any) -> None:
    add(
        what,
        "conduction",
        _conduction,
        "ln I against V, root V and 1/T by the conduction laws of a material, and which dominates where",
        'frenkel plot conduction HfO2 --thickness "5 nm" --voltage "2 V" -o conduction.png',
        Option(
            "material",
            metavar="MATERIAL",
            complete=values.materials,
            help="a packaged material, or a file ending in .toml",
        ),
        Option("--thickness", default="5 nm", metavar="LENGTH", help="of the oxide (default: 5 nm)"),
        Option("--width", default="100 nm", metavar="LENGTH", help="of the device (default: 100 nm)"),
        Option("--voltage", default="2 V", metavar="VOLTAGE", help="largest one (default: 2 V)"),
        *_output("MATERIAL-conduction.png"),
    )


def _add_reads(what: Any) -> None:
    """Add what devices do between programming and reading: at rest, in bakes, under reads."""
    add(
        what,
        "relaxation",
        _relaxation,
        "conductances at rest: quantiles over devices against log time, laws of time, spread",
        "frenkel plot relaxation retention.nc -o relaxation.png --levels 3",
        _file("time (s) and a column in S for each device"),
        PHASE,
        Option(
            "--levels",
            type=int,
            default=1,
            metavar="N",
            help="divide the devices into N groups of equal size by their conductance at the start "
            "(default: 1)",
        ),
        *_output("FILE-relaxation.png"),
    )
    add(
        what,
        "retention",
        _retention,
        "bakes: survival at each temperature, Arrhenius plot, activation energy with its interval",
        'frenkel plot retention bake.nc -o bake.png --use "358 K"',
        _file("temperature (K), time (s), failed (1), a device a line; several are joined").but(nargs="+"),
        PHASE,
        _failed_at(0.5),
        USE.but(default="358.15 K", help="temperature to extrapolate to (default: 85 C)"),
        FAMILY.but(default="lognormal", help="lognormal (default) or weibull"),
        *_output("FILE-retention.png"),
    )
    add(
        what,
        "disturb",
        _disturb,
        "conductance against the number of reads, and after how many the state is lost",
        "frenkel plot disturb disturb.nc -o disturb.png --failed-at 2",
        _file("reads (1) and a column in S for each device"),
        _failed_at(2.0),
        *_output("FILE-disturb.png"),
    )


def _add_pulses(what: Any) -> None:
    add(
        what,
        "pulses",
        _pulses,
        "potentiation and depression by equal pulses, with nonlinearity labels and states",
        "frenkel plot pulses pulses.nc -o pulses.png",
        _file("voltage (V) of each pulse and conductance (S) after it, in order"),
        *_output("FILE-pulses.png"),
    )
    add(
        what,
        "endurance",
        _endurance,
        "both resistances and on/off against the cycle, and where the window is lost",
        "frenkel plot endurance endurance.nc -o endurance.png --window 5",
        _file("cycle (1), hrs (ohm), lrs (ohm)"),
        Option("--window", type=float, default=10.0, metavar="RATIO", help="least on/off (default: 10)"),
        *_output("FILE-endurance.png"),
    )


def _add_probability(what: Any) -> None:
    add(
        what,
        "probability",
        _probability,
        "numbers of devices on axes that straighten a distribution, with its fit and intervals",
        "frenkel plot probability ensemble.nc forming_voltage hrs --family lognormal -o spread.png",
        Option(
            "file",
            type=Path,
            metavar="FILE",
            help="ensemble (.nc), or measured values (.csv) with a column for each number, a device a line",
        ),
        Option("names", nargs="+", metavar="VARIABLE", help="such as forming_voltage; of cycles the first"),
        FAMILY.but(
            choices=("weibull", "lognormal", "normal", "loglogistic"),
            default="weibull",
            help="weibull, lognormal, normal or loglogistic: axes and fit (default: weibull)",
        ),
        Option(
            "--censored",
            action="store_true",
            help="devices without a value lie above the largest one, as where a ramp did not switch them "
            "(default: they are left out)",
        ),
        *_output("FILE-probability.png"),
    )


def _add_tails(what: Any) -> None:
    add(
        what,
        "tails",
        _tails,
        "a rare failure at conditions of use, beside the usual extrapolation from accelerated ones",
        'frenkel plot tails 550K.nc 500K.nc 450K.nc 358K.nc --use "358 K" -o parted.png',
        Option(
            "file",
            type=Path,
            nargs="+",
            metavar="FILE",
            help="results of frenkel tails that differ in temperature, or in voltage",
        ),
        USE.but(required=True),
        *_output("FILE-tails.png"),
    )


def _file(columns: str) -> Option:
    text = f"result, ensemble or sweep (.nc), or measured values (.csv) with {columns}"
    return Option("file", type=Path, metavar="FILE", help=text)


def _failed_at(share: float) -> Option:
    text = f"a device fails at this fraction of its first conductance; above 1, risen (default: {share:g})"
    return FAILED_AT.but(default=share, help=text)


def _output(name: str) -> tuple[Option, Option]:
    return OUTPUT.but(metavar="PICTURE", help=f"default: {name}"), FORCE_PICTURE


def _plot_what(_: argparse.Namespace) -> None:
    """Stand in for the command that the name of the picture chooses."""


def _target(options: argparse.Namespace, name: str) -> Path:
    """Return where the picture goes, refused now rather than after the work."""
    from ..analysis.plots import page
    from ..data import store

    output = Path(options.output or name)
    page.check_name(output)
    return store.writable(output, force=options.force)


def _relaxation(options: argparse.Namespace) -> None:
    from ..analysis.plots.relaxation import relaxation_page
    from ..analysis.reliability import relaxation
    from ..experiment import measurements
    from ..reports.reads import laws_table

    target = _target(options, f"{options.file.stem}-relaxation.png")
    levels = measurements.levels(options.file, options.phase, options.levels)
    laws = {
        name: relaxation.compare_laws(data, reference=float(data["time"][0])) for name, data in levels.items()
    }
    print(laws_table(laws))
    draw(target, lambda: relaxation_page(levels, str(options.file.stem)))


def _retention(options: argparse.Namespace) -> None:
    from ..analysis.plots.relaxation import interval_page, retention_page
    from ..analysis.reliability import retention
    from ..analysis.reliability.bakes import fit_intervals
    from ..experiment import measurements
    from ..quantity import to_si
    from ..reports.reads import bake_table, interval_text

    stem = options.file[0].stem
    target = _target(options, f"{stem}-retention.png")
    try:
        use = to_si(options.use, "K", 1.0, 3000.0)
    except ValueError as error:
        raise ValueError(f"--use {error}") from None
    if (reads := measurements.intervals(options.file, options.failed_at)) is not None:
        lifetime = fit_intervals(*reads, options.family)
        print(interval_text(lifetime))
        draw(target, lambda: interval_page(lifetime, stem))
        return
    bakes = measurements.bakes(options.file, options.failed_at, options.phase)
    print(bake_table(bakes, retention.fit_bakes(bakes, options.family), use))
    draw(target, lambda: retention_page(bakes, use, options.family, stem))


def _disturb(options: argparse.Namespace) -> None:
    from ..analysis.plots.pulses import disturb_page
    from ..analysis.reliability import pulses
    from ..experiment import measurements
    from ..reports.reads import disturb_table

    target = _target(options, f"{options.file.stem}-disturb.png")
    groups = measurements.stacked(measurements.disturbed(options.file), options.file)
    failures = {label: pulses.disturb(*group, options.failed_at) for label, group in groups.items()}
    print(disturb_table(failures))
    volts = measurements.voltages(groups)
    draw(target, lambda: disturb_page(groups, options.failed_at, volts, options.file.stem))


def _pulses(options: argparse.Namespace) -> None:
    from ..analysis.plots.pulses import updates_page
    from ..experiment import measurements
    from ..reports.device import train_table

    target = _target(options, f"{options.file.stem}-pulses.png")
    trains = measurements.trains(options.file)
    print(train_table(trains[:20]))
    if len(trains) > 20:
        print(f"and {len(trains) - 20} more trains")
    draw(target, lambda: updates_page(trains, options.file.stem))


def _endurance(options: argparse.Namespace) -> None:
    from ..analysis.plots.pulses import endurance_page
    from ..analysis.reliability import pulses
    from ..experiment import measurements
    from ..reports.reads import endurance_table

    target = _target(options, f"{options.file.stem}-endurance.png")
    cycle, hrs, lrs = measurements.windows(options.file)
    print(endurance_table(pulses.endurance(hrs, lrs, options.window)))
    draw(target, lambda: endurance_page(cycle, hrs, lrs, options.window, options.file.stem))


def _probability(options: argparse.Namespace) -> None:
    from ..analysis.plots.probability import probability_page
    from ..analysis.statistics.distributions import fit
    from ..experiment import measurements
    from ..reports.reads import fits_table

    target = _target(options, f"{options.file.stem}-probability.png")
    samples = {name: measurements.sample(options.file, name, options.censored) for name in options.names}
    units = {name: unit for name, (_, unit) in samples.items()}
    print(fits_table({name: fit(sample, options.family) for name, (sample, _) in samples.items()}, units))
    sample_of = {f"{name.replace('_', ' ')} ({unit})": sample for name, (sample, unit) in samples.items()}
    draw(target, lambda: probability_page(sample_of, options.family, title=options.file.stem))


def _tails(options: argparse.Namespace) -> None:
    from ..analysis.plots.relaxation import extrapolation_page
    from ..analysis.reliability.extrapolation import UNITS, accelerating, extrapolate
    from ..quantity import to_si
    from ..rare.conditions import observed
    from ..reports.reads import extrapolation_table

    target = _target(options, f"{options.file[0].stem}-tails.png")
    rows = [observed(path) for path in options.file]
    acceleration = accelerating(rows)
    try:
        use = to_si(options.use, UNITS[acceleration], 1e-3, 3000.0)
    except ValueError as error:
        raise ValueError(f"--use {error}") from None
    extrapolation = extrapolate(rows, use)
    print(extrapolation_table(extrapolation))
    draw(target, lambda: extrapolation_page(extrapolation, use))


def _survival(options: argparse.Namespace) -> None:
    from ..analysis.plots.probability import survival_page
    from ..rare import endurance, farm
    from ..reports.reads import survival

    target = _target(options, f"{options.file.stem}-survival.png")
    found = farm.load(options.file, endurance.Endurance.kind)
    print(survival(found))
    left = found["life"].values[found["failed"].values == 0]
    curve = endurance.survival_curve(found)
    draw(target, lambda: survival_page(*curve, left, f"{found.sizes['device']} devices"))


def _rtn(options: argparse.Namespace) -> None:
    from ..analysis.noise import trace
    from ..analysis.noise.answer import answer
    from ..analysis.plots.rtn import page
    from ..experiment import measurements
    from ..quantity import to_si
    from ..reports.noise import answer_text

    check_picture(options.plot, options.force)
    current = measurements.trace_of(options.file, options.phase, options.trace)
    if options.step is not None:
        current = trace.resample(current, step=to_si(options.step, "s", 1e-18, 1e6))
    description = answer(current, options.most)
    print(answer_text(description))
    if description.traps is not None:
        draw(options.plot, lambda: page(description.trace, description.traps))
    elif options.plot is not None:
        print(f"no picture without traps: {options.plot} is not written")


def _conduction(options: argparse.Namespace) -> None:
    from ..analysis.plots.conduction import draw_conduction
    from ..kinetic.materials.material import Material
    from ..quantity import to_si
    from ..reports.conduction import laws_of

    material = Material.find(options.material)
    thickness = to_si(options.thickness, "m", 1e-10, 1e-6)
    width = to_si(options.width, "m", 1e-9, 1e-3)
    largest = to_si(options.voltage, "V", 1e-3, 100.0)
    target = _target(options, f"{material.name}-conduction.png")
    table = laws_of(material, thickness, width, largest)
    draw(target, lambda: draw_conduction(table))
