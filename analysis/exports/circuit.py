"""Cards for circuit simulators: Verilog-A, an ngspice subcircuit, a VACASK netlist, sources that draw cycles.

The circuit models are plain rate equations: the state on an internal node as an offset from an instance
parameter, no random numbers, no events, nothing kept in a variable, every exponential finite at any iterate.
Beyond a gap limit the motion turns round, so that a solver whose step was too long for an abrupt edge comes
back. Devices differ by the instance parameters ``lnhrs``, ``lnlrs``, ``vset``, ``vreset``; cycles by voltages
of the terminals h, l, s and r against ground, which are added to them. Grounded, they leave a cell without
variability. :func:`sources` and :func:`draws` write piecewise linear sources that draw them from the card.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...cells.card import Card, CardWarning
from ...cells.core import GapCore, average
from ...typing import Floats
from .templates import fill, made_for, signature

REST = 0.05
"""Fraction of a cycle at 0 V before its ramps, in which the draws change."""

SPARE = 4
"""Times as many devices as are asked for, with twice the cycles, of which those with a window are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportDraws:
    """Which devices and cycles an export holds.

    Parameters
    ----------
    devices, cycles : int
        At least 1.
    seed : int
        Of ``card.sample(devices, cycles, seed)``.
    """

    devices: int = 1
    cycles: int = 10
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Ramps:
    """RESET and SET ramps of one cycle as in the ensemble, after a rest.

    Parameters
    ----------
    reset, set : float
        Where the ramps turn (V), both positive.
    reset_rate, set_rate : float
        (V/s), positive.
    """

    reset: float
    set: float
    reset_rate: float
    set_rate: float

    @property
    def legs(self) -> Floats:
        """Times of the corners of a cycle (s): 0, end of the rest, RESET, 0 V, SET, 0 V."""
        reset_time, set_time = self.reset / self.reset_rate, self.set / self.set_rate
        pause = REST * 2.0 * (reset_time + set_time)
        return np.cumsum([0.0, pause, reset_time, reset_time, set_time, set_time])

    def wave(self, cycles: int) -> tuple[Floats, Floats]:
        """Return times (s) and voltages (V) of the corners of cycles."""
        legs = self.legs
        times = (legs[-1] * np.arange(cycles)[:, None] + legs[:-1]).ravel()
        volts = np.tile([0.0, 0.0, -self.reset, 0.0, self.set], cycles)
        return np.append(times, legs[-1] * cycles), np.append(volts, 0.0)


def ramps(card: Card, drawn: Mapping[str, Floats]) -> Ramps:
    """Return ramps as in the ensemble: to the ends of the voltage box, or 1.3 times as far as was drawn.

    Raises
    ------
    ValueError
        The card has no core.
    """
    core = GapCore.of(card)
    needed = (-float(np.min(drawn["reset_voltage"])), float(np.max(drawn["set_voltage"])))
    low, high = card.validity.get("voltage", (0.0, 0.0))
    low_limit, high_limit = (
        box if box > 0 else 1.3 * needed_end for box, needed_end in zip((-low, high), needed, strict=True)
    )
    return Ramps(low_limit, high_limit, core.reset_ramp, core.set_ramp)


def to_verilog_a(card: Card) -> str:
    """Return a Verilog-A module ``frenkel_cell(p, n, h, l, s, r)``.

    Raises
    ------
    ValueError
        The card has no core.
    """
    return fill("verilog_a.va", header=_header(card, "//"), **_numbers(GapCore.of(card)), **average(card))


def to_ngspice(card: Card) -> str:
    """Return an ngspice subcircuit ``frenkel_cell p n h l s r``, the equations of :func:`to_verilog_a`.

    Raises
    ------
    ValueError
        The card has no core.
    """
    return fill("ngspice.sub", header=_header(card, "*"), **_numbers(GapCore.of(card)), **average(card))


def to_vacask(card: Card, draws: ExportDraws | None = None) -> str:
    """Return a VACASK netlist: the Verilog-A module, devices with their cycles, ramps, a transient analysis.

    Each device is cycled by a source of its own as in the ensemble, RESET first; ``flow(br)`` of the source
    ``v0`` is the current of device 0. VACASK writes the module beside the netlist and compiles it.

    Parameters
    ----------
    card : Card
    draws : ExportDraws, optional
        Ten cycles of one device by default.

    Raises
    ------
    ValueError
        The card has no core, or a drawn cycle does not fit it.
    """
    draws = draws or ExportDraws()
    sampled = draw(card, draws)
    ramp = ramps(card, sampled)
    times, volts = ramp.wave(draws.cycles)
    leg = float(np.diff(ramp.legs)[1:].min())
    wave = _vacask_wave(times, volts)
    lines = []
    for d in range(draws.devices):
        lines.append(f'v{d} (p{d} 0) vsource type="pwl" wave={wave}')
        for name, values in offsets(card, {k: v[d] for k, v in sampled.items()}).items():
            steps = _vacask_wave(*_steps(ramp.legs[-1] * np.arange(draws.cycles), values))
            lines.append(f'v{name}{d} ({name}{d} 0) vsource type="pwl" wave={steps}')
        lines.append(f"x{d} (p{d} 0 h{d} l{d} s{d} r{d}) cell")
    saved_gaps = " ".join(f"p(x{d},g)" for d in range(draws.devices))
    return fill(
        "vacask.sim",
        title=f"{signature(card)}, {draws.devices} devices, {draws.cycles} cycles",
        header=_header(card, "//"),
        circuit="\n".join(lines),
        saved=saved_gaps,
        step=leg / 200.0,
        stop=float(times[-1]),
        module=to_verilog_a(card),
    )


def draw(card: Card, draws: ExportDraws) -> dict[str, Floats]:
    """Return what an export draws: the sample of the card, but for cycles that its core cannot show.

    Those are without a window, or have a voltage of the wrong sign. Where the sample has any, each device
    takes the next cycle that it can, and a device with too few of them is passed over: the cells of a circuit
    work.

    Raises
    ------
    ValueError
        No core, or of :data:`SPARE` times as many devices too few have cycles that a core can show.
    """
    core = GapCore.of(card)
    sampled = _sample(card, draws.devices, draws.cycles, draws.seed)
    if core.shows(sampled).all():
        return sampled
    sampled = _sample(card, SPARE * draws.devices, 2 * draws.cycles, draws.seed)
    is_shown = core.shows(sampled)
    devices = np.flatnonzero(is_shown.sum(axis=1) >= draws.cycles)[: draws.devices]
    if len(devices) < draws.devices:
        raise ValueError(
            "hrs must be well above lrs, set_voltage above and reset_voltage below 0 V, in "
            f"{draws.cycles} of {2 * draws.cycles} cycles of {draws.devices} of {SPARE * draws.devices} "
            f"devices: only {len(devices)} have them"
        )
    # The places of the first good cycles: those that are not come last, in their order otherwise.
    first = np.argsort(~is_shown[devices], axis=1, kind="stable")[:, : draws.cycles]
    return {name: np.take_along_axis(values[devices], first, axis=1) for name, values in sampled.items()}


def _sample(card: Card, devices: int, cycles: int, seed: int) -> dict[str, Floats]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CardWarning)
        return card.sample(devices, cycles, seed)


def sources(card: Card, times: Floats, seed: int) -> tuple[str, dict[str, Floats]]:
    """Return piecewise linear ngspice sources that draw the cycles of one device, and what they draw.

    Parameters
    ----------
    card : Card
    times : ndarray
        When each cycle begins (s), ascending; the device must be at 0 V then, so that nothing moves.
    seed : int
        Seed of ``card.sample(1, len(times), seed)``.

    Returns
    -------
    text : str
        Sources of the nodes h, l, s and r, for instance parameters at their defaults.
    drawn : dict of str to ndarray
        The features of each cycle.
    """
    begin = np.asarray(times, float)
    if begin.ndim != 1 or begin.size < 1 or np.any(np.diff(begin) <= 0):
        raise ValueError("times must be one row of ascending values in s")
    one_device = draw(card, ExportDraws(devices=1, cycles=begin.size, seed=seed))
    sampled = {name: values[0] for name, values in one_device.items()}
    return source_lines(card, begin, sampled), sampled


def source_lines(card: Card, times: Floats, drawn: Mapping[str, Floats]) -> str:
    """Return ngspice sources of the nodes h, l, s, r for cycles of one device, beginning at times (s)."""
    lines = []
    for name, values in offsets(card, drawn).items():
        step_times, volts = _steps(times, values)
        body = " ".join(f"{t:.9g} {v:.9g}" for t, v in zip(step_times, volts, strict=True))
        value = f"pwl({body})" if len(times) > 1 else f"dc {volts[0]:.9g}"
        lines.append(f"v{name} {name} 0 {value}")
    return "\n".join(lines) + "\n"


def cycles_subcircuits(card: Card, draws: ExportDraws) -> str:
    """Return ngspice subcircuits ``frenkel_cycles_0 p h l s r``, ...: ramps and draws of each device.

    Raises
    ------
    ValueError
        As :func:`draw`.
    """
    sampled = draw(card, draws)
    ramp = ramps(card, sampled)
    corner, volts = ramp.wave(draws.cycles)
    drive = " ".join(f"{t:.9g} {v:.9g}" for t, v in zip(corner, volts, strict=True))
    step = float(np.diff(ramp.legs)[1:].min()) / 200.0
    lines = [f"* run with .tran {step:.4g} {corner[-1]:.6g} 0 {step:.4g}"]
    for d in range(draws.devices):
        cycle = {name: values[d] for name, values in sampled.items()}
        lines += [f".subckt frenkel_cycles_{d} p h l s r", f"vp p 0 pwl({drive})"]
        lines += [source_lines(card, ramp.legs[-1] * np.arange(draws.cycles), cycle).rstrip(), ".ends"]
    return "\n".join(lines) + "\n"


def offsets(card: Card, drawn: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the voltages of h, l, s and r that turn the average device into the cycles that were drawn."""
    middle = average(card)
    return {
        "h": np.log(drawn["hrs"]) - middle["lnhrs"],
        "l": np.log(drawn["lrs"]) - middle["lnlrs"],
        "s": drawn["set_voltage"] - middle["vset"],
        "r": -drawn["reset_voltage"] - middle["vreset"],
    }


def _steps(times: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return corners of a voltage that jumps to each value at its time."""
    # A thousandth of the shortest cycle for each step.
    rise = 1e-3 * float(np.diff(times).min(initial=1.0))
    corner_times = np.stack([times[1:] - rise, times[1:]], axis=1).ravel()
    volts = np.stack([values[:-1], values[1:]], axis=1).ravel()
    return np.concatenate([times[:1], corner_times]), np.concatenate([values[:1], volts])


def _vacask_wave(times: Floats, volts: Floats) -> str:
    body = ", ".join(f"{t:.9g},{v:.9g}" for t, v in zip(times, volts, strict=True))
    return f"[{body}]"


def _numbers(core: GapCore) -> dict[str, float]:
    """Return the parameters of the core in the units of the circuit models: lengths in nm."""
    return {
        "i0": core.current_prefactor,
        "v0": core.voltage_scale,
        "g0": core.gap_scale * 1e9,
        "drive": core.drive,
        "sramp": core.set_ramp,
        "rramp": core.reset_ramp,
        "lnk": float(np.log(core.conductance(0.0))),
        "edge": core.edge * 1e9,
    }


def _header(card: Card, mark: str) -> str:
    lines = [
        f"frenkel_cell: {signature(card)}",
        "I = i0 exp(-g/g0) sinh(v/v0); the gap g [nm] closes for v(p,n) > 0 and opens below 0",
        "Devices: instance parameters. Cycles: v(h) and v(l) are added to lnhrs and lnlrs (ln of ohm), v(s)",
        "and v(r) to vset and vreset (V, both positive). They may change while v(p,n) = 0 only.",
        made_for(card),
    ]
    return "\n".join(f"{mark} {line}" for line in lines)
