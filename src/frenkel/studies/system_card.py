"""One page per design: accuracy against software, and energy, latency, area, writing and refreshing.

Accuracy and counts of the network are computed; every figure of energy, time and area is modelled. This is
not NeuroBench's system track, which asks for measured hardware.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import xarray as xr

from ..array.periphery import NEURRAM, neurram
from ..networks.chip import Chip, ChipDesign
from ..networks.cost import COMPONENTS, ChipCost, WriteCost, inference, refresh_share, writing
from ..networks.metrics import by_harness, harness_missing, metrics
from ..networks.perceptron import Perceptron, accuracy
from ..networks.tasks import Task
from ..networks.write_verify import StatisticalWriteVerify
from ..typing import Floats
from .common.claims import Claim, Verdict, claim
from .common.data import Variables, interval, markdown, variable
from .common.draw import COLOURS, save
from .common.settings import Settings
from .methods import hardware
from .methods.hardware import Setup

TITLE = "system card: accuracy, energy, latency and area of some designs"
CONVERTED = ChipDesign(adc_bits=8, dac_bits=8)
DESIGNS = {
    "2T2R, 8 b": (CONVERTED, "65 nm", 0.5),
    "1T1R, 8 b": (replace(CONVERTED, architecture="1T1R"), "65 nm", 0.5),
    "0T1R, 8 b": (replace(CONVERTED, architecture="0T1R"), "65 nm", 0.5),
    "2T2R, slices": (replace(CONVERTED, slices=4, weight_bits=5), "65 nm", 0.5),
    "2T2R, 22 nm, good ADC": (CONVERTED, "22 nm", 0.1),
    "2T2R, 5 b": (ChipDesign(adc_bits=5, dac_bits=5), "65 nm", 0.5),
}
"""Designs by name, with node and quantile of the survey of converters; eight outputs share a converter."""

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

MEASURED = {
    "write_energy": ("J", "energy of programming a chip, modelled"),
    "write_time": ("s", "time of programming a chip, modelled"),
    "write_pulses": ("1", "pulses per cell"),
    "input_bits": ("bit", "bits of inputs"),
    "weight_bits": ("bit", "bits of weights, 0: analogue"),
    "output_bits": ("bit", "bits of converters"),
    "refresh_period": ("s", f"time until drift costs {ALLOWED_LOSS:g} pp"),
    "refresh_energy_share": ("1", f"share of energy at {RATE:g} inferences/s"),
    "refresh_downtime": ("1", "share of time"),
    "loss_after_refresh": ("%", "loss of accuracy right after a refresh"),
} | {name: (unit, f"{name.replace('_', ' ')}, modelled") for name, (_, unit) in FIGURES.items()}
"""Units and names of what is found of a design, besides accuracy and the parts of its energy."""


def run(settings: Settings) -> xr.Dataset:
    """Return accuracy and modelled figures of every design: each is built, programmed and run."""
    setup, values = hardware.begin(settings)
    values |= {
        "design": variable("design", list(DESIGNS), "1", "design"),
        "component": variable("component", COMPONENTS, "1", "where energy goes"),
    }
    values |= _designs(setup) | _counts(setup.network, setup.task) | _published()
    note = harness_missing() or "algorithm-track metrics by NeuroBench's harness"
    return setup.finish(values, "system-card", TITLE, label="modelled", neurobench=note)


def _designs(setup: Setup) -> Variables:
    """Return accuracy and modelled figures of every design."""
    settings, task, x = setup.settings, setup.task, hardware.rows(setup.task.test)
    got = np.empty((len(DESIGNS), settings.seeds))
    energy, rows = np.empty((len(DESIGNS), len(COMPONENTS))), []
    for i, (name, (design, node, quantile)) in enumerate(DESIGNS.items()):
        settings.progress(0.1 + 0.9 * i / len(DESIGNS), name)
        for seed in range(settings.seeds):
            chip = Chip(setup.device, design, copies=settings.chips, seed=settings.seed * 1000 + seed)
            weights, biases = setup.network.one(seed)
            chip.program(
                weights, biases, StatisticalWriteVerify(), calibration=hardware.rows(task.validation)
            )
            got[i, seed] = 100.0 * accuracy(chip.run(x), task.test.y).mean()
        cost = inference(chip, node, converter_quantile=quantile)
        write = writing(chip)
        energy[i] = [cost.energy[c] for c in COMPONENTS]
        figures = [getattr(cost, attribute) for attribute, _ in FIGURES.values()]
        refreshing = _refreshing(chip, x, task, cost, write)
        rows.append([write.energy, write.time, write.pulses, *cost.bits, *refreshing, *figures])
    columns = np.array(rows, float).T
    return {
        "accuracy": variable("design seed", got, "%", "accuracy, mean over chips"),
        "energy": variable("design component", energy, "J", "energy of an inference, modelled"),
    } | {
        name: variable("design", column, *about)
        for (name, about), column in zip(MEASURED.items(), columns, strict=True)
    }


def _refreshing(
    chip: Chip, x: Floats, task: Task, cost: ChipCost, write: WriteCost
) -> tuple[float, float, float, float]:
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
    return period, *refresh_share(write, period, cost.total, RATE), after


def _counts(network: Perceptron, task: Task) -> Variables:
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


def _published() -> Variables:
    """Return the measured energy breakdown of NeuRRAM and that of the model."""
    groups = (("sense", "converter"), ("driver",), ("gate",))
    model = np.empty((len(NEURRAM), 3))
    for i, (bits, out) in enumerate(NEURRAM):
        cost = neurram(out).product(256, 256, bits=bits, cells_per_weight=2)
        model[i] = [1e15 * sum(cost.energy[g] for g in group) / cost.operations for group in groups]
    dims, measured = "published_bits published_part", list(NEURRAM.values())
    return {
        "published_bits": variable("published_bits", [f"{a}/{b}" for a, b in NEURRAM], "1", "bits in/out"),
        "published_part": variable("published_part", ["neurons", "input pulses", "gates"], "1", "part"),
        "published_energy": variable(dims, measured, "fJ", "measured, per operation"),
        "modelled_energy": variable(dims, model, "fJ", "of the model, per operation"),
    }


# ------------------------------------------------------------------ what it says


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
    designs = [data.sel(design=d) for d in data.design.values]
    base = np.asarray(data["float"])
    rows = [
        ["loss of accuracy (pp)", *(f"{interval(base - at.accuracy):.2f}" for at in designs)],
        ["bits in / weight / out", *(_bits(at) for at in designs)],
    ]
    for text, name, unit in ROWS:
        rows.append([f"{text}, modelled", *(f"{unit * float(at[name]):.3g}" for at in designs)])
    for c in data.component.values:
        shares = [float(at.energy.sel(component=c) / at.energy.sum("component")) for at in designs]
        rows.append([f"share of {c} (%), modelled", *(f"{100 * share:.1f}" for share in shares)])
    published = []
    for b in data.published_bits.values:
        pair = (data[n].sel(published_bits=b).values for n in ("published_energy", "modelled_energy"))
        published.append([str(b), *(" + ".join(f"{v:.2f}" for v in values) for values in pair)])
    tables = (
        markdown(["", *(str(d) for d in data.design.values)], rows),
        [_counts_text(data)],
        markdown(["NeuRRAM, bits in/out", "measured (fJ/op)", "modelled"], published),
    )
    return "\n\n".join("\n".join(lines) for lines in tables)


def _bits(at: xr.Dataset) -> str:
    inputs, weights, outputs = (int(at[f"{name}_bits"]) for name in ("input", "weight", "output"))
    return f"{inputs} / {weights or 'analogue'} / {outputs}"


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
    dense, closed = float(data.count_dense), float(data.closed_dense)
    harness = float(data.harness_dense) if "harness_dense" in data else None
    same = dense == closed and harness in (None, dense)
    text = " (harness not installed here)" if harness is None else f", by its harness {harness:g}"
    verdict: Verdict = "supports" if same else "contradicts"
    return claim("system-card-neurobench", verdict, same, dense=dense, closed=closed, harness=text)


def _of_sums(data: xr.Dataset) -> Claim:
    apart = float(np.abs(data.energy.sum("component") / data.total_energy - 1.0).max())
    worst = float(np.abs(data.loss_after_refresh).max())
    holds = apart < 1e-12 and worst <= ALLOWED_LOSS
    verdict: Verdict = "supports" if holds else "contradicts"
    return claim("system-card-sum", verdict, holds, worst=worst, apart=apart)


def _of_published(data: xr.Dataset) -> Claim:
    total = data.modelled_energy.sum("published_part"), data.published_energy.sum("published_part")
    ratio = np.asarray(total[0] / total[1])
    near = bool(((ratio > 0.5) & (ratio < 2.0)).all())
    rising = bool((np.diff(total[0]) > 0.0).all())
    ordered = bool(
        (np.argsort(data.modelled_energy, axis=1) == np.argsort(data.published_energy, axis=1)).all()
    )
    ratios = ", ".join(f"{b} b: {r:.2f}" for b, r in zip(data.published_bits.values, ratio, strict=True))
    verdict: Verdict = "supports" if near else "contradicts"
    return claim("system-card-neurram", verdict, near and rising and ordered, ratios=ratios)


def _of_area(data: xr.Dataset) -> Claim:
    whole, alone = (
        float(data[name].sel(design="0T1R, 8 b")) / float(data[name].sel(design="2T2R, 8 b"))
        for name in ("peak_density", "cell_density")
    )
    verdict: Verdict = "corrects" if whole < 0.5 * alone else "supports"
    return claim("system-card-area", verdict, alone=alone, whole=whole)


def _of_refresh(data: xr.Dataset) -> Claim:
    at = data.sel(design="2T2R, 8 b")
    period, share = float(at.refresh_period), float(at.refresh_energy_share)
    return claim(
        "system-card-refresh", "corrects" if share < 0.01 else "supports",
        period="not needed within 1e8 t0" if np.isinf(period) else f"needed every {period:.2g} s",
        loss=ALLOWED_LOSS, energy=float(at.write_energy), time=float(at.write_time), share=share,
        rate=RATE, downtime=float(at.refresh_downtime),
    )  # fmt: skip


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw where the energy goes; return the files."""
    from matplotlib.figure import Figure

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
    return [save(figure, folder / "system_card.png")]
