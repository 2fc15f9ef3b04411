"""Gap law in numpy: current, parameters from the features of a cycle, and motion for files that carry it.

The equation is in :mod:`.core`. Numpy only: exports to Python carry these functions with them. The motion of
cells in an array is compiled, in ``_gap.pyx``; tests compare both. Every function takes the numbers of a core
as a row: I0 (A), V0 (V), g0 (m), k (1/V), SET and RESET ramp (V/s), read voltage (V), edge e (m).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..typing import Floats


def amplitude_of(core: Any, gap: Any) -> Any:
    """Return ``A = I0 exp(-g/g0)`` (A) of a gap (m)."""
    return core[0] * np.exp(-gap / core[2])


def per_volt(voltage: Any, scale: Any) -> Any:
    """Return ``sinh(V/V0)/V`` (1/V), by which the amplitude is multiplied in a conductance; V and V0 in V."""
    return np.sinh(voltage / scale) / voltage


def current_of(amplitude: Any, voltage: Any, scale: float) -> tuple[Any, Any]:
    """Return the current ``A sinh(V/V0)`` (A) and its slope (S), with ``A = I0 exp(-g/g0)``, V0 in V."""
    sinh = np.sinh(voltage / scale)
    # cosh from sinh: half the time of both.
    return amplitude * sinh, amplitude / scale * np.sqrt(1.0 + sinh * sinh)


def gap_of(core: Any, resistance: Any, voltage: Any) -> Any:
    """Return the gap (m) that has a resistance (ohm) at a voltage (V), ``g0 ln(R I0 sinh(V/V0)/V)``."""
    return core[2] * np.log(np.asarray(resistance) * (core[0] * per_volt(voltage, core[1])))


def conductance_of(core: Any, gap: Any, voltage: Any) -> Any:
    """Return the conductance (S) that a gap (m) has at a voltage (V), ``I0 exp(-g/g0) sinh(V/V0)/V``."""
    return amplitude_of(core, gap) * per_volt(voltage, core[1])


def speeds(
    core: Any, way: Any, set_voltage: Any, reset_voltage: Any, at: tuple[Any, Any] | None = None
) -> tuple[Any, Any]:
    """Return the velocities of SET and RESET (m/s), or the speeds at two voltages.

    ``v_set = k b (g_max - g_min) / (2 (cosh(k V_SET) - 1))`` and
    ``v_reset = b (g0/V0) coth(|V_RESET|/V0) / sinh(k |V_RESET|)`` with the ramps b; a gap moves at
    ``v sinh(k |V|)``.

    Parameters
    ----------
    core : sequence of float
    way : array_like
        g_max - g_min of each cycle (m).
    set_voltage, reset_voltage : array_like
        V_SET and V_RESET of each cycle (V), both positive.
    at : tuple of array_like, optional
        Voltages of SET and RESET (V), both positive, at which the speeds are wanted.
    """
    _, v0, g0, k, set_ramp, reset_ramp, _, _ = core
    # Quotients in logarithms: hyperbolic sines of large arguments overflow.
    ln_set_drive, ln_reset_drive = (0.0, 0.0) if at is None else (ln_sinh(k * volts) for volts in at)
    closing = k * set_ramp * way / 2.0 * np.exp(ln_set_drive - _ln_cosh_less_1(k * set_voltage))
    opening = reset_ramp * g0 / v0 / np.tanh(reset_voltage / v0)
    return closing, opening * np.exp(ln_reset_drive - ln_sinh(k * reset_voltage))


def moved(distance: Any, way: Any) -> Floats:
    """Return the distance to a limit of the gap after a way, both over the edge e.

    ``dy/dway = -min(max(y, -1), 1)``: at constant speed down to a distance of 1, exponentially from there; a
    gap beyond its limit comes back to it.
    """
    distance, way = np.broadcast_arrays(np.asarray(distance, float), np.asarray(way, float))
    size = np.abs(distance)
    straight = np.maximum(size - 1.0, 0.0)
    beyond_edge = np.minimum(size, 1.0) * np.exp(-np.maximum(way - straight, 0.0))
    return np.asarray(np.copysign(np.where(way < straight, size - way, beyond_edge), distance))


def trains(law: Mapping[str, Any], drawn: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return conductances (S) before and after each pulse of a train up and of a train down.

    Up from the HRS of a cycle by pulses of one positive voltage, down from its LRS by negative ones; read at
    the read voltage. The motion is that of the rate equation, in closed form: the conductance grows and falls
    exponentially with the number of pulses, but for the edges.

    Parameters
    ----------
    law : mapping
        With ``core`` and ``pulses`` (number, SET voltage (V), its width (s), RESET voltage (V), its width
        (s)).
    drawn : mapping of ndarray
        ``hrs``, ``lrs``, ``set_voltage``, ``reset_voltage`` of any one shape.

    Returns
    -------
    up, down : ndarray, shape (..., number + 1)
    """
    core = law["core"]
    read_voltage, edge = core[6:]
    number, up_voltage, up_width, down_voltage, down_width = law["pulses"]
    high, low = (gap_of(core, np.asarray(drawn[name])[..., None], read_voltage) for name in ("hrs", "lrs"))
    volts = drawn["set_voltage"][..., None], -drawn["reset_voltage"][..., None]
    closing, opening = speeds(core, high - low, *volts, at=(up_voltage, -down_voltage))
    count, room = np.arange(int(number) + 1) / edge, (high - low) / edge
    closed = low + edge * moved(room, closing * up_width * count)
    opened = high - edge * moved(room, opening * down_width * count)
    return conductance_of(core, closed, read_voltage), conductance_of(core, opened, read_voltage)


def ln_sinh(x: Any) -> Any:
    """Return ln(sinh x) of x above 0, also where sinh x overflows."""
    return x + np.log(-0.5 * np.expm1(-2.0 * x))


def _ln_cosh_less_1(x: Any) -> Any:
    # cosh x - 1 = 2 sinh(x/2)^2
    return np.log(2.0) + 2.0 * ln_sinh(0.5 * x)
