"""Commands of the command line that read traces and curves: conduction laws, random telegraph noise."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

Add = Callable[[Any, str, Callable[[argparse.Namespace], int | None], str, str], argparse.ArgumentParser]


def add_commands(commands: Any, add: Add) -> None:
    """Add "plot" to the parser of commands."""
    parser = add(
        commands,
        "plot",
        _plot,
        "draw ln I against V, root V and 1/T by the conduction laws of a material, and which dominates where",
        'frenkel plot conduction HfO2 --thickness "5 nm" --voltage "2 V" -o conduction.png',
    )
    parser.add_argument("what", choices=["conduction"], help="what to draw")
    parser.add_argument("material", metavar="MATERIAL", help="a packaged material, or a file ending in .toml")
    parser.add_argument("--thickness", default="5 nm", metavar="LENGTH", help="of the oxide (default: 5 nm)")
    parser.add_argument("--width", default="100 nm", metavar="LENGTH", help="of the device (default: 100 nm)")
    parser.add_argument("--voltage", default="2 V", metavar="VOLTAGE", help="largest one (default: 2 V)")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PICTURE", help="default: MATERIAL-conduction.png"
    )
    parser.add_argument("--force", action="store_true", help="replace an existing picture")
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


def _rtn(options: argparse.Namespace) -> None:
    from .analysis import rtn, rtn_plot, store, trace
    from .quantity import to_si
    from .report import trap_table

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
        rtn_plot.save(rtn_plot.page(found, traps), options.plot)
        print(f"wrote {options.plot}")


def _plot(options: argparse.Namespace) -> None:
    import numpy as np

    from .analysis import conduction_plot, store
    from .kinetic import iv
    from .kinetic.material import Material
    from .quantity import to_si

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
