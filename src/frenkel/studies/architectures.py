"""S2: Table 2 of the review measured: cells without a transistor, with one, and in pairs.

One network, one device; what changes is how signs are taken (a pair, a reference column, an offset taken off
digitally) and how single cells are read. Transistors change nothing in a product with all rows driven and all
columns held; they matter when one cell is read or written.
"""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..array.cells.base import LinearCells
from ..array.columns import TransistorArray
from ..array.crossbar import Crossbar
from ..array.crosspoint import OneTransistorOneResistor, Transistor
from ..array.lines import bias
from ..array.lines.network import Lines
from ..networks.device_statistics import DeviceStatistics
from ..networks.mapping import MAPPINGS, decode, encode
from ..typing import Floats
from .base import Claim, Settings, finish, interval, variable
from .draw import panel_lines
from .methods import hardware

TITLE = "arrays without transistors, with one per cell, and in pairs"
INDEPENDENT = (0.05, 0.1, 0.2, 0.3)
COMMON = (0.05, 0.1, 0.2)
SEGMENTS = (1.0, 2.0, 5.0, 10.0, 20.0)
ON_OFF, ABSOLUTE = (10.0, 1000.0), 0.02
"""Windows, and noise of every cell over g_max, for the comparison of mappings."""

SIZES = (8, 16, 32, 64, 128)
SCHEMES = ("floating", "half", "third", "transistor")
READ_VOLTAGE, READ_WIDTH = 0.2, 10e-9
ACCESS = Transistor(threshold=0.5, gain=5e-3)
"""Chosen: 4 kohm at a gate of 1.5 V; of a wide cell, small beside the cells."""


def run(settings: Settings) -> xr.Dataset:
    """Measure accuracies, errors and energies of the three architectures.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    xarray.Dataset
        Accuracies by seed (mean over chips), errors of single reads and of products by size.
    """
    task, device, network, values = hardware.begin(settings)
    values |= {
        "mapping": (["mapping"], list(MAPPINGS), {"units": "1", "long_name": "how signs are taken"}),
    }
    values |= _accuracies(settings, task, network, device)
    values |= _windows(settings, task, network, device)
    settings.progress(0.7, "reading single cells")
    values |= _single_reads(device) | _products(device, settings) | _rejection(device, settings)
    values |= _energies(network, device)
    title = f"{TITLE} ({task.name})"
    return finish(xr.Dataset(values), "S2", title, settings, **hardware.described(device))


def _accuracies(settings: Settings, task: Any, network: Any, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracies (mapping, severity, seed) under independent noise, common factors and IR drop."""
    found: dict[str, Any] = {}
    kinds = {
        "independent": (INDEPENDENT, hardware.lognormal, "sd of ln G, every cell by itself", settings.chips),
        "common": (COMMON, hardware.common, "sd of a factor that all cells share", settings.chips),
        # The drop is the same on every chip: one is enough.
        "wire": (SEGMENTS, hardware.wires, "resistance of a segment", 1),
    }
    for number, (name, (severities, effect, long_name, chips)) in enumerate(kinds.items()):
        settings.progress(0.1 + 0.2 * number, f"accuracy under {name} disturbance")
        table = np.empty((len(MAPPINGS), len(severities), settings.seeds))
        for i, mapping in enumerate(MAPPINGS):
            for k, severity in enumerate(severities):
                noise = hardware.noise_of(effect(severity), mapping, device)
                table[i, k] = hardware.tested(network, task.test, chips, settings.random(2, number, k), noise)
        unit = "ohm" if name == "wire" else "1"
        found[f"{name}_severity"] = variable(f"{name}_severity", severities, unit, long_name)
        found[f"{name}_accuracy"] = variable(
            f"mapping {name}_severity seed", table, "%", f"accuracy under {name} disturbance"
        )
    return found


def _windows(settings: Settings, task: Any, network: Any, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracies (mapping, ratio, seed) with noise of one size in all cells, by on/off ratio."""
    found = np.empty((len(MAPPINGS), len(ON_OFF), settings.seeds))
    for k, ratio in enumerate(ON_OFF):
        window = device.changed(g_min=device.g_max / ratio)
        for i, mapping in enumerate(MAPPINGS):
            noise = hardware.noise_of(hardware.additive(ABSOLUTE * device.g_max), mapping, window)
            found[i, k] = hardware.tested(network, task.test, settings.chips, settings.random(16, k), noise)
    return {
        "on_off": variable("on_off", ON_OFF, "1", "g_max over g_min"),
        "absolute_accuracy": variable(
            "mapping on_off seed", found, "%", f"accuracy with noise of {ABSOLUTE:g} g_max in every cell"
        ),
    }


def _single_reads(device: DeviceStatistics) -> dict[str, Any]:
    """Return the relative error of reading a cell at g_min, all others at g_max, lines without resistance."""
    errors = np.empty((len(SCHEMES), len(SIZES)))
    for k, n in enumerate(SIZES):
        g = np.full((n, n), device.g_max)
        g[0, 0] = device.g_min
        for i, scheme in enumerate(SCHEMES):
            if scheme == "transistor":
                errors[i, k] = _through_transistor(g) / device.g_min - 1.0
                continue
            # A wire of a milliohm: the solver wants one, and it changes nothing.
            crossbar = Crossbar(
                LinearCells(g), Lines(shape=(n, n), word_resistance=1e-3, bit_resistance=1e-3)
            )
            sensed = crossbar.solve(bias.select((n, n), (0, 0), READ_VOLTAGE, scheme)).sensed[0]
            errors[i, k] = sensed / READ_VOLTAGE / device.g_min - 1.0
    return {
        "scheme": (
            ["scheme"],
            list(SCHEMES),
            {"units": "1", "long_name": "unselected lines in a single read"},
        ),
        "size": variable("size", SIZES, "1", "rows and columns"),
        "single_read_error": variable("scheme size", errors, "1", "(G read - G) / G, worst pattern"),
    }


def _through_transistor(conductance: Floats) -> float:
    """Return the conductance (S) read with a transistor at every cell, its own resistance included."""
    array = TransistorArray(
        LinearCells(conductance),
        OneTransistorOneResistor(transistor=ACCESS),
        bit_resistance=1e-3,
        source_line_resistance=1e-3,
        gate_on=1.5,
    )
    return array.read((0, 0), READ_VOLTAGE, 0.0)[0] / READ_VOLTAGE


def _products(device: DeviceStatistics, settings: Settings) -> dict[str, Any]:
    """Return the rms error of weighted sums by array size and wire resistance, and Kirchhoff's residual."""
    error = np.empty((2, len(SIZES), len(SEGMENTS)))
    residual = 0.0
    random = settings.random(3)
    for k, n in enumerate(SIZES):
        w, x = random.uniform(-1.0, 1.0, (n, n)), random.random((32, n))
        for i, mapping in enumerate(("reference", "pair")):
            window = device.g_min, device.g_max
            g = encode(w[:, : n // 2] if mapping == "pair" else w[:, : n - 1], mapping, *window)
            right = x @ decode(g, mapping, *window)
            for j, r in enumerate(SEGMENTS):
                crossbar = Crossbar(LinearCells(g), Lines(shape=g.shape, word_resistance=r, bit_resistance=r))
                got = x @ decode(crossbar.effective_matrix(), mapping, *window)
                error[i, k, j] = np.sqrt(np.mean((got - right) ** 2)) / right.std()
                if n == 64:
                    solved = crossbar.solve(bias.multiply(x[0] * READ_VOLTAGE, g.shape[1]))
                    residual = max(residual, solved.residual / np.abs(solved.current).max())
    return {
        "signed": (["signed"], ["reference", "pair"], {"units": "1", "long_name": "how signs are taken"}),
        "product_error": variable(
            "signed size wire_severity", error, "1", "rms error of weighted sums over their spread"
        ),
        "kirchhoff_residual": variable("", residual, "1", "largest current missed over largest cell current"),
    }


def _rejection(device: DeviceStatistics, settings: Settings) -> dict[str, Any]:
    """Return the error of a weighted sum that a common factor makes where the sum is zero, by mapping."""
    random = settings.random(4)
    w = random.uniform(-1.0, 1.0, (64, 32))
    x = random.random(64)
    # The last weight makes each sum zero, so that what is left is offset, not gain.
    w -= (x @ w)[None] * x[:, None] / (x @ x)
    window = device.g_min, device.g_max
    found = []
    for mapping in MAPPINGS:
        scale = np.abs(w).max()
        g = encode(w / scale, mapping, *window) * 1.1
        found.append(float(np.abs(x @ decode(g, mapping, *window) * scale).max()))
    return {
        "common_error": variable(
            "mapping", found, "1", "largest weighted sum in place of 0 under a common factor of 1.1"
        )
    }


def _energies(network: Any, device: DeviceStatistics) -> dict[str, Any]:
    """Return the energy of the cells for one product with inputs of 1/2, by mapping; modelled."""
    found = []
    for mapping in MAPPINGS:
        total = 0.0
        for weights in network.weights:
            g = encode(weights / hardware.scales(weights), mapping, device.g_min, device.g_max)
            total += (0.5 * READ_VOLTAGE) ** 2 * READ_WIDTH * float(g.sum()) / len(weights)
        found.append(total)
    return {"cell_energy": variable("mapping", found, "J", "energy of the cells per inference, modelled")}


# ------------------------------------------------------------------ what is said of it


def _at(data: xr.Dataset, name: str, mapping: str, severity: float) -> Floats:
    kind = name.removesuffix("_accuracy")
    return np.asarray(data[name].sel({"mapping": mapping, f"{kind}_severity": severity}))


def table(data: xr.Dataset) -> str:
    """Return Table 2 as measured (Markdown)."""
    names = {"0T1R": "reference", "1T1R": "reference", "2T2R": "pair"}
    lines = ["| | 0T1R | 1T1R | 2T2R |", "|---|---|---|---|"]

    def row(text: str, cells: list[str]) -> None:
        lines.append("| " + " | ".join([text, *cells]) + " |")

    from ..networks.mapping import ARCHITECTURES

    row("area of a weight (F²)", [f"{ARCHITECTURES[a].area:g}" for a in names])
    for n in (8, 64):
        single = data.single_read_error.sel(size=n)
        read = [f"{float(single.sel(scheme=s)):+.2g}" for s in SCHEMES]
        row(
            f"error of a single read over G, {n} x {n}, worst pattern",
            [f"floating {read[0]}; V/2 {read[1]}; V/3 {read[2]}", read[3], read[3]],
        )
    for name, unit, severities in (
        ("independent_accuracy", "sd of ln G", INDEPENDENT),
        ("common_accuracy", "common factor, sd", COMMON),
        ("wire_accuracy", "ohm per segment", SEGMENTS),
    ):
        for severity in severities:
            cells = [f"{interval(_at(data, name, m, severity)):.1f} %" for m in names.values()]
            row(f"accuracy, {unit} {severity:g}", cells)
    energy = {m: float(data.cell_energy.sel(mapping=m)) for m in MAPPINGS}
    row("energy of the cells per inference (modelled)", [f"{energy[m]:.3g} J" for m in names.values()])
    row("signs", ["reference column", "reference column", "native"])
    return "\n".join(lines) + f"\n\nAccuracy in software: {interval(data['float']):.1f} %."


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of Table 2 of the review."""
    return [
        _sneak(data),
        _immunity(data),
        _common(data),
        _drop(data),
        _mapping(data),
        _linearity(data),
        _sizes(data),
        _signs(data),
    ]


def _sneak(data: xr.Dataset) -> Claim:
    error = data.single_read_error
    floating, half, gate = (float(error.sel(scheme=s, size=64)) for s in ("floating", "half", "transistor"))
    cured = floating > 10.0 * abs(gate) and floating > 1.0
    return Claim(
        id="S2-sneak",
        sentence="Sneak paths: severe in passive arrays, eliminated with transistors.",
        source="review, Table 2",
        verdict="corrects" if cured else "contradicts",
        ours=f"Reading one cell of 64 x 64: error {floating:+.0f} x G with floating lines, {half:+.2g} "
        f"with V/2, {gate:+.2g} with a transistor (its leakage and resistance). With all rows driven and "
        "columns held at 0 V a product has no sneak path at all, in either array; only the drop along "
        "lines is left.",
        accepted=cured,
    )


def _immunity(data: xr.Dataset) -> Claim:
    gain = [
        interval(
            _at(data, "independent_accuracy", "pair", s) - _at(data, "independent_accuracy", "reference", s)
        )
        for s in INDEPENDENT
    ]
    ordered = all(g.low > 0.0 for g in gain[1:])
    return Claim(
        id="S2-noise",
        sentence="Noise immunity: low, medium, high (by rejection of common mode).",
        source="review, Table 2",
        verdict="corrects" if ordered else "open",
        ours="Independent noise of .1/.2/.3: a pair gains "
        + " / ".join(f"{g:.1f}" for g in gain[1:])
        + " pp over a reference column. The gain is of noise that is a share of G: a weight near 0 has "
        "two cells near g_min. Subtraction itself doubles the variance of independent noise of equal size.",
        accepted=ordered,
    )


def _common(data: xr.Dataset) -> Claim:
    loss = {m: interval(np.asarray(data["float"]) - _at(data, "common_accuracy", m, 0.2)) for m in MAPPINGS}
    ratio = float(data.common_error.sel(mapping="offset")) / max(
        float(data.common_error.sel(mapping="pair")),
        float(data.common_error.sel(mapping="reference")),
        1e-300,
    )
    holds = ratio >= 10.0 and loss["pair"].high < 1.0 and loss["offset"].low > loss["pair"].high
    return Claim(
        id="S2-common",
        sentence="2T2R cancels variations that both cells share.",
        source="review, section 5.3",
        verdict="corrects" if holds and loss["reference"].high < 1.0 else "open",
        ours=f"Loss under a common factor of 20 %: pair {loss['pair']:.2f}, reference column "
        f"{loss['reference']:.2f}, offset taken off digitally {loss['offset']:.1f} pp; rejection of both "
        f"analogue subtractions at least {min(ratio, 1e12):.1g} times. One reference column does what a "
        "pair does here.",
        accepted=holds,
    )


def _drop(data: xr.Dataset) -> Claim:
    text, order = [], True
    for r in (5.0, 20.0):
        pair, other = (_at(data, "wire_accuracy", m, r) for m in ("pair", "reference"))
        text.append(f"{r:g} ohm: pair {interval(pair):.1f}, reference {interval(other):.1f} %")
        order = order and interval(pair - other).low > 0.0
    residual = float(data.kirchhoff_residual)
    return Claim(
        id="S2-drop",
        sentence="IR drop limits passive arrays to 64 x 64 or 128 x 128.",
        source="review, section 5.1",
        verdict="corrects" if order else "open",
        ours="; ".join(text)
        + f" (exact solution, Kirchhoff's law to {residual:.1g}). It is the current that sets the limit, "
        "not the missing transistor: pairs draw less, and their neighbours see the same drop.",
        accepted=order and residual < 1e-9,
    )


def _mapping(data: xr.Dataset) -> Claim:
    gains = []
    for ratio in ON_OFF:
        at = data.absolute_accuracy.sel(on_off=ratio)
        gains.append(interval(np.asarray(at.sel(mapping="pair")) - np.asarray(at.sel(mapping="offset"))))
    return Claim(
        id="S2-mapping",
        sentence="Weights proportional to a difference are more robust than weights with an offset.",
        source="arXiv:2109.01262",
        verdict="supports" if all(g.mean > 0.0 for g in gains) else "contradicts",
        ours=f"Noise of {ABSOLUTE:g} g_max in every cell: a pair gains {gains[0]:+.2f} pp over an offset "
        f"at an on/off ratio of {ON_OFF[0]:g}, {gains[1]:+.2f} at {ON_OFF[1]:g}.",
        accepted=all(g.mean > 0.0 for g in gains),
    )


def _linearity(data: xr.Dataset) -> Claim:
    ratio = float(data.cell_energy.sel(mapping="reference") / data.cell_energy.sel(mapping="pair"))
    return Claim(
        id="S2-linearity",
        sentence="Linearity: highest in 2T2R, by differential cancellation.",
        source="review, Table 2",
        verdict="corrects",
        ours="For I = G f(V) with one odd f for all cells, as a filament's sinh, the difference of two "
        "cells is (G+ - G-) f(V): subtraction cancels no odd nonlinearity (exact). It does lower "
        f"currents: cells of the reference mapping take {ratio:.1f} times the energy of pairs.",
        accepted=None,
    )


def _sizes(data: xr.Dataset) -> Claim:
    from ..networks.mapping import ARCHITECTURES

    areas = ", ".join(f"{n} {ARCHITECTURES[n].area:g} F²" for n in ("0T1R", "1T1R", "2T2R"))
    return Claim(
        id="S2-size",
        sentence="Cell size 4, 15-20 and 30-40 F² (12-20 in the text).",
        source="review, Table 2",
        verdict="open",
        ours=f"{areas} (inputs, from layout rules of NeuroSim, not results of ours; its newer version "
        "takes 48 F² for 1T1R). With converters shared by 8 outputs the cells are a small part of the "
        "area: see S7.",
        accepted=None,
    )


def _signs(data: xr.Dataset) -> Claim:
    loss = interval(np.asarray(data["float"]) - _at(data, "independent_accuracy", "reference", 0.05))
    return Claim(
        id="S2-sign",
        sentence="Weight sign: positive only without a pair.",
        source="review, Table 2",
        verdict="corrects",
        ours="One reference column for all makes signed weights of single cells: exact without noise; at "
        f"5 % independent noise it costs {loss:.1f} pp.",
        accepted=None,
    )


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy against disturbance, and errors of single reads; return the files."""
    panels: list[Any] = []
    for kind, label in (
        ("independent", "sd of ln G (1)"),
        ("common", "sd of common factor (1)"),
        ("wire", "segment (ohm)"),
    ):
        curves = {m: data[f"{kind}_accuracy"].sel(mapping=m).values for m in MAPPINGS}
        panels.append((label, "accuracy (%)", data[f"{kind}_severity"].values, curves, kind == "wire"))
    reads = {s: np.abs(data.single_read_error.sel(scheme=s).values)[:, None] for s in SCHEMES}
    panels.append(
        ("rows and columns (1)", "error of a single read / G (1)", data["size"].values, reads, "both")
    )
    return [panel_lines(folder / "s2_architectures.png", panels)]
