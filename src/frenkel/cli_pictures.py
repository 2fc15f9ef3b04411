"""Commands of the command line that draw: which conduction law dominates where."""

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
