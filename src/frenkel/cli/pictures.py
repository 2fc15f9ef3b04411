"""Commands of the command line that read traces and curves: conduction laws, random telegraph noise."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Add = Callable[[Any, str, Callable[[argparse.Namespace], int | None], str, str], argparse.ArgumentParser]


def add_commands(commands: Any, add: Add) -> None:
    """Add "plot" and "rtn" to the parser of commands."""
    parser = add(
        commands,
        "plot",
        _plot_what,
        "draw one kind of measurement out of results, ensembles, sweeps, or tables of measured values",
        'frenkel plot retention bake.nc -o bake.png --use "358 K"',
    )
    what = parser.add_subparsers(title="pictures", metavar="PICTURE", required=True)
    _add_conduction(what, add)
    _add_relaxation(what, add)
    _add_retention(what, add)
    _add_pulses(what, add)
    _add_endurance(what, add)
    _add_disturb(what, add)
    parser = add(
        commands,
        "rtn",
        _rtn,
        "find the traps in a trace of random telegraph noise, simulated or measured",
        "frenkel rtn rtn.nc --phase read --plot levels.png",
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="result (.nc), or measured time and current (.csv)"
    )
    parser.add_argument(
        "--phase", default="read", help="phase of a result that holds the trace (default: read)"
    )
    parser.add_argument("--step", metavar="TIME", help="put the trace on this step, such as '10 us'")
    parser.add_argument(
        "--most", type=int, default=3, metavar="N", help="most traps to look for (default: 3)"
    )
    parser.add_argument("--plot", type=Path, metavar="PICTURE", help="picture to write: .png, .pdf, .svg")
    parser.add_argument("--force", action="store_true", help="replace an existing picture")


def _add_conduction(what: Any, add: Add) -> None:
    parser = add(
        what,
        "conduction",
        _conduction,
        "ln I against V, root V and 1/T by the conduction laws of a material, and which dominates where",
        'frenkel plot conduction HfO2 --thickness "5 nm" --voltage "2 V" -o conduction.png',
    )
    parser.add_argument("material", metavar="MATERIAL", help="a packaged material, or a file ending in .toml")
    parser.add_argument("--thickness", default="5 nm", metavar="LENGTH", help="of the oxide (default: 5 nm)")
    parser.add_argument("--width", default="100 nm", metavar="LENGTH", help="of the device (default: 100 nm)")
    parser.add_argument("--voltage", default="2 V", metavar="VOLTAGE", help="largest one (default: 2 V)")
    _add_output(parser, "MATERIAL-conduction.png")


def _add_relaxation(what: Any, add: Add) -> None:
    parser = add(
        what,
        "relaxation",
        _relaxation,
        "conductances at rest: quantiles over devices against log time, laws of time, spread",
        "frenkel plot relaxation retention.nc -o relaxation.png --levels 3",
    )
    _add_file(parser, "time (s) and a column in S for each device", many=False)
    _add_phase(parser)
    parser.add_argument(
        "--levels",
        type=int,
        default=1,
        metavar="N",
        help="divide the devices into N groups of equal size by their conductance at the start (default: 1)",
    )
    _add_output(parser, "FILE-relaxation.png")


def _add_retention(what: Any, add: Add) -> None:
    parser = add(
        what,
        "retention",
        _retention,
        "bakes: survival at each temperature, Arrhenius plot, activation energy with its interval",
        'frenkel plot retention bake.nc -o bake.png --use "358 K"',
    )
    _add_file(parser, "temperature (K), time (s), failed (1), a device a line", many=True)
    _add_phase(parser)
    _add_failure(parser, 0.5)
    parser.add_argument("--use", default="358.15 K", metavar="TEMPERATURE", help="to extrapolate to (85 C)")
    parser.add_argument("--family", default="lognormal", help="lognormal (default) or weibull")
    _add_output(parser, "FILE-retention.png")


def _add_pulses(what: Any, add: Add) -> None:
    parser = add(
        what,
        "pulses",
        _pulses,
        "potentiation and depression by equal pulses, with nonlinearity labels and states",
        "frenkel plot pulses pulses.nc -o pulses.png",
    )
    _add_file(parser, "voltage (V) of each pulse and conductance (S) after it, in order", many=False)
    _add_output(parser, "FILE-pulses.png")


def _add_endurance(what: Any, add: Add) -> None:
    parser = add(
        what,
        "endurance",
        _endurance,
        "both resistances and on/off against the cycle, and where the window is lost",
        "frenkel plot endurance endurance.nc -o endurance.png --window 5",
    )
    _add_file(parser, "cycle (1), hrs (ohm), lrs (ohm)", many=False)
    parser.add_argument(
        "--window", type=float, default=10.0, metavar="RATIO", help="least on/off (default: 10)"
    )
    _add_output(parser, "FILE-endurance.png")


def _add_disturb(what: Any, add: Add) -> None:
    parser = add(
        what,
        "disturb",
        _disturb,
        "conductance against the number of reads, and after how many the state is lost",
        "frenkel plot disturb disturb.nc -o disturb.png --failed-at 2",
    )
    _add_file(parser, "reads (1) and a column in S for each device", many=False)
    _add_failure(parser, 2.0)
    _add_output(parser, "FILE-disturb.png")


def _add_file(parser: argparse.ArgumentParser, columns: str, *, many: bool) -> None:
    text = f"result, ensemble or sweep (.nc), or measured values (.csv) with {columns}"
    if many:
        parser.add_argument("file", type=Path, metavar="FILE", nargs="+", help=text + "; several are joined")
    else:
        parser.add_argument("file", type=Path, metavar="FILE", help=text)


def _add_phase(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--phase", help="phase of a result (default: the last one at constant voltage)")


def _add_failure(parser: argparse.ArgumentParser, share: float) -> None:
    parser.add_argument(
        "--failed-at",
        type=float,
        default=share,
        metavar="SHARE",
        help=f"a device fails at this share of its first conductance; above 1, risen (default: {share:g})",
    )


def _add_output(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("-o", "--output", type=Path, metavar="PICTURE", help=f"default: {name}")
    parser.add_argument("--force", action="store_true", help="replace an existing picture")


def _plot_what(_: argparse.Namespace) -> None:
    """Stand in for the command that the name of the picture chooses."""


def _relaxation(options: argparse.Namespace) -> None:
    import numpy as np

    from ..analysis.plots import relaxation as relaxation_plot
    from ..analysis.reliability import relaxation
    from ..experiment import reads
    from ..reports.reads import laws_table

    target = _target(options, "relaxation")
    found = {label: reads.joined(rows) for label, rows in reads.resting(options.file, options.phase).items()}
    levels = {}
    for label, (time, g) in found.items():
        if not 1 <= options.levels <= len(g):
            raise ValueError(f"--levels must be from 1 to the {len(g)} devices, got {options.levels}")
        for part in np.array_split(np.argsort(g[:, 0]), options.levels):
            name = f"{label} {np.median(g[part, 0]) * 1e6:.3g} µS".strip()
            levels[name] = relaxation.conductances(time, g[part])
    laws = {
        name: relaxation.compare_laws(data, reference=float(data["time"][0])) for name, data in levels.items()
    }
    print(laws_table(laws))
    _save(relaxation_plot.relaxation_page(levels, str(options.file.stem)), target)


def _retention(options: argparse.Namespace) -> None:
    import numpy as np

    from ..analysis.plots import relaxation as relaxation_plot
    from ..analysis.reliability import retention
    from ..configuration.quantity import to_si
    from ..experiment import reads
    from ..reports.reads import bake_table

    target = _target(options, "retention")
    try:
        use = to_si(options.use, "K", 1.0, 3000.0)
    except ValueError as error:
        raise ValueError(f"--use {error}") from None
    bakes: dict[float, tuple[Any, Any]] = {}
    for file in options.file:
        for kelvin, pair in reads.lifetimes(file, options.failed_at, options.phase).items():
            times, failed = bakes.get(kelvin, ([], []))
            bakes[kelvin] = (np.append(times, pair[0]), np.append(failed, pair[1]))
    fits = retention.fit_bakes(bakes, options.family)
    print(bake_table(bakes, fits, use))
    _save(relaxation_plot.retention_page(bakes, use, options.family, options.file[0].stem), target)


def _pulses(options: argparse.Namespace) -> None:
    from ..analysis.plots import pulses as pulses_plot
    from ..experiment import reads
    from ..reports.device import train_table

    target = _target(options, "pulses")
    trains = reads.trains(options.file)
    print(train_table(trains[:20]))
    if len(trains) > 20:
        print(f"and {len(trains) - 20} more trains")
    _save(pulses_plot.updates_page(trains, options.file.stem), target)


def _endurance(options: argparse.Namespace) -> None:
    from ..analysis.plots import pulses as pulses_plot
    from ..analysis.reliability import pulses
    from ..experiment import reads
    from ..reports.reads import endurance_table

    target = _target(options, "endurance")
    cycle, hrs, lrs = reads.windows(options.file)
    print(endurance_table(pulses.endurance(hrs, lrs, options.window)))
    _save(pulses_plot.endurance_page(cycle, hrs, lrs, options.window, options.file.stem), target)


def _disturb(options: argparse.Namespace) -> None:
    import numpy as np

    from ..analysis.plots import pulses as pulses_plot
    from ..analysis.reliability import pulses
    from ..experiment import reads
    from ..reports.reads import disturb_table

    target = _target(options, "disturb")
    found = reads.disturbed(options.file)
    groups = {}
    for label, rows in found.items():
        if len({len(g) for _, g in rows}) > 1:
            raise ValueError(f"the devices of {options.file} must have been read equally often")
        groups[label] = (rows[0][0], np.array([g for _, g in rows]))
    ends = {label: pulses.disturb(*group, options.failed_at) for label, group in groups.items()}
    print(disturb_table(ends))
    # A sweep over the voltage of the reads labels its points with it.
    parts = [label.split() for label in groups]
    volts = [float(part[0]) for part in parts if len(part) == 2 and part[1] == "V"]
    chosen = volts if len(volts) == len(groups) > 1 else None
    _save(pulses_plot.disturb_page(groups, options.failed_at, chosen, options.file.stem), target)


def _target(options: argparse.Namespace, kind: str) -> Path:
    """Return where the picture goes, refused now rather than after the work."""
    from ..analysis.plots import page as plot
    from ..analysis.results import store

    first = options.file[0] if isinstance(options.file, list) else options.file
    output = options.output or Path(f"{first.stem}-{kind}.png")
    plot.check_name(output)
    store.writable(output, force=options.force)
    return Path(output)


def _save(figure: Any, target: Path) -> None:
    from ..analysis.plots import page

    page.save(figure, target)
    print(f"wrote {target}")


def _rtn(options: argparse.Namespace) -> None:
    from ..analysis.noise import rtn, trace
    from ..analysis.plots import page
    from ..analysis.plots import rtn as rtn_plot
    from ..analysis.results import store
    from ..configuration.quantity import to_si
    from ..reports.device import trap_table

    if options.plot is not None:
        store.writable(options.plot, force=options.force)
    if options.file.suffix == ".csv":
        found = trace.read_csv(options.file)
    else:
        found = trace.from_result(store.load(options.file), options.phase)
    if options.step is not None:
        found = trace.resample(found, step=to_si(options.step, "s", 1e-18, 1e6))
    traps = rtn.traps(found, maximum=options.most)
    print(trap_table(traps))
    if options.plot is not None:
        page.save(rtn_plot.page(found, traps), options.plot)
        print(f"wrote {options.plot}")


def _conduction(options: argparse.Namespace) -> None:
    import numpy as np

    from ..analysis.plots import conduction as conduction_plot
    from ..analysis.results import store
    from ..configuration.quantity import to_si
    from ..kinetic.conduction import iv
    from ..kinetic.materials.material import Material

    read = Material.read if options.material.endswith(".toml") else Material.load
    material = read(options.material)
    thickness = to_si(options.thickness, "m", 1e-10, 1e-6)
    width = to_si(options.width, "m", 1e-9, 1e-3)
    largest = to_si(options.voltage, "V", 1e-3, 100.0)
    output = options.output or Path(f"{material.name}-conduction.png")
    target = store.writable(output, force=options.force)
    volts, kelvin = np.linspace(largest / 60, largest, 60), np.array([250.0, 300.0, 350.0, 400.0, 450.0])
    rows = [iv.currents(material, float(t), volts, thickness, width**2) for t in kelvin]
    parts = [iv.contributions(row) for row in rows]
    table = conduction_plot.tabulate(
        {name: [row[name] for row in rows] for name in rows[0]},
        volts,
        kelvin,
        contribution={name: [part[name] for part in parts] for name in parts[0]},
        limit=iv.largest_voltages(material, thickness),
        title=f"{material.name}, {thickness * 1e9:g} nm thick, {width * 1e9:g} nm wide",
    )
    figure = conduction_plot.draw_conduction(table)
    figure.savefig(target, dpi=150)
    print(f"wrote {output}")
