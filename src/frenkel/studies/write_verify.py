"""S3: write-verify against precision, time and energy; equal pulses against pulses of chosen amplitude.

All cells of all chips are programmed together by the rule of `frenkel.networks.write_verify`; the clock of
`frenkel.events` programs a few of them one by one to check that times and counts are the same.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import simpy
import xarray as xr

from ..events.clock import PICOSECONDS, Clock, picoseconds
from ..events.controller import Controller, Timing
from ..events.programming import Cell, Outcome, program_all
from ..networks.device_statistics import DeviceStatistics
from ..networks.mapping import decode, encode
from ..networks.perceptron import Perceptron, accuracy
from ..networks.tasks import Task
from ..networks.write_verify import Programmed, Pulses, WriteVerify
from ..typing import Floats
from .base import Claim, Settings, finish, interval, variable
from .draw import panel_lines
from .methods import hardware

TITLE = "write-verify: precision, time, energy"
TOLERANCES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
STEPS = (0.02, 0.05, 0.1)
READ_NOISE = (0.0, 0.005, 0.02)
PULSES: tuple[Pulses, ...] = ("equal", "amplitude")
WAITS = (1.0, 3600.0)
"""Times after programming at which cells are read again (s)."""

STEP, STEP_NOISE, NOISE = 0.05, 0.5, 0.005
"""Of the main sweep: mean change by a pulse, its noise, noise of a read. Chosen."""

WRITE_VOLTAGE, WRITE_WIDTH = 1.5, 50e-9
"""Of a pulse (V, s). Chosen."""

ON_CLOCK = 60
"""Cells programmed on the clock."""


def run(settings: Settings) -> xr.Dataset:
    """Program networks with all tolerances, steps and noises of reads.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    xarray.Dataset
        Pulses, reads, failures, errors, time, energy per cell and accuracies, by seed (means over chips).
    """
    task, device, network, values = hardware.begin(settings)
    values |= {
        "pulses": (["pulses"], list(PULSES), {"units": "1", "long_name": "equal, or of chosen amplitude"}),
        "distance": variable("distance", TOLERANCES, "1", "accepted distance over g_max"),
        "step": variable("step", STEPS, "1", "mean change by a pulse over the window"),
        "read_noise": variable("read_noise", READ_NOISE, "1", "noise of a read over g_max"),
        "wait": variable("wait", WAITS, "s", "time after programming"),
    }
    settings.progress(0.1, "tolerances")
    values |= _tolerances(settings, task, network, device)
    settings.progress(0.6, "steps and reads")
    values |= _side(settings, network, device)
    values |= _blind(settings, task, network, device)
    settings.progress(0.95, "on the clock")
    values |= _on_clock(settings, device)
    return finish(xr.Dataset(values), "S3", f"{TITLE} ({task.name})", settings, **hardware.described(device))


def _written(
    network: Perceptron, scheme: WriteVerify, device: DeviceStatistics, random: np.random.Generator
) -> tuple[list[Floats], list[Programmed]]:
    """Return target conductances of all layers and what became of the cells."""
    window = device.g_min, device.g_max
    targets = [encode(w / hardware.scales(w), "pair", *window) for w in network.weights]
    return targets, [scheme.write(t, device, random) for t in targets]


def _counts(done: list[Programmed], name: str) -> Floats:
    """Return the mean of a count over all cells of each network (seeds,)."""
    parts = [getattr(d, name).reshape(d.pulses.shape[0], -1) for d in done]
    return np.asarray(np.concatenate(parts, axis=1).mean(axis=1))


def _error(targets: list[Floats], done: list[Programmed], device: DeviceStatistics) -> Floats:
    """Return the rms distance of cells from their targets over g_max (seeds,)."""
    parts = [
        (d.conductance - t).reshape(t.shape[0], -1) / device.g_max for t, d in zip(targets, done, strict=True)
    ]
    return np.asarray(np.sqrt((np.concatenate(parts, axis=1) ** 2).mean(axis=1)))


def _accuracy(network: Perceptron, done: list[Floats], device: DeviceStatistics, task: Task) -> Floats:
    """Return the accuracy in percent (seeds,) of conductances of all layers."""
    window = device.g_min, device.g_max
    weights = [
        decode(g, "pair", *window) * hardware.scales(w) for g, w in zip(done, network.weights, strict=True)
    ]
    return 100.0 * accuracy(network.logits(hardware.rows(task.test), weights), task.test.y)


def _tolerances(
    settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics
) -> dict[str, Any]:
    """Return the main sweep: tolerances with both kinds of pulses."""
    law = device.changed(read_noise=NOISE)
    names = ("pulses", "reads", "failed", "rmse", "accuracy", "energy")
    found = {n: np.zeros((len(PULSES), len(TOLERANCES), settings.seeds)) for n in names}
    waited = np.zeros((len(WAITS), len(PULSES), len(TOLERANCES), settings.seeds))
    for i, pulses in enumerate(PULSES):
        for k, tolerance in enumerate(TOLERANCES):
            scheme = WriteVerify(tolerance=tolerance, step=STEP, step_noise=STEP_NOISE, pulses=pulses)
            random = settings.random(12, i, k)
            for _ in range(settings.chips):
                targets, done = _written(network, scheme, law, random)
                one = {
                    "pulses": _counts(done, "pulses"),
                    "reads": _counts(done, "reads"),
                    "failed": 100.0 * (1.0 - _counts(done, "reached")),
                    "rmse": _error(targets, done, device),
                    "accuracy": _accuracy(network, [d.conductance for d in done], device, task),
                    "energy": np.full(settings.seeds, _energy(done)),
                }
                for name, value in one.items():
                    found[name][i, k] += value / settings.chips
                for j, wait in enumerate(WAITS):
                    aged = [
                        law.drifted(d.conductance, law.exponents(d.pulses.shape, random), wait) for d in done
                    ]
                    waited[j, i, k] += _accuracy(network, aged, device, task) / settings.chips
    time = found["pulses"] * _times()[0] + found["reads"] * _times()[1]
    sweep = "pulses distance seed"
    return {
        "pulses_per_cell": variable(sweep, found["pulses"], "1", "pulses per cell"),
        "reads_per_cell": variable(sweep, found["reads"], "1", "reads per cell"),
        "failed": variable(sweep, found["failed"], "%", "cells that did not reach their target"),
        "rmse": variable(sweep, found["rmse"], "1", "rms distance from the target over g_max"),
        "accuracy": variable(sweep, found["accuracy"], "%", "accuracy"),
        "energy_per_cell": variable(sweep, found["energy"], "J", "energy per cell, modelled"),
        "time_per_cell": variable(sweep, time, "s", "time per cell, one after the other, modelled"),
        "waited_accuracy": variable(f"wait {sweep}", waited, "%", "accuracy some time after programming"),
    }


def _times() -> tuple[float, float]:
    """Return what a pulse and a read take (s)."""
    t = Timing()
    return t.driver_latency + WRITE_WIDTH, t.driver_latency + t.read_width + t.converter_latency


def _energy(done: list[Programmed]) -> float:
    """Return the energy per cell (J): V^2 G t of pulses and reads, and the conversions."""
    t = Timing()
    cells = sum(d.pulses.size for d in done)
    pulses = WRITE_VOLTAGE**2 * WRITE_WIDTH * sum(d.pulse_sum for d in done)
    reads = t.read_voltage**2 * t.read_width * sum(d.read_sum for d in done)
    return (pulses + reads + t.converter_energy * sum(int(d.reads.sum()) for d in done)) / cells


def _side(settings: Settings, network: Perceptron, device: DeviceStatistics) -> dict[str, Any]:
    """Return pulses and errors by step and by noise of reads, at all tolerances, one chip per seed."""
    shape = (len(TOLERANCES), settings.seeds)
    by_step = np.empty((2, len(STEPS), *shape))
    by_noise = np.empty((2, len(READ_NOISE), *shape))
    for k, tolerance in enumerate(TOLERANCES):
        for table, values, key in ((by_step, STEPS, "step"), (by_noise, READ_NOISE, "noise")):
            for i, value in enumerate(values):
                law = device.changed(read_noise=NOISE if key == "step" else value)
                step = value if key == "step" else STEP
                scheme = WriteVerify(tolerance=tolerance, step=step, step_noise=STEP_NOISE)
                targets, done = _written(network, scheme, law, settings.random(13, i, k))
                table[0, i, k], table[1, i, k] = _counts(done, "pulses"), _error(targets, done, device)
    return {
        "step_pulses": variable("step distance seed", by_step[0], "1", "pulses per cell"),
        "step_rmse": variable("step distance seed", by_step[1], "1", "rms distance over g_max"),
        "noise_pulses": variable("read_noise distance seed", by_noise[0], "1", "pulses per cell"),
        "noise_rmse": variable("read_noise distance seed", by_noise[1], "1", "rms distance over g_max"),
    }


def _blind(settings: Settings, task: Task, network: Perceptron, device: DeviceStatistics) -> dict[str, Any]:
    """Return the accuracy of blind equal pulses: as many as the mean change needs, no read."""
    window = device.g_min, device.g_max
    total = np.zeros(settings.seeds)
    random = settings.random(14)
    for _ in range(settings.chips):
        there = []
        for w in network.weights:
            target = encode(w / hardware.scales(w), "pair", *window)
            share = (target - device.g_min) / (device.g_max - device.g_min)
            count = np.rint(share / STEP)
            noise = STEP * STEP_NOISE * np.sqrt(count) * random.standard_normal(share.shape)
            end = np.minimum(np.maximum(count * STEP + noise, 0.0), 1.0)
            there.append(device.g_min + end * (device.g_max - device.g_min))
        total += _accuracy(network, there, device, task) / settings.chips
    return {"blind_accuracy": variable("seed", total, "%", "accuracy after blind pulses")}


# ------------------------------------------------------------------ on the clock


class StatisticalArray:
    """Cells that follow the law of `WriteVerify`, behind a controller.

    Parameters
    ----------
    scheme : WriteVerify
    device : DeviceStatistics
    count : int
        Cells, in one row.
    random : numpy.random.Generator
    """

    def __init__(
        self, scheme: WriteVerify, device: DeviceStatistics, count: int, random: np.random.Generator
    ) -> None:
        self.scheme, self.device, self.random, self.shape = scheme, device, random, (1, count)
        self.conductance = np.full(count, device.g_min)

    def pulse(self, cell: tuple[int, int], amplitude: float, width: float) -> float:
        """Apply one pulse of the scheme, up or down; return its energy (J)."""
        at = slice(cell[1], cell[1] + 1)
        energy = amplitude**2 * width * float(self.conductance[cell[1]])
        self.conductance[at] = self.scheme.pulsed(
            self.conductance[at], np.array([amplitude]), self.device, self.random
        )
        return energy

    def read(self, cell: tuple[int, int], voltage: float, duration: float) -> tuple[float, float]:
        """Return current (A), noise included, and energy (J)."""
        g = float(self.conductance[cell[1]])
        noise = self.device.read_noise * self.device.g_max * self.random.standard_normal()
        return voltage * (g + noise), voltage**2 * g * duration

    def rest(self, duration: float) -> None:
        """Nothing relaxes between pulses."""


@dataclass(frozen=True, slots=True)
class OnClock:
    """The rule of `WriteVerify` with equal pulses, cell by cell on the clock."""

    scheme: WriteVerify
    g_max: float

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, Outcome]:
        """Bring a cell to a target (S)."""
        seen = math.nan
        for pulses in range(self.scheme.limit + 1):
            seen = yield from cell.read()
            if abs(seen - target) <= self.scheme.tolerance * self.g_max:
                return Outcome(True, pulses, seen)
            if pulses < self.scheme.limit:
                yield from cell.pulse(WRITE_VOLTAGE if seen < target else -WRITE_VOLTAGE, WRITE_WIDTH)
        return Outcome(False, self.scheme.limit, seen)


def _on_clock(settings: Settings, device: DeviceStatistics) -> dict[str, Any]:
    """Return the time of a serial controller, by the clock and as a sum, and pulses of both ways."""
    law, random = device.changed(read_noise=NOISE), settings.random(15)
    scheme = WriteVerify(tolerance=0.02, step=STEP, step_noise=STEP_NOISE)
    targets = law.g_min + random.random(ON_CLOCK) * 0.5 * (law.g_max - law.g_min)
    array = StatisticalArray(scheme, law, ON_CLOCK, random)
    controller = Controller(Clock(), array)
    outcomes: list[Outcome] = []
    cells = [(controller.cell(0, j), float(t)) for j, t in enumerate(targets)]
    controller.clock.run(controller.clock.process(program_all(cells, OnClock(scheme, law.g_max), outcomes)))
    t = controller.timing
    each = picoseconds(t.driver_latency)
    total = controller.pulses * (each + picoseconds(WRITE_WIDTH)) + controller.reads * (
        each + picoseconds(t.read_width) + picoseconds(t.converter_latency)
    )
    many = scheme.write(np.tile(targets, 200), law, random).pulses
    return {
        "clock_time": variable(
            "", controller.clock.seconds, "s", "time of a serial controller, by its clock"
        ),
        "summed_time": variable("", total / PICOSECONDS, "s", "the same as a sum of pulses and reads"),
        "clock_energy": variable("", controller.meter.total, "J", "energy of those cells, modelled"),
        "clock_pulses": variable(
            "", np.mean([o.pulses for o in outcomes]), "1", "pulses per cell on the clock"
        ),
        "clock_pulses_error": variable(
            "", many.std() / np.sqrt(ON_CLOCK), "1", "standard error of their mean"
        ),
        "batch_pulses": variable("", many.mean(), "1", "pulses per cell, all together"),
    }


# ------------------------------------------------------------------ what is said of it


def _values(data: xr.Dataset, name: str, tolerance: float, pulses: str = "equal") -> Floats:
    return np.asarray(data[name].sel(pulses=pulses, distance=tolerance))


def table(data: xr.Dataset) -> str:
    """Return pulses, errors, time, energy and accuracy by tolerance (Markdown)."""
    lines = [
        "| pulses | tolerance (of g_max) | pulses/cell | reads/cell | failed (%) | rmse | time/cell (ns) "
        "| energy/cell (pJ) | accuracy (%) | after 1 s | after 1 h |",
        "|---|" + "---|" * 10,
    ]
    for p in PULSES:
        for t in TOLERANCES:
            cells = [
                f"{interval(_values(data, 'pulses_per_cell', t, p)):.2f}",
                f"{_values(data, 'reads_per_cell', t, p).mean():.2f}",
                f"{_values(data, 'failed', t, p).mean():.3g}",
                f"{_values(data, 'rmse', t, p).mean():.4f}",
                f"{1e9 * _values(data, 'time_per_cell', t, p).mean():.0f}",
                f"{1e12 * _values(data, 'energy_per_cell', t, p).mean():.1f}",
                f"{interval(_values(data, 'accuracy', t, p)):.2f}",
                *(f"{_values(data.sel(wait=w), 'waited_accuracy', t, p).mean():.2f}" for w in WAITS),
            ]
            lines.append(f"| {p} | {t:g} | " + " | ".join(cells) + " |")
    lines.append("")
    lines.append(
        f"In software {interval(data['float']):.2f} %; blind equal pulses "
        f"{interval(data.blind_accuracy):.2f} %. Times and energies are modelled: pulses of "
        f"{WRITE_VOLTAGE:g} V and {WRITE_WIDTH:.0e} s, reads and converters of `Timing`."
    )
    return "\n".join(lines)


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of section 6.2 of the review."""
    return [_of_verify(data), _of_noise(data), _of_pulses(data), _of_clock(data)]


def knee(data: xr.Dataset, loss: float = 0.2) -> float:
    """Return the widest tolerance of equal pulses whose mean accuracy is within a loss (pp) of software."""
    drop = float(data["float"].mean()) - data.accuracy.sel(pulses="equal").mean("seed")
    fine = [t for t in TOLERANCES if float(drop.sel(distance=t)) <= loss]
    return max(fine) if fine else math.nan


def _of_verify(data: xr.Dataset) -> Claim:
    base = np.asarray(data["float"])
    blind, fine = interval(base - data.blind_accuracy), interval(base - _values(data, "accuracy", 0.02))
    count = [float(_values(data, "pulses_per_cell", t).mean()) for t in TOLERANCES]
    monotone = bool(np.all(np.diff(count) >= 0.0))
    times = [1e9 * float(_values(data, "time_per_cell", t).mean()) for t in (0.02, 0.005)]
    better = interval(_values(data, "accuracy", 0.02) - np.asarray(data.blind_accuracy)).low > 0.0
    return Claim(
        id="S3-verify",
        sentence="Blind pulses are insufficient; write-verify is accurate but slow and takes much energy.",
        source="review, section 6.2",
        verdict="supports" if better and monotone else "open",
        ours=f"Blind pulses cost {blind:.1f} pp; tolerance .02 costs {fine:.2f} pp with {count[3]:.1f} "
        f"pulses and {times[0]:.0f} ns per cell, tolerance .005 takes {count[5]:.1f} pulses and "
        f"{times[1]:.0f} ns for nothing more. The knee is at {knee(data):g} of g_max.",
        accepted=fine.mean <= 0.2 and monotone and not math.isnan(knee(data)),
    )


def _of_noise(data: xr.Dataset) -> Claim:
    tight = [float(data.noise_rmse.sel(read_noise=n, distance=0.005).mean()) for n in READ_NOISE]
    ratio = [float(_values(data, "rmse", t).mean()) / t for t in TOLERANCES[1:4]]
    floor = tight[0] < tight[1] < tight[2]
    return Claim(
        id="S3-noise",
        sentence="The loop goes on until the conductance is within a specified tolerance.",
        source="review, section 6.2",
        verdict="corrects" if floor else "open",
        ours="It ends when a read is: rms errors are "
        + "/".join(f"{r:.2f}" for r in ratio)
        + f" of tolerances .1/.05/.02, and at .005 {tight[0]:.4f}/{tight[1]:.4f}/{tight[2]:.4f} of g_max "
        "with a read noise of 0/.005/.02: noise of reads is the floor, whatever the tolerance.",
        accepted=all(0.3 < r < 0.7 for r in ratio) and floor,
    )


def _of_pulses(data: xr.Dataset) -> Claim:
    fewer = interval(
        _values(data, "pulses_per_cell", 0.005) - _values(data, "pulses_per_cell", 0.005, "amplitude")
    )
    rough = interval(
        _values(data, "pulses_per_cell", 0.05) - _values(data, "pulses_per_cell", 0.05, "amplitude")
    )
    error = [float(_values(data, "rmse", 0.005, p).mean()) for p in PULSES]
    return Claim(
        id="S3-trains",
        sentence="Trains of identical pulses give more linear updates than amplitude modulation.",
        source="review, section 6.2",
        verdict="corrects" if fewer.low > 0.0 else "open",
        ours=f"With verification, choosing the amplitude saves {rough:.2f} pulses per cell at a tolerance "
        f"of .05 and {fewer:.2f} at .005, at rms errors of {error[1]:.4f} against {error[0]:.4f}. "
        "Linearity matters where nothing is verified (training, S1); amplitude modulation also needs a "
        "converter for writing, not counted here.",
        accepted=None,
    )


def _of_clock(data: xr.Dataset) -> Claim:
    same = float(data.clock_time) == float(data.summed_time)
    apart = abs(float(data.clock_pulses) - float(data.batch_pulses)) / float(data.clock_pulses_error)
    return Claim(
        id="S3-clock",
        sentence="A serial controller takes the sum of its pulses and reads.",
        source="closed form",
        verdict="supports" if same else "contradicts",
        ours=f"{ON_CLOCK} cells on the clock: {float(data.clock_time):.6g} s, sum "
        f"{float(data.summed_time):.6g} s; {float(data.clock_pulses):.2f} pulses per cell against "
        f"{float(data.batch_pulses):.2f} of all together, {apart:.1f} standard errors apart.",
        accepted=same and apart < 4.5,
    )


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw pulses, errors and accuracy against tolerance; return the files."""
    x = data.distance.values
    panels: list[Any] = []
    for name, label, form in (
        ("pulses_per_cell", "pulses per cell (1)", "both"),
        ("rmse", "rms distance / g_max (1)", "both"),
        ("accuracy", "accuracy (%)", True),
        ("energy_per_cell", "energy per cell, modelled (J)", "both"),
    ):
        curves = {p: data[name].sel(pulses=p).values for p in PULSES}
        panels.append(("tolerance / g_max (1)", label, x, curves, form))
    return [panel_lines(folder / "s3_write_verify.png", panels)]
