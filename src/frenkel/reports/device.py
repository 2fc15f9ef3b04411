"""Tables in plain text: a result, a material, the exact tests."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import provenance
from ..analysis.plots.caption import quantity
from ..analysis.reliability import linearity, pulses
from ..analysis.results import metrics
from ..kinetic.materials.rows import BY_HAND, Row, Width, declared
from ..kinetic.materials.sections import FAMILIES

if TYPE_CHECKING:
    import xarray as xr

    from ..kinetic.materials.material import Material
    from ..verify.row import Check

WIDTH = 110


def describe(result: "xr.Dataset") -> str:
    """Return what is in a result, what made it, and what can be read off it."""
    record = provenance.read(result.attrs.get("provenance"))
    software = record["software"]
    commit = (
        f", commit {software['git'][:12]}{'+' * software['git'].endswith('+')}" if software["git"] else ""
    )
    sizes = result.sizes
    spacing = float(result["lattice_spacing"]) * 1e9
    x, y, z = (int(n) for n in result["lattice_shape"].values)
    lines = [
        result.attrs.get("title", ""),
        f"made by     frenkel {software['version']}{commit}, Python {record['environment']['python']}; "
        f"{result.attrs.get('history', '').split(' ')[0]}",
        f"from        configuration {record['configuration_hash'][:12]}, seed {record['seed']}, "
        f"member {record['member']}",
        f"material    {result.attrs.get('material')} ({result.attrs.get('material_hash')})",
        *changed_numbers(record["configuration"].get("material_document")),
        *layer_lines(result, spacing),
        f"device      {x} x {y} x {z} lattice sites of {spacing:g} nm, {result.attrs.get('lateral')} sides, "
        f"{float(result['series_resistance']):g} ohm in series",
        f"holds       samples: {sizes['sample']}, phases: {sizes['phases']}, snapshots: {sizes['snapshot']}, "
        f"{sizes['defect']} defects in them",
        textwrap.fill(
            "variables   " + ", ".join(sorted(str(name) for name in result.variables)),
            WIDTH,
            subsequent_indent=" " * 12,
        ),
        "",
        phase_table(result),
    ]
    if metrics.cycle_summary(result).sizes["cycle"]:
        lines += ["", cycle_table(result)]
    if train := pulses.trains(result):
        lines += ["", train_table(train)]
    return "\n".join([*lines, ""])


def changed_numbers(document: Any) -> list[str]:
    """Return a line for each number of a recorded material that was set by hand: its name says nothing of it.

    Parameters
    ----------
    document : object
        What was recorded of the material: a mapping, unless somebody wrote the file by hand.
    """
    if not isinstance(document, Mapping):
        return []
    return [
        f"            {section}.{key} = {leaf.get('value')} {leaf.get('unit')}, {leaf['source']}"
        for section, numbers in document.items()
        if isinstance(numbers, Mapping)
        for key, leaf in numbers.items()
        if isinstance(leaf, Mapping) and str(leaf.get("source", "")).startswith(BY_HAND)
    ]


def layer_lines(data: Any, spacing: float) -> list[str]:
    """Return a line for each layer, from the bottom one up; none of a single oxide.

    Parameters
    ----------
    data : xarray.Dataset or netCDF4.Dataset
        Result of a device, or of an ensemble, whose members may differ in thickness.
    spacing : float
        Of the lattice (nm).
    """
    if "layer_planes" not in data.variables:
        return []
    names = [str(name) for name in np.asarray(data["layer"][:])]
    planes = np.asarray(data["layer_planes"][:]).reshape(-1, len(names))
    planes = planes[np.all(planes > 0, axis=1)]  # a member without a result has none
    lines = []
    for number, (name, counts) in enumerate(zip(names, planes.T, strict=True), 1):
        ends = sorted({int(counts.min()), int(counts.max())}) if len(counts) else []
        nanometres, numbers = (
            " to ".join(f"{value:.4g}" for value in values) or "-"
            for values in ([count * spacing for count in ends], ends)
        )
        lines.append(f"layer {number:<5} {name}, {nanometres} nm, {numbers} planes")
    return lines


def train_table(found: Sequence[tuple[int, NDArray[np.float64]]]) -> str:
    """Return the trains of equal pulses of a result as a table, with their nonlinearity labels."""
    rows = []
    for sign, conductance in found:
        rising = conductance[-1] > conductance[0]
        flat = conductance[-1] == conductance[0]
        label = np.nan if flat else linearity.nonlinearity(conductance) * (1 if rising else -1)
        rows.append(
            [
                "positive" if sign > 0 else "negative",
                str(len(conductance) - 1),
                quantity(float(conductance[0]), "S"),
                quantity(float(conductance[-1]), "S"),
                f"{conductance.max() / conductance.min():.3g}",
                "-" if flat else f"{label:z.2f}",
                "-" if flat else str(linearity.number_of_states(conductance)),
            ]
        )
    columns = ["pulses", "number", "before", "after", "on/off", "nonlinearity label", "states"]
    return table(columns, rows)


def _percent(share: float) -> str:
    """Return a share in per cent, to a thousandth of one: what rounding leaves over a limit is none."""
    return "-" if np.isnan(share) else f"{round(100 * share, 3):g} %"


def phase_table(result: "xr.Dataset") -> str:
    """Return the phases of a result as a table."""
    summary = metrics.phase_summary(result)
    columns = [
        "phase",
        "switches at",
        "peak current",
        "compliance",
        "overshoot",
        "resistance",
        "highest T",
        "events",
        "solves",
    ]
    rows = []
    for index in range(summary.sizes["phases"]):
        row = {str(name): summary[name].values[index] for name in summary.data_vars}
        rows.append(
            [
                str(summary["phase_name"].values[index]),
                _or_dash(row["switching_voltage"], "V"),
                quantity(float(row["peak_current"]), "A"),
                _or_dash(row["phase_compliance"], "A"),
                _percent(row["compliance_error"]),
                quantity(float(row["resistance"]), "ohm"),
                f"{row['temperature_max']:.0f} K",
                str(int(row["events"])),
                str(int(row["field_solves"])),
            ]
        )
    return table(columns, rows)


def cycle_table(result: "xr.Dataset") -> str:
    """Return the cycles of a result as a table."""
    cycles = metrics.cycle_summary(result)
    rows = [
        [
            str(int(cycles["cycle"].values[i])),
            quantity(float(cycles["hrs"][i]), "ohm"),
            quantity(float(cycles["lrs"][i]), "ohm"),
            f"{float(cycles['on_off'][i]):.3g}",
            _or_dash(cycles["reset_voltage"].values[i], "V"),
            _or_dash(cycles["set_voltage"].values[i], "V"),
        ]
        for i in range(cycles.sizes["cycle"])
    ]
    return table(["cycle", "HRS", "LRS", "on/off", "RESET (largest current)", "SET (half rise)"], rows)


def material_list(materials: Sequence["Material"]) -> str:
    """Return the names of materials with their formula and description."""
    order = list(FAMILIES)
    rows = [
        [
            material.family,
            material.name,
            material.formula,
            material.hash[:8],
            textwrap.shorten(material.description, 90),
        ]
        for material in sorted(materials, key=lambda one: order.index(one.family))
    ]
    return table(["family", "name", "formula", "hash", "what it is"], rows, left=5)


def material_table(material: "Material") -> str:
    """Return every number of a material with unit, confidence, range, source and note."""
    lines = [
        f"{material.name}  {material.formula}  {material.hash}",
        textwrap.fill(material.description, WIDTH),
        f"mechanisms: {', '.join(material.mechanisms)}",
    ]
    section = None
    for row in material.table():
        if row.section != section:
            section = row.section
            lines += ["", f"[{section}]"]
        value = f"{row.value:g} {row.unit if row.unit != '1' else ''}".strip()
        span = f"  range {row.range[0]:g} to {row.range[1]:g}" if row.range else ""
        lines.append(f"  {row.key:22} {value:16} {row.confidence}{span}")
        lines += _origin(row)
    if material.population:
        lines += ["", "[population]"]
    for width in material.population:
        numbers = [f"{name} {value}" for name, value in width.law.items() if name != "law"]
        law = ", ".join([str(width.law["law"]), *numbers])
        lines.append(f"  {width.key:22} {law:16} {width.confidence}")
        lines += _origin(width)
    return "\n".join(lines)


def _origin(stated: Row | Width) -> list[str]:
    """Return source and note of what a material file states, as lines below it."""
    indent = " " * 25
    texts = filter(None, (stated.source, stated.note))
    return [textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent) for text in texts]


def origins_table(materials: Sequence["Material"]) -> str:
    """Return how many numbers of each material come from what, and how many of those are energies.

    A cell is "numbers (energies)"; an energy is a number that is kept in eV.
    """
    origins = ("measured", "ab initio", "machine-learned potential", "fitted", "recalled", "chosen")
    counts = {name: [0, 0] for name in origins}
    rows = []
    for material in materials:
        own = {name: [0, 0] for name in origins}
        for row in material.table():
            energy = declared(row.section, row.key).metadata["unit"] == "eV"
            for count in (own[row.confidence], counts[row.confidence]):
                count[0] += 1
                count[1] += energy
        rows.append([material.name, *(f"{number} ({energies})" for number, energies in own.values())])
    if len(materials) > 1:
        rows.append(["all", *(f"{number} ({energies})" for number, energies in counts.values())])
    return table(["numbers (of them energies)", *origins], rows)


def verification_table(rows: Sequence["Check"]) -> str:
    """Return the exact tests as a table: quantity, theory, ours, deviation, verdict."""
    cells = [
        [
            row.quantity,
            f"{row.theory:.6g}",
            f"{row.ours:.6g}",
            row.deviation_text,
            row.allowed_text,
            "pass" if row.passed else "FAIL",
        ]
        for row in rows
    ]
    failed = sum(not row.passed for row in rows)
    end = "all pass" if not failed else f"{failed} of {len(rows)} FAIL"
    return table(["quantity", "theory", "ours", "deviation", "allowed", "verdict"], cells) + f"\n{end}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return text in columns; the first ``left`` ones flush left, the others flush right."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = []
    for row in [heads, ["-" * width for width in widths], *rows]:
        cells = [
            text.ljust(width) if i < left else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _or_dash(value: float, unit: str) -> str:
    if not np.isfinite(value):
        return "-"
    return f"{value:.2f} V" if unit == "V" else quantity(float(value), unit)


def trap_table(found: "xr.Dataset") -> str:
    """Return the traps of a trace, as `rtn.traps` gives them, as a table."""
    rows = []
    for k in range(found.sizes["trap"]):
        trap = found.isel(trap=k)
        row = [str(k + 1), str(int(trap["transitions"])), quantity(float(trap["amplitude"]), "A")]
        for name in ("tau_capture", "tau_emission"):
            low, high = (quantity(float(value), "s") for value in trap[f"{name}_interval"].values)
            row.append(f"{quantity(float(trap[name]), 's')} ({low} to {high})")
        rows.append(row)
    return table(["trap", "transitions", "step", "time to capture (95 %)", "time to emission (95 %)"], rows)
