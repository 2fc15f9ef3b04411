"""S7: one page per design: accuracy against software, and energy, latency, area, writing and refreshing.

Accuracy and counts of the network are computed; every figure of energy, time and area is modelled. This is
not NeuroBench's system track, which asks for measured hardware.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ..array.periphery import NEURRAM, neurram
from ..networks.chip import Chip
from ..networks.cost import COMPONENTS, ChipCost, WriteCost, inference, refresh_share, writing
from ..networks.device_statistics import DeviceStatistics
from ..networks.metrics import by_harness, harness_missing, metrics
from ..networks.perceptron import Perceptron, accuracy
from ..networks.tasks import Task
from ..networks.write_verify import StatisticalWriteVerify
from ..typing import Floats
from .base import Claim, Settings, finish, interval, variable
from .methods import hardware

TITLE = "system card: accuracy, energy, latency and area of some designs"
DESIGNS: dict[str, dict[str, Any]] = {
    "2T2R, 8 b": {"architecture": "2T2R", "node": "65 nm"},
    "1T1R, 8 b": {"architecture": "1T1R", "node": "65 nm"},
    "0T1R, 8 b": {"architecture": "0T1R", "node": "65 nm"},
    "2T2R, slices": {"architecture": "2T2R", "node": "65 nm", "slices": 4, "weight_bits": 5},
    "2T2R, 22 nm, good ADC": {"architecture": "2T2R", "node": "22 nm", "quantile": 0.1},
    "2T2R, 5 b": {"architecture": "2T2R", "node": "65 nm", "bits": 5},
}
"""Designs by name; arrays of 128 x 128 with inputs and converters of 8 bits, eight outputs per converter,
cells that hold any value, unless said."""

TIMES = (1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
RATE = 1000.0
"""Inferences per second that refreshing is shared among. Chosen."""

ALLOWED_LOSS = 1.0
FIGURES = {
    "total_energy": ("total", "J"),
    "latency": ("latency", "s"),
    "energy_delay": ("energy_delay", "J s"),
    "efficiency": ("efficiency", "TOPS/W"),
    "total_area": ("total_area", "m2"),
    "density": ("density", "TOPS/mm2"),
    "peak_density": ("peak_density", "TOPS/mm2"),
    "cell_density": ("cell_density", "TOPS/mm2"),
}
"""Variables of the dataset, of `ChipCost`, and their units."""


def run(settings: Settings) -> xr.Dataset:
    """Build, program and run every design.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    xarray.Dataset
    """
    task, device, network, values = hardware.begin(settings)
    values |= {
        "design": (["design"], list(DESIGNS), {"units": "1", "long_name": "design"}),
        "component": (["component"], list(COMPONENTS), {"units": "1", "long_name": "where energy goes"}),
    }
    values |= _designs(settings, task, network, device)
    values |= _counts(network, task) | _published()
    note = harness_missing()
    return finish(
        xr.Dataset(values),
        "S7",
        f"{TITLE} ({task.name})",
        settings,
        **hardware.described(device),
        label="modelled",
        neurobench=note or "algorithm-track metrics by NeuroBench's harness",
    )


def _chip(design: dict[str, Any], device: DeviceStatistics, settings: Settings, seed: int) -> Chip:
    bits = design.get("bits", 8)
    return Chip(
        device,
        design["architecture"],
        adc_bits=bits,
        dac_bits=bits,
        slices=design.get("slices", 1),
        weight_bits=design.get("weight_bits"),
        copies=settings.chips,
        seed=settings.seed * 1000 + seed,
    )


def _designs(settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics) -> dict[str, Any]:
    """Return accuracy and modelled figures of every design."""
    n, x = len(DESIGNS), hardware.rows(task.test)
    got = np.empty((n, settings.seeds))
    energy, figures = np.empty((n, len(COMPONENTS))), np.empty((n, len(FIGURES)))
    written, refresh, refreshed = np.empty((n, 3)), np.empty((n, 3)), np.empty(n)
    bits = np.empty((n, 3))
    for i, (name, design) in enumerate(DESIGNS.items()):
        settings.progress(0.1 + 0.9 * i / n, name)
        for seed in range(settings.seeds):
            chip = _chip(design, device, settings, seed)
            weights, biases = network.one(seed)
            chip.program(
                weights, biases, StatisticalWriteVerify(), calibration=hardware.rows(task.validation)
            )
            got[i, seed] = 100.0 * accuracy(chip.run(x), task.test.y).mean()
        cost = inference(chip, design["node"], converter_quantile=design.get("quantile", 0.5))
        write = writing(chip)
        energy[i] = [cost.energy[c] for c in COMPONENTS]
        figures[i] = [getattr(cost, attribute) for attribute, _ in FIGURES.values()]
        written[i] = write.energy, write.time, write.pulses
        bits[i] = cost.bits
        refresh[i], refreshed[i] = _refreshing(chip, x, task, cost, write)
    return _as_variables(got, energy, figures, written, bits, refresh, refreshed)


def _refreshing(
    chip: Chip, x: Floats, task: Task, cost: ChipCost, write: WriteCost
) -> tuple[tuple[float, float, float], float]:
    """Return period (s), share of energy, share of time of refreshing, and the loss right after it (pp)."""
    fresh = 100.0 * float(accuracy(chip.run(x), task.test.y).mean())
    period = np.inf
    before, at = 0.0, chip.statistics.drift_start
    for ratio in TIMES:
        time = ratio * chip.statistics.drift_start
        loss = fresh - 100.0 * float(accuracy(chip.run(x, time), task.test.y).mean())
        if loss > ALLOWED_LOSS:
            part = (ALLOWED_LOSS - before) / (loss - before)
            period = float(at * (time / at) ** part)
            break
        before, at = loss, time
    chip.refresh()
    after = fresh - 100.0 * float(accuracy(chip.run(x), task.test.y).mean())
    return (period, *refresh_share(write, period, cost.total, RATE)), after


def _as_variables(
    got: Floats,
    energy: Floats,
    figures: Floats,
    written: Floats,
    bits: Floats,
    refresh: Floats,
    after: Floats,
) -> dict[str, Any]:
    found = {
        "accuracy": variable("design seed", got, "%", "accuracy, mean over chips"),
        "energy": variable("design component", energy, "J", "energy of an inference, modelled"),
        "write_energy": variable("design", written[:, 0], "J", "energy of programming a chip, modelled"),
        "write_time": variable("design", written[:, 1], "s", "time of programming a chip, modelled"),
        "write_pulses": variable("design", written[:, 2], "1", "pulses per cell"),
        "input_bits": variable("design", bits[:, 0], "bit", "bits of inputs"),
        "weight_bits": variable("design", bits[:, 1], "bit", "bits of weights, 0: analogue"),
        "output_bits": variable("design", bits[:, 2], "bit", "bits of converters"),
        "refresh_period": variable(
            "design", refresh[:, 0], "s", f"time until drift costs {ALLOWED_LOSS:g} pp"
        ),
        "refresh_energy_share": variable(
            "design", refresh[:, 1], "1", f"share of energy at {RATE:g} inferences/s"
        ),
        "refresh_downtime": variable("design", refresh[:, 2], "1", "share of time"),
        "loss_after_refresh": variable("design", after, "%", "loss of accuracy right after a refresh"),
    }
    for k, (name, (_, unit)) in enumerate(FIGURES.items()):
        found[name] = variable("design", figures[:, k], unit, f"{name.replace('_', ' ')}, modelled")
    return found


def _counts(network: Perceptron, task: Task) -> dict[str, Any]:
    """Return NeuroBench's algorithm metrics, by our definitions and, where installed, by its harness."""
    weights, biases = network.one(0)
    ours = asdict(metrics(weights, biases, hardware.rows(task.test)))
    closed = float(sum(a.shape[0] * a.shape[1] for a in weights))
    units = {"footprint": "byte"}
    found = {f"count_{k}": variable("", v, units.get(k, "1"), k.replace("_", " ")) for k, v in ours.items()}
    found["closed_dense"] = variable("", closed, "1", "sum of inputs times outputs over layers")
    if not harness_missing():
        theirs = by_harness(weights, biases, hardware.rows(task.test), task.test.y)
        for k, v in theirs.items():
            found[f"harness_{k}"] = variable("", v, units.get(k, "1"), f"{k.replace('_', ' ')} by NeuroBench")
    return found


def _published() -> dict[str, Any]:
    """Return the measured energy breakdown of NeuRRAM and that of the model."""
    groups = (("sense", "converter"), ("driver",), ("gate",))
    model = np.empty((len(NEURRAM), 3))
    for i, (bits, out) in enumerate(NEURRAM):
        cost = neurram(out).product(256, 256, bits=bits, cells_per_weight=2)
        model[i] = [1e15 * sum(cost.energy[g] for g in group) / cost.operations for group in groups]
    return {
        "published_bits": (
            ["published_bits"],
            [f"{a}/{b}" for a, b in NEURRAM],
            {"units": "1", "long_name": "bits in/out"},
        ),
        "published_part": (
            ["published_part"],
            ["neurons", "input pulses", "gates"],
            {"units": "1", "long_name": "part"},
        ),
        "published_energy": variable(
            "published_bits published_part", list(NEURRAM.values()), "fJ", "measured, per operation"
        ),
        "modelled_energy": variable(
            "published_bits published_part", model, "fJ", "of the model, per operation"
        ),
    }


# ------------------------------------------------------------------ what is said of it


ROWS = (
    ("energy (nJ)", "total_energy", 1e9),
    ("latency (us)", "latency", 1e6),
    ("EDP (fJ s)", "energy_delay", 1e15),
    ("TOPS/W", "efficiency", 1.0),
    ("area (mm2)", "total_area", 1e6),
    ("TOPS/mm2", "density", 1.0),
    ("TOPS/mm2, all cells used", "peak_density", 1.0),
    ("the same, cells alone", "cell_density", 1.0),
    ("writing (nJ)", "write_energy", 1e9),
    ("writing (us)", "write_time", 1e6),
    ("refresh every (s)", "refresh_period", 1.0),
    ("refresh, share of energy", "refresh_energy_share", 1.0),
    ("refresh, downtime", "refresh_downtime", 1.0),
)
"""Text, variable and factor of each row of the table."""


def table(data: xr.Dataset) -> str:
    """Return the cards side by side (Markdown)."""
    names = [str(d) for d in data.design.values]
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    base = np.asarray(data["float"])

    def row(text: str, cells: list[str]) -> None:
        lines.append(f"| {text} | " + " | ".join(cells) + " |")

    row("loss of accuracy (pp)", [f"{interval(base - data.accuracy.sel(design=d)):.2f}" for d in names])
    row(
        "bits in / weight / out",
        [
            f"{int(data.input_bits.sel(design=d))} / {int(data.weight_bits.sel(design=d)) or 'analogue'} / "
            f"{int(data.output_bits.sel(design=d))}"
            for d in names
        ],
    )
    for text, name, unit in ROWS:
        row(f"{text}, modelled", [f"{unit * float(data[name].sel(design=d)):.3g}" for d in names])
    for c in data.component.values:
        share = data.energy.sel(component=c) / data.energy.sum("component")
        row(f"share of {c} (%), modelled", [f"{100 * float(share.sel(design=d)):.1f}" for d in names])
    lines += [
        "",
        _counts_text(data),
        "",
        "| NeuRRAM, bits in/out | measured (fJ/op) | modelled |",
        "|---|---|---|",
    ]
    for b in data.published_bits.values:
        seen, ours = (data[n].sel(published_bits=b).values for n in ("published_energy", "modelled_energy"))
        lines.append(
            f"| {b} | {' + '.join(f'{v:.2f}' for v in seen)} | {' + '.join(f'{v:.2f}' for v in ours)} |"
        )
    return "\n".join(lines)


def _counts_text(data: xr.Dataset) -> str:
    return (
        f"Network: {int(data.count_parameters)} parameters, {int(data.count_footprint)} bytes, connection "
        f"sparsity {float(data.count_connection_sparsity):.4f}, activation sparsity "
        f"{float(data.count_activation_sparsity):.3f}, synaptic operations {float(data.count_dense):g} "
        f"dense and {float(data.count_effective):.1f} effective. 1 MAC = 2 operations. Refresh: at "
        f"{RATE:g} inferences per second."
    )


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of section 7 and of the costs in sections 4 and 5."""
    return [_of_metrics(data), _of_sums(data), _of_published(data), _of_area(data), _of_refresh(data)]


def _of_metrics(data: xr.Dataset) -> Claim:
    same = float(data.count_dense) == float(data.closed_dense)
    harness = "harness_dense" in data
    if harness:
        same = same and float(data.harness_dense) == float(data.count_dense)
    return Claim(
        id="S7-neurobench",
        sentence="NeuroBench standardises energy-delay product, accuracy drop and TOPS/mm2.",
        source="review, section 7.1",
        verdict="contradicts",
        ours="Its harness has none of the three; its system track wants measured hardware. What it defines: "
        f"{float(data.count_dense):g} dense synaptic operations, closed form {float(data.closed_dense):g}"
        + (
            f", by its harness {float(data.harness_dense):g}."
            if harness
            else " (harness not installed here)."
        ),
        accepted=same,
    )


def _of_sums(data: xr.Dataset) -> Claim:
    apart = float(np.abs(data.energy.sum("component") / data.total_energy - 1.0).max())
    worst = float(np.abs(data.loss_after_refresh).max())
    return Claim(
        id="S7-sum",
        sentence="A refresh brings accuracy back; energies of components add up to the total.",
        source="closed form",
        verdict="supports" if apart < 1e-12 and worst <= ALLOWED_LOSS else "contradicts",
        ours=f"After a refresh accuracy is within {worst:.2f} pp of the start (of one network per design). "
        f"Largest relative difference of energies {apart:.1g}: the total is that sum by definition.",
        accepted=apart < 1e-12 and worst <= ALLOWED_LOSS,
    )


def _of_published(data: xr.Dataset) -> Claim:
    total = data.modelled_energy.sum("published_part"), data.published_energy.sum("published_part")
    ratio = np.asarray(total[0] / total[1])
    rising = bool((np.diff(total[0]) > 0.0).all())
    ordered = bool(
        (np.argsort(data.modelled_energy, axis=1) == np.argsort(data.published_energy, axis=1)).all()
    )
    return Claim(
        id="S7-neurram",
        sentence="The energy model reproduces a measured chip (NeuRRAM, 10.1038/s41586-022-04992-8).",
        source="10.1038/s41586-022-04992-8, measured breakdown",
        verdict="supports" if bool(((ratio > 0.5) & (ratio < 2.0)).all()) else "contradicts",
        ours="Modelled over measured at "
        + ", ".join(f"{b} b: {r:.2f}" for b, r in zip(data.published_bits.values, ratio, strict=True))
        + " (fitted at the first alone).",
        accepted=bool(((ratio > 0.5) & (ratio < 2.0)).all()) and rising and ordered,
    )


def _of_area(data: xr.Dataset) -> Claim:
    passive, pair = (float(data.peak_density.sel(design=d)) for d in ("0T1R, 8 b", "2T2R, 8 b"))
    alone = [float(data.cell_density.sel(design=d)) for d in ("0T1R, 8 b", "2T2R, 8 b")]
    return Claim(
        id="S7-area",
        sentence="Passive arrays offer the highest density, 4 F2 against 30-40 F2.",
        source="review, Table 2",
        verdict="corrects" if passive / pair < 0.5 * alone[0] / alone[1] else "supports",
        ours=f"Per mm2 of cells alone 0T1R has {alone[0] / alone[1]:.1f} times the TOPS of 2T2R; with "
        f"drivers and converters, one for eight outputs, {passive / pair:.2f} times (modelled). Converters "
        "decide.",
        accepted=None,
    )


def _of_refresh(data: xr.Dataset) -> Claim:
    at = data.sel(design="2T2R, 8 b")
    period = float(at.refresh_period)
    text = "not needed within 1e8 t0" if np.isinf(period) else f"needed every {period:.2g} s"
    return Claim(
        id="S7-refresh",
        sentence="Refreshing consumes energy and downtime.",
        source="review, section 4.2",
        verdict="corrects" if float(at.refresh_energy_share) < 0.01 else "supports",
        ours=f"Refreshing the 2T2R design is {text} (drop of {ALLOWED_LOSS:g} pp): "
        f"{float(at.write_energy):.2g} J and {float(at.write_time):.2g} s each time, "
        f"{float(at.refresh_energy_share):.1g} of the energy at {RATE:g} inferences/s and "
        f"{float(at.refresh_downtime):.1g} of the time (modelled).",
        accepted=None,
    )


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw where the energy goes; return the files."""
    from matplotlib.figure import Figure

    from .draw import COLOURS

    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    names, left = [str(d) for d in data.design.values], np.zeros(data.design.size)
    for component, colour in zip(data.component.values, COLOURS, strict=False):
        values = 1e9 * np.asarray(data.energy.sel(component=component))
        axes.barh(names, values, left=left, color=colour, label=str(component))
        left += values
    axes.invert_yaxis()
    axes.set_xlabel("energy of an inference, modelled (nJ)")
    axes.legend(fontsize=8, frameon=False)
    path = folder / "s7_system_card.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return [path]
