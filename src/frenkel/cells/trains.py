"""Conductances of the cells of a card after each of a train of equal pulses, by its rate equation.

The gap of :mod:`.core` moves at constant speed under a constant voltage, so that the conductance grows and
falls exponentially with the number of pulses. Numpy only; exports to Python carry these functions with them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..typing import Floats


def advance(room: Any, travel: Any, edge: float) -> Floats:
    """Return the distance to a gap limit (m) after a constant voltage.

    ``dr/dt = -v min(r/e, 1)``: at constant speed up to the distance e, and exponentially from there.

    Parameters
    ----------
    room : array_like
        Distance before (m).
    travel : array_like
        Speed times time (m), broadcast against ``room``.
    edge : float
        e (m).
    """
    room, travel = np.broadcast_arrays(np.asarray(room, float), np.asarray(travel, float))
    straight = np.maximum(room - edge, 0.0)
    rest = np.maximum(travel - straight, 0.0)
    return np.asarray(
        np.where(travel < straight, room - travel, np.minimum(room, edge) * np.exp(-rest / edge))
    )


def trains(law: Mapping[str, Any], drawn: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return conductances (S) before and after each pulse of a train up and of a train down.

    Up from the HRS of a cycle by pulses of one positive voltage, down from its LRS by negative ones; read at
    the read voltage. The motion is that of the rate equation, in closed form.

    Parameters
    ----------
    law : mapping
        With ``core`` (I0 (A), V0 (V), g0 (m), k (1/V), SET and RESET ramp (V/s), read voltage (V), edge (m))
        and ``pulses`` (number, SET voltage (V), its width (s), RESET voltage (V), its width (s)).
    drawn : mapping of ndarray
        ``hrs``, ``lrs``, ``set_voltage``, ``reset_voltage`` of any one shape.

    Returns
    -------
    up, down : ndarray, shape (..., number + 1)
    """
    i0, v0, g0, k, set_ramp, reset_ramp, read, edge = law["core"]
    number, up_voltage, up_width, down_voltage, down_width = law["pulses"]
    unit = i0 * np.sinh(read / v0) / read
    high, low = (g0 * np.log(np.asarray(drawn[name])[..., None] * unit) for name in ("hrs", "lrs"))
    up_at, down_at = drawn["set_voltage"][..., None], -drawn["reset_voltage"][..., None]
    count = np.arange(int(number) + 1)
    # Both quotients in logarithms: the hyperbolic sines of large arguments overflow.
    closing = k * set_ramp * (high - low) * np.exp(_ln_sinh(k * up_voltage) - _ln_cosh_less_1(k * up_at)) / 2
    opening = reset_ramp * g0 / v0 / np.tanh(down_at / v0)
    opening = opening * np.exp(_ln_sinh(-k * down_voltage) - _ln_sinh(k * down_at))
    closed = low + advance(high - low, closing * up_width * count, edge)
    opened = high - advance(high - low, opening * down_width * count, edge)
    return unit * np.exp(-closed / g0), unit * np.exp(-opened / g0)


def _ln_sinh(x: Any) -> Any:
    return x + np.log(-0.5 * np.expm1(-2.0 * x))


def _ln_cosh_less_1(x: Any) -> Any:
    # cosh x - 1 = 2 sinh(x/2)^2
    return np.log(2.0) + 2.0 * _ln_sinh(0.5 * x)
