"""One page per design: accuracy against software, and energy, latency, area, writing and refreshing.

Accuracy and counts of the network are computed; every figure of energy, time and area is modelled. This is
not NeuroBench's system track, which asks for measured hardware.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import xarray as xr

from frenkel import provenance
from frenkel.array.periphery import NEURRAM, neurram
from frenkel.escape import mathtext
from frenkel.networks.chip import Chip, ChipDesign
from frenkel.networks.cost import COMPONENTS, ChipCost, WriteCost, inference, refresh_share, writing
from frenkel.networks.metrics import by_harness, harness_missing, metrics
from frenkel.networks.perceptron import accuracy
from frenkel.networks.write_verify import WithinTolerance

from .common.claims import Claim, claim, exact
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

TOLERANCES = (0.05, 0.02)
"""Within which cells are written, as a fraction of g_max. Chosen range; `write-verify` sweeps more of it."""

PULSES = (1, 10, 100)
"""Pulses, with a read each, that a cell may take to be written: no card tells. Chosen range."""

WAITS = (1.0, 10.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
"""Times after programming (s) among which a refresh is looked for, as far as relaxation is told."""

RATE = 1000.0
"""Inferences per second that refreshing is shared among. Chosen."""

ALLOWED_LOSS, LITTLE = 1.0, 0.01
"""Loss (pp) at which cells are refreshed, and fraction of energy or time that counts as none. Chosen."""

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
    "input_bits": ("bit", "bits of inputs"),
    "weight_bits": ("bit", "bits of weights, 0: analogue"),
    "output_bits": ("bit", "bits of converters"),
} | {name: (unit, f"{name.replace('_', ' ')}, modelled") for name, (_, unit) in FIGURES.items()}
"""Units and names of what is found of a design, besides accuracy and the parts of its energy."""

WRITING = {
    "write_energy": ("J", "energy of programming a chip, modelled"),
    "write_time": ("s", "time of programming a chip, modelled"),
}
"""By the pulses that a cell takes."""


def run(settings: Settings) -> xr.Dataset:
    """Return accuracy and modelled figures of every design: each is built, programmed and run."""
    setup, values = hardware.begin(settings)
    values |= {
        "design": variable("design", list(DESIGNS), "1", "design"),
        "component": variable("component", COMPONENTS, "1", "where energy goes"),
        "pulses": variable("pulses", PULSES, "1", "pulses that a cell takes, chosen range"),
    }
    values |= _designs(setup) | _counts(setup) | _published()
    note = harness_missing() or "algorithm-track metrics by NeuroBench's harness"
    return setup.finish(values, "system-card", TITLE, label="modelled", neurobench=note)


def _designs(setup: Setup) -> Variables:
    """Return accuracy and modelled figures of every design."""
    settings = setup.settings
    accuracies = np.empty((len(TOLERANCES), len(DESIGNS), settings.seeds))
    blind = np.full((len(DESIGNS), settings.seeds), np.nan)
    energy, rows, writes, refreshed = np.empty((len(DESIGNS), len(COMPONENTS))), [], [], []
    for i, (name, (design, node, quantile)) in enumerate(DESIGNS.items()):
        settings.progress(0.1 + 0.9 * i / len(DESIGNS), name)
        for seed in range(settings.seeds):
            if setup.device.knows("blind pulses"):
                blind[i, seed] = _accuracy(_chip(setup, design, seed, None), setup, seed)
            for k, tolerance in enumerate(TOLERANCES):
                chip = _chip(setup, design, seed, WithinTolerance(tolerance))
                accuracies[k, i, seed] = _accuracy(chip, setup, seed)
        cost = inference(chip, node, converter_quantile=quantile)
        energy[i] = [cost.energy[c] for c in COMPONENTS]
        rows.append([*cost.bits, *(getattr(cost, attribute) for attribute, _ in FIGURES.values())])
        write_costs = [writing(chip, pulses=count) for count in PULSES]
        writes.append([[w.energy for w in write_costs], [w.time for w in write_costs]])
        if setup.device.knows("relaxation"):
            refreshed.append(_refreshing(chip, setup, settings.seeds - 1, cost, write_costs))
    columns, by_pulses = np.array(rows, float).T, np.array(writes, float)
    values = {
        "distance": variable("distance", TOLERANCES, "1", "accepted distance over g_max, chosen range"),
        "accuracy": variable("distance design seed", accuracies, "%", "accuracy, cells within a distance"),
        "energy": variable("design component", energy, "J", "energy of an inference, modelled"),
    } | {
        name: variable("design", column, *label)
        for (name, label), column in zip(MEASURED.items(), columns, strict=True)
    }
    for k, (name, label) in enumerate(WRITING.items()):
        values[name] = variable("design pulses", by_pulses[:, k], *label)
    if setup.device.knows("blind pulses"):
        words = "accuracy after one blind pulse a cell"
        values["blind_accuracy"] = variable("design seed", blind, "%", words)
    return values | (_refreshed(refreshed) if refreshed else {})


def _chip(setup: Setup, design: ChipDesign, seed: int, scheme: WithinTolerance | None) -> Chip:
    """Return chips of one network, programmed; blindly without a scheme."""
    chip = Chip(setup.device, design, copies=setup.settings.chips, seed=setup.settings.seed * 1000 + seed)
    weights, biases = setup.network.one(seed)
    chip.program(weights, biases, scheme, calibration=setup.validation.x[seed], windows=setup.network.windows)
    return chip


def _accuracy(chip: Chip, setup: Setup, seed: int, time: float = 0.0) -> float:
    """Return the mean accuracy (%) of chips on the test images of their network."""
    return 100.0 * float(accuracy(chip.run(setup.test.x[seed], time), setup.test.y[seed]).mean())


def _refreshing(
    chip: Chip, setup: Setup, seed: int, cost: ChipCost, writes: Sequence[WriteCost]
) -> tuple[float, float, list[float], list[float]]:
    """Return period (s), the loss right after a refresh (pp), and fractions of energy and time by pulses."""
    fresh = _accuracy(chip, setup, seed)
    period, before, at = np.inf, 0.0, WAITS[0] / 10.0
    for time in WAITS:
        if time > setup.device.longest:
            break
        loss = fresh - _accuracy(chip, setup, seed, time)
        if loss > ALLOWED_LOSS:
            part = (ALLOWED_LOSS - before) / (loss - before)
            period = float(at * (time / at) ** part)
            break
        before, at = loss, time
    chip.refresh()
    after = fresh - _accuracy(chip, setup, seed)
    shares = [refresh_share(write, period, cost.total, RATE) for write in writes]
    return period, after, [energy for energy, _ in shares], [time for _, time in shares]


def _refreshed(found: list[tuple[float, float, list[float], list[float]]]) -> Variables:
    """Return variables of refreshing."""
    period, after, energy, time = zip(*found, strict=True)
    return {
        "refresh_period": variable("design", period, "s", f"time until relaxation costs {ALLOWED_LOSS:g} pp"),
        "loss_after_refresh": variable("design", after, "%", "loss of accuracy right after a refresh"),
        "refresh_energy_share": variable(
            "design pulses", energy, "1", f"fraction of energy at {RATE:g} inferences/s"
        ),
        "refresh_downtime": variable("design pulses", time, "1", "fraction of time"),
    }


def _counts(setup: Setup) -> Variables:
    """Return NeuroBench's algorithm metrics, by our definitions and, where installed, by its harness."""
    weights, biases = setup.network.one(0)
    windows, x, y = setup.network.windows, setup.test.x[0], setup.test.y[0]
    ours = asdict(metrics(weights, biases, x, windows=windows))
    places = [1 if window is None else window.places for window in windows or (None,) * len(weights)]
    closed = float(sum(a.size * count for a, count in zip(weights, places, strict=True)))
    units = {"footprint": "byte"}
    variables = {
        f"count_{k}": variable("", v, units.get(k, "1"), k.replace("_", " ")) for k, v in ours.items()
    }
    variables["closed_dense"] = variable("", closed, "1", "sum of inputs times outputs over layers")
    if not harness_missing() and not windows:
        theirs = by_harness(weights, biases, x, y)
        for k, v in theirs.items():
            variables[f"harness_{k}"] = variable(
                "", v, units.get(k, "1"), f"{k.replace('_', ' ')} by NeuroBench"
            )
    return variables


def _published() -> Variables:
    """Return the measured energy breakdown of NeuRRAM and that of the model."""
    groups = (("sense", "converter"), ("driver",), ("gate",))
    model = np.empty((len(NEURRAM), 3))
    for i, (bits, bits_out) in enumerate(NEURRAM):
        cost = neurram(bits_out).product(256, 256, bits=bits, cells_per_weight=2)
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
)
"""Text, variable and factor of each row of the table."""


def table(data: xr.Dataset) -> str:
    """Return the cards side by side (Markdown)."""
    designs = [data.sel(design=d) for d in data.design.values]
    base = np.asarray(data["float"])
    rows = [["bits in / weight / out", *(_bits(at) for at in designs)]]
    if "blind_accuracy" in data:
        losses = [f"{interval(base - at.blind_accuracy):.2f}" for at in designs]
        rows.append(["loss of accuracy, one blind pulse of the cell (pp)", *losses])
    for at in (data.accuracy.sel(distance=t) for t in data.distance.values):
        name = f"{float(at.distance):g} (range)"
        losses = [f"{interval(base - at.sel(design=d)):.2f}" for d in data.design.values]
        rows.append([f"loss of accuracy, cells within {name} (pp)", *losses])
    for text, name, unit in ROWS:
        rows.append([f"{text}, modelled", *(f"{unit * float(at[name]):.3g}" for at in designs)])
    for c in data.component.values:
        shares = [float(at.energy.sel(component=c) / at.energy.sum("component")) for at in designs]
        rows.append([f"fraction of {c} (%), modelled", *(f"{100 * share:.1f}" for share in shares)])
    published = []
    for b in data.published_bits.values:
        pair = (data[n].sel(published_bits=b).values for n in ("published_energy", "modelled_energy"))
        published.append([str(b), *(" + ".join(f"{v:.2f}" for v in values) for values in pair)])
    columns = ["", *(str(d) for d in data.design.values)]
    tables = (
        markdown(columns, rows),
        [_counts_text(data)],
        markdown(["if a cell takes (chosen range)", *columns[1:]], _writing_rows(data, designs)),
        markdown(["NeuRRAM, bits in/out", "measured (fJ/op)", "modelled"], published),
    )
    return "\n\n".join("\n".join(lines) for lines in tables)


def _writing_rows(data: xr.Dataset, designs: list[xr.Dataset]) -> list[list[str]]:
    """Return rows on writing and refreshing by the pulses that a cell takes."""
    figures = [("writing (nJ)", "write_energy", 1e9), ("writing (us)", "write_time", 1e6)]
    if "refresh_period" in data:
        figures += [
            ("refresh, fraction of energy", "refresh_energy_share", 1.0),
            ("downtime", "refresh_downtime", 1.0),
        ]
    rows = []
    for pulses in data.pulses.values:
        for text, name, unit in figures:
            cells = [f"{unit * float(at[name].sel(pulses=pulses)):.3g}" for at in designs]
            rows.append([f"{pulses} pulses: {text}, modelled", *cells])
    if "refresh_period" in data:
        rows.insert(0, ["refresh every (s)", *(f"{float(at.refresh_period):.3g}" for at in designs)])
    return rows


def _bits(at: xr.Dataset) -> str:
    inputs, weights, outputs = (int(at[f"{name}_bits"]) for name in ("input", "weight", "output"))
    return f"{inputs} / {weights or 'analogue'} / {outputs}"


def _counts_text(data: xr.Dataset) -> str:
    settings = provenance.read(data.attrs.get("provenance"), "study system-card")["configuration"]
    missing = ", ".join(settings.get("device_missing", []))
    return (
        f"Network: {int(data.count_parameters)} parameters, {int(data.count_footprint)} bytes, connection "
        f"sparsity {float(data.count_connection_sparsity):.4f}, activation sparsity "
        f"{float(data.count_activation_sparsity):.3f}, synaptic operations {float(data.count_dense):g} "
        f"dense and {float(data.count_effective):.1f} effective. 1 MAC = 2 operations. Cell: "
        f"{settings.get('device_source')}" + (f", which tells nothing of {missing}. " if missing else ". ")
        + (f"Refresh: at {RATE:g} inferences per second." if "refresh_period" in data
           else "Refreshing has no row: relaxation is not told.")
    )  # fmt: skip


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of section 7 and of the costs in sections 4 and 5."""
    refreshing = [_of_refresh(data)] if "refresh_period" in data else []
    return [_of_metrics(data), _of_sums(data), _of_published(data), _of_area(data), *refreshing]


def _of_metrics(data: xr.Dataset) -> Claim:
    harness = float(data.harness_dense) if "harness_dense" in data else None
    text = " (harness not installed here)" if harness is None else f", by its harness {harness:g}"
    dense, closed = float(data.count_dense), float(data.closed_dense)
    return claim("system-card-neurobench", None, dense=dense, closed=closed, harness=text)


def _of_sums(data: xr.Dataset) -> Claim:
    largest_difference = float(np.abs(data.energy.sum("component") / data.total_energy - 1.0).max())
    return claim("system-card-sum", None, apart=largest_difference)


def _of_published(data: xr.Dataset) -> Claim:
    """Within a factor of two at the settings that were not fitted."""
    total = data.modelled_energy.sum("published_part"), data.published_energy.sum("published_part")
    ratio = np.asarray(total[0] / total[1])
    ratios = ", ".join(f"{b} b: {r:.2f}" for b, r in zip(data.published_bits.values, ratio, strict=True))
    return claim("system-card-neurram", [exact(1.0 - abs(np.log2(r))) for r in ratio[1:]], ratios=ratios)


def _of_area(data: xr.Dataset) -> Claim:
    """Areas of cells and converters are put in: their ratio follows."""
    system, alone = (
        float(data[name].sel(design="0T1R, 8 b")) / float(data[name].sel(design="2T2R, 8 b"))
        for name in ("peak_density", "cell_density")
    )
    return claim("system-card-area", None, alone=alone, whole=system)


def _of_refresh(data: xr.Dataset) -> Claim:
    design_data = data.sel(design="2T2R, 8 b")
    period, shares, downtime = (
        float(design_data.refresh_period),
        design_data.refresh_energy_share,
        design_data.refresh_downtime,
    )
    return claim(
        "system-card-refresh", [exact(share, LITTLE) for share in (*shares.values, *downtime.values)],
        period="not needed within the time told" if np.isinf(period) else f"needed every {period:.2g} s",
        loss=ALLOWED_LOSS, pulses=[int(p) for p in design_data.pulses.values],
        shares=[float(v) for v in shares.values],
        downtime=[float(v) for v in downtime.values], rate=RATE,
    )  # fmt: skip


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw where the energy goes; return the files."""
    from matplotlib.figure import Figure  # matplotlib, which only drawing needs

    figure = Figure(figsize=(7.5, 3.4), layout="constrained")
    axes = figure.subplots()
    names, left = [mathtext(str(d)) for d in data.design.values], np.zeros(data.design.size)
    for component, colour in zip(data.component.values, COLOURS, strict=False):
        values = 1e9 * np.asarray(data.energy.sel(component=component))
        axes.barh(names, values, left=left, color=colour, label=mathtext(str(component)))
        left += values
    axes.invert_yaxis()
    axes.set_xlabel("energy of an inference, modelled / nJ")
    axes.legend(fontsize=8, frameon=False)
    return [save(figure, folder / "system_card.png")]
