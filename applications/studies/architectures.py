"""Table 2 of the review measured: cells without a transistor, with one, and in pairs.

One network, one device; what changes is how signs are taken (a pair, a reference column, an offset taken off
digitally) and how single cells are read. Transistors change nothing in a product with all rows driven and all
columns held; they matter when one cell is read or written.
"""

from pathlib import Path

import numpy as np
import xarray as xr

from frenkel import provenance
from frenkel.array.columns import TransistorArray
from frenkel.array.crossbar import Crossbar
from frenkel.array.crosspoint import OneTransistorOneResistor, Transistor
from frenkel.array.lines import bias
from frenkel.array.lines.network import Lines
from frenkel.cells.resistors import LinearCells
from frenkel.networks.device_statistics import DeviceStatistics
from frenkel.networks.mapping import ARCHITECTURES, MAPPINGS, Mapping, decode, encode
from frenkel.typing import Floats

from .common.claims import Claim, claim, effect
from .common.data import Variables, interval, markdown, variable
from .common.draw import Panel, panel_lines
from .common.settings import Settings
from .methods import hardware
from .methods.hardware import Setup

TITLE = "arrays without transistors, with one per cell, and in pairs"
INDEPENDENT = (0.05, 0.1, 0.2, 0.3)
COMMON = (0.05, 0.1, 0.2)
SEGMENTS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Ranges: sd of ln G, sd of a common factor, resistance of a segment (ohm). Chosen."""

ON_OFF, ABSOLUTE = (10.0, 1000.0), 0.02
"""Windows, and noise of every cell over g_max, for the comparison of mappings. Chosen."""

SIZES = (8, 16, 32, 64, 128)
SCHEMES = ("floating", "half", "third", "transistor")
SIGNED: tuple[Mapping, ...] = ("reference", "pair")
WORTH, ALLOWED_LOSS = 0.5, 1.0
"""Gain, and loss by lines (pp), that must be exceeded to matter. Chosen."""

READ_VOLTAGE, READ_WIDTH = 0.2, 10e-9
"""Of a read (V, s). Chosen."""

ACCESS = Transistor(threshold=0.5, gain=5e-3)
"""Chosen: 4 kohm at a gate of 1.5 V; of a wide cell, small beside the cells."""


def run(settings: Settings) -> xr.Dataset:
    """Return accuracies by seed (mean over chips), and errors of single reads and of products by size."""
    setup, values = hardware.begin(settings)
    values["mapping"] = variable("mapping", MAPPINGS, "1", "how signs are taken")
    values |= _accuracies(setup) | _windows(setup)
    settings.progress(0.7, "reading single cells")
    values |= _single_reads(setup.device) | _products(setup) | _rejection(setup) | _energies(setup)
    return setup.finish(values, "architectures", TITLE)


def _accuracies(setup: Setup) -> Variables:
    """Return accuracies (mapping, severity, seed) under independent noise, common factors and IR drop."""
    variables: Variables = {}
    settings = setup.settings
    kinds = {
        "independent": (INDEPENDENT, hardware.lognormal, "sd of ln G, every cell by itself", settings.chips),
        "common": (COMMON, hardware.common, "sd of a factor that all cells share", settings.chips),
        # The drop is the same on every chip: one is enough.
        "wire": (SEGMENTS, hardware.wires, "resistance of a segment", 1),
    }
    for number, (name, (severities, noise_of, long_name, chips)) in enumerate(kinds.items()):
        settings.progress(0.1 + 0.2 * number, f"accuracy under {name} disturbance")
        table = np.empty((len(MAPPINGS), len(severities), settings.seeds))
        for i, mapping in enumerate(MAPPINGS):
            for k, severity in enumerate(severities):
                table[i, k] = setup.tested(
                    setup.noise(noise_of(severity), mapping), 2, number, k, chips=chips
                )
        unit, dims = "ohm" if name == "wire" else "1", f"{name}_severity"
        variables[dims] = variable(dims, severities, unit, long_name)
        variables[f"{name}_accuracy"] = variable(
            f"mapping {dims} seed", table, "%", f"accuracy under {name} disturbance"
        )
    if setup.device.knows("blind pulses"):
        spread = setup.device.variability
        accuracies = [
            setup.tested(setup.noise(hardware.lognormal(spread), mapping), 2, 9) for mapping in MAPPINGS
        ]
        variables["own_spread"] = variable("", spread, "1", "sd of ln G after one blind pulse of the cell")
        variables["own_accuracy"] = variable(
            "mapping seed", accuracies, "%", "accuracy after one blind pulse a cell"
        )
    return variables


def _windows(setup: Setup) -> Variables:
    """Return accuracies (mapping, ratio, seed) with noise of one size in all cells, by on/off ratio."""
    accuracies = np.empty((len(MAPPINGS), len(ON_OFF), setup.settings.seeds))
    largest = setup.device.g_max
    for k, ratio in enumerate(ON_OFF):
        window = setup.device.changed(g_min=largest / ratio)
        for i, mapping in enumerate(MAPPINGS):
            noise = hardware.noise_of(hardware.additive(ABSOLUTE * largest), mapping, window)
            accuracies[i, k] = setup.tested(noise, 16, k)
    words = f"accuracy with noise of {ABSOLUTE:g} g_max in every cell"
    return {
        "on_off": variable("on_off", ON_OFF, "1", "g_max over g_min"),
        "absolute_accuracy": variable("mapping on_off seed", accuracies, "%", words),
    }


def _single_reads(device: DeviceStatistics) -> Variables:
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
        "scheme": variable("scheme", SCHEMES, "1", "unselected lines in a single read"),
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


def _products(setup: Setup) -> Variables:
    """Return the rms error of weighted sums by array size and wire resistance, and Kirchhoff's residual."""
    error = np.empty((len(SIGNED), len(SIZES), len(SEGMENTS)))
    residual = 0.0
    random = setup.settings.random(3)
    for k, n in enumerate(SIZES):
        w, x = random.uniform(-1.0, 1.0, (n, n)), random.random((32, n))
        for i, mapping in enumerate(SIGNED):
            g = encode(w[:, : n // 2] if mapping == "pair" else w[:, : n - 1], mapping, *setup.device.window)
            right = x @ decode(g, mapping, *setup.device.window)
            for j, r in enumerate(SEGMENTS):
                crossbar = Crossbar(LinearCells(g), Lines(shape=g.shape, word_resistance=r, bit_resistance=r))
                products = x @ decode(crossbar.effective_matrix(), mapping, *setup.device.window)
                error[i, k, j] = np.sqrt(np.mean((products - right) ** 2)) / right.std()
                if n == 64:
                    solved = crossbar.solve(bias.multiply(x[0] * READ_VOLTAGE, g.shape[1]))
                    residual = max(residual, solved.residual / np.abs(solved.current).max())
    words = "rms error of weighted sums over their spread"
    return {
        "signed": variable("signed", SIGNED, "1", "how signs are taken"),
        "product_error": variable("signed size wire_severity", error, "1", words),
        "kirchhoff_residual": variable("", residual, "1", "largest current missed over largest cell current"),
    }


def _rejection(setup: Setup) -> Variables:
    """Return the error of a weighted sum that a common factor makes where the sum is zero, by mapping."""
    random = setup.settings.random(4)
    w = random.uniform(-1.0, 1.0, (64, 32))
    x = random.random(64)
    # The last weight makes each sum zero, so that what is left is offset, not gain.
    w -= (x @ w)[None] * x[:, None] / (x @ x)
    errors = []
    for mapping in MAPPINGS:
        scale = np.abs(w).max()
        g = encode(w / scale, mapping, *setup.device.window) * 1.1
        errors.append(float(np.abs(x @ decode(g, mapping, *setup.device.window) * scale).max()))
    words = "largest weighted sum in place of 0 under a common factor of 1.1"
    return {"common_error": variable("mapping", errors, "1", words)}


def _energies(setup: Setup) -> Variables:
    """Return all cells' conductance, and their energy for one product with inputs of 1/2, by mapping."""
    totals = []
    for mapping in MAPPINGS:
        total = 0.0
        for weights in setup.network.weights:
            g = encode(weights / hardware.scales(weights), mapping, *setup.device.window)
            total += float(g.sum()) / len(weights)
        totals.append(total)
    energy = [(0.5 * READ_VOLTAGE) ** 2 * READ_WIDTH * total for total in totals]
    return {
        "driven": variable("mapping", totals, "S", "conductance of all cells of a network"),
        "cell_energy": variable("mapping", energy, "J", "energy of the cells per inference, modelled"),
    }


# ------------------------------------------------------------------ what it says


def _at(data: xr.Dataset, name: str, mapping: str, severity: float) -> Floats:
    kind = name.removesuffix("_accuracy")
    return np.asarray(data[name].sel({"mapping": mapping, f"{kind}_severity": severity}))


def table(data: xr.Dataset) -> str:
    """Return Table 2 as measured (Markdown)."""
    names = {"0T1R": "reference", "1T1R": "reference", "2T2R": "pair"}
    rows = [["area of a weight (F²)", *(f"{ARCHITECTURES[a].area:g}" for a in names)]]
    for n in (8, 64):
        single = data.single_read_error.sel(size=n)
        read_errors = [f"{float(single.sel(scheme=s)):+.2g}" for s in SCHEMES]
        passive = f"floating {read_errors[0]}; V/2 {read_errors[1]}; V/3 {read_errors[2]}"
        rows.append(
            [
                f"error of a single read over G, {n} x {n}, worst pattern",
                passive,
                read_errors[3],
                read_errors[3],
            ]
        )
    if "own_accuracy" in data:
        cells = [f"{interval(data.own_accuracy.sel(mapping=m)):.1f} %" for m in names.values()]
        rows.append([f"accuracy, sd of ln G {float(data.own_spread):.3g}: one pulse of the cell", *cells])
    for name, unit, severities in (
        ("independent_accuracy", "sd of ln G (range)", INDEPENDENT),
        ("common_accuracy", "common factor, sd (range)", COMMON),
        ("wire_accuracy", "ohm per segment (range)", SEGMENTS),
    ):
        for severity in severities:
            cells = [f"{interval(_at(data, name, m, severity)):.1f} %" for m in names.values()]
            rows.append([f"accuracy, {unit} {severity:g}", *cells])
    energy = [f"{1e12 * float(data.cell_energy.sel(mapping=m)):.3g}" for m in names.values()]
    if "driven" in data:
        driven = [f"{1e3 * float(data.driven.sel(mapping=m)):.3g}" for m in names.values()]
        rows.append(["conductance of all cells (mS)", *driven])
    rows.append(["signs", "reference column", "reference column", "native"])
    lines = markdown(["", *names], rows)
    study = provenance.read(data.attrs.get("provenance"), "study architectures")["configuration"]
    return "\n".join(lines) + (
        f"\n\nAccuracy in software: {interval(data['float']):.1f} %. The window is that of "
        f"{study.get('device_source')}; disturbances are ranges that somebody chose. 0T1R and 1T1R differ in "
        "single reads alone: in a product all rows are driven, and transistors have no resistance here. "
        f"Half of {READ_VOLTAGE:g} V for {1e9 * READ_WIDTH:g} ns, which somebody chose, costs the cells "
        f"{', '.join(energy)} pJ an inference (modelled); it goes with the square of the one times the other."
    )


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of Table 2 of the review."""
    return [_sneak(data), _immunity(data), _common(data), _drop(data), _mapping(data)]


def _sneak(data: xr.Dataset) -> Claim:
    """Kirchhoff's laws for one pattern, of the window alone: nothing here could come out otherwise."""
    error = data.single_read_error
    floating, half, gate = (float(error.sel(scheme=s, size=64)) for s in ("floating", "half", "transistor"))
    return claim("architectures-sneak", None, floating=floating, half=half, gate=gate)


def _immunity(data: xr.Dataset) -> Claim:
    name = "independent_accuracy"
    gains = [
        effect(_at(data, name, "pair", s) - _at(data, name, "reference", s), WORTH) for s in INDEPENDENT[1:]
    ]
    return claim("architectures-noise", gains, gains=[g.found for g in gains])


def _common(data: xr.Dataset) -> Claim:
    """A common factor leaves both analogue differences: algebra."""
    loss = {m: interval(np.asarray(data["float"]) - _at(data, "common_accuracy", m, 0.2)) for m in MAPPINGS}
    ratio = float(data.common_error.sel(mapping="offset")) / max(
        float(data.common_error.sel(mapping="pair")),
        float(data.common_error.sel(mapping="reference")),
        1e-300,
    )
    return claim("architectures-common", None, ratio=min(ratio, 1e12), **loss)


def _drop(data: xr.Dataset) -> Claim:
    """If arrays without transistors were the limit, one cell a weight and pairs would lose alike."""
    base, text = np.asarray(data["float"]), []
    for r in (5.0, 20.0):
        pair, other = (_at(data, "wire_accuracy", mapping, r) for mapping in ("pair", "reference"))
        text.append(f"{r:g} ohm: pair {interval(pair):.1f}, reference {interval(other):.1f} %")
    losses = [
        effect(base - _at(data, "wire_accuracy", mapping, SEGMENTS[-1]), ALLOWED_LOSS)
        for mapping in ("reference", "pair")
    ]
    return claim("architectures-drop", losses, text="; ".join(text), residual=float(data.kirchhoff_residual))


def _mapping(data: xr.Dataset) -> Claim:
    gains = []
    for ratio in ON_OFF:
        accuracy_at = data.absolute_accuracy.sel(on_off=ratio)
        gains.append(
            effect(
                np.asarray(accuracy_at.sel(mapping="pair")) - np.asarray(accuracy_at.sel(mapping="offset")),
                WORTH,
            )
        )
    return claim(
        "architectures-mapping", gains, noise=ABSOLUTE, gains=[g.found for g in gains], ratios=list(ON_OFF)
    )


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw accuracy against disturbance, and errors of single reads; return the files."""
    panels: list[Panel] = []
    for kind, label in (
        ("independent", "sd of ln G"),
        ("common", "sd of common factor"),
        ("wire", "segment / ohm"),
    ):
        curves = {m: data[f"{kind}_accuracy"].sel(mapping=m).values for m in MAPPINGS}
        panels.append((label, "accuracy / %", data[f"{kind}_severity"].values, curves, kind == "wire"))
    reads = {s: np.abs(data.single_read_error.sel(scheme=s).values)[:, None] for s in SCHEMES}
    panels.append(("rows and columns", "error of a single read / G", data["size"].values, reads, "both"))
    return [panel_lines(folder / "architectures.png", panels)]
