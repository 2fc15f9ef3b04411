"""What a configuration would do: sizes, phases, memory and cost, without running it."""

import os
import time
from dataclasses import fields
from pathlib import Path

from ..analysis.plots.caption import quantity
from ..configuration.device import Configuration
from ..configuration.phases import Phase, Sweep
from ..configuration.thermal import ThermalSection
from ..experiment import device as experiment
from ..kinetic.fields.build import settling_time
from ..kinetic.materials.material import Material
from ..kinetic.materials.region import Region
from ..kinetic.materials.stack import Stack
from ..kinetic.state import box
from ..progress import duration
from .device import table

SHOWN = 14  # phases listed one by one
TIMED_SITES = 70_000  # largest device that is built to time a field solution
TIMED_MEMORY = 1e8  # bytes; a narrow device of many layers has few sites and large tables
# Field solutions per phase of HfO2-volatile (HfO2 takes fewer), and how much more with a filament.
SOLVES = {"form": 4000, "set": 700, "reset": 1000}
OTHER_SOLVES, GROWTH = 300, 10.0


def plan(configuration: Configuration, folder: Path = Path()) -> str:
    """Return a description of what a configuration would do.

    Parameters
    ----------
    configuration : Configuration
    folder : Path
        Where a material file with a relative name is looked for.

    Raises
    ------
    MaterialError, ValueError
        As a run would.
    """
    material = configuration.made_of(folder)
    section = configuration.device
    experiment.check_device(configuration, material)
    shape = box(section.height, section.width, material.lattice.spacing)
    stack = Stack.of(material, configuration.arguments().get("layers", ()), shape[2])
    sites = shape[0] * shape[1] * shape[2]
    lines = [
        configuration.title or "(no title)",
        f"material    {material.name} ({material.hash}): {', '.join(material.mechanisms)}",
        f"device      {shape[0]} x {shape[1]} x {shape[2]} = {sites} lattice sites, {section.lateral} sides, "
        f"{section.temperature:g} K",
        *_kinds(material),
        *_rounding(configuration, shape, material.lattice.spacing),
        *_layers(stack),
        *_heat(stack, configuration.thermal),
        *_population(configuration, material),
        f"seed        {'drawn at the start' if configuration.seed is None else configuration.seed}",
        f"memory      about {experiment.memory(configuration, material) / 1e6:.0f} MB for the device",
        "",
        _phases(configuration),
        "",
        *_cost(configuration, material, shape, folder),
    ]
    return "\n".join(lines)


def _kinds(material: Material) -> list[str]:
    """List both kinds of defects that conduct and the classes of their bonds; nothing of a single kind."""
    if not material.has_two_kinds:
        return []
    names, lines = (material.species["defect"], material.species["cation"]), []
    for name, numbers in zip(names, (material.vacancy, material.cation), strict=True):
        hop = f"hop {numbers.migration_barrier:g} eV at {quantity(numbers.attempt_frequency, 'Hz')}"
        lines.append(f"{name}: charge {numbers.charge:+d}, {hop}")
    bonds = (
        (f"{names[0]}-{names[0]}", material.conduction),
        (f"{names[0]}-{names[1]}", material.mixed_bonds),
        (f"{names[1]}-{names[1]}", material.cation_bonds),
    )
    lines.append(", ".join(f"{pair} {quantity(one.prefactor, 'S')}" for pair, one in bonds))
    return [f"{title:11} {line}" for title, line in zip(("defects", "", "bonds"), lines, strict=True)]


def _layers(stack: Stack) -> list[str]:
    """List the layers from the top one down, with what lies between them; nothing of a single one."""
    if len(stack.materials) == 1 and not any(stack.regions):
        return []
    lines, spacing = [], stack.material.lattice.spacing
    for number in reversed(range(len(stack.planes))):
        material, planes = stack.materials[number], stack.planes[number]
        line = f"layer {number + 1:<5} {material.name}, {planes * spacing * 1e9:.4g} nm, {planes} planes"
        if material.has("electrostatics"):
            line += f": permittivity {material.electrostatics.permittivity:g}"
        line += f", hop {material.defect.migration_barrier:g} eV"
        line += f", background {quantity(material.conduction.background, 'S')} a link"
        lines.append(f"{line}, {material.heat.conductivity:g} W/(m*K)")
        lines += [_region(region) for region in (stack.regions[number] if stack.regions else ())]
        if number:
            between = stack.interfaces[number - 1]
            units = {"thermal_resistance": "m^2*K/W", "contact_factor": ""}
            values = {entry.name: getattr(between, entry.name) for entry in fields(between)}
            given = [
                f"{name.replace('_', ' ')} {value:g} {units.get(name, 'eV')}".rstrip()
                for name, value in values.items()
                if value
            ]
            lines.append(f"interface   {', '.join(given) or 'with nothing of its own'}")
    return lines


def _region(region: Region) -> str:
    """Say where a region of a layer is and what it has of its own."""
    text = f"region      {region.shape} at {region.x * 1e9:.4g}, {region.y * 1e9:.4g} nm"
    sizes = [
        f"{name} {size * 1e9:.4g} nm"
        for name in ("radius", "width", "length", "boundary")
        if (size := getattr(region, name))
    ]
    own = [
        f"{name.replace('_', ' ')} {shift:+g} eV"
        for name in ("migration_shift", "exchange_shift")
        if (shift := getattr(region, name))
    ]
    if region.vacancy_fraction is not None:
        own.append(f"vacancy fraction {region.vacancy_fraction:g}")
    return ", ".join([text, *sizes]) + (f": {', '.join(own)}" if own else "")


def _heat(stack: Stack, thermal: ThermalSection | None) -> list[str]:
    """Say how fast heat settles, and from which temperature on the numbers do not hold."""
    if not all(material.has("heat") and material.heat.capacity for material in stack.materials):
        return []
    time = settling_time(stack)
    point = stack.melting_point
    if thermal is None or not thermal.transient:
        way = ", taken as steady"
    else:
        bodies = thermal.thermal().reservoirs
        way = " in the oxide, followed in time" + f"; {' and '.join(bodies)} get warm" * bool(bodies)
    text = f"heat        settles within {quantity(time, 's')}{way}"
    return [text + (f"; melts or decomposes at {point:.0f} K" if point else "")]


def _population(configuration: Configuration, material: Material) -> list[str]:
    """List the numbers that differ between the members of an ensemble."""
    if configuration.population is None:
        return []
    drawn = configuration.population.of(material).laws
    laws = ", ".join(f"{key} ({law.law})" for key, law in drawn.items())
    return [f"population  differ between members: {laws}"]


def _rounding(configuration: Configuration, shape: tuple[int, int, int], spacing: float) -> list[str]:
    """Say which sizes are used where those asked for are no multiples of the lattice spacing."""
    lines = []
    asked = {"thickness": configuration.device.height, "width": configuration.device.width}
    for name, number in (("thickness", shape[2]), ("width", shape[0])):
        nominal, actual = asked[name], number * spacing
        exact = abs(nominal - actual) < 1e-6 * actual
        note = (
            ""
            if exact
            else f" is no multiple of the lattice spacing {spacing * 1e9:g} nm: {actual * 1e9:.4g} nm used"
        )
        lines.append(f"{name:11} {nominal * 1e9:.4g} nm{note}")
    return lines


def _phases(configuration: Configuration) -> str:
    rows, total = [], 0.0
    phases = list(configuration.phases())
    heated = any(phase.temperature_ends for _, _, phase in phases)
    for name, _, phase in phases:
        circuit = (phase.circuit or configuration.circuit).circuit(phase.compliance)
        span, text = 0.0, []
        for part in range(phase.parts):
            origin = phase.amplitude if isinstance(phase, Sweep) else 0.0
            planned = phase.part(part, origin)
            if planned is not None:
                span += planned[0].duration
                text += [f"{voltage:g}" for voltage in planned[0].voltages[:4]]
        total += span
        path = (
            " ".join(dict.fromkeys(text))
            if len(text) > 8
            else " ".join(a for a, b in zip(text, [None, *text], strict=False) if a != b)
        )
        compliance = "-" if circuit.compliance is None else f"{circuit.compliance * 1e6:g} uA"
        row = [name, phase.kind, f"{path} V", f"{span:.3g} s", compliance, str(phase.samples)]
        rows.append([*row, _kelvin(configuration, phase)] if heated else row)
    if len(rows) > SHOWN:
        more = [f"... {len(rows) - SHOWN + 1} more", *[""] * (len(rows[0]) - 1)]
        rows = [*rows[: SHOWN - 2], more, rows[-1]]
    columns = ["phase", "kind", "source voltage", "at most", "compliance", "samples"]
    body = table([*columns, "temperature"] if heated else columns, rows, left=2)
    summary = f"{len(phases)} phases, {total:.3g} s of device time at most (without repeats under verify)"
    return f"{body}\n{summary}"


def _kelvin(configuration: Configuration, phase: Phase) -> str:
    """Return the temperature of a phase, or between which two it goes."""
    start, stop = configuration.temperature_ends(phase)
    return f"{start:g} K" if start == stop else f"{start:g} to {stop:g} K"


def _cost(
    configuration: Configuration, material: Material, shape: tuple[int, int, int], folder: Path
) -> list[str]:
    """Time field solutions of the device as made, and scale by what phases have taken before."""
    if shape[0] * shape[1] * shape[2] > TIMED_SITES:
        return [f"cost        not estimated above {TIMED_SITES} sites"]
    if experiment.memory(configuration, material) > TIMED_MEMORY:
        return [f"cost        not estimated above {TIMED_MEMORY / 1e6:g} MB of tables"]
    device = experiment.build(configuration.model_copy(update={"population": None}), folder)
    spent = []
    for _ in range(5):
        begin = time.process_time()
        device.solved(refresh=True)
        spent.append(time.process_time() - begin)
    fastest = min(spent)
    solves = sum(SOLVES.get(phase.kind, OTHER_SOLVES) for _, _, phase in configuration.phases())
    estimate = duration(fastest * GROWTH * solves)
    return [
        f"cost        one field solution takes {fastest * 1e3:.2g} ms now; about {solves} of them, "
        f"ten times as expensive with a filament: about {estimate} on one of {os.cpu_count()} cores "
        "(within a factor of 5)"
    ]
