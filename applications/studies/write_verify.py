"""Write-verify against precision, time and energy; what a cell's own cycles reach; equal or chosen pulses.

How close cells must be is a matter of the network alone. What brings them there: whole cycles as the card
draws them, or steps over ranges that somebody chose, since single pulses of a card are not asked yet. All
cells of all chips are programmed together by the rule of `frenkel.networks.write_verify`; the clock of
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

from frenkel import provenance
from frenkel.events.clock import PICOSECONDS, Clock, picoseconds
from frenkel.events.controller import Controller, Timing
from frenkel.events.programming import Cell, WriteOutcome, program_all
from frenkel.networks.array_pulses import LevelError, reach
from frenkel.networks.device_statistics import DeviceStatistics, card_of
from frenkel.networks.mapping import decode, encode
from frenkel.networks.perceptron import accuracy
from frenkel.networks.write_verify import ProgrammedCells, Pulses, StatisticalWriteVerify, WithinTolerance
from frenkel.typing import Floats

from .common.claims import Claim, claim, effect
from .common.data import Variables, interval, markdown, variable
from .common.draw import Panel, panel_lines
from .common.settings import Settings
from .methods import hardware
from .methods.cycling import by_cycles
from .methods.hardware import Effect, Setup

TITLE = "write-verify: precision, time, energy"
TOLERANCES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
PULSES: tuple[Pulses, ...] = ("equal", "amplitude")
STEPS = (0.02, 0.05, 0.1)
READ_NOISE = (0.0, 0.005, 0.02)
"""Ranges: accepted distance over g_max, mean change by a pulse over the window, noise of a read over g_max;
chosen."""

STEP, STEP_NOISE, NOISE = 0.05, 0.5, 0.005
"""Middle of the ranges: mean change by a pulse, its noise, noise of a read. Chosen."""

WAITS = (1.0, 1e4)
"""Times after programming (s) at which verified cells are asked again, where relaxation is told."""

VERIFIED = 0.02
"""Tolerance at which verified cells are compared with blind ones, and wait."""

WORTH, ALLOWED_LOSS = 0.5, 0.2
"""Gain that must be exceeded to matter, and loss that counts as none (pp). Chosen."""

WRITE_VOLTAGE, WRITE_WIDTH = 1.5, 50e-9
"""Of a pulse (V, s). Chosen."""

ON_CLOCK = 60
"""Cells programmed on the clock."""


def run(settings: Settings) -> xr.Dataset:
    """Return what programming takes and gives for all tolerances, steps and noises of reads.

    Pulses, reads, failures, errors, time, energy per cell and accuracies, by seed (means over chips).
    """
    setup, values = hardware.begin(settings)
    values |= {
        "pulses": variable("pulses", PULSES, "1", "equal, or of chosen amplitude"),
        "distance": variable("distance", TOLERANCES, "1", "accepted distance over g_max"),
        "step": variable("step", STEPS, "1", "mean change by a pulse over the window, chosen range"),
        "read_noise": variable("read_noise", READ_NOISE, "1", "noise of a read over g_max, chosen range"),
    }
    settings.progress(0.1, "tolerances")
    values |= _within(setup) | by_cycles(setup, TOLERANCES, _targets(setup)) | _by_pulses(setup)
    settings.progress(0.4, "ranges of pulses")
    values |= _tolerances(setup) | _side(setup)
    settings.progress(0.95, "on the clock")
    values |= _on_clock(settings, setup.device)
    return setup.finish(values, "write-verify", TITLE)


def _within(setup: Setup) -> Variables:
    """Return accuracy of cells within each tolerance, of blind pulses, and some time after verification."""
    accuracies = [
        setup.tested(setup.noise(_verified(setup.device, tolerance)), 12, k)
        for k, tolerance in enumerate(TOLERANCES)
    ]
    values: Variables = {
        "within_accuracy": variable("distance seed", accuracies, "%", "accuracy, cells within the tolerance")
    }
    if setup.device.knows("blind pulses"):
        blind = setup.tested(setup.noise(hardware.lognormal(setup.device.variability)), 14)
        words = "accuracy after one blind pulse a cell, by the spread of the cell"
        values["blind_accuracy"] = variable("seed", blind, "%", words)
    waits = [wait for wait in WAITS if wait <= setup.device.longest]
    if setup.device.knows("relaxation") and waits:
        verified = _verified(setup.device, VERIFIED)
        aged = [
            setup.tested(setup.noise(_then(verified, hardware.aged(setup.device, wait))), 19, k)
            for k, wait in enumerate(waits)
        ]
        values["wait"] = variable("wait", waits, "s", "time after programming")
        values["waited_accuracy"] = variable("wait seed", aged, "%", "accuracy some time after verification")
    return values


def _verified(device: DeviceStatistics, tolerance: float) -> Effect:
    """Return cells that end evenly within a tolerance."""
    scheme = WithinTolerance(tolerance)
    return lambda g, random: scheme.write(g, device, random).conductance


def _then(first: Effect, second: Effect) -> Effect:
    return lambda g, random: second(first(g, random), random)


def _by_pulses(setup: Setup) -> Variables:
    """Return what cells of a card reach by pulses in an array at :data:`VERIFIED`; nothing without a card."""
    card = card_of(setup.settings.cell)
    if card is None:
        return {}
    levels = np.concatenate([t.ravel() for t in _targets(setup)])
    try:
        found = reach(card, levels, VERIFIED * setup.device.g_max, setup.settings.seed)
    except LevelError as error:
        return {"pulse_levels": variable("", str(error), "", "why the cells do not have these levels")}
    if found is None:
        return {}
    ended = setup.tested(setup.noise(lambda g, random: found.write(g, setup.device, random).conductance), 21)
    return {
        "pulse_accuracy": variable("seed", ended, "%", "accuracy, cells end as those that pulses programmed"),
        "pulse_reached": variable("", 100.0 * found.fraction, "%", "cells that reach their level by pulses"),
        "pulse_missed": variable("", found.error, "S", "rms distance of the others from theirs"),
        "pulse_cells": variable("", found.near.size, "1", "cells programmed by pulses"),
    }


# ------------------------------------------------------------------ pulses over ranges


def _targets(setup: Setup) -> list[Floats]:
    """Return the conductances (S) that the weights of each layer ask for."""
    return [encode(w / hardware.scales(w), "pair", *setup.device.window) for w in setup.network.weights]


def _counts(done: list[ProgrammedCells], name: str) -> Floats:
    """Return the mean of a count over all cells of each network (seeds,)."""
    parts = [getattr(d, name).reshape(d.pulses.shape[0], -1) for d in done]
    return np.asarray(np.concatenate(parts, axis=1).mean(axis=1))


def _error(targets: list[Floats], done: list[ProgrammedCells], device: DeviceStatistics) -> Floats:
    """Return the rms distance of cells from their targets over g_max (seeds,)."""
    parts = [
        (d.conductance - t).reshape(t.shape[0], -1) / device.g_max for t, d in zip(targets, done, strict=True)
    ]
    return np.asarray(np.sqrt((np.concatenate(parts, axis=1) ** 2).mean(axis=1)))


def _accuracy(setup: Setup, done: list[Floats]) -> Floats:
    """Return the accuracy in percent (seeds,) of conductances of all layers."""
    network, test = setup.network, setup.test
    weights = [
        decode(g, "pair", *setup.device.window) * hardware.scales(w)
        for g, w in zip(done, network.weights, strict=True)
    ]
    return 100.0 * accuracy(network.logits(test.x, weights), test.y)


SWEPT = {
    "pulses_per_cell": ("1", "pulses per cell"),
    "reads_per_cell": ("1", "reads per cell"),
    "failed": ("%", "cells that did not reach their target"),
    "rmse": ("1", "rms distance from the target over g_max"),
    "accuracy": ("%", "accuracy"),
    "energy_per_cell": ("J", "energy per cell, modelled"),
}
"""Units and names of what the main sweep measures."""


def _tolerances(setup: Setup) -> Variables:
    """Return the main sweep: tolerances with both kinds of pulses."""
    settings, law = setup.settings, setup.device.changed(read_noise=NOISE)
    targets = _targets(setup)
    totals = {n: np.zeros((len(PULSES), len(TOLERANCES), settings.seeds)) for n in SWEPT}
    for i, pulses in enumerate(PULSES):
        for k, tolerance in enumerate(TOLERANCES):
            scheme = StatisticalWriteVerify(
                tolerance=tolerance, step=STEP, step_noise=STEP_NOISE, pulses=pulses
            )
            random = settings.random(12, i, k)
            for _ in range(settings.chips):
                write_outcomes = [scheme.write(t, law, random) for t in targets]
                for name, value in _measured(setup, targets, write_outcomes).items():
                    totals[name][i, k] += value / settings.chips
    sweep, (pulse_time, read_time) = "pulses distance seed", _times()
    time = totals["pulses_per_cell"] * pulse_time + totals["reads_per_cell"] * read_time
    return {name: variable(sweep, totals[name], *attributes) for name, attributes in SWEPT.items()} | {
        "time_per_cell": variable(sweep, time, "s", "time per cell, one after the other, modelled"),
    }


def _measured(setup: Setup, targets: list[Floats], done: list[ProgrammedCells]) -> dict[str, Any]:
    """Return what one chip per network took and gave, in the order of SWEPT."""
    return {
        "pulses_per_cell": _counts(done, "pulses"),
        "reads_per_cell": _counts(done, "reads"),
        "failed": 100.0 * (1.0 - _counts(done, "reached")),
        "rmse": _error(targets, done, setup.device),
        "accuracy": _accuracy(setup, [d.conductance for d in done]),
        "energy_per_cell": _energy(done),
    }


def _times() -> tuple[float, float]:
    """Return what a pulse and a read take (s)."""
    t = Timing()
    return t.driver_latency + WRITE_WIDTH, t.driver_latency + t.read_width + t.converter_latency


def _energy(done: list[ProgrammedCells]) -> float:
    """Return the energy per cell (J): V^2 G t of pulses and reads, and the conversions."""
    t = Timing()
    cells = sum(d.pulses.size for d in done)
    pulse_energy = WRITE_VOLTAGE**2 * WRITE_WIDTH * sum(d.pulse_sum for d in done)
    read_energy = t.read_voltage**2 * t.read_width * sum(d.read_sum for d in done)
    return (pulse_energy + read_energy + t.converter_energy * sum(int(d.reads.sum()) for d in done)) / cells


def _side(setup: Setup) -> Variables:
    """Return pulses and errors by step and by noise of reads, at all tolerances, one chip per seed."""
    sweeps = (
        ("step", "step", [(step, NOISE) for step in STEPS]),
        ("noise", "read_noise", [(STEP, noise) for noise in READ_NOISE]),
    )
    targets, variables = _targets(setup), Variables()
    for name, dim, values in sweeps:
        table = np.empty((2, len(values), len(TOLERANCES), setup.settings.seeds))
        for k, tolerance in enumerate(TOLERANCES):
            for i, (step, noise) in enumerate(values):
                law, random = setup.device.changed(read_noise=noise), setup.settings.random(13, i, k)
                scheme = StatisticalWriteVerify(tolerance=tolerance, step=step, step_noise=STEP_NOISE)
                write_outcomes = [scheme.write(t, law, random) for t in targets]
                table[:, i, k] = (
                    _counts(write_outcomes, "pulses"),
                    _error(targets, write_outcomes, setup.device),
                )
        variables[f"{name}_pulses"] = variable(f"{dim} distance seed", table[0], "1", "pulses per cell")
        variables[f"{name}_rmse"] = variable(f"{dim} distance seed", table[1], "1", "rms distance over g_max")
    return variables


# ------------------------------------------------------------------ on the clock


class StatisticalArray:
    """Cells that follow the law of `StatisticalWriteVerify`, behind a controller.

    Parameters
    ----------
    scheme : StatisticalWriteVerify
    device : DeviceStatistics
    count : int
        Cells, in one row.
    random : numpy.random.Generator
    """

    def __init__(
        self,
        scheme: StatisticalWriteVerify,
        device: DeviceStatistics,
        count: int,
        random: np.random.Generator,
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
    """The rule of `StatisticalWriteVerify` with equal pulses, cell by cell on the clock."""

    scheme: StatisticalWriteVerify
    g_max: float

    def program(self, cell: Cell, target: float) -> Generator[simpy.Event, Any, WriteOutcome]:
        """Bring a cell to a target (S)."""
        read_value = math.nan
        for pulses in range(self.scheme.limit + 1):
            read_value = yield from cell.read()
            if abs(read_value - target) <= self.scheme.tolerance * self.g_max:
                return WriteOutcome(True, pulses, read_value)
            if pulses < self.scheme.limit:
                yield from cell.pulse(WRITE_VOLTAGE if read_value < target else -WRITE_VOLTAGE, WRITE_WIDTH)
        return WriteOutcome(False, self.scheme.limit, read_value)


def _on_clock(settings: Settings, device: DeviceStatistics) -> Variables:
    """Return the time of a serial controller, by the clock and as a sum, and pulses of both ways."""
    law, random = device.changed(read_noise=NOISE), settings.random(15)
    scheme = StatisticalWriteVerify(tolerance=0.02, step=STEP, step_noise=STEP_NOISE)
    targets = law.g_min + random.random(ON_CLOCK) * 0.5 * (law.g_max - law.g_min)
    array = StatisticalArray(scheme, law, ON_CLOCK, random)
    controller = Controller(Clock(), array)
    outcomes: list[WriteOutcome] = []
    cells = [(controller.cell(0, j), float(t)) for j, t in enumerate(targets)]
    controller.clock.run(controller.clock.process(program_all(cells, OnClock(scheme, law.g_max), outcomes)))
    t = controller.timing
    latency = picoseconds(t.driver_latency)
    total = controller.pulses * (latency + picoseconds(WRITE_WIDTH)) + controller.reads * (
        latency + picoseconds(t.read_width) + picoseconds(t.converter_latency)
    )
    many = scheme.write(np.tile(targets, 200), law, random).pulses
    clock, pulses = controller.clock.seconds, np.mean([o.pulses for o in outcomes])
    error = many.std() / np.sqrt(ON_CLOCK)
    return {
        "clock_time": variable("", clock, "s", "time of a serial controller, by its clock"),
        "summed_time": variable("", total / PICOSECONDS, "s", "the same as a sum of pulses and reads"),
        "clock_energy": variable("", controller.meter.total, "J", "energy of those cells, modelled"),
        "clock_pulses": variable("", pulses, "1", "pulses per cell on the clock"),
        "clock_pulses_error": variable("", error, "1", "standard error of their mean"),
        "batch_pulses": variable("", many.mean(), "1", "pulses per cell, all together"),
    }


# ------------------------------------------------------------------ what it says


def _values(data: xr.Dataset, name: str, tolerance: float, pulses: str = "equal") -> Floats:
    return np.asarray(data[name].sel(pulses=pulses, distance=tolerance))


COLUMNS = (
    ("reads/cell", "reads_per_cell", 1.0, ".2f"),
    ("failed (%)", "failed", 1.0, ".3g"),
    ("rmse", "rmse", 1.0, ".4f"),
    ("time/cell (ns)", "time_per_cell", 1e9, ".0f"),
    ("energy/cell (pJ)", "energy_per_cell", 1e12, ".1f"),
)
"""Heads, variables, factors and forms of the columns of the table that hold means."""


def table(data: xr.Dataset) -> str:
    """Return accuracy by tolerance, what cycles reach, and pulses over the chosen ranges (Markdown)."""
    settings = provenance.read(data.attrs.get("provenance"), "study write-verify")["configuration"]
    tables = [markdown(*_reached(data)), [_notes(data, str(settings.get("device_source")))]]
    rows = []
    for p in PULSES:
        for t in TOLERANCES:
            means = [f"{factor * _values(data, n, t, p).mean():{form}}" for _, n, factor, form in COLUMNS]
            pulses, hits = (interval(_values(data, n, t, p)) for n in ("pulses_per_cell", "accuracy"))
            rows.append([p, f"{t:g}", f"{pulses:.2f}", *means, f"{hits:.2f}"])
    columns = ["pulses", "tolerance (of g_max)", "pulses/cell", *(head for head, *_ in COLUMNS)]
    tables.append(markdown([*columns, "accuracy (%)"], rows))
    steps = [
        [f"{t:g}", *(f"{interval(data.step_pulses.sel(step=s, distance=t)):.1f}" for s in STEPS)]
        for t in TOLERANCES
    ]
    tables.append(markdown(["tolerance", *(f"pulses/cell, steps of {s:g}" for s in STEPS)], steps))
    return "\n\n".join("\n".join(lines) for lines in tables)


def _reached(data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the table of what the network asks for, and what the cell's cycles reach."""
    columns, rows = ["tolerance (of g_max)", "accuracy within it (%)"], []
    cycled = "cycle_reached" in data
    for t in TOLERANCES:
        row = [f"{t:g}", f"{interval(data.within_accuracy.sel(distance=t)):.2f}"]
        if cycled:
            parts = (("cycle_reached", ".1f"), ("cycle_pulses", ".1f"), ("cycle_accuracy", ".1f"))
            row += [f"{interval(data[name].sel(distance=t)):{form}}" for name, form in parts]
        rows.append(row)
    if cycled:
        columns += ["reached by whole cycles (%)", "pulses/cell", "accuracy then (%)"]
    return columns, rows


def _notes(data: xr.Dataset, source: str) -> str:
    parts = [f"In software {interval(data['float']):.2f} %."]
    if "blind_accuracy" in data:
        parts.append(f"After one blind pulse a cell ({source}) {interval(data.blind_accuracy):.2f} %.")
    if "cycle_reached" in data:
        parts.append(
            f"Whole cycles: RESET and SET of {source} in turn, up to {int(data.cycles)} times, until a "
            "read is near."
        )
    if "pulse_reached" in data:
        parts.append(
            f"By the pulses of array_write_verify {float(data.pulse_reached):.0f} % of "
            f"{int(data.pulse_cells)} cells of {source} reach their level to {VERIFIED:g}; the others miss "
            f"it by {float(data.pulse_missed) * 1e6:.3g} uS rms. Networks of such cells: "
            f"{interval(data.pulse_accuracy):.2f} %."
        )
    if "pulse_levels" in data:
        parts.append(f"By pulses none of this is reached: {data.pulse_levels.item()}.")
    if "waited_accuracy" in data:
        waited = ", ".join(
            f"{w:g} s {interval(data.waited_accuracy.sel(wait=w)):.2f} %" for w in data.wait.values
        )
        parts.append(f"Verified to {VERIFIED:g}, then relaxed as {source}: {waited}.")
    parts.append(
        f"Below: pulses over ranges that somebody chose (steps of {STEP:g} of the window unless said, half "
        f"of that as noise, reads of {NOISE:g}); single pulses of a card are not asked. Means are over all "
        "cells, of which half rest at g_min, the smaller ones of pairs. Times and energies are modelled: "
        f"{WRITE_VOLTAGE:g} V and {WRITE_WIDTH:.0e} s, reads and converters of `Timing`."
    )
    return " ".join(parts)


def claims(data: xr.Dataset) -> list[Claim]:
    """Return what the numbers say of section 6.2 of the review."""
    blind = [_of_verify(data)] if "blind_accuracy" in data else []
    return [*blind, _of_noise(data), _of_pulses(data), _of_clock(data)]


def knee(data: xr.Dataset) -> float:
    """Return the widest tolerance whose mean accuracy is within the allowed loss, NaN if none is."""
    drop = float(data["float"].mean()) - data.within_accuracy.mean("seed")
    tolerable = [t for t in TOLERANCES if float(drop.sel(distance=t)) <= ALLOWED_LOSS]
    return max(tolerable) if tolerable else math.nan


def _of_verify(data: xr.Dataset) -> Claim:
    base, hits = np.asarray(data["float"]), np.asarray(data.within_accuracy.sel(distance=VERIFIED))
    blind = np.asarray(data.blind_accuracy)
    better, loss_margin = effect(hits - blind, WORTH), effect(ALLOWED_LOSS - (base - hits))
    sentence = "not asked: there is no card"
    if "cycle_reached" in data:
        within = interval(data.cycle_reached.sel(distance=VERIFIED))
        sentence = (
            f"{within:.1f} % of cells, with {interval(data.cycle_pulses.sel(distance=VERIFIED)):.0f} pulses"
        )
    return claim(
        "write-verify-blind", [better, loss_margin], blind=interval(base - blind), fine=interval(base - hits),
        knee=knee(data), reached=sentence,
    )  # fmt: skip


def _of_noise(data: xr.Dataset) -> Claim:
    """The loop looks at reads: that their noise is left is in its rule."""
    tight = [float(data.noise_rmse.sel(read_noise=n, distance=0.005).mean()) for n in READ_NOISE]
    ratio = [float(_values(data, "rmse", t).mean()) / t for t in TOLERANCES[1:4]]
    return claim("write-verify-noise", None, ratio=ratio, tight=tight)


def _of_pulses(data: xr.Dataset) -> Claim:
    """If equal pulses served better, choosing the amplitude would save none."""

    def saved(tolerance: float) -> Floats:
        equal, chosen = (_values(data, "pulses_per_cell", tolerance, p) for p in PULSES)
        return equal - chosen

    error = [float(_values(data, "rmse", 0.005, p).mean()) for p in PULSES]
    return claim(
        "write-verify-trains", [effect(-saved(0.05)), effect(-saved(0.005))], fewer=interval(saved(0.005)),
        rough=interval(saved(0.05)), error=error,
    )  # fmt: skip


def _of_clock(data: xr.Dataset) -> Claim:
    clock, summed, pulses, batch, error = (
        float(data[name])
        for name in ("clock_time", "summed_time", "clock_pulses", "batch_pulses", "clock_pulses_error")
    )
    return claim(
        "write-verify-clock", None, cells=ON_CLOCK, clock=clock, summed=summed, pulses=pulses, batch=batch,
        apart=abs(pulses - batch) / error,
    )  # fmt: skip


def draw(data: xr.Dataset, folder: Path) -> list[Path]:
    """Draw pulses, errors and accuracy against tolerance; return the files."""
    x = data.distance.values
    panels: list[Panel] = []
    for name, label, form in (
        ("pulses_per_cell", "pulses per cell", "both"),
        ("rmse", "rms distance / g_max", "both"),
        ("accuracy", "accuracy / %", True),
        ("energy_per_cell", "energy per cell, modelled / J", "both"),
    ):
        curves: dict[str, Floats] = {p: data[name].sel(pulses=p).values for p in PULSES}
        panels.append(("tolerance / g_max", label, x, curves, form))
    return [panel_lines(folder / "write_verify.png", panels)]
