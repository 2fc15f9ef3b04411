"""What the result of an array holds, in plain text, and what a configuration of one would do."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import provenance
from ..analysis.plots.array import one_gain
from ..analysis.plots.caption import quantity
from ..configuration.array import (
    AnyArrayPhase,
    ArrayConfiguration,
    ReadDisturbPhase,
    RetentionPhase,
    StaircasePhase,
)
from ..data.layout import SchemaError
from ..progress import in_words
from ..typing import Floats

if TYPE_CHECKING:
    import xarray as xr

LISTED = 8
"""Failed cells that a report names."""

LEVELS, LEAST = 16, 4
"""Targets of a few values, and cells of one, of which a report says that none was reached."""

ALIKE = 1e-3
"""Relative difference of conductances below which cells are in one state: a card tells no less."""


def plan(configuration: ArrayConfiguration) -> str:
    """Return what a configuration would do; files that it names are not read."""
    array = configuration.array
    lines = [
        configuration.title or "(no title)",
        f"array       {array.word_lines} x {array.bit_lines} of {array.crossing}, cells of kind "
        f"{configuration.cells.kind}, {array.node} wires, {array.temperature:g} K",
        f"seed        {'drawn at the start' if configuration.seed is None else configuration.seed}",
        "phases      " + ", ".join(phase.name or phase.kind for phase in configuration.phase),
    ]
    if array.stuck:
        lines.append(
            f"stuck       {100 * array.stuck:.3g} % of the cells, at {array.stuck_resistance:.3g} ohm"
        )
    lines += [f"readings    {text}" for phase in configuration.phase if (text := _planned(phase))]
    return "\n".join(lines)


def _planned(phase: AnyArrayPhase) -> str:
    """Return what a phase reads of single cells, or nothing."""
    if isinstance(phase, RetentionPhase):
        cells = "all cells" if phase.cells is None else f"{len(phase.cells)} cells"
        return f"{cells} at the start and {phase.looks} times up to {in_words(phase.duration)}"
    if isinstance(phase, StaircasePhase):
        pulses = f"{phase.steps} pulses of {phase.start:g} to {phase.stop:g} V"
        return f"cell {tuple(phase.cell)} after each of {pulses}"
    if isinstance(phase, ReadDisturbPhase):
        return f"cell {tuple(phase.cell)} {phase.count} times"
    return ""


def describe(result: "xr.Dataset") -> str:
    """Return what became of an array: cells, energy, products, margins."""
    record = provenance.read(result.attrs.get("provenance"))
    lines = [
        result.attrs.get("title", ""),
        f"made by     frenkel {record['software']['version']}, seed {record['seed']}",
        "phases      "
        + ", ".join(
            f"{name} (to {in_words(float(end))})" if end else str(name)
            for name, end in zip(result["phase_name"].values, result["phase_end"].values, strict=True)
        ),
    ]
    for part in (_programming, _snapshots, _readings, _products, _energy, _margins):
        lines += part(result)
    return "\n".join(lines)


def _programming(result: "xr.Dataset") -> list[str]:
    if "reached" not in result:
        return []
    reached, pulses = result["reached"].values, result["program_pulses"].values
    error = result["programmed"].values - result["target"].values
    lines = [
        f"programmed  {np.count_nonzero(reached == 1)} of {reached.size} cells reached their target "
        f"({np.count_nonzero(reached == 0)} failed), {pulses.mean():.3g} pulses a cell, most {pulses.max()}; "
        + ("no reads" if np.isnan(error).all() else f"error {quantity(_rms(error), 'S')} rms"),
        f"            in {quantity(float(result['program_time']), 's')}; one cell after the other would take "
        f"{float(result['program_time_serial'] / result['program_time']):.3g} times as long",
    ]
    failed = np.argwhere(reached == 0)
    if len(failed):
        listing = ", ".join(f"({i}, {j})" for i, j in failed[:LISTED])
        lines.append(f"failed      {listing}{' ...' if len(failed) > LISTED else ''}")
    return lines + _never_reached(result)


def _never_reached(result: "xr.Dataset") -> list[str]:
    """Return of each target that several cells had and none reached where these ended."""
    target, reached, programmed = (result[name].values for name in ("target", "reached", "programmed"))
    lines = []
    for level in np.unique(target) if len(np.unique(target)) <= LEVELS else ():
        at_level = target == level
        if (
            np.count_nonzero(at_level) >= LEAST
            and np.all(reached[at_level] == 0)
            and np.isfinite(programmed[at_level]).all()
        ):
            low, high = (
                quantity(float(end), "S") for end in (programmed[at_level].min(), programmed[at_level].max())
            )
            lines.append(
                f"            none of {np.count_nonzero(at_level)} cells reached "
                f"{quantity(float(level), 'S')}: they ended at {low}{f' to {high}' if high != low else ''}, "
                "read with what is in series"
            )
    return lines


def _snapshots(result: "xr.Dataset") -> list[str]:
    if "target" not in result:
        return []
    lines = []
    for label, g in zip(result["snapshot_label"].values, result["conductance"].values, strict=True):
        error = g - result["target"].values
        lines.append(
            f"{label!s:11} error as read {quantity(float(np.sqrt((error**2).mean())), 'S')} rms, "
            f"mean {quantity(float(error.mean()), 'S')}{'' if label == 'as made' else _levels(result, g)}"
        )
    return lines


def _readings(result: "xr.Dataset") -> list[str]:
    if "reading_phase" not in result:
        return []
    lines = []
    for number in np.unique(result["reading_phase"].values):
        part = result.isel(reading=result["reading_phase"].values == number)
        cells = np.unique(np.array([part["reading_word_line"], part["reading_bit_line"]]), axis=1).shape[1]
        means = part["reading_conductance"].values.reshape(-1, cells).mean(axis=1)
        text = (
            f"readings    {result['phase_name'].values[number]!s}: {cells} cell{'s' * (cells > 1)} "
            f"read {means.size} times, in the mean from {quantity(float(means[0]), 'S')} to "
            f"{quantity(float(means[-1]), 'S')}"
        )
        drifts = result["phase_kind"].values[number] == "retention"
        lines.append(text + (f"; one gain of {means[0] / means[-1]:.4g} makes up for it" if drifts else ""))
    return lines


def _rms(error: Floats) -> float:
    return float(np.sqrt(np.nanmean(error**2)))


def levels_apart(target: Floats, found: Floats) -> float:
    """Return how many levels fit between the least and the largest target, 3 deviations from every border.

    One more than the integral of dG over 6 deviations, each that of the cells of a target about their mean.

    Parameters
    ----------
    target, found : ndarray
        Of cells that were programmed (S).
    """
    levels = np.unique(target)
    if len(levels) < 2:
        return 1.0
    spread = np.array([found[target == level].std() for level in levels])
    steps = np.diff(levels) / (3.0 * (spread[1:] + spread[:-1]))
    return 1.0 + float(steps.sum())


def _levels(result: "xr.Dataset", found: Floats) -> str:
    target, is_reached = result["target"].values, result["reached"].values != 0
    number_of_targets = len(np.unique(target[is_reached]))
    if number_of_targets > 256 or np.count_nonzero(is_reached) < 10 * number_of_targets:
        return ""
    if all(
        np.ptp(found[is_reached & (target == level)]) < ALIKE * level
        for level in np.unique(target[is_reached])
    ):
        return "; cells of one target all end at one conductance, so that levels between are not told"
    number = levels_apart(target[is_reached], found[is_reached])
    return f"; {number:.3g} distinguishable levels, {np.log2(number):.2g} bits, in cells that were reached"


def _products(result: "xr.Dataset") -> list[str]:
    if "product" not in result:
        return []
    lines = []
    scale = float(result["product_target"].max())

    def share(error: Any) -> str:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a result may hold anything
            return f"{100 * np.sqrt((error**2).mean()) / scale:.3g} %"

    for name, text in (("product_target", "targets"), ("product_exact", "the cells as they are")):
        error = (result["product"] - result[name]).values
        lines.append(
            f"products    {result.sizes['vector']} vectors, error {share(error)} "
            f"rms of full scale, against {text} without lines"
        )
    gain = one_gain(result)
    error = (gain * result["product"] - result["product_target"]).values
    lines.append(f"            {share(error)} against targets if all are scaled by {gain:.4g}")
    return lines


def _energy(result: "xr.Dataset") -> list[str]:
    if "energy" not in result or not result.sizes["sample"]:
        return []
    last = result["energy"].values[-1]
    parts = ", ".join(
        f"{name} {quantity(float(value), 'J')}"
        for name, value in zip(result["component"].values, last, strict=True)
    )
    label = result.attrs.get("periphery_label", "")
    return [
        f"energy      {parts}; driver and converter {label}",
        f"operations  {int(result['pulses'].values[-1])} pulses, {int(result['reads'].values[-1])} reads",
        f"periphery   {_periphery(result)} ({label})",
    ]


def _periphery(result: "xr.Dataset") -> str:
    try:
        settings = json.loads(result.attrs.get("periphery", "{}"))
        return ", ".join(f"{key} {value}" for key, value in settings.items())
    except (ValueError, AttributeError, RecursionError):
        raise SchemaError("the attribute periphery of the result is damaged") from None


def _margins(result: "xr.Dataset") -> list[str]:
    if "read_margin" not in result:
        return []
    lines = ["read margin " + " ".join(f"{int(n):>8}" for n in result["size"].values)]
    for crossing in result["crossing"].values:
        for scheme in result["scheme"].values:
            row = result["read_margin"].sel(crossing=crossing, scheme=scheme).values
            lines.append(f"{crossing!s:>14} {scheme!s:9}" + " ".join(f"{v:8.3f}" for v in row))
    return lines
